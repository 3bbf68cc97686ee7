"""The extension module `chargeplans` (UC3-7, UC3-10): plans asked for, offered at a price, answered, and updated.

OCPI has charging preferences, whose fulfilment is not told, and charging profiles, which have no price and no consent.
A partner without the module is told the driver's preferences where that is agreed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Extension, module_id
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import CiString, Closed, Count, Digits, Moment, Text, VersionNumber, YesNo
from core.endpoint.ocpi.reading import Json, parse, to_text
from core.endpoint.ocpi.shape import Fault, InvalidMember, Shape, only_object, written
from core.endpoint.ocpi.types import price_of
from core.endpoint.ocpi.v2_3_0.types import Price
from core.endpoint.partner import Partner
from core.endpoint.rejection import Rejection
from core.errors import InvalidInput, NotAllowed, Unreachable
from core.model.credentials import ChargingPreference
from core.model.parties import ObjectKey
from core.model.plans import (
    ChargePlan,
    Consent,
    PlanNeed,
    PlanRefusal,
    PlanSlot,
    PlanState,
    UpdateReason,
)
from core.model.services import Service

MODULE = module_id("chargeplans")
KIND = "charge_plans"
"""The kind under which a plan is marked in the outbox."""
_MOST_SLOTS = 500


class PlanRequest(Shape):
    """What the driver needs. `counters`: the offer that it is an answer to."""

    profile_type: Annotated[str, Closed(tuple(ChargingPreference))]
    departure_time: Moment | None = None
    energy_need: Digits | None = None
    max_cost: Digits | None = None
    discharge_allowed: YesNo | None = None
    counters: Annotated[str, CiString(36)] | None = None


class Slot(Shape):
    """A stretch of equal power; duration in seconds, power in W, energy in kWh."""

    start_date_time: Moment
    duration: Count
    max_power: Count
    expected_energy: Digits
    price: Digits | None = None


class Plan(Shape):
    """One version of a plan."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    id: Annotated[str, CiString(36)]
    version: VersionNumber
    session_id: Annotated[str, CiString(36)]
    request: PlanRequest
    slots: tuple[Slot, ...] = ()
    expected_finish: Moment | None = None
    currency: Annotated[str, Text(3)] | None = None
    total_cost_estimate: Price | None = None
    cost_without_plan: Price | None = None
    valid_until: Moment | None = None
    state: Annotated[str, Closed(tuple(PlanState))]
    consent: Annotated[str, Closed(tuple(Consent))]
    reason: Annotated[str, Closed(tuple(UpdateReason))] | None = None
    effective_at: Moment | None = None
    price_effect: Digits | None = None
    last_updated: Moment


class PlanResponse(Shape):
    """The answer to a request or to the driver's word: a plan, or why there is none."""

    result: Annotated[str, Closed(("ACCEPTED", *PlanRefusal))]
    message: Annotated[str, Text(255)] | None = None
    plan: Plan | None = None


class PlanWord(Shape):
    """The driver's word on a version."""

    answer: Annotated[str, Closed(("ACCEPT", "REJECT"))]


class UpdateResult(StrEnum):
    """What a home-CSP makes of an update."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    CONSENT_ASKED = "CONSENT_ASKED"
    """It costs more than what the driver agreed to: the driver's word follows."""


class UpdateResponse(Shape):
    """The answer to an update."""

    result: Annotated[str, Closed(tuple(UpdateResult))]


@dataclass(frozen=True)
class PlanAnswer:
    """A plan, or why there is none."""

    plan: ChargePlan | None = None
    refusal: PlanRefusal | None = None
    message: str = ""


def _need_of(shape: PlanRequest) -> PlanNeed:
    """Wire to model."""
    return PlanNeed(
        profile=ChargingPreference(shape.profile_type),
        departure=shape.departure_time,
        energy_kwh=shape.energy_need,
        max_cost=shape.max_cost,
        discharge_allowed=bool(shape.discharge_allowed),
    )


def _request(need: PlanNeed, counters: str | None = None) -> PlanRequest:
    return PlanRequest.model_construct(
        profile_type=need.profile,
        departure_time=need.departure,
        energy_need=need.energy_kwh,
        max_cost=need.max_cost,
        discharge_allowed=need.discharge_allowed or None,
        counters=counters,
    )


