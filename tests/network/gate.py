"""A TCP proxy between two sides of a test, so that the wire can be cut under them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Gate:
    """Forwards bytes to one address. `url`: where it listens. `passed`: how many connections it has let through."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._open: set[asyncio.StreamWriter] = set()
        self.url = ""
        self.passed = 0

    def cut(self) -> None:
        """Break every connection that is open, without a farewell; new ones are let through."""
        for writer in list(self._open):
            writer.transport.abort()

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self.passed += 1
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        both = {writer, far_writer}
        self._open |= both
        try:
            ways = [asyncio.create_task(_copy(reader, far_writer)), asyncio.create_task(_copy(far_reader, writer))]
            _, other = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in other:
                way.cancel()
        finally:
            self._open -= both
            for one in both:
                one.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        return


@asynccontextmanager
async def gate_to(target: str) -> AsyncIterator[Gate]:
    """A gate before this URL's host and port, until the block is left."""
    gate = Gate(target)
    server = await asyncio.start_server(gate.enter, "127.0.0.1", 0)
    gate.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield gate
    finally:
        server.close()
        gate.cut()
