"""Each class of discrepancy (6.4.2; classes and weights are ours) by a case made by hand, and what is none."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.clearing_house.reconciliation import Reconciliation, reconcile
from core.endpoint.stored import Reader
from core.model.agreements import PricingOptions, StepRounding
from core.model.clearing.discrepancies import MEANINGS, Discrepancy, DiscrepancyClass, Severity
from core.model.clearing.records import Outage, Witness
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdicts import Outcome
from core.model.parties import Party
from core.model.tariffs import Tariff
from core.store.wire_text import WireText
from tests.clearing_house.ocmf import signed_data
from tests.clearing_house.records import NOON, TERMS, Books, at, books, credit_json, priced, record, sdr_json

pytestmark = pytest.mark.anyio

D = DiscrepancyClass
Setting = Callable[[Books], Awaitable[None]]


def found(run: Reconciliation, key: str = "DE*VIS/C1") -> dict[DiscrepancyClass, Discrepancy]:
    return {one.kind: one for judged in run.judgements if judged.key == key for one in judged.found}


def outcome(run: Reconciliation, key: str = "DE*VIS/C1") -> Outcome:
    (judged,) = [one for one in run.judgements if one.key == key]
    return judged.after


async def judged(folder: Path, setting: Setting, terms: ClearingTerms = TERMS) -> Reconciliation:
    async with books(folder, terms) as kept:
        await setting(kept)
        run = await reconcile(kept.clearing)
        again = await reconcile(kept.clearing)
        assert [(one.key, one.found, one.after) for one in again.judgements] == [
            (one.key, one.found, one.after) for one in run.judgements if one.after is not Outcome.REJECTED
        ]
        return run


def tariff_of(**members: Any) -> Tariff:
    return Reader().tariff(WireText(json.dumps(priced(**members)), "2.2.1"))


def sdr_and_record(sdr: dict[str, Any] | None = None, session: dict[str, Any] | None = None) -> Setting:
    async def set_up(kept: Books) -> None:
        await kept.sdr(sdr_json(**(sdr or {})))
        await kept.session(record(**(session or {})))

    return set_up


async def test_witnesses_that_agree_within_the_tolerances_find_nothing(tmp_path: Path) -> None:
    # 59 s are within 60 s; 0.01 kWh is the tolerance up to 10 kWh.
    run = await judged(tmp_path, sdr_and_record(session={"start": at(seconds=59), "kwh": "10.01"}))
    assert (found(run), outcome(run)) == ({}, Outcome.ACCEPTED)


CASES: list[tuple[DiscrepancyClass, dict[str, Any], dict[str, Any], str]] = [
    (D.D06, {}, {"authorised": False}, "never granted"),
    (D.D07, {}, {"revoked_at": at(minutes=-16)}, "revoked at 2026-03-02 11:44:00Z"),
    (D.D08, {}, {"start": at(seconds=61)}, "12:00:00Z, the provider 2026-03-02 12:01:01Z"),
    (D.D08, {"hours": 1.5}, {}, "13:30:00Z, the provider 2026-03-02 13:00:00Z"),
    (D.D09, {}, {"kwh": "10.011"}, "10.0000 kWh, the provider 10.0110 kWh"),
    (D.D12, {}, {"tariffs": (tariff_of(id="T2"),)}, "T1 is not the one that held at the start"),
    (D.D12, {"tariffs": [priced(end_date_time="2026-03-02T11:00:00Z")]}, {}, "was not in force"),
    (D.D12, {"tariffs": None}, {}, "Neither the SDR nor the provider's record holds a tariff"),
    # 10 kWh at 0.39 are 3.90; 4.00 is 0.10 more.
    (D.D13, {"total_cost": {"excl_vat": 4.0, "incl_vat": 4.76}}, {}, "says 4.0 EUR, its tariff and periods give 3.9"),
    (D.D14, {}, {"quoted_most": Decimal("3.88")}, "bills 3.9000 EUR, the quote allows 3.8800 EUR"),
    (D.D15, {"currency": "SEK", "tariffs": [priced(currency="SEK")]}, {"currency": "SEK"}, "SEK is no currency"),
    (D.D15, {"total_cost": {"excl_vat": 3.9, "incl_vat": 3.0}}, {}, "wrong sign"),
    # 5 kW for an hour give 5 kWh.
    (D.D17, {}, {"max_power_kw": Decimal(5)}, "10.0000 kWh are more than the 5.0000 kWh"),
    (D.D19, {"total_parking_cost": {"excl_vat": 2.0}}, {}, "Parking cost before taxes: the SDR says 2.0 EUR"),
    (D.D22, {}, {"outages": (Outage(start=at(minutes=30), end=at(hours=5)),)}, "out of order from 2026-03-02 12:30"),
]


@pytest.mark.parametrize(
    ("kind", "sdr", "session", "words"), CASES, ids=[f"{one[0]}-{at}" for at, one in enumerate(CASES)]
)
async def test_a_class_is_found_with_its_weight_and_both_figures(
    tmp_path: Path, kind: DiscrepancyClass, sdr: dict[str, Any], session: dict[str, Any], words: str
) -> None:
    run = await judged(tmp_path, sdr_and_record(sdr, session))
    discrepancy = found(run)[kind]
    assert words in discrepancy.reason
    assert discrepancy.severity is MEANINGS[kind].severity
    expected = Outcome.DECLINED if discrepancy.severity is Severity.BLOCK else Outcome.NEW
    assert outcome(run) is expected


async def test_a_second_sdr_for_a_session_is_a_duplicate_until_a_credit_takes_the_first_back(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        await kept.session(record(1))
        await kept.sdr(sdr_json(1))
        kept.clock.advance(1)
        await kept.sdr(sdr_json(1, id="C1b"))
        run = await reconcile(kept.clearing)
        assert (outcome(run), outcome(run, "DE*VIS/C1b")) == (Outcome.ACCEPTED, Outcome.DECLINED)
        assert "billed by DE*VIS/C1 already" in found(run, "DE*VIS/C1b")[D.D01].reason
        await kept.sdr(credit_json(1))
        run = await reconcile(kept.clearing)
        assert outcome(run, "DE*VIS/C1b") is Outcome.ACCEPTED
        # What was not approved yet is given up together with its credit.
        rest = await reconcile(kept.clearing)
        assert {one.key for one in rest.judgements} == {"DE*VIS/C1b"}


async def test_an_sdr_that_nobody_knows_is_an_orphan_with_a_candidate_for_a_person(tmp_path: Path) -> None:
    async def set_up(kept: Books) -> None:
        await kept.sdr(sdr_json(1, authorization_reference=None))
        other = record(7, kwh="10.1", start=at(minutes=20))
        await kept.session(other.model_copy(update={"credential": None}))

    run = await judged(tmp_path, set_up)
    assert outcome(run) is Outcome.NEW
    reason = found(run)[D.D02].reason
    assert "did not see it either" in reason
    assert "NL*HOM/HOME/DEVIS/H7 may be it" in reason


async def test_the_hub_saw_the_session_that_the_provider_has_not(tmp_path: Path) -> None:
    async def set_up(kept: Books) -> None:
        await kept.sdr(sdr_json(1))
        await kept.session(record(1, authorised=False), Witness.CLEARING_HOUSE)

    run = await judged(tmp_path, set_up)
    assert "the clearing house saw it" in found(run)[D.D02].reason
    assert found(run)[D.D06].severity is Severity.BLOCK


async def test_the_third_witness_says_whom_it_supports(tmp_path: Path) -> None:
    async def set_up(kept: Books) -> None:
        await sdr_and_record(session={"kwh": "8"})(kept)
        await kept.session(record(1, kwh="9.9"), Witness.CLEARING_HOUSE)

    run = await judged(tmp_path, set_up)
    assert "saw 9.9000 kWh, nearer to what the operator says" in found(run)[D.D09].reason


async def test_a_session_without_sdr_is_missing_after_the_deadline_and_no_longer_once_it_came(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        await kept.session(record(1))
        await kept.session(record(2, authorised=False))
        kept.clock.moment = at(hours=25)  # it ended an hour after noon
        assert not (await reconcile(kept.clearing)).missing
        kept.clock.advance(1)
        (missing,) = (await reconcile(kept.clearing)).missing
        assert missing.found.kind is D.D03
        assert "ended on 2026-03-02 13:00:00Z" in missing.found.reason
        assert (await reconcile(kept.clearing, NOON.date())).missing == (missing,)
        assert not (await reconcile(kept.clearing, NOON.date() + timedelta(days=1))).missing
        await kept.sdr(sdr_json(1))
        assert not (await reconcile(kept.clearing)).missing


async def test_an_sdr_after_the_deadline_is_late_and_stands(tmp_path: Path) -> None:
    async def set_up(kept: Books) -> None:
        await kept.session(record(1))
        kept.clock.moment = at(days=31, hours=2)
        await kept.sdr(sdr_json(1))

    run = await judged(tmp_path, set_up)
    assert (set(found(run)), outcome(run)) == ({D.D04}, Outcome.ACCEPTED)
    assert "31 days after" in found(run)[D.D04].reason


async def test_the_payer_of_the_sdr_is_not_the_one_who_has_the_session(tmp_path: Path) -> None:
    other = Party.parse("FR*OTH")

    async def set_up(kept: Books) -> None:
        await kept.clearing.agree(TERMS.model_copy(update={"id": "A2", "debtor": other}))
        await kept.session(record(1, home=other))
        await kept.sdr(sdr_json(1))

    run = await judged(tmp_path, set_up)
    assert outcome(run) is Outcome.DECLINED
    assert "belongs to FR*OTH" in found(run)[D.D05].reason


MANDATED = TERMS.model_copy(update={"signed_meter": True})


@pytest.mark.parametrize(
    ("terms", "data", "severity", "words"),
    [
        (MANDATED, None, Severity.BLOCK, "There is no signed meter reading"),
        (MANDATED, signed_data("100", "110", tampered=True), Severity.BLOCK, "does not verify"),
        (MANDATED, {**signed_data("100", "110"), "encoding_method": "EDL"}, Severity.HOLD, "cannot be judged"),
        (TERMS, signed_data("100", "110", tampered=True), Severity.HOLD, "does not verify"),
        (TERMS, {**signed_data("100", "110"), "public_key": None}, Severity.HOLD, "does not verify"),
    ],
)
async def test_a_meter_signature_that_proves_nothing(
    tmp_path: Path, terms: ClearingTerms, data: dict[str, Any] | None, severity: Severity, words: str
) -> None:
    run = await judged(tmp_path, sdr_and_record({"signed_data": data}), terms)
    assert found(run)[D.D10].severity is severity
    assert words in found(run)[D.D10].reason


async def test_a_meter_signature_that_verifies_counts_exactly(tmp_path: Path) -> None:
    run = await judged(tmp_path, sdr_and_record({"signed_data": signed_data("100", "110")}), MANDATED)
    assert (found(run), outcome(run)) == ({}, Outcome.ACCEPTED)
    (tmp_path / "more").mkdir()
    # 5 Wh are within the tolerance between two records, but not beside a signed reading.
    run = await judged(tmp_path / "more", sdr_and_record({"signed_data": signed_data("100", "109.995")}), MANDATED)
    assert "bills 10 kWh, its signed readings measure 9.995 kWh" in found(run)[D.D09].reason


async def test_a_meter_that_runs_backwards(tmp_path: Path) -> None:
    async def set_up(kept: Books) -> None:
        await kept.sdr(sdr_json(1, signed_data=signed_data("100", "110")))
        await kept.sdr(sdr_json(2, start=at(hours=3), signed_data=signed_data("109", "119")))
        await kept.sdr(sdr_json(3, start=at(hours=6), signed_data=signed_data("150", "160")))  # others charged between

    run = await judged(tmp_path, set_up)
    assert D.D11 not in found(run) and D.D11 not in found(run, "DE*VIS/C3")
    assert "starts with 109.0000 kWh, but the session before, DE*VIS/C1, ended with 110.0000 kWh" in (
        found(run, "DE*VIS/C2")[D.D11].reason
    )


async def test_a_difference_that_a_pricing_option_explains_is_only_remarked(tmp_path: Path) -> None:
    # A step of 1 kWh and exactly 10 kWh: "greater than" (tar:923) bills 11 kWh, 4.29; the examples bill 10.
    component = {"type": "ENERGY", "price": 0.39, "vat": 19, "step_size": 1000}
    costs = {"excl_vat": 4.29, "incl_vat": 5.1051}
    steps = {**priced(), "elements": [{"price_components": [component]}]}
    sdr = {"tariffs": [steps], "total_cost": costs, "total_energy_cost": costs}
    run = await judged(tmp_path, sdr_and_record(sdr))
    assert (found(run), outcome(run)) == ({}, Outcome.ACCEPTED)
    assert "step_rounding = greater" in run.judgements[0].remarks[0]
    (tmp_path / "more").mkdir()
    greater = TERMS.model_copy(update={"pricing": PricingOptions(step_rounding=StepRounding.GREATER)})
    agreed = await judged(tmp_path / "more", sdr_and_record(sdr), greater)
    assert (found(agreed), agreed.judgements[0].remarks) == ({}, ())


async def test_two_sessions_at_once_at_one_evse_or_of_one_contract(tmp_path: Path) -> None:
    async def set_up(kept: Books) -> None:
        for number, start in ((1, NOON), (2, at(minutes=30))):
            await kept.sdr(sdr_json(number, start=start))
            await kept.session(record(number, start=start))
        elsewhere = json.loads(sdr_json(3, start=at(minutes=45)))
        elsewhere["cdr_location"]["evse_id"] = "DE*VIS*E200"
        await kept.sdr(json.dumps(elsewhere))

    run = await judged(tmp_path, set_up)
    assert found(run) == {}
    assert "DE*VIS/C1 went on until 2026-03-02 13:00:00Z" in found(run, "DE*VIS/C2")[D.D16].reason
    assert "DE*VIS/C2 went on until" in found(run, "DE*VIS/C3")[D.D16].reason


async def test_an_identifier_that_is_none(tmp_path: Path) -> None:
    broken = json.loads(sdr_json(1))
    broken["cdr_location"]["evse_id"] = "not an EVSE"

    async def set_up(kept: Books) -> None:
        await kept.sdr(json.dumps(broken))
        await kept.session(record(1))

    run = await judged(tmp_path, set_up)
    assert outcome(run) is Outcome.DECLINED
    assert "“not an EVSE” is no valid" in found(run)[D.D18].reason


async def test_a_charge_without_energy_is_noted(tmp_path: Path) -> None:
    flat = [{"price_components": [{"type": "FLAT", "price": 1.0, "step_size": 1}]}]
    total = {"excl_vat": 1.0, "incl_vat": 1.0}
    sdr = {
        "kwh": 0, "tariffs": [{**priced(), "elements": flat}], "total_cost": total,
        "total_energy_cost": None, "total_fixed_cost": total,
    }  # fmt: skip
    run = await judged(tmp_path, sdr_and_record(sdr, {"kwh": "0"}))
    assert (set(found(run)), outcome(run)) == ({D.D20}, Outcome.ACCEPTED)


async def test_credits_take_back_exactly_one_sdr_once(tmp_path: Path) -> None:
    async def set_up(kept: Books) -> None:
        await kept.session(record(1))
        await kept.sdr(sdr_json(1))
        await kept.sdr(credit_json(1, credit_reference_id="C9", id="C9-C"))
        await kept.sdr(credit_json(1, id="C1-X", total_cost={"excl_vat": -3.0, "incl_vat": -4.641}))
        await kept.sdr(credit_json(1, id="C1-Y", total_cost={"excl_vat": -3.9, "incl_vat": -4.0}))

    run = await judged(tmp_path, set_up)
    assert "is not known" in found(run, "DE*VIS/C9-C")[D.D21].reason
    assert "credits -3.0000 EUR, the SDR bills 3.9000 EUR" in found(run, "DE*VIS/C1-X")[D.D21].reason
    assert D.D21 in found(run, "DE*VIS/C1-Y")
    assert outcome(run) is Outcome.ACCEPTED


async def test_an_sdr_is_matched_by_reference_and_by_place_and_time_where_the_session_id_fails(tmp_path: Path) -> None:
    async def set_up(kept: Books) -> None:
        await kept.sdr(sdr_json(1, session_id=None))
        await kept.session(record(1, session_id=None))
        nameless: dict[str, Any] = {"session_id": None, "authorization_reference": None}
        await kept.sdr(sdr_json(2, start=at(hours=4), **nameless))
        await kept.session(record(2, start=at(hours=4, seconds=30), **nameless))
        await kept.session(record(3, start=at(hours=4, minutes=4), **nameless))
        await kept.sdr(sdr_json(4, start=at(hours=9), **nameless))
        await kept.session(record(4, start=at(hours=9, minutes=5, seconds=1), **nameless))

    run = await judged(tmp_path, set_up)
    matched = {one.key: (one.session, one.rule) for one in run.judgements}
    assert matched["DE*VIS/C1"] == ("NL*HOM/HOME/DEVIS/H1", 2)
    assert matched["DE*VIS/C2"] == ("NL*HOM/HOME/DEVIS/H2", 3)
    assert matched["DE*VIS/C4"] == (None, None)


def test_every_class_has_its_case() -> None:
    by_hand = {D.D01, D.D02, D.D03, D.D04, D.D05, D.D10, D.D11, D.D16, D.D18, D.D20, D.D21}
    assert {one[0] for one in CASES} | by_hand == set(DiscrepancyClass) == set(MEANINGS)
