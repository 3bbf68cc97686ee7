"""The extension module `sdrs` (UC3-9): the verdict of a home-CSP on an SDR, told to the visited-CSO that sent it.

A partner without the module sees no verdict, as on plain OCPI: it hears of a bill that is not accepted from people.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Extension, module_id
from core.endpoint.modules.lists import list_routes
from core.endpoint.modules.objects import party_in
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import CiString, Closed, Moment, Text, VersionNumber, YesNo
from core.endpoint.ocpi.reading import parse
from core.endpoint.ocpi.shape import Shape
from core.endpoint.partner import Partner
from core.endpoint.ports import Held, ObjectSource
from core.errors import InvalidInput
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.parties import ObjectKey
from core.model.sdr_verdicts import SdrVerdict, VerdictState
from core.model.services import Service

MODULE = module_id("sdrs")
KIND = "sdr_verdicts"
"""The kind under which a verdict is marked in the outbox."""


class Verdict(Shape):
    """A verdict on the wire; country_code, party_id and cdr_id are those of the CDR."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    cdr_id: Annotated[str, CiString(39)]
    cdr_hash: Annotated[str, CiString(64)]
    version: VersionNumber
    state: Annotated[str, Closed(tuple(VerdictState))]
    codes: tuple[Annotated[str, Closed(tuple(DiscrepancyClass))], ...] = ()
    by_driver: YesNo
    note: Annotated[str, Text(200)] | None = None
    last_updated: Moment


def _verdict_of(shape: Verdict) -> SdrVerdict:
    return SdrVerdict(
        sdr=ObjectKey(country_code=shape.country_code.upper(), party_id=shape.party_id.upper(), id=shape.cdr_id),
        content_hash=shape.cdr_hash,
        version=shape.version,
        state=VerdictState(shape.state),
        codes=tuple(map(DiscrepancyClass, shape.codes)),
        by_driver=shape.by_driver,
        note=shape.note or "",
        last_updated=shape.last_updated,
    )


def _shape_of(verdict: SdrVerdict) -> Verdict:
    return Verdict.model_construct(
        country_code=verdict.sdr.country_code,
        party_id=verdict.sdr.party_id,
        cdr_id=verdict.sdr.id,
        cdr_hash=verdict.content_hash,
        version=verdict.version,
        state=verdict.state,
        codes=verdict.codes,
        by_driver=verdict.by_driver,
        note=verdict.note or None,
        last_updated=verdict.last_updated,
    )


VERDICT: Codec[Verdict, SdrVerdict] = Codec(Verdict, _verdict_of, _shape_of)


class VerdictReceiver(Protocol):
    """Takes verdicts on our SDRs (visited-CSO)."""

    async def verdict(self, partner: Partner, verdict: SdrVerdict) -> None:
        """Keep it; an older one changes nothing. Raises NotFound for an SDR that the partner is not to pay.

        Raises InvalidInput where another content than ours was judged.
        """
        ...

    async def repair(self, partner: Partner) -> None:
        """Ask for the verdicts that we missed."""
        ...


def hearing(receiver: VerdictReceiver) -> Extension:
    """The visited-CSO's side."""

    async def put(request: Request) -> Answer:
        verdict = VERDICT.model(parse(request.body))
        party = party_in(request.path["country_code"], request.path["party_id"])
        named = ObjectKey(country_code=party.country_code, party_id=party.party_id, id=request.path["cdr_id"])
        if verdict.sdr != named:
            raise InvalidInput("The verdict in the body is on another CDR than in the path.")
        await receiver.verdict(request.partner, verdict)
        return Answer()

    routes = (Route(MODULE, "RECEIVER", "PUT", "/{country_code}/{party_id}/{cdr_id}", put),)
    return Extension(Service.SDR_VERDICTS, routes, repair=receiver.repair)


def judging(source: ObjectSource, push: Callable[[Partner, ObjectKey], Awaitable[None]], page_limit: int) -> Extension:
    """The home-CSP's side: its verdicts, pushed and listed for the partner whose SDRs they are on."""
    return Extension(Service.SDR_VERDICTS, tuple(list_routes(MODULE, source, page_limit)), pushes={KIND: push})


async def put_verdict(calls: Calls, partner: Partner, verdict: SdrVerdict) -> None:
    """Tell the visited-CSO. Raises as `Calls.extension`."""
    segments = (verdict.sdr.country_code, verdict.sdr.party_id, verdict.sdr.id)
    await calls.extension(
        partner, Service.SDR_VERDICTS, "PUT", MODULE, "RECEIVER", *segments, body=VERDICT.write(verdict)
    )


def pull_verdicts(calls: Calls, partner: Partner, since: datetime | None) -> AsyncIterator[Held[SdrVerdict]]:
    """The verdicts of a home-CSP on our SDRs. Raises as `Calls.extension`."""
    return calls.pull_extension(partner, Service.SDR_VERDICTS, MODULE, VERDICT, since)
