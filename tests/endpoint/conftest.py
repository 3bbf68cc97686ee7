"""Parts that the endpoint's tests share: authorities on disk, identities, clients that trust them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.endpoint.tls import CertificateAuthority, Identity
from tests.endpoint.platforms import HOME, VISITED, Network


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.open(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def foreign_authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.open(tmp_path_factory.mktemp("foreign"))


@pytest.fixture(scope="session")
def home_identity(authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return authority.identity(tmp_path_factory.mktemp("home"), [HOME])


@pytest.fixture(scope="session")
def visited_identity(authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return authority.identity(tmp_path_factory.mktemp("visited"), [VISITED])


@pytest.fixture(scope="session")
def stranger_identity(foreign_authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return foreign_authority.identity(tmp_path_factory.mktemp("stranger"), [VISITED])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked `both_stores` runs once over SQLite and once over PostgreSQL."""
    if "network" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_stores"):
        metafunc.parametrize("network", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def network(
    home_identity: Identity, visited_identity: Identity, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Network]:
    if getattr(request, "param", "sqlite") == "sqlite":
        yield Network(home_identity, visited_identity, lambda name: f"sqlite:///{tmp_path / name}.db")
    else:
        schemas = request.getfixturevalue("kept_schemas")
        yield Network(home_identity, visited_identity, schemas.url)
        schemas.empty()
