"""What platforms remember beside their stores: the ports they were reached at, and the demo clock."""

import asyncio
import json
import socket
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from core.clock import Clock, DemoClock, WallClock
from core.endpoint.serving import listen
from core.errors import InvalidInput

log = structlog.get_logger(__name__)

_WALL = WallClock()


class Memory:
    """One small file, written whole or not at all."""

    def __init__(self, file: Path, ports: dict[str, int], demo_now: datetime | None, wall_now: datetime | None) -> None:
        self._file = file
        self._ports = ports
        self._demo_now = demo_now
        self._wall_now = wall_now

    @classmethod
    def load(cls, file: Path) -> "Memory":
        """What was kept; a file that cannot be read is as good as none."""
        try:
            kept = json.loads(file.read_text("utf-8"))
            moments = [datetime.fromisoformat(kept[name]) for name in ("demo_now", "wall_now")]
            return cls(file, {str(name): int(port) for name, port in kept["ports"].items()}, *moments)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(file, {}, None, None)

    def demo_clock(self, speed: float) -> DemoClock:
        """A demo clock that goes on: while nothing ran, demo time passed as fast as on the wall."""
        now = _WALL.now()
        if self._demo_now is None or self._wall_now is None:
            return DemoClock(now, speed)
        passed = max(now - self._wall_now, timedelta())
        return DemoClock(self._demo_now + passed + timedelta(seconds=speed), speed)

    def clock(self, speed: float) -> Clock:
        """The wall clock at speed 1, else a demo clock; and a demo clock that ran ahead is never put back."""
        ahead = self._demo_now is not None and self._wall_now is not None and self._demo_now > self._wall_now
        return self.demo_clock(speed) if ahead or speed != 1 else _WALL

    def listen(self, name: str, host: str) -> socket.socket:
        """A socket at the port that the platform had before, else at a free one."""
        before = self._ports.get(name)
        try:
            listener = listen(host, before or 0)
        except OSError:
            listener = listen(host, 0)
        self._ports[name] = listener.getsockname()[1]
        return listener

    def listen_at(self, name: str, host: str, port: int | None) -> socket.socket:
        """A socket at this port (None: the one it had before, else a free one). Raises InvalidInput where it is taken.

        Partners know the port, so a platform that runs by itself never moves silently.
        """
        wanted = self._ports.get(name, 0) if port is None else port
        try:
            listener = listen(host, wanted)
        except OSError as error:
            raise InvalidInput(
                f"Port {wanted} of {host} cannot be used for {name}: {error.strerror or error}.",
                code="port_taken",
                next_step="Stop the program that uses it, or choose another host or port.",
            ) from error
        self._ports[name] = listener.getsockname()[1]
        return listener

    def save(self, demo_now: datetime) -> None:
        """Keep it, whole or not at all."""
        text = json.dumps(
            {"ports": self._ports, "demo_now": demo_now.isoformat(), "wall_now": _WALL.now().isoformat()}, indent=1
        )
        new = self._file.with_suffix(".new")
        new.write_text(text, "utf-8")
        new.replace(self._file)

    async def keep(self, clock: Clock) -> None:
        """Keep it every second."""
        while True:
            try:
                self.save(clock.now())
            except OSError as error:
                log.warning("memory_not_saved", file=self._file.name, reason=str(error))
            await asyncio.sleep(1)
