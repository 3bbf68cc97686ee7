"""The schema at start: made whole in an empty database, left alone at head, migrated when older, refused when newer."""

from pathlib import Path

from sqlalchemy import URL, Connection, inspect, text

from core.store import (  # noqa: F401  # their tables join the metadata
    agreement_tables,
    booking_tables,
    clearing_tables,
    identification_tables,
    plan_tables,
    reporting_tables,
    service_tables,
    switch_tables,
)
from core.store.connections import writing_engine
from core.store.failures import StoreError, failures_named
from core.store.migrations import HEAD
from core.store.search_index import create_search_index
from core.store.tables import metadata

_STAMP = "alembic_version"


def prepare(place: URL) -> None:
    """Bring the schema of the database to that of this program, in one transaction; makes a SQLite file and its folder.

    Raises StoreError.
    """
    if place.get_backend_name() == "sqlite":
        _make_file(place)
    # SQLite can rebuild a table only while it does not watch foreign keys.
    engine = writing_engine(place, foreign_keys=False)
    try:
        with failures_named(place), engine.begin() as connection:
            _bring_to_head(connection, place)
    finally:
        engine.dispose()


def _bring_to_head(connection: Connection, place: URL) -> None:
    stamp = _stamp(connection)
    where = place.render_as_string(hide_password=True)
    if stamp == HEAD:
        # Changes nothing, but says now, not in the middle of a charging session, that the store cannot be written.
        connection.execute(text(f"UPDATE {_STAMP} SET version_num = version_num"))  # noqa: S608 - a constant
        return
    if stamp is None and inspect(connection).get_table_names():
        raise StoreError(
            f"The database {where} holds tables of another program.",
            code="store_foreign",
            next_step="Choose an empty database or another file.",
        )
    if stamp is None:
        _create(connection)
    elif stamp < HEAD:
        # Imported only here: alembic alone costs half a second at every start.
        from core.store.migrations.upgrade import upgrade

        upgrade(connection)
    else:
        raise StoreError(
            f"The database {where} was written by a newer version of this program (schema {stamp}, known {HEAD}).",
            code="store_too_new",
            next_step="Install the newer version.",
        )


def _stamp(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_STAMP):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_STAMP}")).scalar_one_or_none()  # noqa: S608 - a constant


def _create(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    create_search_index(connection)
    connection.execute(
        text(
            f"CREATE TABLE {_STAMP} (version_num VARCHAR(32) NOT NULL, "
            f"CONSTRAINT {_STAMP}_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text(f"INSERT INTO {_STAMP} (version_num) VALUES (:head)"), {"head": HEAD})  # noqa: S608 - a constant


def _make_file(place: URL) -> None:
    """The file before SQLite makes it, so that nobody but its owner may read it; -wal and -shm follow its mode."""
    if place.query.get("uri"):
        return
    file = Path(place.database or "")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            file.touch(mode=0o600)
    except OSError as error:
        raise StoreError(
            f"The file {file} cannot be made: {error.strerror}.",
            code="store_unreachable",
            next_step="Choose another place for the data, or allow writing there.",
        ) from error
