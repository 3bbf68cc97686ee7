"""The extension module `reconciliations` (6.4.2): both sides send the clearing house their records, totals and roots,
and read verdicts, discrepancies and proofs from it.

OCPI's invoicereconciliation lists the ids of an invoice; it has no amounts, no verdicts and no way to contradict. A
partner without the module still has its SDRs passed on and judged.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Page, PageRequest, Request, Route
from core.endpoint.extension import Extension, module_id
from core.endpoint.extensions.clearing_json import read, read_answer, require_side, written
from core.endpoint.modules.lists import page_answer, page_request
from core.endpoint.modules.objects import owned_key, party_in
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import CiString, Digits, Moment, Text, YesNo, write_timestamp
from core.endpoint.ocpi.reading import Json, to_text
from core.endpoint.ocpi.sessions import cdr_token, reference_of
from core.endpoint.ocpi.shape import Shape
from core.endpoint.ocpi.v2_3_0.sessions import CdrToken
from core.endpoint.ocpi.v2_3_0.tariffs import TARIFFS, Tariff
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.endpoint.stored import read_sdr
from core.errors import InvalidInput, Unreachable
from core.model.clearing.records import Outage, SessionRecord
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.totals import ControlTotals
from core.model.clearing.verdict import DisputeMove, SdrVerdict, VerdictMove
from core.model.clearing.verdicts import Dispute
from core.model.parties import ObjectKey, Party
from core.model.sdr import Sdr
from core.model.services import Service

MODULE = module_id("reconciliations")
RECORD = "clearing_records"
SDR = "clearing_sdrs"
"""The kinds under which what a clearing house must have is marked in the outbox."""
_PAGE_LIMIT = 100
_MOST_PAGES = 1000


class OutageTime(Shape):
    """When an EVSE was said to be out of order."""

    start: Moment
    end: Moment


class SessionWitness(Shape):
    """A session as its home-CSP has it; country_code and party_id are its own."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    id: Annotated[str, CiString(36)]
    visited_country_code: Annotated[str, CiString(2)]
    visited_party_id: Annotated[str, CiString(3)]
    session_id: Annotated[str, CiString(36)] | None = None
    authorization_reference: Annotated[str, CiString(36)] | None = None
    evse_id: Annotated[str, CiString(255)] | None = None
    cdr_token: CdrToken | None = None
    start_date_time: Moment
    end_date_time: Moment | None = None
    kwh: Digits
    total_cost: Digits | None = None
    currency: Annotated[str, Text(3)] | None = None
    authorized: YesNo
    quoted_most: Digits | None = None
    revoked: Moment | None = None
    max_power: Digits | None = None
    tariffs: tuple[Tariff, ...] = ()
    time_zone: Annotated[str, Text(64)] | None = None
    outages: tuple[OutageTime, ...] = ()


def _record_of(shape: SessionWitness) -> SessionRecord:
    return SessionRecord(
        id=shape.id,
        home=Party(country_code=shape.country_code, party_id=shape.party_id),
        visited=Party(country_code=shape.visited_country_code, party_id=shape.visited_party_id),
        session_id=shape.session_id,
        authorization_reference=shape.authorization_reference,
        evse_id=shape.evse_id,
        credential=reference_of(shape.cdr_token) if shape.cdr_token else None,
        started_at=shape.start_date_time,
        ended_at=shape.end_date_time,
        energy=shape.kwh,
        cost=shape.total_cost,
        currency=shape.currency.upper() if shape.currency else None,
        authorised=shape.authorized,
        quoted_most=shape.quoted_most,
        revoked_at=shape.revoked,
        max_power_kw=shape.max_power,
        tariffs=tuple(map(TARIFFS.tariff_of, shape.tariffs)),
        time_zone=shape.time_zone,
        outages=tuple(Outage(start=one.start, end=one.end) for one in shape.outages),
    )


def _shape_of(record: SessionRecord) -> SessionWitness:
    return SessionWitness.model_construct(
        country_code=record.home.country_code,
        party_id=record.home.party_id,
        id=record.id,
        visited_country_code=record.visited.country_code,
        visited_party_id=record.visited.party_id,
        session_id=record.session_id,
        authorization_reference=record.authorization_reference,
        evse_id=record.evse_id,
        cdr_token=cdr_token(CdrToken, record.credential) if record.credential else None,
        start_date_time=record.started_at,
        end_date_time=record.ended_at,
        kwh=record.energy,
        total_cost=record.cost,
        currency=record.currency,
        authorized=record.authorised,
        quoted_most=record.quoted_most,
        revoked=record.revoked_at,
        max_power=record.max_power_kw,
        tariffs=tuple(map(TARIFFS.tariff, record.tariffs)),
        time_zone=record.time_zone,
        outages=tuple(OutageTime.model_construct(start=one.start, end=one.end) for one in record.outages),
    )


RECORD_CODEC: Codec[SessionWitness, SessionRecord] = Codec(SessionWitness, _record_of, _shape_of)


