"""Platforms served by `evroam serve` in processes of their own, and the commands that administer them."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from app.commands import app

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60.0


@dataclass
class Served:
    """A platform in a process of its own, and what it printed first."""

    process: subprocess.Popen[bytes]
    data: Path
    addresses: dict[str, Any]

    def stop(self, wanted: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it; exit code and what it said on its error stream."""
        self.process.send_signal(wanted)
        _, said = self.process.communicate(timeout=READY_WITHIN)
        return self.process.returncode, said.decode()


@contextmanager
def served(data: Path, *arguments: str) -> Iterator[Served]:
    """`evroam serve` with these arguments, once it has printed its addresses; killed at the end if it still runs."""
    process = begin(data, *arguments)
    try:
        yield Served(process, data, first_line(process))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def begin(data: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start `evroam serve`; wait for it by `first_line`."""
    return subprocess.Popen(
        [sys.executable, "-m", "app", "serve", *arguments, "--data", str(data), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )


def first_line(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The addresses that a platform prints when it is ready."""
    assert process.stdout is not None
    line, until = b"", time.monotonic() + READY_WITHIN
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], max(until - time.monotonic(), 0))
        piece = os.read(process.stdout.fileno(), 65536) if ready else b""
        assert piece, f"the platform says nothing: {line!r} {process.communicate()[1]!r}"
        line += piece
    addresses: dict[str, Any] = json.loads(line)
    return addresses


def evroam(*arguments: str, input: str | None = None) -> Result:
    """Run a command in this process; whatever ends it is an exit code, never another exception."""
    result = CliRunner().invoke(app, list(arguments), input=input)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def evroam_json(*arguments: str) -> Any:
    """What a command that succeeds prints as JSON."""
    result = evroam(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
