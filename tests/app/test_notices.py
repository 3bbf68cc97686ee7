"""What the operator announces stands on the site, on the quote and beside a running session (UC5-1)."""

import asyncio
from datetime import timedelta

from core.model.notices import Notice, NoticeCause, NoticeKind
from core.model.parties import ObjectKey
from core.model.sites import LocalisedText
from core.visited_cso.outages import announce
from tests.app.conftest import screen_text
from tests.app.front import Beside, press, settled
from tests.networks import MONDAY_MORNING

STATION = ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-HBF")


async def announced(network: Beside) -> str:
    """An outage at the first charging point of the station and maintenance of the whole site tomorrow."""
    member = network.network.member("kurpfalz")
    site = next(one for one in member.operator.sites() if one.id == STATION.id)
    first = site.equipment[0].uid
    told = {"country_code": "DE", "party_id": "KPF", "site_id": STATION.id, "last_updated": MONDAY_MORNING}
    outage = Notice(
        **told,
        id="outage",
        kind=NoticeKind.UNPLANNED_OUTAGE,
        evse_uids=(first,),
        begin=MONDAY_MORNING,
        cause=NoticeCause.VANDALISM,
        texts=(
            LocalisedText(language="en", text="The cable was cut [bold]overnight[/]."),
            LocalisedText(language="de", text="Das Kabel wurde nachts abgeschnitten."),
        ),
    )
    begin = MONDAY_MORNING + timedelta(days=1)
    works = Notice(
        **told,
        id="works",
        kind=NoticeKind.PLANNED_MAINTENANCE,
        begin=begin,
        expected_end=begin + timedelta(hours=4),
        cause=NoticeCause.MAINTENANCE,
    )
    context = member.platform.context
    for notice in (outage, works):
        await context.store.write(lambda connection, notice=notice: announce(connection, context, notice))
    await context.store.write(lambda connection: None)
    context.outbox.wake()
    await context.outbox.settled()
    return first


async def at_the_station(pilot) -> None:
    await settled(pilot)
    pilot.app.open_site(STATION)
    await settled(pilot)


def test_announcements_look_as_stored(snap_screens, own_network: Beside) -> None:
    asyncio.run(own_network.run(announced(own_network)))
    snap_screens(lambda clock: own_network.kiosk(), settle=at_the_station)


def test_the_driver_reads_it_in_her_language_and_the_quote_repeats_what_is_to_come(own_network: Beside) -> None:
    asyncio.run(own_network.run(announced(own_network)))

    async def look() -> None:
        async with own_network.kiosk(language="de").run_test(size=(100, 40)) as pilot:
            await at_the_station(pilot)
            shown = screen_text(pilot.app)
            assert "Das Kabel wurde nachts abgeschnitten." in shown
            assert "Wartung: angekündigt von" in shown
            await press(pilot, "down", "enter")
            await settled(pilot)
            quote = screen_text(pilot.app)
            assert "Wartung: angekündigt von" in quote and "Kabel" not in quote

    asyncio.run(look())
