"""One walk that nothing disturbs, for all tests that only look at what came of it."""

import asyncio

import pytest

from core.walks.qr import QR
from core.walks.running import Walk, walk_embedded


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Scenario 1 with seed 0, walked once."""
    return asyncio.run(walk_embedded(QR, tmp_path_factory.mktemp("walk")))
