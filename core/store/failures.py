"""What can go wrong with the store as a whole, told from what can go wrong with one operation."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import EvroamError


class StoreError(EvroamError):
    """The store itself fails; `code` is one of store_address, store_unreachable, store_locked, store_read_only.

    Further codes: store_full, store_broken, store_foreign, store_too_new, store_closed, store_failed.
    """

    code = "store_failed"


_MEANINGS = {
    "store_unreachable": ("cannot be opened or reached", "Look whether it exists, runs, and may be used by this user."),
    "store_locked": ("is held by another program", "Close the other program, or give each its own database."),
    "store_read_only": ("may be read but not written", "Allow writing, or choose another place for the data."),
    "store_full": ("has no room left", "Make room on the disk; what was acknowledged is safe."),
    "store_broken": ("is not a database or is damaged", "Choose another file, or restore it from a backup."),
    "store_closed": ("is closed", "Open it again."),
    "store_failed": ("failed", "Look into the log of the database."),
}

_SQLITE_CODES = {
    sqlite3.SQLITE_CANTOPEN: "store_unreachable",
    sqlite3.SQLITE_PERM: "store_read_only",
    sqlite3.SQLITE_AUTH: "store_read_only",
    sqlite3.SQLITE_READONLY: "store_read_only",
    sqlite3.SQLITE_BUSY: "store_locked",
    sqlite3.SQLITE_LOCKED: "store_locked",
    sqlite3.SQLITE_FULL: "store_full",
    sqlite3.SQLITE_NOTADB: "store_broken",
    sqlite3.SQLITE_CORRUPT: "store_broken",
    sqlite3.SQLITE_IOERR: "store_failed",
    sqlite3.SQLITE_NOMEM: "store_failed",
}

# SQLSTATE by its longest known beginning (PostgreSQL manual, appendix A).
_SQLSTATES = {
    "08": "store_unreachable",
    "28": "store_unreachable",
    "3D": "store_unreachable",
    "57P": "store_unreachable",
    "53300": "store_unreachable",
    "55P03": "store_locked",
    "25006": "store_read_only",
    "42501": "store_read_only",
    "53": "store_full",
    "58": "store_failed",
    "XX": "store_broken",
}


def failure_code(error: BaseException) -> str | None:
    """The code of a failure of the store as a whole, or None where only this statement failed."""
    if isinstance(error, PoolTimeout):
        return "store_unreachable"
    if not isinstance(error, DBAPIError):
        return None
    original = error.orig
    if isinstance(original, sqlite3.Error):
        # The low byte is the primary code; the rest tells details.
        return _SQLITE_CODES.get(getattr(original, "sqlite_errorcode", 0) & 0xFF)
    state = getattr(original, "sqlstate", None)
    if state is not None:
        return next((_SQLSTATES[state[:n]] for n in range(len(state), 1, -1) if state[:n] in _SQLSTATES), None)
    return (
        "store_unreachable" if error.connection_invalidated or type(original).__name__ == "OperationalError" else None
    )


def store_error(code: str, place: URL) -> StoreError:
    """The error with that code, told of a place (its password stays hidden)."""
    says, next_step = _MEANINGS[code]
    return StoreError(f"The store {place.render_as_string(hide_password=True)} {says}.", code=code, next_step=next_step)


@contextmanager
def failures_named(place: URL) -> Iterator[None]:
    """Inside, a failure of the store as a whole becomes a StoreError; all else passes as it is."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        code = failure_code(error)
        if code is None:
            raise
        raise store_error(code, place) from error
