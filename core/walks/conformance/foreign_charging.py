"""A foreign partner: commands that must come to nothing, and the one session that it is asked for (UC3).

Nothing is started but at the post that the person has named, and nothing is left running. A cable is never released.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal

from core.driver_messages import Need, QuoteRequest, SessionView
from core.endpoint.ports import Command, CommandAnswer, CommandKind, Held
from core.errors import NotAllowed, NotFound, Refused
from core.home_csp.contracts import app_credential
from core.model.identifiers import ContractId
from core.model.receipt import CheckVerdict
from core.model.session import ENDED, SessionState
from core.walks.conformance.check import NotChecked, NotOffered, same
from core.walks.conformance.check import holds as fact
from core.walks.conformance.foreign_bench import ForeignBench, Journey
from core.walks.scenario import Finding

Act = Callable[[ForeignBench], Awaitable[Sequence[Finding]]]
_STARTED = {SessionState.AUTHORISED, SessionState.ACTIVE}
_NOWHERE = "EVROAM-NOWHERE"
"""An id that no partner has given."""


async def _refuses(bench: ForeignBench, kind: CommandKind, what: str, **members: object) -> Finding:
    """That a command about what is not there is refused at once. Raises NotOffered where it takes none of the kind."""
    bench.require("commands", "RECEIVER", "Drivers can start and stop at its posts alone.")
    calls = bench.platform.endpoint.calls
    command = Command(kind=kind, response_url=calls.response_url(kind, secrets.token_hex(16)), **members)  # type: ignore[arg-type]  # members by name
    wanted = f"{what}: refused"
    try:
        answer = (await calls.command(bench.partner, command)).answer
    except (Refused, NotAllowed, NotFound) as error:
        return Finding(expected=wanted, actual=f"{what}: {error.code}", holds=True)
    if answer is CommandAnswer.NOT_SUPPORTED:
        raise NotOffered(f"It does not take {kind}.")
    return Finding(expected=wanted, actual=f"{what}: {answer}", holds=answer is not CommandAnswer.ACCEPTED)


def _by_driver(bench: ForeignBench) -> dict[str, object]:
    """Whose command it is."""
    context = bench.platform.context
    with context.store.read() as connection:
        found = app_credential(connection, context, ContractId.parse(bench.contract).key)
    if found is None:
        raise NotFound("The test driver has no credential.", code="no_credential")
    return {
        "credential": Held(found, context.writer.credential(found)),
        "authorization_reference": secrets.token_hex(16),
    }


async def start_refused(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-2."""
    members = {**_by_driver(bench), "site_id": _NOWHERE, "evse_uid": _NOWHERE}
    return [await _refuses(bench, CommandKind.START_SESSION, "a start at a site that is not there", **members)]


async def stop_refused(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-4."""
    return [
        await _refuses(bench, CommandKind.STOP_SESSION, "a stop of a session that is not there", session_id=_NOWHERE)
    ]


async def reservation_refused(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-8."""
    expiry = bench.platform.context.clock.now() + timedelta(minutes=5)
    members = {**_by_driver(bench), "site_id": _NOWHERE, "reservation_id": secrets.token_hex(8), "expiry": expiry}
    return [await _refuses(bench, CommandKind.RESERVE_NOW, "a reservation at a site that is not there", **members)]


async def _made(bench: ForeignBench) -> Journey:
    """Start at the post that was named, charge for a moment where a car is there, stop."""
    driver, place = bench.driver, bench.meeting.at or ""
    found = await driver.evse(place)
    evse = next(one for one in found.site.evses if one.uid == found.evse_uid)
    connector = next((one for one in evse.connectors if one.tariff_known), None)
    if not evse.startable or connector is None:
        why = evse.refusal.message if evse.refusal else "no price is known" if evse.startable else evse.status
        raise NotChecked(f"Nobody can start at {evse.evse_id}: {why}.")
    wanted = QuoteRequest(
        site=found.site.summary.key, evse_uid=evse.uid, connector_id=connector.id, need=Need(amount=Decimal(5))
    )
    id = (await driver.start((await driver.quote(wanted)).id)).id

    async def look() -> SessionView:
        return await driver.session(id)

    def over(seen: SessionView) -> bool:
        return seen.state in ENDED

    started = await bench.until(look, lambda seen: seen.state in _STARTED or over(seen))
    charging = await bench.until(look, lambda seen: seen.energy_kwh > 0 or over(seen))
    if not over(charging):
        await driver.stop(id)
    await bench.until(look, over)
    ended = await bench.until(look, lambda seen: seen.receipt_id is not None or (seen.energy_kwh == 0 and over(seen)))
    return Journey(started, charging if charging.energy_kwh > 0 else None, ended)


async def _charged(bench: ForeignBench) -> tuple[SessionView, SessionView]:
    """While it charged, and afterwards. Raises NotChecked where no energy came."""
    journey = await bench.journey(_made)
    if journey.charging is None:
        raise NotChecked(f"No energy came at {bench.meeting.at}: plug a car in there and run again.")
    return journey.charging, journey.ended


async def started(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-2."""
    bench.require("commands", "RECEIVER", "Drivers can start and stop at its posts alone.")
    seen = (await bench.journey(_made)).started
    actual = f"{seen.state}" + (f": {seen.problem.message}" if seen.problem else "")
    return [fact("the start is accepted", actual, seen.state in _STARTED)]


async def stopped(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-4."""
    ended = (await bench.journey(_made)).ended
    told = f": {ended.stop_problem.message}" if ended.stop_problem else ""
    return [fact("the session ends after our stop", f"{ended.state}{told}", ended.state in ENDED)]


async def completed(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-5."""
    charging, ended = await _charged(bench)
    times = f"{ended.started_at} to {ended.ended_at}"
    whole = ended.started_at is not None and ended.ended_at is not None and ended.started_at <= ended.ended_at
    return [
        fact("a beginning and an end", times, whole),
        fact(
            "no less energy than before",
            f"{charging.energy_kwh}, {ended.energy_kwh}",
            ended.energy_kwh >= charging.energy_kwh,
        ),
    ]


async def progress(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-6."""
    charging, _ = await _charged(bench)
    return [fact("energy is told while it flows", f"{charging.energy_kwh} kWh", charging.energy_kwh > 0)]


async def billed(bench: ForeignBench) -> Sequence[Finding]:
    """UC3-9: the bill comes, and its own tariff proves it."""
    _, ended = await _charged(bench)
    if ended.receipt_id is None:
        return [fact("a bill", f"none within {bench.meeting.patience_seconds:.0f} s", False)]
    receipt = await bench.driver.receipt(ended.receipt_id)
    return [
        same("energy on the bill", ended.energy_kwh, receipt.energy_kwh),
        same("the bill by its tariff", CheckVerdict.HOLDS, receipt.tariff_check.verdict),
    ]


def offered(module: str, interface: str, without: str, with_it: str) -> Act:
    """A check that only says whether an extension is there."""

    async def look(bench: ForeignBench) -> Sequence[Finding]:
        bench.require(module, interface, without)
        raise NotChecked(with_it)

    return look


def needs(what: str) -> Act:
    """A check that nobody can make from here, and what it takes."""

    async def look(bench: ForeignBench) -> Sequence[Finding]:
        raise NotChecked(what)

    return look
