"""A throw-away PostgreSQL database for a test: of the server on this machine, else of a private one, else skipped."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

from core.store.tables import metadata


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A server on which databases may be made: at 127.0.0.1:5432 where one trusts us there, else a private one."""
    for user in ("root", "postgres"):
        server = _address(user, 5432)
        if _answers(server):
            yield server
            return
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL answers at 127.0.0.1:5432, and initdb and pg_ctl are not installed")
    with _private_server(programs) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_database(postgres_server: URL) -> Iterator[URL]:
    """A database that lives as long as the tests; making one takes too long to make it for each test."""
    name = f"evroam_test_{uuid.uuid4().hex}"
    _run(postgres_server, f'CREATE DATABASE "{name}"')
    try:
        yield postgres_server.set(database=name)
    finally:
        _run(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def postgres_url(postgres_database: URL) -> Iterator[str]:
    """The address of an empty schema that lives as long as the test."""
    name = f"test_{uuid.uuid4().hex}"
    _run(postgres_database, f"CREATE SCHEMA {name}")
    try:
        yield postgres_database.set(query={"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
    finally:
        _run(postgres_database, f"DROP SCHEMA {name} CASCADE")


class KeptSchemas:
    """Schemas that outlive a test, as making their tables takes longer than the test; what is in them does not."""

    def __init__(self, database: URL) -> None:
        self._database = database
        self._names: set[str] = set()

    def url(self, name: str) -> str:
        """The address of the store of this name, empty when a test begins."""
        if name not in self._names:
            _run(self._database, f"CREATE SCHEMA kept_{name}")
            self._names.add(name)
        place = self._database.set(query={"options": f"-csearch_path=kept_{name}"})
        return place.render_as_string(hide_password=False)

    def empty(self) -> None:
        """Delete all rows; a schema in which no store was opened has no tables."""
        for name in self._names:
            with _connect(self._database) as connection, connection.transaction():
                found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [f"kept_{name}"])
                present = {row[0] for row in found}
                tables = [table.name for table in reversed(metadata.sorted_tables) if table.name in present]
                connection.execute("".join(f"DELETE FROM kept_{name}.{table};" for table in tables))


@pytest.fixture(scope="session")
def kept_schemas(postgres_database: URL) -> KeptSchemas:
    """Schemas for tests that need several stores at a time; who uses them empties them afterwards."""
    return KeptSchemas(postgres_database)


def _address(user: str, port: int) -> URL:
    return URL.create("postgresql+psycopg", username=user, host="127.0.0.1", port=port, database="postgres")


def _connect(server: URL) -> psycopg.Connection:
    return psycopg.connect(
        host=server.host,
        port=server.port,
        user=server.username,
        dbname=server.database,
        autocommit=True,
        connect_timeout=3,
    )


def _run(server: URL, statement: str) -> None:
    with _connect(server) as connection:
        connection.execute(statement)


def _answers(server: URL) -> bool:
    try:
        with _connect(server) as connection:
            row = connection.execute(
                "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            return row is not None and bool(row[0])
    except psycopg.Error:
        return False


def _programs() -> Path | None:
    """The folder with initdb and pg_ctl, the newest first."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -float(folder.parent.name))
    found = shutil.which("pg_ctl")
    if found:
        folders.append(Path(found).parent)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


@contextmanager
def _private_server(programs: Path) -> Iterator[URL]:
    folder = Path(tempfile.mkdtemp(prefix="evroam-postgres-"))
    user = _ordinary_user()
    if user is not None:
        shutil.chown(folder, user)
    data, port = folder / "data", _free_port()
    try:
        _call(user, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-F -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        _call(user, programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield _address("postgres", port)
        finally:
            _call(user, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ordinary_user() -> str | None:
    """Whom PostgreSQL may run as where we are root, as it refuses root itself; None: as we are."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _call(user: str | None, *command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"a private PostgreSQL does not start: {done.stderr.strip()}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
