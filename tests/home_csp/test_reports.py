"""What visited-CSOs tell of sites and sessions, as the home-CSP takes it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import Availability
from core.endpoint.ports import Held
from core.errors import Refused
from core.home_csp.energy_transfer.local_sessions import started_locally
from core.home_csp.sites import MOST_AHEAD, confirm_statuses
from core.model.credentials import CredentialKind, IdentificationMethod
from core.model.session import SessionState
from core.network import Network
from core.store.tables import evse
from core.visited_cso.energy_transfer.record import report_of
from core.visited_cso.sites import load_site
from tests.network.charging import charge, free_posts, home_at, visited_at
from tests.networks import sites_near

pytestmark = pytest.mark.anyio


async def test_a_status_counts_until_its_time_is_over_and_again_once_its_operator_was_heard(
    network: Network, driver: DriverClient
) -> None:
    assert isinstance(network.clock, FixedClock)
    await _dated_ahead_and_without_operator(network, driver)
    free = [one.key for one in await sites_near(driver, network, free=True)]
    network.clock.moment += timedelta(minutes=16)
    stale = await sites_near(driver, network)
    assert {one.availability for one in stale} == {Availability.UNKNOWN}
    assert await sites_near(driver, network, free=True) == ()

    heard = network.home.context.visited_csos()[0]
    await confirm_statuses(network.home.context, heard, network.clock.now())
    again = [one.key for one in await sites_near(driver, network, free=True)]
    assert again == [key for key in free if heard.speaks_for(key.party)]
    with network.home.context.store.read() as connection:
        moments = set(connection.execute(select(evse.c.status_at)).scalars())
    assert len(moments) > 1  # the other operator's statuses stay as old as they are


async def _dated_ahead_and_without_operator(network: Network, driver: DriverClient) -> None:
    """What is dated further ahead than clocks are wrong is refused (2001), and true words after it count."""
    [post] = await free_posts(network, driver)
    context, home, now = post.member.platform.context, home_at(post.member), network.clock.now()
    with context.store.read() as connection:
        site = load_site(connection, context, post.site.id)
    assert site is not None
    nameless = site.model_copy(update={"operator": None, "last_updated": now})
    ahead = now + MOST_AHEAD + timedelta(seconds=1)
    evses = tuple(one.model_copy(update={"last_updated": ahead}) for one in site.equipment)
    for wrong in ({"last_updated": ahead}, {"equipment": evses}):
        one = nameless.model_copy(update=wrong)
        with pytest.raises(Refused) as refused:
            await context.calls.put_site(home, Held(one, context.writer.site(one)))
        assert refused.value.code == "invalid_parameters"
    with pytest.raises(Refused):
        await context.calls.patch_evse_status(home, post.site, post.evse_uid, "BLOCKED", ahead)
    await context.calls.put_site(home, Held(nameless, context.writer.site(nameless)))
    shown = await driver.site(post.site)
    assert shown.summary.operator == post.member.operator.name  # that of the credentials (OCPI 2.2.1, loc:482)
    assert {one.status for one in shown.evses if one.uid == post.evse_uid} == {"AVAILABLE"}


async def test_a_session_that_began_at_the_post_is_in_the_time_zone_of_its_site(
    network: Network, driver: DriverClient
) -> None:
    charging = await charge(network, driver, (await free_posts(network, driver))[0])
    context, home = charging.post.member.platform.context, network.home.context
    kept = charging.visited
    card = {"uid": network.demo.driver.cards[0], "kind": CredentialKind.RFID}
    told = report_of(kept, context.clock.now())
    report = told.model_copy(
        update={
            "identification": IdentificationMethod.WHITELIST,
            "authorization_reference": None,
            "credential": told.credential.model_copy(update=card),
        }
    )
    partner = visited_at(network, charging.post.member)
    with home.store.read() as connection:
        begun = started_locally(connection, home, partner, report)
        elsewhere = started_locally(connection, home, partner, report.model_copy(update={"site_id": "unheard of"}))
    assert (begun.time_zone, begun.state) == ("Europe/Berlin", SessionState.AUTHORISING)
    assert elsewhere.time_zone == "UTC"
