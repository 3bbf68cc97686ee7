"""Load from one process: keep-alive connections over mutual TLS, with as little client as can be.

A client that is slower than the servers would make all servers look alike; so requests are bytes that were made before
the clock starts, and of an answer only status and length are read.
"""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit


def request(method: str, url: str, headers: Mapping[str, str], body: object = None) -> bytes:
    """The bytes of one request; the body is JSON."""
    place = urlsplit(url)
    content = b"" if body is None else json.dumps(body).encode()
    lines = {"Host": place.netloc, "Content-Length": str(len(content)), **headers}
    if content:
        lines["Content-Type"] = "application/json"
    target = f"{place.path}?{place.query}" if place.query else place.path
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + content


class Connection:
    """One connection that stays open."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        place = urlsplit(url)
        plain = socket.create_connection((place.hostname or "", place.port or 443))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain, server_hostname=place.hostname)

    def send(self, sent: bytes) -> bytes:
        """The body of the answer. Raises RuntimeError where it is no success."""
        self._socket.sendall(sent)
        head, _, body = self._until_head().partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        parts, length = [body], int(headers["content-length"]) - len(body)
        while length > 0:
            part = self._more()
            parts.append(part)
            length -= len(part)
        whole = b"".join(parts)
        if not first.startswith("HTTP/1.1 2"):
            raise RuntimeError(f"{first}: {whole[:300]!r}")
        return whole

    def _until_head(self) -> bytes:
        received = self._more()
        while b"\r\n\r\n" not in received:
            received += self._more()
        return received

    def _more(self) -> bytes:
        part = self._socket.recv(262_144)
        if not part:
            raise RuntimeError("the server closed the connection")
        return part

    def close(self) -> None:
        """Close it."""
        self._socket.close()


@contextlib.contextmanager
def connections(url: str, context: ssl.SSLContext, count: int) -> Iterator[list[Connection]]:
    """So many connections to one server."""
    opened = [Connection(url, context) for _ in range(count)]
    try:
        yield opened
    finally:
        for one in opened:
            one.close()


def seconds_each(opened: Sequence[Connection], requests: Sequence[bytes]) -> float:
    """Send all requests, dealt out among the connections, each as soon as its last answer is there: seconds a request.

    Raises what went wrong in any of them.
    """
    failures: list[Exception] = []

    def work(connection: Connection, share: Sequence[bytes]) -> None:
        try:
            for one in share:
                connection.send(one)
        except Exception as error:  # noqa: BLE001  # raised again below, by the thread that measures
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(connection, requests[index :: len(opened)]))
        for index, connection in enumerate(opened)
    ]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - begin
    if failures:
        raise failures[0]
    return taken / len(requests)
