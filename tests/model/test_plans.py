"""Which version of a charge plan stands when several come at once."""

from datetime import UTC, datetime

from core.model.credentials import ChargingPreference
from core.model.plans import ChargePlan, PlanNeed, PlanState, recorded

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OFFERED, ACTIVE, REJECTED, REPLACED = PlanState.OFFERED, PlanState.ACTIVE, PlanState.REJECTED, PlanState.REPLACED


def plan(id: str, version: int, state: PlanState) -> ChargePlan:
    return ChargePlan(
        country_code="DE",
        party_id="TST",
        id=id,
        version=version,
        session_id="S",
        need=PlanNeed(profile=ChargingPreference.FAST),
        state=state,
        last_updated=NOON,
    )


def changed(held: list[ChargePlan], coming: ChargePlan) -> list[tuple[str, int, PlanState]]:
    return [(each.id, each.version, each.state) for each in recorded(held, coming)]


def test_a_word_on_a_version_that_was_overtaken_does_not_put_it_back_into_force() -> None:
    """Accepted at the operator as version 1; its update to version 2 was here before the answer came back."""
    held = [plan("A", 1, REPLACED), plan("A", 2, ACTIVE)]
    assert changed(held, plan("A", 1, ACTIVE)) == [("A", 1, REPLACED)]


def test_an_offer_takes_the_place_of_offers_alone_and_what_is_in_force_that_of_all() -> None:
    held = [plan("A", 1, REPLACED), plan("A", 2, ACTIVE), plan("B", 1, OFFERED)]
    assert changed(held, plan("C", 1, OFFERED)) == [("B", 1, REPLACED), ("C", 1, OFFERED)]
    assert changed(held, plan("B", 1, ACTIVE)) == [("A", 2, REPLACED), ("B", 1, ACTIVE)]
    assert changed(held, plan("A", 3, ACTIVE)) == [("A", 2, REPLACED), ("B", 1, REPLACED), ("A", 3, ACTIVE)]


def test_a_no_takes_the_place_of_nothing() -> None:
    held = [plan("A", 1, ACTIVE), plan("B", 1, OFFERED), plan("C", 1, OFFERED)]
    assert changed(held, plan("B", 1, REJECTED)) == [("B", 1, REJECTED)]
