"""UC5-1: what a visited-CSO announces reaches the home-CSP, its status and the drivers whom it concerns."""

from datetime import timedelta

import pytest

from core.driver_client import DriverClient
from core.driver_messages import SiteView
from core.endpoint.extensions import servicenotices
from core.errors import EvroamError, InvalidInput, NotFound, Refused
from core.home_csp.outages import NoticeReceiver
from core.model.notices import Notice, NoticeCause, NoticeKind
from core.model.parties import ObjectKey
from core.model.session import SessionState
from core.model.sites import LocalisedText
from core.network import Member, Network
from core.store.sessions import load
from core.visited_cso.equipment import EvseState
from core.visited_cso.outages import announce, end, keep_statuses
from tests.networks import MONDAY_MORNING, advance, quote_at, sites_near, until, until_state

pytestmark = pytest.mark.anyio


class Post:
    """One charging point at which one may start, and its operator."""

    def __init__(self, network: Network, member: Member, site: ObjectKey, evse_uid: str) -> None:
        self.network, self.member, self.site, self.evse_uid = network, member, site, evse_uid

    def notice(self, **changed: object) -> Notice:
        party = self.member.platform.context.party
        return Notice.model_validate(
            {
                "country_code": party.country_code,
                "party_id": party.party_id,
                "id": "works",
                "kind": NoticeKind.UNPLANNED_OUTAGE,
                "site_id": self.site.id,
                "evse_uids": (self.evse_uid,),
                "begin": MONDAY_MORNING,
                "cause": NoticeCause.FAULT,
                "texts": (LocalisedText(language="en", text="A lorry hit the post."),),
                "last_updated": MONDAY_MORNING,
            }
            | changed
        )

    async def announce(self, notice: Notice) -> Notice:
        context = self.member.platform.context
        kept = await context.store.write(lambda connection: announce(connection, context, notice))
        await self.told()
        return kept

    async def end(self) -> Notice:
        context = self.member.platform.context
        ended = await context.store.write(lambda connection: end(connection, context, "works"))
        await self.told()
        return ended

    async def send(self, notice: Notice) -> None:
        """Put a notice on the wire as it is."""
        endpoint = self.member.platform.endpoint
        partner = endpoint.partners.speaking_for(self.network.home.context.party)
        assert partner is not None
        await servicenotices.put_notice(endpoint.calls, partner, notice)

    async def told(self) -> None:
        outbox = self.member.platform.endpoint.outbox
        await self.member.platform.context.store.write(lambda connection: None)
        outbox.wake()
        await outbox.settled()


@pytest.fixture
async def post(network: Network, driver: DriverClient) -> Post:
    site = (await sites_near(driver, network, free=True, roaming=True))[0]
    opened = await driver.site(site.key)
    evse_uid = next(one.uid for one in opened.evses if one.startable)
    member = next(one for one in network.members if one.platform.context.party == site.key.party)
    return Post(network, member, site.key, evse_uid)


def status_at(site: SiteView, evse_uid: str) -> str:
    return next(one.status for one in site.evses if one.uid == evse_uid)


async def test_an_outage_closes_its_post_until_it_is_ended(post: Post, driver: DriverClient) -> None:
    announced = await post.announce(post.notice())
    assert announced.version == 1
    shown = await driver.site(post.site)
    assert [(one.kind, one.in_force, one.texts) for one in shown.notices] == [
        (NoticeKind.UNPLANNED_OUTAGE, True, {"en": "A lorry hit the post."})
    ]
    assert status_at(shown, post.evse_uid) == "OUTOFORDER"
    assert [one.startable for one in shown.evses if one.uid == post.evse_uid] == [False]

    changed = await post.announce(post.notice(expected_end=MONDAY_MORNING + timedelta(hours=2)))
    assert changed.version == 2
    assert (await driver.site(post.site)).notices[0].expected_end == MONDAY_MORNING + timedelta(hours=2)

    assert (await post.end()).kind is NoticeKind.RESTORED
    after = await driver.site(post.site)
    assert after.notices == () and status_at(after, post.evse_uid) == "AVAILABLE"
    with pytest.raises(InvalidInput, match="has ended"):
        await post.announce(post.notice())


