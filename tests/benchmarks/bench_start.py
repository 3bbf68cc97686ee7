"""How long the program takes to start, beside a bare Python and a bare Textual app; run it by hand.

    python -m tests.benchmarks.bench_start [rounds]

Everything is a process of its own, from its launch on. The app runs in a terminal of its own (120 x 40) as `evroam`
does, with the embedded network over a data folder: one that is new for the first start, and one that has been used.
Painted: the first words of its screen have been written. Live: so has that the home-CSP answers.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measuring import Compared, compare, print_table, stopwatch

PATIENCE_SECONDS = 60
APP_WORDS = ("Charge here", "live")
"""On the first screen; and in its status line, once the home-CSP answers."""
BARE_APP = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("painted")

Bare().run()
"""
NETWORK = """
import sys
from pathlib import Path
from core.network import NetworkThread

network = NetworkThread(Path(sys.argv[1]))
network.start()
network.wait(60)
print("live", flush=True)
network.stop()
"""


def process(*arguments: str) -> Callable[[], None]:
    """Run Python with these arguments to its end."""

    def run() -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    return run


def until_line(*arguments: str) -> float:
    """Seconds until the first line of the output."""
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stdout.readline(), "the process said nothing"
        taken = time.perf_counter() - begin
        started.stdout.read()
    return taken


def until_shown(arguments: Sequence[str], words: Sequence[str]) -> list[float]:
    """Seconds until each of the words has been written to the terminal; then the process is ended."""
    taken: list[float] = []
    written, begin = b"", time.perf_counter()
    with in_terminal(arguments) as terminal:
        while len(taken) < len(words):
            if not select.select([terminal], [], [], PATIENCE_SECONDS)[0]:
                raise TimeoutError(f"{words[len(taken)]} was never shown")
            written += os.read(terminal, 65_536)
            while len(taken) < len(words) and words[len(taken)].encode() in written:
                taken.append(time.perf_counter() - begin)
    return taken


@contextmanager
def in_terminal(arguments: Sequence[str]) -> Iterator[int]:
    """A Python process in a terminal of its own; the terminal's other end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    started = subprocess.Popen(
        [sys.executable, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True
    )
    os.close(theirs)
    try:
        yield ours
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
        os.close(ours)


def run(rounds: int) -> tuple[list[Compared], list[Compared]]:
    """What needs no screen beside a bare Python, and the app beside a bare Textual app."""
    python = stopwatch(process("-c", "pass"))
    textual = stopwatch(process("-c", "import textual.app"))
    with tempfile.TemporaryDirectory() as name:
        folders = iter(Path(name) / str(number) for number in range(10 * rounds))
        used = Path(name) / "used"
        until_line("-c", NETWORK, str(used))
        plain = [
            compare(what, ours, baseline, baseline_name=baseline_name, rounds=rounds, within=True)
            for what, ours, baseline, baseline_name in (
                ("evroam --help", stopwatch(process("-m", "app", "--help")), python, "python -c pass"),
                ("import app.kiosk", stopwatch(process("-c", "import app.kiosk")), textual, "import textual.app"),
                ("import core.network", stopwatch(process("-c", "import core.network")), python, "python -c pass"),
                (
                    "network, first start",
                    lambda: until_line("-c", NETWORK, str(next(folders))),
                    python,
                    "python -c pass",
                ),
                ("network, used before", lambda: until_line("-c", NETWORK, str(used)), python, "python -c pass"),
            )
        ]
        fresh = [until_shown(_evroam(next(folders)), APP_WORDS) for _ in range(rounds)]
        again, bare = [], []
        for _ in range(rounds):
            again.append(until_shown(_evroam(used), APP_WORDS))
            bare.append(until_shown(["-c", BARE_APP], ["painted"])[0])
    screens = [
        Compared(f"evroam until {what}, {when}", "bare Textual app", [one[at] for one in taken], bare, within=True)
        for when, taken in (("first start", fresh), ("used before", again))
        for at, what in enumerate(("painted", "live"))
    ]
    return plain, screens


def _evroam(folder: Path) -> list[str]:
    return ["-m", "app", "--data", str(folder)]


if __name__ == "__main__":
    plain, screens = run(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    print_table("Time of a process", plain)
    print_table("Time to the screen", screens)
