"""Charging preferences (UC3-7, as far as plain OCPI has it): a part of the sessions module, answered at once."""

from collections.abc import Iterator

from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.reading import Json, parse, to_text
from core.endpoint.ocpi.sessions import ChargingPreferences
from core.endpoint.ports import Ports
from core.endpoint.preferences import PreferencesAnswer
from core.errors import InvalidInput
from core.model.credentials import ChargingPreference
from core.model.plans import PlanNeed

MODULE = "sessions"
SEGMENT = "charging_preferences"


def routes(ports: Ports) -> Iterator[Route]:
    """The object reads alike in every version of the wire."""
    if ports.preferences is None:
        return
    port = ports.preferences

    async def put(request: Request) -> Answer:
        need = NEED.model(parse(request.body))
        answer = await port.charging_preferences(request.partner, request.path["session_id"], need)
        return Answer(to_text(str(answer)))

    yield Route(MODULE, "SENDER", "PUT", f"/{{session_id}}/{SEGMENT}", put)


def preferences_body(need: PlanNeed) -> str:
    """The need as preferences; what it may cost at most has no place there."""
    return NEED.write(need)


def _need_of(shape: ChargingPreferences) -> PlanNeed:
    return PlanNeed(
        profile=ChargingPreference(shape.profile_type),
        departure=shape.departure_time,
        energy_kwh=shape.energy_need or None,
        discharge_allowed=bool(shape.discharge_allowed),
    )


def _preferences(need: PlanNeed) -> ChargingPreferences:
    return ChargingPreferences.model_construct(
        profile_type=need.profile,
        departure_time=need.departure,
        energy_need=need.energy_kwh,
        discharge_allowed=need.discharge_allowed or None,
    )


NEED: Codec[ChargingPreferences, PlanNeed] = Codec(ChargingPreferences, _need_of, _preferences)


def preferences_answer(data: Json) -> PreferencesAnswer:
    """The answer as it is received. Raises InvalidInput."""
    try:
        return PreferencesAnswer(str(data))
    except ValueError:
        raise InvalidInput("The answer to charging preferences is none of the five.") from None