class Reconciler(Protocol):
    """What a clearing house does with what its members send. `party` is always one that the sender speaks for."""

    def terms(self, parties: frozenset[Party]) -> list[ClearingTerms]:
        """The terms of all pairs in which one of these parties stands."""
        ...

    async def record(self, record: SessionRecord) -> None:
        """A home-CSP's record, in place of an older one. Raises NotFound (no_agreement)."""
        ...

    async def sdr(self, partner: Partner, held: Held[Sdr]) -> None:
        """An operator's SDR. Raises NotFound (no_agreement), Refused (replay_conflict)."""
        ...

    async def totals(self, reporter: Party, totals: ControlTotals) -> tuple[ControlTotals, tuple[str, ...]]:
        """A side's totals; ours and the names of figures that differ. Raises NotFound (no_agreement)."""
        ...

    def verdicts(self, parties: frozenset[Party], request: PageRequest) -> tuple[list[SdrVerdict], int]:
        """Those of SDRs that these parties sent or have to pay, in order of their change, and how many there are."""
        ...

    def verdict(self, key: ObjectKey) -> SdrVerdict:
        """One SDR's. Raises NotFound."""
        ...

    def proof(self, key: ObjectKey) -> str:
        """JSON of the totals of its day and of the path that leads from the SDR to their root. Raises NotFound."""
        ...

    async def say(self, party: Party, key: ObjectKey, move: VerdictMove) -> None:
        """A side's word on an SDR. Raises NotFound, Refused, InvalidInput."""
        ...

    async def dispute(self, party: Party, key: ObjectKey, move: DisputeMove) -> Dispute:
        """A side's act in a dispute. Raises NotFound, Refused."""
        ...


def reconciling(reconciler: Reconciler) -> Extension:
    """The clearing house's side."""
    desk = _Desk(reconciler)
    routes = (
        Route(MODULE, "RECEIVER", "GET", "/terms", desk.terms),
        Route(MODULE, "RECEIVER", "PUT", "/records/{country_code}/{party_id}/{id}", desk.record),
        Route(MODULE, "RECEIVER", "POST", "/sdrs", desk.sdr),
        Route(MODULE, "RECEIVER", "PUT", "/totals/{country_code}/{party_id}/{day}", desk.totals),
        Route(MODULE, "RECEIVER", "GET", "/verdicts", desk.verdicts),
        Route(MODULE, "RECEIVER", "GET", "/verdicts/{country_code}/{party_id}/{id}", desk.verdict),
        Route(MODULE, "RECEIVER", "PUT", "/verdicts/{country_code}/{party_id}/{id}", desk.say),
        Route(MODULE, "RECEIVER", "GET", "/proofs/{country_code}/{party_id}/{id}", desk.proof),
        Route(MODULE, "RECEIVER", "POST", "/disputes/{country_code}/{party_id}/{id}", desk.dispute),
    )
    return Extension(Service.RECONCILIATION, routes)


class _Desk:
    def __init__(self, reconciler: Reconciler) -> None:
        self._reconciler = reconciler

    async def terms(self, request: Request) -> Answer:
        asked = page_request(request, _PAGE_LIMIT)
        found = self._reconciler.terms(frozenset(role.party for role in request.partner.roles))
        shown = found[asked.offset : asked.offset + asked.limit]
        page = Page(tuple(one.model_dump_json() for one in shown), len(found))
        return page_answer(request, asked, page, _PAGE_LIMIT)

    async def record(self, request: Request) -> Answer:
        key = owned_key(request, "id")
        record = RECORD_CODEC.read(request.body).value
        if (record.home, record.id.casefold()) != (key.party, key.id.casefold()):
            raise InvalidInput("The record in the body is another one than in the path.")
        await self._reconciler.record(record)
        return Answer()

    async def sdr(self, request: Request) -> Answer:
        held = read_sdr(request.body, request.received_at)
        if not request.partner.speaks_for(held.value.issuer):
            raise InvalidInput(f"You do not speak for {held.value.issuer}.")
        await self._reconciler.sdr(request.partner, held)
        return Answer()

    async def totals(self, request: Request) -> Answer:
        """The party in the path is the reporter's."""
        reporter = owned_key(request, "day").party
        given = read(ControlTotals, request.body)
        if reporter not in (given.visited, given.home) or given.day.isoformat() != request.path["day"]:
            raise InvalidInput("The totals in the body are of another pair or day than in the path.")
        ours, differences = await self._reconciler.totals(reporter, given)
        return Answer(f'{{"ours":{written(ours)},"differences":{to_text(list(differences))}}}')

    async def verdicts(self, request: Request) -> Answer:
        asked = page_request(request, _PAGE_LIMIT)
        parties = frozenset(role.party for role in request.partner.roles)
        found, total = self._reconciler.verdicts(parties, asked)
        return page_answer(request, asked, Page(tuple(map(written, found)), total), _PAGE_LIMIT)

    async def verdict(self, request: Request) -> Answer:
        return Answer(written(self._of_a_side(request)[1]))

    async def say(self, request: Request) -> Answer:
        party, known = self._of_a_side(request)
        await self._reconciler.say(party, _key(known), read(VerdictMove, request.body))
        return Answer(written(self._reconciler.verdict(_key(known))))

    async def proof(self, request: Request) -> Answer:
        _, known = self._of_a_side(request)
        return Answer(self._reconciler.proof(_key(known)))

    async def dispute(self, request: Request) -> Answer:
        party, known = self._of_a_side(request)
        return Answer(written(await self._reconciler.dispute(party, _key(known), read(DisputeMove, request.body))))

    def _of_a_side(self, request: Request) -> tuple[Party, SdrVerdict]:
        """An SDR and for which of its sides the sender speaks; whose it is not learns nothing of it."""
        issuer = party_in(request.path["country_code"], request.path["party_id"])
        key = ObjectKey(country_code=issuer.country_code, party_id=issuer.party_id, id=request.path["id"])
        known = self._reconciler.verdict(key)
        return require_side(request.partner, known.payer, known.issuer), known


