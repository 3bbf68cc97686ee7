"""The one state machine of service sessions: its table, its invariants, and what reports do to it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.credentials import CredentialKind, CredentialReference, IdentificationMethod
from core.model.measuring import measured, parked, without_empty_end
from core.model.meter import ChargingPeriod, Dimension, DimensionKind
from core.model.money import Price
from core.model.parties import Party
from core.model.session import (
    ENDED,
    NEXT,
    OPEN,
    ServiceSession,
    SessionRule,
    SessionState,
    StopReason,
    TransactionKind,
    begin_energy_transfer,
    begin_transaction,
    change,
    end_energy_transfer,
    end_transaction,
    move,
    opened,
)
from core.model.session_progress import with_report
from core.model.session_report import ReportedStatus, SessionReport

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOME, VISITED = Party.parse("NL*EVR"), Party.parse("DE*KPF")


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def session(state: SessionState = SessionState.AUTHORISING) -> ServiceSession:
    return opened(
        ServiceSession(
            id="s1",
            home=HOME,
            visited=VISITED,
            contract_id="NLEVRC12345678",
            credential_uid="A1",
            credential_kind="APP_USER",
            site_id="L1",
            evse_uid="E1",
            connector_id="1",
            state=state,
            opened_at=NOON,
        ),
        actor="driver",
    )


def active() -> ServiceSession:
    started = move(session(), SessionState.ACTIVE, at=NOON, actor="station")
    started = begin_transaction(started, TransactionKind.ENERGY, id="t1", at=NOON)
    return begin_energy_transfer(started, id="e1", at=NOON, meter=Decimal("100"))


def report(status: ReportedStatus, kwh: str = "0", at: float = 1, **members: object) -> SessionReport:
    values: dict[str, object] = {
        "country_code": "DE",
        "party_id": "KPF",
        "id": "v1",
        "start": NOON,
        "energy": Decimal(kwh),
        "credential": CredentialReference(
            country_code="NL",
            party_id="EVR",
            uid="A1",
            kind=CredentialKind.APP_USER,
            contract_id="NL-EVR-C12345678-A",
        ),
        "identification": IdentificationMethod.COMMAND,
        "site_id": "L1",
        "evse_uid": "E1",
        "connector_id": "1",
        "currency": "EUR",
        "status": status,
        "last_updated": minutes(at),
    }
    return SessionReport.model_validate(values | members)


def timed(hours: str) -> ChargingPeriod:
    return ChargingPeriod(start=NOON, dimensions=(Dimension(kind=DimensionKind.TIME, volume=Decimal(hours)),))


def test_power_is_that_between_two_readings_of_the_meter_however_late_the_reports_are() -> None:
    # 6 and 12 minutes after noon the meter stood at 1.1 and 2.2 kWh: 11 kW; the second report came three minutes late.
    current = with_report(session(), report(ReportedStatus.ACTIVE, "1.1", 6, periods=(timed("0.1"),)), now=minutes(6))
    late = report(ReportedStatus.ACTIVE, "2.2", 15, periods=(timed("0.2"),))
    current = with_report(current, late, now=minutes(15))
    assert [(one.at, one.power_kw) for one in current.readings] == [(minutes(6), 11), (minutes(12), 11)]
    stands = report(ReportedStatus.ACTIVE, "4.4", 24, periods=(timed("0.2"),))
    current = with_report(current, stands, now=minutes(24))
    assert (current.readings[-1].at, current.readings[-1].power_kw) == (minutes(24), 11)


def test_every_state_has_its_row_and_final_states_are_never_left() -> None:
    assert set(NEXT) == set(SessionState)
    final = {state for state, following in NEXT.items() if not following}
    assert final == {SessionState.REJECTED, SessionState.EXPIRED, SessionState.SETTLED, SessionState.WRITTEN_OFF}
    assert set(SessionState) == OPEN | ENDED


@given(st.lists(st.sampled_from(SessionState), max_size=12))
def test_whatever_is_asked_the_history_is_a_walk_along_the_table(asked: list[SessionState]) -> None:
    current = session()
    for to in asked:
        before = current
        if to is current.state:
            assert move(current, to, at=NOON, actor="x") is current
        elif to in NEXT[current.state]:
            current = move(current, to, at=NOON, actor="x")
            assert current.transitions[:-1] == before.transitions
        else:
            with pytest.raises(SessionRule):
                move(current, to, at=NOON, actor="x")
    steps = [(one.from_state, one.to_state) for one in current.transitions]
    assert steps[0] == (None, SessionState.AUTHORISING)
    assert all(to in NEXT[before] for before, to in steps[1:] if before is not None)
    assert current.state is steps[-1][1]


def test_a_transition_names_who_did_it_and_when() -> None:
    moved = move(session(), SessionState.REJECTED, at=minutes(1), actor="operator", reason="occupied")
    last = moved.transitions[-1]
    assert (last.actor, last.at, last.reason) == ("operator", minutes(1), "occupied")
    assert moved.ended_at == minutes(1)


def test_transactions_of_one_kind_do_not_overlap() -> None:
    with pytest.raises(SessionRule):
        begin_transaction(active(), TransactionKind.ENERGY, id="t2", at=minutes(1))
    ended = end_transaction(
        end_energy_transfer(active(), at=minutes(5), meter=Decimal(101), reason=StopReason.REMOTE),
        TransactionKind.ENERGY,
        at=minutes(5),
    )
    with pytest.raises(SessionRule):
        begin_transaction(ended, TransactionKind.ENERGY, id="t2", at=minutes(4))


def test_an_energy_transfer_lies_inside_its_transaction_and_its_meter_never_runs_back() -> None:
    with pytest.raises(SessionRule):
        end_transaction(active(), TransactionKind.ENERGY, at=minutes(1))
    with pytest.raises(SessionRule):
        end_energy_transfer(active(), at=minutes(1), meter=Decimal(99), reason=None)
    with pytest.raises(SessionRule):
        end_energy_transfer(active(), at=minutes(-1), meter=Decimal(101), reason=None)
    ended = end_energy_transfer(active(), at=minutes(1), meter=Decimal("100.5"), reason=StopReason.EV_FULL)
    assert ended.transactions[0].energy_transfers[0].energy == Decimal("0.5")


def test_no_transaction_begins_in_a_session_that_has_ended() -> None:
    with pytest.raises(SessionRule):
        begin_transaction(session(SessionState.REJECTED), TransactionKind.ENERGY, id="t", at=NOON)


def test_readings_of_the_same_activity_make_one_period() -> None:
    current = change(active(), last_word_at=NOON)
    for minute, kwh in ((1, "0.2"), (2, "0.4"), (3, "0.6")):
        current = measured(current, at=minutes(minute), energy=Decimal(kwh), charging=True, power_kw=Decimal(12))
    (only,) = current.periods
    assert only.volume(DimensionKind.ENERGY) == Decimal("0.6")
    assert only.volume(DimensionKind.TIME) == Decimal("0.0500")  # 3 min of 60
    assert only.volume(DimensionKind.POWER) == Decimal(12)  # 0.6 kWh in 3 minutes
    assert [one.energy for one in current.readings] == [Decimal("0.2"), Decimal("0.4"), Decimal("0.6")]


def test_of_a_flat_stretch_only_the_ends_are_kept() -> None:
    current = change(active(), last_word_at=NOON)
    for minute in range(1, 100):
        current = measured(current, at=minutes(minute), energy=Decimal(1), charging=False, power_kw=Decimal(0))
    assert [one.at for one in current.readings] == [minutes(1), minutes(99)]


def test_parking_after_charging_is_a_period_of_its_own() -> None:
    current = change(active(), last_word_at=NOON)
    current = measured(current, at=minutes(30), energy=Decimal(5), charging=True)
    current = measured(current, at=minutes(45), energy=Decimal(5), charging=False)
    charging, parked = current.periods
    assert parked.start == minutes(30)
    assert parked.volume(DimensionKind.PARKING_TIME) == Decimal("0.2500")
    assert charging.volume(DimensionKind.PARKING_TIME) == 0


@given(
    st.lists(
        st.tuples(
            st.integers(min_value=1, max_value=600),
            st.decimals(min_value=0, max_value=5, places=4),
            st.booleans(),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_periods_always_sum_to_what_was_measured(steps: list[tuple[int, Decimal, bool]]) -> None:
    current, at, energy = change(active(), last_word_at=NOON), NOON, Decimal(0)
    for seconds, gained, charging in steps:
        at, energy = at + timedelta(seconds=seconds), energy + gained
        current = measured(current, at=at, energy=energy, charging=charging)
    assert sum(one.volume(DimensionKind.ENERGY) for one in current.periods) == energy
    starts = [one.start for one in current.periods]
    assert starts == sorted(starts)
    hours = sum(one.volume(DimensionKind.TIME) + one.volume(DimensionKind.PARKING_TIME) for one in current.periods)
    elapsed = Decimal(str((at - NOON).total_seconds())) / 3600
    assert abs(hours - elapsed) <= Decimal("0.0001") * len(current.periods)


def test_energy_that_runs_back_is_refused() -> None:
    current = measured(change(active(), last_word_at=NOON), at=minutes(1), energy=Decimal(1), charging=True)
    with pytest.raises(SessionRule):
        measured(current, at=minutes(2), energy=Decimal("0.5"), charging=True)
    with pytest.raises(SessionRule):
        with_report(
            with_report(session(), report(ReportedStatus.ACTIVE, "2", 1), now=NOON),
            report(ReportedStatus.ACTIVE, "1", 2),
            now=NOON,
        )


def test_reports_lead_a_session_from_the_answer_to_its_end() -> None:
    current = with_report(session(), report(ReportedStatus.PENDING, at=1), now=minutes(1))
    assert current.state is SessionState.AUTHORISED
    current = with_report(current, report(ReportedStatus.ACTIVE, "1.5", 10), now=minutes(10))
    assert (current.state, current.started_at) == (SessionState.ACTIVE, NOON)
    assert current.power_kw == Decimal("9.00")  # 1.5 kWh in 10 minutes
    cost = Price(before_taxes=Decimal("0.60"), with_taxes=Decimal("0.71"))
    current = with_report(
        current, report(ReportedStatus.COMPLETED, "2", 20, end=minutes(20), total_cost=cost), now=minutes(21)
    )
    assert current.state is SessionState.CLOSING
    assert (current.ended_at, current.energy, current.cost) == (minutes(20), Decimal(2), Decimal("0.60"))
    assert current.transactions[0].end == minutes(20)


def test_a_repeated_or_late_report_changes_nothing() -> None:
    current = with_report(session(), report(ReportedStatus.ACTIVE, "1", 10), now=NOON)
    assert with_report(current, report(ReportedStatus.ACTIVE, "1", 10), now=NOON) is current
    assert with_report(current, report(ReportedStatus.PENDING, "0", 5), now=NOON) is current


def test_a_report_never_reopens_a_session_that_has_ended() -> None:
    ended = with_report(session(), report(ReportedStatus.COMPLETED, "1", 10), now=NOON)
    with pytest.raises(SessionRule):
        with_report(ended, report(ReportedStatus.ACTIVE, "1", 11), now=NOON)
    rejected = move(session(), SessionState.REJECTED, at=NOON, actor="operator")
    with pytest.raises(SessionRule):
        with_report(rejected, report(ReportedStatus.ACTIVE, "0", 1), now=NOON)


def test_a_session_without_a_cable_expires_and_costs_nothing() -> None:
    accepted = with_report(session(), report(ReportedStatus.PENDING, at=1), now=minutes(1))
    expired = with_report(accepted, report(ReportedStatus.INVALID, at=2), now=minutes(2))
    assert (expired.state, expired.reason, expired.cost) == (SessionState.EXPIRED, "not_plugged_in", None)


def test_an_unconfirmed_start_is_rejected_when_the_partner_says_that_it_never_began() -> None:
    unconfirmed = move(session(), SessionState.UNCONFIRMED, at=NOON, actor="home-CSP", reason="no_answer")
    rejected = with_report(unconfirmed, report(ReportedStatus.INVALID, "0", 1), now=NOON)
    assert (rejected.state, rejected.reason) == (SessionState.REJECTED, "not_started")


def test_an_unconfirmed_start_becomes_active_on_evidence() -> None:
    unconfirmed = move(session(), SessionState.UNCONFIRMED, at=NOON, actor="home-CSP", reason="no_answer")
    assert with_report(unconfirmed, report(ReportedStatus.ACTIVE, "0", 1), now=NOON).state is SessionState.ACTIVE


def test_a_missing_cost_is_not_free() -> None:
    assert with_report(session(), report(ReportedStatus.ACTIVE, "1", 1), now=NOON).cost is None


def test_parking_that_has_just_begun_is_told_and_costs_no_period_at_the_end() -> None:
    current = measured(change(active(), last_word_at=NOON), at=minutes(30), energy=Decimal(5), charging=True)
    told = parked(current, minutes(30))
    assert told.periods[-1].volume(DimensionKind.PARKING_TIME) == 0
    assert parked(told, minutes(30)) is told
    assert without_empty_end(told).periods == current.periods
    later = measured(told, at=minutes(45), energy=Decimal(5), charging=False)
    assert [one.start for one in later.periods] == [NOON, minutes(30)]
    assert later.periods[-1].volume(DimensionKind.PARKING_TIME) == Decimal("0.2500")
    assert without_empty_end(later) is later


def test_a_partner_whose_last_period_is_parking_transfers_nothing_now() -> None:
    current = with_report(session(), report(ReportedStatus.ACTIVE, "1", 10), now=NOON)
    periods = measured(change(active(), last_word_at=NOON), at=minutes(10), energy=Decimal(1), charging=True)
    at_rest = report(ReportedStatus.ACTIVE, "1", 10.2, periods=parked(periods, minutes(10)).periods)
    assert current.power_kw == Decimal("6.00")  # 1 kWh in 10 minutes
    assert with_report(current, at_rest, now=NOON).power_kw == 0
