"""The real sites, imported once for all tests that only read them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from core.catalogue.importing import ImportReport, import_sites
from core.store.engine import Store


@pytest.fixture(scope="session")
def real_file(shared_data: Path) -> Path:
    return shared_data / "bnetza_2019" / "locations.json.gz"


@pytest.fixture(scope="session")
def real_import(real_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImportReport]:
    """A SQLite store with the 8,490 sites, and what the import said."""
    path = tmp_path_factory.mktemp("catalogue") / "home-csp.sqlite"

    async def load() -> ImportReport:
        store = await Store.open(f"sqlite:///{path}")
        try:
            return await import_sites(store, real_file)
        finally:
            await store.close()

    return path, asyncio.run(load())


@pytest.fixture
def real_sites(real_import: tuple[Path, ImportReport]) -> Iterator[Connection]:
    """A connection to the store with the 8,490 sites."""
    engine = create_engine(f"sqlite:///{real_import[0]}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
