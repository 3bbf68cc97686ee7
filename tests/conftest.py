"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.networks", "tests.app.front", "tests.postgres", "tests.stores"]

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data beside the project; absent, tests skip, but under CI=true that is a failure."""
    folder = SHARED / "data"
    if not folder.is_dir():
        message = "the folder ../shared/data is absent"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder
