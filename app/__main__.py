"""Entry point: `evroam`, and `python -m app`, which is the same."""

import io
import sys

from app.commands import app


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 shows an escape, no traceback
    app(prog_name="evroam")


if __name__ == "__main__":
    main()