def _plan_of(shape: Plan) -> ChargePlan:
    if len(shape.slots) > _MOST_SLOTS:
        raise InvalidMember([Fault("Plan.slots", f"has more than {_MOST_SLOTS} items")])
    return ChargePlan(
        country_code=shape.country_code,
        party_id=shape.party_id,
        id=shape.id,
        version=shape.version,
        session_id=shape.session_id,
        need=_need_of(shape.request),
        slots=tuple(
            PlanSlot(
                start=one.start_date_time,
                duration_s=one.duration,
                max_power_w=one.max_power,
                expected_kwh=one.expected_energy,
                price=one.price,
            )
            for one in shape.slots
        ),
        expected_finish=shape.expected_finish,
        currency=shape.currency and shape.currency.upper(),
        total=price_of(shape.total_cost_estimate),
        unplanned=price_of(shape.cost_without_plan),
        valid_until=shape.valid_until,
        state=PlanState(shape.state),
        consent=Consent(shape.consent),
        reason=UpdateReason(shape.reason) if shape.reason else None,
        effective_at=shape.effective_at,
        price_effect=shape.price_effect,
        last_updated=shape.last_updated,
    )


def _shape_of(plan: ChargePlan) -> Plan:
    return Plan.model_construct(
        country_code=plan.country_code,
        party_id=plan.party_id,
        id=plan.id,
        version=plan.version,
        session_id=plan.session_id,
        request=_request(plan.need),
        slots=tuple(
            Slot.model_construct(
                start_date_time=one.start,
                duration=one.duration_s,
                max_power=one.max_power_w,
                expected_energy=one.expected_kwh,
                price=one.price,
            )
            for one in plan.slots
        ),
        expected_finish=plan.expected_finish,
        currency=plan.currency,
        total_cost_estimate=Price.of(plan.total) if plan.total else None,
        cost_without_plan=Price.of(plan.unplanned) if plan.unplanned else None,
        valid_until=plan.valid_until,
        state=plan.state,
        consent=plan.consent,
        reason=plan.reason,
        effective_at=plan.effective_at,
        price_effect=plan.price_effect,
        last_updated=plan.last_updated,
    )


NEED: Codec[PlanRequest, PlanNeed] = Codec(PlanRequest, _need_of, _request)
PLAN: Codec[Plan, ChargePlan] = Codec(Plan, _plan_of, _shape_of)


class Planner(Protocol):
    """Makes plans and keeps them (visited-CSO)."""

    async def request(self, partner: Partner, session_id: str, need: PlanNeed, counters: str | None) -> PlanAnswer:
        """An offer, or why there is none."""
        ...

    async def answer(self, partner: Partner, session_id: str, id: str, version: int, accepted: bool) -> PlanAnswer:
        """The driver's word on a version."""
        ...

    def current(self, partner: Partner, session_id: str) -> ChargePlan | None:
        """The newest version of the session's plan."""
        ...

    async def push(self, partner: Partner, session_id: str) -> None:
        """Tell the home-CSP of the newest version."""
        ...


class PlanReceiver(Protocol):
    """Hears of updates (home-CSP)."""

    async def updated(self, partner: Partner, plan: ChargePlan) -> UpdateResult:
        """A version; one that is known changes nothing. Raises NotFound for a session that is not ours."""
        ...


def planning(planner: Planner) -> Extension:
    """The visited-CSO's side."""

    async def request(asked: Request) -> Answer:
        shape = PlanRequest.read(parse(asked.body))
        answer = await planner.request(asked.partner, asked.path["session_id"], NEED.of(shape), shape.counters)
        return Answer(_response_text(answer))

    async def word(asked: Request) -> Answer:
        accepted = PlanWord.read(parse(asked.body)).answer == "ACCEPT"
        version = _version(asked.path["version"])
        path = asked.path
        answer = await planner.answer(asked.partner, path["session_id"], path["plan_id"], version, accepted)
        return Answer(_response_text(answer))

    async def current(asked: Request) -> Answer:
        plan = planner.current(asked.partner, asked.path["session_id"])
        if plan is None:
            raise Rejection("There is no plan for this session.", 404)
        return Answer(PLAN.write(plan))

    async def push(partner: Partner, key: ObjectKey) -> None:
        await planner.push(partner, key.id)

    routes = (
        Route(MODULE, "RECEIVER", "POST", "/{session_id}", request),
        Route(MODULE, "RECEIVER", "GET", "/{session_id}", current),
        Route(MODULE, "RECEIVER", "POST", "/{session_id}/{plan_id}/{version}", word),
    )
    return Extension(Service.CHARGE_PLANS, routes, pushes={KIND: push})


