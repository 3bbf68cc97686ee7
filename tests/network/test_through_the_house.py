"""The whole main job through the clearing house: the walk with every check, and what the driver sees of it."""

import asyncio
from pathlib import Path

import pytest

from core.driver_client import DriverClient
from core.driver_messages import RungState
from core.network import Network, Via
from core.walks.qr import QR
from core.walks.running import walk_embedded
from tests.network.charging import charge, post_of_each

pytestmark = pytest.mark.anyio


def test_the_walk_passes_through_the_clearing_house(tmp_path: Path) -> None:
    """Quote, start, progress, stop, SDR and receipt; no platform but the clearing house is spoken with."""
    done = asyncio.run(walk_embedded(QR, tmp_path, via=Via.HUB))
    assert done.walked.passed, [one for one in done.walked.steps if not one.passed]
    ends = {(one.platform.partition(" ")[0], one.peer.partition(" ")[0]) for one in done.log}
    assert ("home-CSP", "visited-CSO") not in ends and ("visited-CSO", "home-CSP") not in ends
    assert {("home-CSP", "clearing"), ("visited-CSO", "clearing")} <= ends


async def test_the_start_ladder_shows_the_step_of_the_clearing_house_where_there_is_one(
    network: Network, driver: DriverClient
) -> None:
    for post in await post_of_each(network, driver):
        started = await charge(network, driver, post, minutes=2)
        rungs = {one.name: one.state for one in (await driver.session(started.id)).rungs}
        through = network.is_reached_through_house(post.member)
        assert rungs.get("clearing_house") == (RungState.DONE if through else None)
        assert (await started.end()).energy_kwh > 0
