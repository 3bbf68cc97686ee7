"""Stores for tests, each test once over SQLite and once over PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection

from core.store.engine import Store
from core.store.writer import Operation


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests (marked anyio) run on asyncio, as the program does."""
    return "asyncio"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite store that does not exist yet."""
    return f"sqlite:///{tmp_path / 'platform' / 'store.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, of either kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An empty store that is closed after the test."""
    opened = await Store.open(store_url)
    yield opened
    await opened.close()


async def until_stored(store: Store, wanted: Callable[[Connection], object], within: float = 60.0) -> None:
    """Wait until the store holds something, looking again after each of its own commits. Raises TimeoutError."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    settled = store._writer._settle

    def settle(group: Sequence[Operation], touched: frozenset[str]) -> None:
        settled(group, touched)
        with suppress(RuntimeError):  # the test has ended, and its loop
            loop.call_soon_threadsafe(news.set)

    # It stays: the writer's thread may be calling it now.
    store._writer._settle = settle
    async with asyncio.timeout(within):
        while True:
            news.clear()
            with store.read() as connection:
                if wanted(connection):
                    return
            await news.wait()
