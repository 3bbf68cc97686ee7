"""Where a program that owns the terminal writes its log: a file in the data folder, and nothing but that file."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

from core.errors import InvalidInput
from core.model.display import printable

_LARGEST = 5_000_000
_OLDER_FILES = 3

# They write the path of every request, and paths name credentials.
_INDISCREET = ("httpx", "httpcore", "uvicorn.access")


class _Lines(logging.Formatter):
    """One line a message, in UTC, with all escaped that could pass for another line or move a terminal."""

    @staticmethod
    def converter(moment: float | None) -> time.struct_time:
        """The moment in UTC."""
        return time.gmtime(moment)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the name is the standard library's
        record.message = printable(record.message)
        return super().formatMessage(record)


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """Send all logging of this process to a file while the block lasts; it is begun anew at 5 MB, three are kept.

    Raises InvalidInput where the file cannot be written.
    """
    try:
        file.touch(mode=0o600)
        handler = RotatingFileHandler(file, maxBytes=_LARGEST, backupCount=_OLDER_FILES, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"The log {file} cannot be written: {error.strerror or error}.",
            code="log_file",
            next_step="Choose another data folder with --data.",
        ) from error
    handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level, before = root.level, structlog.get_config()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
