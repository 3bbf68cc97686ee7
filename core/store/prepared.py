"""Statements of the hottest paths: compiled once for each kind of database, then run by its driver alone.

SQLAlchemy finds the compiled form of a statement anew each time and builds a context and a result around each run,
which takes several times as long as SQLite takes to answer. What runs with every message is prepared here instead: the
same text, the same types on the way in and out.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

_Convert = Callable[[Any], Any]  # a driver's values have no narrower type


def drive(connection: Connection, sql: str, given: Any = ()) -> Any:  # Any: what a driver takes and gives
    """Let the driver alone run a statement; its cursor. Raises what SQLAlchemy raises for an error of the driver."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql, given)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _named(connection, sql, given, error) from error
    return cursor


class Prepared:
    """A statement that takes its parameters by name. With a list of changing length (`in_`) SQLAlchemy runs it."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._texts: dict[tuple[str, tuple[str, ...]], _Text] = {}

    def execute(self, connection: Connection, values: Mapping[str, object]) -> int:
        """Run it; how many rows it touched."""
        text, cursor = self._run(connection, values)
        if text is None:
            return int(cursor.rowcount)
        touched = int(cursor.rowcount)
        cursor.close()
        return touched

    def rows(self, connection: Connection, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Its rows."""
        text, cursor = self._run(connection, values)
        found = cursor.fetchall()
        if text is None:
            return [tuple(row) for row in found]
        cursor.close()
        return [text.read(row) for row in found] if text.converts else found

    def column(self, connection: Connection, values: Mapping[str, object]) -> list[Any]:
        """The only column of its rows."""
        text, cursor = self._run(connection, values)
        found = cursor.fetchall()
        convert = None if text is None else text.first
        if text is not None:
            cursor.close()
        return [value for (value,) in found] if convert is None else [convert(value) for (value,) in found]

    def first(self, connection: Connection, values: Mapping[str, object]) -> tuple[Any, ...] | None:
        """Its first row, None where it has none."""
        text, cursor = self._run(connection, values)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else tuple(row) if text is None else text.read(row)

    def scalar(self, connection: Connection, values: Mapping[str, object]) -> Any:
        """The first column of its first row, None where it has none."""
        row = self.first(connection, values)
        return None if row is None else row[0]

    def _run(self, connection: Connection, values: Mapping[str, object]) -> tuple["_Text | None", Any]:
        key = connection.dialect.name, tuple(values)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _Text(self._statement, connection, tuple(values))
        if text.changes:
            return None, connection.execute(self._statement, values)
        if not connection.in_transaction():
            connection.begin()
        return text, drive(connection, text.sql, text.parameters(values))


class _Text:
    """What a driver needs of a statement."""

    def __init__(self, statement: Executable, connection: Connection, names: tuple[str, ...]) -> None:
        dialect = connection.dialect
        compiled = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]  # every one has it
        assert isinstance(compiled, SQLCompiler)
        self.changes = bool(compiled.post_compile_params)
        self.sql = compiled.string
        self._constants = {
            name: bound.effective_value for bound, name in compiled.bind_names.items() if not bound.required
        }
        self._order = compiled.positiontup if compiled.positional else None
        # Of one run SQLAlchemy asks the same of the compiled statement; it has no public name for it.
        self._writers = cast("dict[str, _Convert]", dict(compiled._bind_processors))
        types = [one.type for one in compiled._result_columns]
        self._readers: list[_Convert | None] = [one._cached_result_processor(dialect, None) for one in types]
        self.converts = any(self._readers)
        self.first = self._readers[0] if self._readers else None

    def parameters(self, values: Mapping[str, object]) -> Any:
        """The values as the driver takes them: in order or by name."""
        given = {**self._constants, **values}
        for name, convert in self._writers.items():
            given[name] = convert(given[name])
        return given if self._order is None else tuple([given[name] for name in self._order])

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """A row as SQLAlchemy would give it."""
        if not self.converts:
            return row
        pairs = zip(row, self._readers, strict=True)
        return tuple([value if convert is None else convert(value) for value, convert in pairs])


def _named(connection: Connection, sql: str, given: Any, error: Any) -> BaseException:
    """The error that SQLAlchemy raises for one of the driver; a connection that is lost is not used again."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if lost:
        connection.invalidate(error)
    drivers = dialect.loaded_dbapi.Error
    named: BaseException = DBAPIError.instance(sql, given, error, drivers, connection_invalidated=lost, dialect=dialect)
    return named
