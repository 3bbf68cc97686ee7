"""The main job and starts that go wrong, with every platform's store on PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

from core.clock import FixedClock
from core.data_folder import CLEARING_HOUSE, HOME_CSP
from core.demo import demo_network
from core.driver_client import DriverClient
from core.network import Network
from core.simulation.faults import NO_FAULTS
from tests.network import test_main_job, test_refusals
from tests.network.charging import free_posts, visited_at
from tests.network.test_refusals import Post
from tests.networks import MONDAY_MORNING, until_sites_are_known

pytestmark = pytest.mark.anyio

NAMES = (HOME_CSP, CLEARING_HOUSE, *(one.slug for one in demo_network().visited_csos))


@pytest.fixture(scope="module")
def database(postgres_database: URL) -> Iterator[Callable[[str], str]]:
    """The URL of each platform's store: a schema of its own in one throw-away database."""

    def url(name: str) -> str:
        at = postgres_database.set(query={"options": f"-csearch_path={_schema(name)}"})
        return at.render_as_string(hide_password=False)

    statements = [f"CREATE SCHEMA {_schema(name)}" for name in NAMES]
    run(postgres_database, *statements)
    yield url
    run(postgres_database, *(f"DROP SCHEMA {_schema(name)} CASCADE" for name in NAMES))


def _schema(name: str) -> str:
    return f"network_{name.replace('-', '_')}"


def run(place: URL, *statements: str) -> None:
    """Execute statements, each on its own."""
    with psycopg.connect(
        host=place.host, port=place.port, user=place.username, dbname=place.database, autocommit=True
    ) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the runs of this module: certificates and ports, no store."""
    return tmp_path_factory.mktemp("postgres") / "data"


@pytest.fixture(scope="module")
def hours() -> Iterator[int]:
    """Counts the runs of the network of this module, each an hour after the one before."""
    return count()


@pytest.fixture
async def network(folder: Path, database: Callable[[str], str], hours: Iterator[int]) -> AsyncIterator[Network]:
    """One run after the other of one network: what the tests before have left is history."""
    clock = FixedClock(MONDAY_MORNING + timedelta(hours=next(hours)))
    async with Network.running(folder, clock=clock, database=database) as running:
        await until_sites_are_known(running)
        yield running


@pytest.fixture
async def post(network: Network, driver: DriverClient) -> Post:
    [found] = await free_posts(network, driver)
    await found.member.equipment.suffer(found.evse_uid, NO_FAULTS)  # of the tests before
    return Post(found.site, found.evse_uid)


async def test_the_main_job(network: Network, driver: DriverClient) -> None:
    direct = [one for one in network.members if not network.is_reached_through_house(one)]
    assert direct and all(visited_at(network, one).agreement.signed for one in direct)
    await test_main_job.test_a_driver_charges_and_gets_a_receipt(network, driver, wire="2.3.0")


async def test_a_refused_start(network: Network, driver: DriverClient, post: Post) -> None:
    await test_refusals.test_a_refused_start_leaves_no_open_session(network, driver, post)


async def test_a_start_whose_answer_is_lost(network: Network, driver: DriverClient, post: Post) -> None:
    await test_refusals.test_a_start_whose_answer_is_lost_goes_on_once_the_station_reports_that_it_charges(
        network, driver, post
    )


async def test_two_starts_at_one_post(network: Network, driver: DriverClient, post: Post) -> None:
    await test_refusals.test_two_starts_at_one_post_leave_one_session(network, driver, post)
