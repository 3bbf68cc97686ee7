"""The rules of clearing, pure: Merkle roots, minor units, splits, netting, cut-offs, disputes and their clocks."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from core.model.clearing import verdicts
from core.model.clearing.batches import NEXT_BATCH_STATES, BatchState, next_state, obligation_amounts
from core.model.clearing.ledger import Line, Posting, account_of, balances, transfer
from core.model.clearing.merkle import Proof, proof_of, proves, root_of
from core.model.clearing.minor_units import from_minor, split, to_minor
from core.model.clearing.netting import Flow, bilateral, multilateral
from core.model.clearing.terms import ClearingTerms, CutOff, Windows
from core.model.clearing.totals import Counted, totals_of
from core.model.clearing.verdicts import DisputeState, at_deadline, decided, opened, responded
from core.model.parties import Party
from tests.clearing_house.records import HOME, NOON, TERMS, VISITED, at

PARTIES = [Party.parse(one) for one in ("DE*VIS", "NL*HOM", "FR*OTH", "BE*ALL")]
hashes = st.sets(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=40)


def rfc6962_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, as it is written."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + rfc6962_root(leaves[:k]) + rfc6962_root(leaves[k:])).digest()


@given(hashes)
def test_the_root_is_that_of_rfc_6962_over_the_sorted_set(found: set[str]) -> None:
    assert root_of(found) == rfc6962_root([bytes.fromhex(one) for one in sorted(found)]).hex()


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    # RFC 6962, 2.1: MTH({}) = SHA-256().
    assert root_of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(hashes.filter(bool), st.data())
def test_a_proof_leads_to_the_root_and_to_no_other(found: set[str], data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(sorted(found)))
    root, proof = root_of(found), proof_of(found, one)
    assert proof is not None
    assert proves(proof, one, root)
    other = sha256(one.encode()).hexdigest()
    assert proof_of(found, other) is None
    assert not proves(proof, other, root)
    assert not proves(proof, one, root_of({*found, other}))
    assert not proves(proof.model_copy(update={"path": (*proof.path, other)}), one, root)
    assert not proves(Proof(index=proof.index, size=proof.size, path=("no hash",)), one, root)


def test_control_totals_differ_by_what_differs() -> None:
    def total(*money: str) -> object:
        counted = [
            Counted(content_hash=sha256(one.encode()).hexdigest(), energy=Decimal(1), money=Decimal(one))
            for one in money
        ]
        return totals_of(VISITED, HOME, NOON.date(), "EUR", counted)

    ours = totals_of(VISITED, HOME, NOON.date(), "EUR", [])
    assert ours.differences(ours) == ()
    assert total("1", "2") == total("2", "1")
    # Equal sums of other SDRs: only the root tells.
    assert total("1", "4").differences(total("2", "3")) == ("root",)
    assert total("1").differences(total("1", "2")) == ("count", "energy", "money", "root")


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    # ISO 4217: the yen has no minor unit, the dinar of Kuwait three. Half up, a credit as its original.
    [
        ("3.905", "EUR", 391),
        ("-3.905", "EUR", -391),
        ("3.904", "EUR", 390),
        ("99.5", "JPY", 100),
        ("1.2345", "KWD", 1235),
    ],
)
def test_lines_are_rounded_half_up_to_minor_units(amount: str, currency: str, units: int) -> None:
    assert to_minor(Decimal(amount), currency) == units
    assert to_minor(from_minor(units, currency), currency) == units


def test_a_split_gives_the_rest_to_the_largest_remainders() -> None:
    # 100 by 1:1:1 is 33.33 each: one unit is left, equal remainders, so it goes to the first.
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    # 10 by 1:2:3 is 1.67, 3.33, 5: the unit goes to 1.67.
    assert split(10, [1, 2, 3]) == [2, 3, 5]


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**12), min_size=1, max_size=30).filter(any))
def test_a_split_loses_nothing_and_is_never_a_unit_off(units: int, weights: list[int]) -> None:
    shares = split(units, weights)
    assert sum(shares) == units
    assert all(
        abs(share * sum(weights) - units * weight) < sum(weights) for share, weight in zip(shares, weights, strict=True)
    )


flows = st.lists(
    st.builds(
        Flow, st.sampled_from(PARTIES), st.sampled_from(PARTIES), st.sampled_from(["EUR", "SEK"]),
        st.integers(-(10**9), 10**9),
    ).filter(lambda flow: flow.debtor != flow.creditor),
    max_size=30,
)  # fmt: skip


@given(flows)
def test_netting_conserves_every_position_and_each_currency_sums_to_zero(given_flows: list[Flow]) -> None:
    netted = bilateral(given_flows)
    assert len({(frozenset((one.debtor, one.creditor)), one.currency) for one in netted}) == len(netted)
    assert all(one.units > 0 for one in netted)
    gross = {(one.party, one.currency): one.units for one in multilateral(given_flows)}
    positions = {(one.party, one.currency): one.units for one in multilateral(netted)}
    assert positions == {key: units for key, units in gross.items() if key in positions}
    assert all(units == 0 for key, units in gross.items() if key not in positions)
    for currency in ("EUR", "SEK"):
        assert sum(units for (_, of), units in gross.items() if of == currency) == 0


@given(flows)
def test_postings_of_any_flows_sum_to_zero(given_flows: list[Flow]) -> None:
    booked = [
        transfer(str(at), one.currency, account_of(one.debtor), account_of(one.creditor), one.units)
        for at, one in enumerate(given_flows)
    ]
    by_account = balances(booked)
    for one in multilateral(given_flows):
        assert by_account[account_of(one.party), one.currency] == one.units


def test_a_posting_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        Posting(reason="x", currency="EUR", lines=(Line(account="a", units=1), Line(account="b", units=-2)))


def test_taxes_are_taken_by_rate_only_where_they_sum_to_the_tax_of_the_total() -> None:
    rates = [(Decimal(19), Decimal("3.90"), Decimal("0.741"))]
    net, gross, parts = obligation_amounts(Decimal("3.90"), Decimal("4.641"), rates, "EUR")
    assert (net, gross, [(one.rate, one.base, one.tax) for one in parts]) == (390, 464, [(Decimal(19), 390, 74)])
    _, _, parts = obligation_amounts(Decimal("3.90"), Decimal("5.00"), rates, "EUR")
    assert [(one.rate, one.base, one.tax) for one in parts] == [(None, 390, 110)]
    assert obligation_amounts(Decimal("3.90"), None, [], "EUR")[1] == 390


def test_cut_offs_are_local_midnights_also_when_the_clocks_change() -> None:
    # Berlin: +1 until 29 March 2026 02:00, then +2.
    assert TERMS.cut_off_after(datetime(2026, 3, 28, 22, 59, tzinfo=UTC)) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert TERMS.cut_off_after(datetime(2026, 3, 28, 23, tzinfo=UTC)) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    weekly, monthly = (TERMS.model_copy(update={"cut_off": one}) for one in (CutOff.WEEKLY, CutOff.MONTHLY))
    assert weekly.cut_off_before(NOON) == datetime(2026, 3, 1, 23, tzinfo=UTC)  # a Monday
    assert weekly.cut_off_after(NOON) == datetime(2026, 3, 8, 23, tzinfo=UTC)
    assert monthly.cut_off_after(NOON) == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert monthly.cut_off_after(datetime(2026, 12, 31, tzinfo=UTC)) == datetime(2026, 12, 31, 23, tzinfo=UTC)


@given(
    st.integers(0, 40 * 366 * 86_400).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    st.sampled_from(CutOff),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Chatham", "UTC"]),
)
def test_a_cut_off_lies_ahead_and_the_one_before_not(moment: datetime, cut_off: CutOff, zone: str) -> None:
    terms = ClearingTerms(id="A", creditor=VISITED, debtor=HOME, cut_off=cut_off, time_zone=zone)
    before, after = terms.cut_off_before(moment), terms.cut_off_after(moment)
    assert before <= moment < after
    assert terms.cut_off_before(after) == after
    assert after.astimezone(zoneinfo.ZoneInfo(zone)).time().hour == 0


WINDOWS = Windows()


def test_who_is_silent_in_a_dispute_agrees_with_the_other() -> None:
    dispute = opened("no such session", Decimal("3.90"), NOON, at(days=14), WINDOWS)
    assert dispute.due_at == at(days=21)
    assert at_deadline(dispute, at(days=20)) == dispute
    upheld = at_deadline(dispute, at(days=21))
    assert (upheld.state, upheld.credit, upheld.decided_by) == (DisputeState.UPHELD, Decimal("3.90"), "deadline")

    answered = responded(dispute, "the meter says so", None, at(days=15), WINDOWS)
    assert at_deadline(answered, at(days=22)).state is DisputeState.REJECTED
    offered = responded(dispute, "half of it", Decimal("1.95"), at(days=15), WINDOWS)
    split_up = at_deadline(offered, at(days=22))
    assert (split_up.state, split_up.credit) == (DisputeState.SPLIT, Decimal("1.95"))
    assert at_deadline(verdicts.escalated(offered), at(days=999)).state is DisputeState.ESCALATED


def test_a_dispute_after_the_window_or_beyond_its_states_is_refused() -> None:
    with pytest.raises(Refused) as raised:
        opened("late", Decimal(1), NOON, at(days=14, seconds=1), WINDOWS)
    assert raised.value.code == "window_closed"
    dispute = opened("", Decimal(1), NOON, NOON, WINDOWS)
    done = decided(dispute, DisputeState.REJECTED, "NL*HOM", NOON)
    for again in (
        lambda: responded(done, "", None, NOON, WINDOWS),
        lambda: decided(done, DisputeState.UPHELD, "x", NOON),
        lambda: responded(dispute, "", Decimal(2), NOON, WINDOWS),  # more than is claimed
        lambda: decided(verdicts.escalated(dispute), DisputeState.SPLIT, "x", NOON),  # no part
    ):
        with pytest.raises(Refused):
            again()


def test_states_move_forward_only() -> None:
    order = list(BatchState)
    for state, following in NEXT_BATCH_STATES.items():
        assert (
            all(order.index(one) > order.index(state) for one in following)
            or state is BatchState.FAILED
            or (state is BatchState.PARTIAL)
        )
    with pytest.raises(Refused):
        next_state(BatchState.CUT, BatchState.OPEN)
    assert timedelta(0) < WINDOWS.confirm