async def test_planned_maintenance_takes_effect_when_it_begins(post: Post, driver: DriverClient) -> None:
    begin = MONDAY_MORNING + timedelta(minutes=30)
    await post.announce(post.notice(kind=NoticeKind.PLANNED_MAINTENANCE, begin=begin))
    early = await driver.site(post.site)
    assert not early.notices[0].in_force and status_at(early, post.evse_uid) == "AVAILABLE"
    assert [one.begin for one in (await quote_at(driver, post.site, post.evse_uid)).notices] == [begin]

    await advance(post.network, minutes=31)
    outages = post.member.platform.context
    await keep_statuses(outages)
    await post.told()
    late = await driver.site(post.site)
    assert late.notices[0].in_force and status_at(late, post.evse_uid) == "INOPERATIVE"


async def test_a_session_there_goes_on_and_its_driver_is_told(post: Post, driver: DriverClient) -> None:
    quote = await quote_at(driver, post.site, post.evse_uid, kwh=20)
    events = driver.events(0)
    session = await driver.start(quote.id)
    await until(events, lambda event: event.session and event.session.state is SessionState.AUTHORISED)
    await advance(post.network, minutes=3)
    await until(events, lambda event: event.session and event.session.state is SessionState.ACTIVE)

    await post.announce(post.notice())
    told = await until(events, lambda event: event.session and event.session.notices)
    assert told.session is not None and told.session.notices[0].kind is NoticeKind.UNPLANNED_OUTAGE
    assert status_at(await driver.site(post.site), post.evse_uid) == "CHARGING"
    home = post.network.home.context
    receiver = NoticeReceiver(home)
    partner = home.partners.speaking_for(post.member.platform.context.party)
    assert partner is not None
    held = await receiver.held(partner, post.notice().key)
    assert held is not None
    with home.store.read() as connection:
        known = load(connection, home.party, session.id)
    assert known is not None and known.session.visited_session_id is not None
    assert servicenotices.NOTICE.read(held).value.session_ids == (known.session.visited_session_id,)

    await driver.stop(session.id)
    await until_state(post.member.equipment, post.evse_uid, EvseState.FINISHING)
    await post.member.equipment.unplug(post.evse_uid)
    await post.told()
    assert status_at(await driver.site(post.site), post.evse_uid) == "OUTOFORDER"


async def test_what_the_wire_refuses(post: Post, driver: DriverClient) -> None:
    """Each refusal leaves what was there; the same version again is a repeat."""

    async def refused(notice: Notice, kind: type[EvroamError] = Refused) -> None:
        with pytest.raises(kind):
            await post.send(notice)

    await refused(post.notice(country_code="NL", party_id="EVR"), NotFound)  # not a party that the sender speaks for
    await refused(post.notice(site_id="nowhere", evse_uids=()))
    await refused(post.notice(evse_uids=("nobody",)))
    await refused(post.notice(kind=NoticeKind.RESTORED))
    await refused(post.notice().model_copy(update={"expected_end": post.notice().begin}))  # ends as it begins
    assert (await driver.site(post.site)).notices == ()

    second = post.notice(version=2)
    await post.send(second)
    await post.send(second)
    await post.send(post.notice(version=1, kind=NoticeKind.RESTRICTION))  # late: changes nothing
    await refused(post.notice(version=2, kind=NoticeKind.RESTRICTION))
    assert [one.kind for one in (await driver.site(post.site)).notices] == [NoticeKind.UNPLANNED_OUTAGE]


async def test_what_was_announced_during_an_absence_is_pulled(post: Post, driver: DriverClient) -> None:
    home, partners = post.network.home, post.member.platform.endpoint.partners
    theirs = partners.speaking_for(home.context.party)
    assert theirs is not None
    await partners.suspend(theirs.id)
    await post.announce(post.notice())
    await partners.resume(theirs.id)
    assert (await driver.site(post.site)).notices == ()

    ours = home.context.partners.speaking_for(post.member.platform.context.party)
    assert ours is not None
    await home.synchronise(ours)
    assert len((await driver.site(post.site)).notices) == 1