def receiving(receiver: PlanReceiver) -> Extension:
    """The home-CSP's side."""

    async def put(asked: Request) -> Answer:
        plan = PLAN.read(asked.body).value
        if plan.session_id != asked.path["session_id"]:
            raise InvalidInput("The plan is for another session than the address.")
        if not asked.partner.speaks_for(plan.party):
            raise NotAllowed(f"You do not speak for {plan.party}.")
        result = await receiver.updated(asked.partner, plan)
        return Answer(to_text(written(UpdateResponse.model_construct(result=result))))

    return Extension(Service.CHARGE_PLANS, (Route(MODULE, "SENDER", "PUT", "/{session_id}", put),))


async def request_plan(
    calls: Calls, partner: Partner, session_id: str, need: PlanNeed, counters: str | None = None
) -> PlanAnswer:
    """Ask for an offer. Raises as `Calls.extension`, Unreachable for an answer that cannot be used."""
    body = to_text(written(_request(need, counters)))
    reply = await calls.extension(partner, Service.CHARGE_PLANS, "POST", MODULE, "RECEIVER", session_id, body=body)
    return _readable(partner, session_id, lambda: _answer_of(reply.data))


async def answer_plan(calls: Calls, partner: Partner, plan: ChargePlan, *, accepted: bool) -> PlanAnswer:
    """Tell the driver's word. Raises as `request_plan`."""
    word = PlanWord.model_construct(answer="ACCEPT" if accepted else "REJECT")
    reply = await calls.extension(
        partner,
        Service.CHARGE_PLANS,
        "POST",
        MODULE,
        "RECEIVER",
        plan.session_id,
        plan.id,
        str(plan.version),
        body=to_text(written(word)),
    )
    return _readable(partner, plan.session_id, lambda: _answer_of(reply.data))


async def current_plan(calls: Calls, partner: Partner, session_id: str) -> ChargePlan:
    """The newest version, after one was missed. Raises as `request_plan`, NotFound without any."""
    reply = await calls.extension(partner, Service.CHARGE_PLANS, "GET", MODULE, "RECEIVER", session_id)
    answer = _readable(partner, session_id, lambda: PlanAnswer(PLAN.model(only_object(reply.data))))
    assert answer.plan is not None  # it was read just now
    return answer.plan


async def put_plan(calls: Calls, partner: Partner, plan: ChargePlan) -> UpdateResult:
    """Tell a home-CSP of a version. Raises as `Calls.extension`."""
    reply = await calls.extension(
        partner, Service.CHARGE_PLANS, "PUT", MODULE, "SENDER", plan.session_id, body=PLAN.write(plan)
    )
    return UpdateResult(UpdateResponse.read(reply.data).result)


def _answer_of(data: Json) -> PlanAnswer:
    shape = PlanResponse.read(data)
    if shape.result == "ACCEPTED":
        if shape.plan is None:
            raise InvalidInput("There is no plan in the answer.")
        return PlanAnswer(PLAN.of(shape.plan))
    return PlanAnswer(None, PlanRefusal(shape.result), shape.message or "")


def _readable(partner: Partner, session_id: str, read: Callable[[], PlanAnswer]) -> PlanAnswer:
    try:
        answer = read()
        if answer.plan is not None and answer.plan.session_id != session_id:
            raise InvalidInput("It is a plan for another session.")
        if answer.plan is not None and not partner.speaks_for(answer.plan.party):
            raise NotAllowed(f"{partner.name} does not speak for {answer.plan.party}.")
    except (InvalidInput, NotAllowed) as error:
        raise Unreachable(f"The partner's plan cannot be used: {error.message}", code="unreadable_answer") from error
    return answer


def _response_text(answer: PlanAnswer) -> str:
    return to_text(
        written(
            PlanResponse.model_construct(
                result="ACCEPTED" if answer.refusal is None else answer.refusal,
                message=answer.message or None,
                plan=None if answer.plan is None else _shape_of(answer.plan),
            )
        )
    )


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput("The version is no number.")
    return int(text)
