"""Platforms for the commands that administer them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.admin.processes import Served, served


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A home-CSP in a process of its own, that admits partners with server-side TLS, where agreed so."""
    data: Path = tmp_path_factory.mktemp("home")
    with served(data, "home-csp", "--party", "NL*XYZ", "--name", "Home X", "--allow-server-tls") as platform:
        yield platform