async def pull_terms(calls: Calls, house: Partner) -> list[ClearingTerms]:
    """The terms of all pairs of ours that a clearing house reconciles. Raises as `Calls.extension`."""
    return [read_answer(ClearingTerms, item) for item in await _pages(calls, house, "terms", {})]


async def put_record(calls: Calls, house: Partner, record: SessionRecord) -> None:
    """Send a clearing house our record of a session. Raises as `Calls.extension`."""
    home = record.home
    segments = ("records", home.country_code, home.party_id, record.id)
    await _ask(calls, house, "PUT", *segments, body=RECORD_CODEC.write(record))


async def submit_sdr(calls: Calls, house: Partner, held: Held[Sdr]) -> None:
    """Send a clearing house our SDR. Raises as `Calls.extension`."""
    await _ask(calls, house, "POST", "sdrs", body=held.body)


async def put_totals(
    calls: Calls, house: Partner, reporter: Party, totals: ControlTotals
) -> tuple[ControlTotals, tuple[str, ...]]:
    """Set our totals beside the clearing house's: its own, and which figures differ. Raises as `Calls.extension`."""
    segments = ("totals", reporter.country_code, reporter.party_id, totals.day.isoformat())
    data = await _ask(calls, house, "PUT", *segments, body=written(totals))
    differences = data.get("differences") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(differences, list):
        raise Unreachable("The answer to control totals cannot be read.", code="unreadable_answer")
    return read_answer(ControlTotals, data.get("ours")), tuple(map(str, differences))


async def pull_verdicts(calls: Calls, house: Partner, since: datetime | None) -> list[SdrVerdict]:
    """All verdicts that changed since. Raises as `Calls.extension`."""
    since_then = {} if since is None else {"date_from": write_timestamp(since)}
    return [read_answer(SdrVerdict, item) for item in await _pages(calls, house, "verdicts", since_then)]


async def say(calls: Calls, house: Partner, key: ObjectKey, move: VerdictMove) -> SdrVerdict:
    """Tell the clearing house our word on an SDR. Raises as `Calls.extension`."""
    segments = ("verdicts", key.country_code, key.party_id, key.id)
    return read_answer(SdrVerdict, await _ask(calls, house, "PUT", *segments, body=written(move)))


async def dispute(calls: Calls, house: Partner, key: ObjectKey, move: DisputeMove) -> Dispute:
    """Open, answer, accept or escalate a dispute. Raises as `Calls.extension`."""
    segments = ("disputes", key.country_code, key.party_id, key.id)
    return read_answer(Dispute, await _ask(calls, house, "POST", *segments, body=written(move)))


async def get_proof(calls: Calls, house: Partner, key: ObjectKey) -> object:
    """The proof that an SDR is among those of its day: totals, content_hash and proof. Raises as `Calls.extension`."""
    return await _ask(calls, house, "GET", "proofs", key.country_code, key.party_id, key.id)


async def _pages(calls: Calls, house: Partner, what: str, query: Mapping[str, str]) -> list[Json]:
    found: list[Json] = []
    for _ in range(_MOST_PAGES):
        place = {"offset": str(len(found)), "limit": str(_PAGE_LIMIT)}
        data = await _ask(calls, house, "GET", what, query={**query, **place})
        items = data if isinstance(data, list) else []
        found += items
        if len(items) < _PAGE_LIMIT:
            break
    return found


async def _ask(
    calls: Calls,
    house: Partner,
    method: str,
    *segments: str,
    body: str | None = None,
    query: Mapping[str, str] | None = None,
) -> Json:
    reply = await calls.extension(
        house, Service.RECONCILIATION, method, MODULE, "RECEIVER", *segments, body=body, query=query
    )
    return reply.data


def _key(known: SdrVerdict) -> ObjectKey:
    return ObjectKey(country_code=known.issuer.country_code, party_id=known.issuer.party_id, id=known.id)
