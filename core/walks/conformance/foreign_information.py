"""A foreign partner: registration, sites, statuses, prices, and the lists of what it did (UC1, UC2, UC3-6, UC3-9)."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from core.driver_messages import Need, QuoteRequest, QuoteView
from core.endpoint.extensions import quotes
from core.endpoint.ocpi.codec import Codec
from core.model.parties import ObjectKey, PlatformRole
from core.store.tables import site as site_table
from core.walks.conformance.check import NotChecked, refused, same
from core.walks.conformance.check import holds as fact
from core.walks.conformance.foreign_bench import ForeignBench
from core.walks.scenario import Finding

_PAGE = 50
_LATELY = timedelta(days=1)
_MOST_SITES_LOOKED_AT = 20
_MOST_FAULTS_TOLD = 3


async def registered(bench: ForeignBench) -> Sequence[Finding]:
    """UC1-1: it plays the operator's role, and new credentials leave all as it was."""
    before = bench.partner
    after = await bench.platform.endpoint.registrar.renew(before.id)
    return [
        fact(
            "it speaks for a visited-CSO", [str(one.role) for one in after.roles], after.plays(PlatformRole.VISITED_CSO)
        ),
        same("version after new credentials", before.version, after.version),
        same("parties after new credentials", before.roles, after.roles),
    ]


async def stranger(bench: ForeignBench) -> Sequence[Finding]:
    """UC1-1: who shows a token that it never made gets nothing."""
    partner = bench.partner
    asked = bench.platform.endpoint.requests.with_token(
        secrets.token_urlsafe(32), partner.agreement.transport, "GET", partner.versions_url or ""
    )
    return [await refused("versions with a token that nobody made", asked)]


async def _listed(
    bench: ForeignBench, module: str, codec: Codec[Any, Any], limit: int = _PAGE, since: datetime | None = None
) -> Finding:
    """That a page of a list is no longer than asked, and every object in it can be read."""
    page = await bench.platform.endpoint.calls.page(bench.partner, module, codec, limit, since)
    count = len(page.found) + len(page.faults)
    told = "; ".join(page.faults[:_MOST_FAULTS_TOLD])
    actual = f"{module}: {len(page.found)} of {count} can be read" + (f" ({told})" if told else "")
    return fact(f"{module}: at most {limit}, each as OCPI has it", actual, count <= limit and not page.faults)


async def _taken(bench: ForeignBench, module: str) -> None:
    """Take in the whole list."""
    await bench.platform.endpoint.synchronisation.pull_module(bench.partner, module)


async def sites(bench: ForeignBench) -> Sequence[Finding]:
    """UC1-2."""
    bench.require("locations", "SENDER", "No driver finds its sites.")
    findings = [await _listed(bench, "locations", bench.binding.site, limit) for limit in (1, _PAGE)]
    await _taken(bench, "locations")
    return [*findings, fact("sites that our drivers find", f"{len(_kept(bench))}", bool(_kept(bench)))]


def _kept(bench: ForeignBench) -> list[ObjectKey]:
    """The sites as our drivers find them, some of them where there are many."""
    columns = site_table.c
    query = select(columns.country_code, columns.party_id, columns.id).limit(_MOST_SITES_LOOKED_AT)
    with bench.platform.context.store.read() as connection:
        return [ObjectKey(**row._mapping) for row in connection.execute(query)]


async def statuses(bench: ForeignBench) -> Sequence[Finding]:
    """UC1-3: each EVSE has a status."""
    bench.require("locations", "SENDER")
    seen = [evse for key in _kept(bench) for evse in (await bench.driver.site(key)).evses]
    if not seen:
        raise NotChecked("It lists no EVSE.")
    without = [one.evse_id for one in seen if not one.status or one.status == "UNKNOWN"]
    return [same(f"EVSEs without a status, of {len(seen)} looked at", [], without)]


async def tariffs(bench: ForeignBench) -> Sequence[Finding]:
    """UC2-1."""
    bench.require("tariffs", "SENDER", "No driver sees a price.")
    finding = await _listed(bench, "tariffs", bench.binding.tariff)
    await _taken(bench, "tariffs")
    return [finding]


async def _quoted(bench: ForeignBench) -> QuoteView:
    """What 10 kWh cost where a price is known. Raises NotOffered, NotChecked where there is none, else what it says."""
    bench.require("tariffs", "SENDER", "No driver gets a quote.")
    for key in _kept(bench):
        for evse in (await bench.driver.site(key)).evses:
            connector = next((one.id for one in evse.connectors if one.tariff_known), None)
            if connector is not None:
                need = Need(amount=Decimal(10))
                return await bench.driver.quote(
                    QuoteRequest(site=key, evse_uid=evse.uid, connector_id=connector, need=need)
                )
    raise NotChecked("No connector of the sites looked at has a tariff that it lists.")


async def priced(bench: ForeignBench) -> Sequence[Finding]:
    """UC2-2 on plain OCPI: a driver gets a quote out of its tariffs."""
    view = await _quoted(bench)
    return [fact("a quote for 10 kWh", f"{view.likely.amount} {view.likely.currency}", True)]


async def bound(bench: ForeignBench) -> Sequence[Finding]:
    """UC2-2 by extension."""
    bench.require(quotes.MODULE, "SENDER", "Quotes come from its tariffs, and bind nobody.")
    view = await _quoted(bench)
    return [fact("it binds itself to a quote", view.not_binding_because or "bound", view.binding)]


def _lately(bench: ForeignBench) -> datetime:
    """From when on: OCPI lets nobody ask for all sessions."""
    return bench.platform.context.clock.now() - _LATELY


async def sessions(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-6: what we may ask of sessions afterwards."""
    bench.require("sessions", "SENDER", "What it pushes while we are away is lost.")
    return [await _listed(bench, "sessions", bench.binding.session, since=_lately(bench))]


async def bills(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-9: what we may ask of bills afterwards."""
    bench.require("cdrs", "SENDER", "A bill that it cannot push never comes.")
    return [await _listed(bench, "cdrs", bench.binding.sdr, since=_lately(bench))]


async def credentials(bench: ForeignBench) -> Sequence[Finding]:
    """UC4-2: it takes the test driver's credentials."""
    bench.require("tokens", "RECEIVER", "It has to ask us about every card.")
    await bench.settled()
    return [same("credentials that it has not taken", [], bench.untaken())]
