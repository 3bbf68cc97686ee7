"""`evroam audit`, as it is run."""

import json
from copy import deepcopy

import pytest
from typer.testing import CliRunner

from app.commands import app

TARIFF = {
    "id": "12",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [{"type": "ENERGY", "price": 0.5, "vat": 20, "step_size": 1}],
            "restrictions": {"start_time": "08:00", "end_time": "20:00"},
        },
        {"price_components": [{"type": "ENERGY", "price": 0.25, "vat": 20, "step_size": 1}]},
    ],
}
CDR = {
    "start_date_time": "2024-07-01T05:30:00Z",
    "end_date_time": "2024-07-01T07:00:00Z",
    "charging_periods": [
        {
            "start_date_time": "2024-07-01T05:30:00Z",
            "dimensions": [{"type": "ENERGY", "volume": 4.0}],
            "tariff_id": "12",
        },
        {
            "start_date_time": "2024-07-01T06:00:00Z",
            "dimensions": [{"type": "ENERGY", "volume": 10.0}],
            "tariff_id": "12",
        },
    ],
    "tariffs": [TARIFF],
    "total_cost": {"excl_vat": 6.0, "incl_vat": 7.2},
}


@pytest.fixture
def run(tmp_path):
    """Run `evroam audit` on a document; --time-zone Europe/Amsterdam unless other arguments are given."""

    def call(document, *arguments: str, **files: object):
        path = tmp_path / "cdr.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        extra = []
        for name, content in files.items():
            other = tmp_path / f"{name}.json"
            other.write_text(json.dumps(content), encoding="utf-8")
            extra += [f"--{name}", str(other)]
        result = CliRunner().invoke(
            app, ["audit", str(path), *(arguments or ("--time-zone", "Europe/Amsterdam")), *extra]
        )
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


def test_a_cdr_with_only_what_pricing_needs(run):
    """Amsterdam is two hours ahead in July: 4 kWh before 08:00 at 0.25, 10 kWh after at 0.50."""
    result = run(CDR, "--time-zone", "Europe/Amsterdam", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["total"] == {"before_taxes": "6.00", "with_taxes": "7.20"}
    assert [line["before_taxes"] for line in document["lines"]] == ["1.00", "5.00"]
    assert document["differences"] == []


def test_the_printed_cdr(run, shared_data):
    text = (shared_data / "ocpi_examples/2.2.1/cdrs/01_cdr_example.json").read_text(encoding="utf-8")
    result = run(text)
    assert result.exit_code == 0
    assert "billed 120 min at 2.00 per h = 4.00, VAT 10 % 0.40, 4.40 EUR" in result.stdout
    assert "The claims agree with the tariff." in result.stdout


def test_a_wrong_total(run):
    result = run({**CDR, "total_cost": {"excl_vat": 6.5, "incl_vat": 7.8}}, "--time-zone", "Europe/Amsterdam", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["differences"] == [
        {"figure": "total", "basis": basis, "claimed": claimed, "computed": computed, "explained_by": []}
        for basis, claimed, computed in (("before_taxes", "6.50", "6.00"), ("with_taxes", "7.80", "7.20"))
    ]


def test_an_explained_difference_is_not_called_a_wrong_bill(run):
    """As one period it is divided at 06:00 UTC: a third of 14 kWh costs 0.25, 5.8333; by its start all do, 3.50."""
    cdr = deepcopy(CDR)
    cdr["charging_periods"] = cdr["charging_periods"][:1]
    cdr["charging_periods"][0]["dimensions"][0]["volume"] = 14
    cdr["total_cost"] = {"excl_vat": 3.5}
    result = run(cdr)
    assert result.exit_code == 1
    assert "not a wrong bill: explained by crossing = start" in result.stdout
    assert "Note: In the middle of charging period 1 another price becomes active" in result.stdout


def test_another_tariff(run):
    tariff = {"currency": "CHF", "elements": [{"price_components": [{"type": "FLAT", "price": 3, "step_size": 1}]}]}
    result = run({**CDR, "tariffs": []}, "--json", tariff=tariff)
    document = json.loads(result.stdout)
    assert document["total"] == {"before_taxes": "3.00", "with_taxes": "3.00"}
    assert document["currency"] == "CHF"
    assert result.exit_code == 1


def test_a_single_tariff_prices_whatever_the_periods_name(run):
    tariff = {"id": "other", "elements": [{"price_components": [{"type": "ENERGY", "price": 1, "step_size": 1}]}]}
    result = run({**CDR, "currency": "EUR"}, "--json", tariff=tariff)
    assert json.loads(result.stdout)["total"]["before_taxes"] == "14.00"


def test_moments_that_are_not_known_are_told_by_the_periods(run):
    """A CDR may say 1970 for its start and end; three quarters of an hour at 4/h, and free within the first 45 min."""
    tariff = {
        "id": "12",
        "currency": "EUR",
        "elements": [
            {
                "price_components": [{"type": "TIME", "price": 4, "step_size": 1}],
                "restrictions": {"min_duration": 2700},
            }
        ],
    }
    periods = [
        {
            "start_date_time": f"2024-07-01T{time}:00Z",
            "dimensions": [{"type": "TIME", "volume": 0.75}],
            "tariff_id": "12",
        }
        for time in ("05:30", "06:15")
    ]
    unknown = {"start_date_time": "1970-01-01T00:00:00Z", "end_date_time": "1970-01-01T00:00:00Z"}
    result = run({**unknown, "charging_periods": periods, "tariffs": [tariff]}, "--json")
    assert json.loads(result.stdout)["totals_by_kind"]["time"]["before_taxes"] == "3.00"


def test_a_tariff_that_never_applies_is_said(run):
    tariff = {
        "currency": "EUR",
        "elements": [
            {
                "price_components": [{"type": "ENERGY", "price": 1, "step_size": 1}],
                "restrictions": {"min_kwh": 1000},
            }
        ],
    }
    result = run({**CDR, "total_cost": None}, tariff=tariff)
    assert result.exit_code == 0
    assert "No element of the tariff “1” applies at any moment" in result.stdout
    assert "The record claims no cost that could be compared." in result.stdout


def test_a_time_of_day_without_a_time_zone_is_refused(run):
    result = run(CDR, "--json")
    assert result.exit_code == 2
    assert "time zone is not known" in result.stderr and "Europe/Amsterdam" in result.stderr


def test_the_time_zone_of_the_record_is_used(run):
    assert run({**CDR, "cdr_location": {"time_zone": "Europe/Amsterdam"}}, "--json").exit_code == 0


def change(path: str, value: object):
    """The CDR with one member replaced, by a path such as charging_periods.1.tariff_id; `...` removes it."""
    cdr = deepcopy(CDR)
    *parents, last = path.split(".")
    place = cdr
    for step in parents:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if isinstance(place, list):
        place[int(last)] = value
    elif value is ...:
        del place[last]
    else:
        place[last] = value
    return cdr


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[1, 2]", "CDR"),
        ("[" * 10000, "nested deeper"),
        ('{"a": NaN}', "NaN"),
        ({}, "CDR.start_date_time: Field required"),
        (change("end_date_time", ...), "CDR.end_date_time: Field required"),
        (change("start_date_time", "yesterday"), "CDR.start_date_time: expected a timestamp"),
        (change("end_date_time", "2024-07-01T05:00:00Z"), "CDR.end_date_time: the session ends before"),
        (change("charging_periods", []), "CDR.charging_periods: needs at least one"),
        (change("charging_periods.1.dimensions.0.volume", "4"), "CDR.charging_periods[1].dimensions[0].volume"),
        (change("charging_periods.1.dimensions.0.type", "WARP"), "CDR.charging_periods[1].dimensions[0].type"),
        (change("charging_periods.1.tariff_id", "13"), "charging period 2 names the tariff “13”"),
        (
            change("charging_periods.0.dimensions.0", {"type": "TIME", "volume": -1}),
            "dimensions[0].volume: a time may not",
        ),
        (change("end_date_time", "2031-01-01T00:00:00Z"), "lasts longer than a year"),
        (change("tariffs", []), "There is no tariff to price with"),
        (change("tariffs", "none"), "CDR.tariffs"),
        (change("tariffs.0.elements", []), "CDR.tariffs[0].elements"),
        (
            change("tariffs.0.elements.0.price_components.0.price", ...),
            "CDR.tariffs[0].elements[0].price_components[0].price",
        ),
        (
            change("tariffs.0.elements.0.restrictions.start_time", "8"),
            "CDR.tariffs[0].elements[0].restrictions.start_time",
        ),
        (change("tariffs.0.currency", ...), "CDR.tariffs[0].currency: Field required"),
        (change("total_cost", {"excl_vat": "x"}), "CDR.total_cost.excl_vat"),
    ],
)
def test_unusable_input_names_the_member(run, document, message):
    result = run(document)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr and result.stdout == ""


def test_a_file_that_is_not_there_and_a_zone_that_is_not_one(run, tmp_path):
    missing = CliRunner().invoke(app, ["audit", str(tmp_path / "none.json")])
    assert missing.exit_code == 2 and "cannot be read" in missing.stderr
    for zone in ("Mars/Base", "../etc/passwd", "Europe", ""):
        result = run(CDR, "--time-zone", zone)
        assert result.exit_code == 2 and "is not a time zone" in result.stderr


def test_periods_out_of_order_and_a_record_inside_an_answer(run):
    cdr = change("charging_periods", list(reversed(CDR["charging_periods"])))
    assert run({"data": [cdr], "status_code": 1000}).exit_code == 0


def test_step_sizes_and_volumes_that_are_not_given(run):
    """The default step is 1 (cdr:425): 14 kWh at 1.00, and a start fee of 2."""
    components = [{"type": "ENERGY", "price": 1}, {"type": "FLAT", "price": 2, "step_size": None}]
    periods = [*CDR["charging_periods"], {"start_date_time": "2024-07-01T06:30:00Z", "tariff_id": "12"}]
    tariff = {"id": "12", "currency": "EUR", "elements": [{"price_components": components}]}
    result = run({**CDR, "charging_periods": periods, "tariffs": [tariff]}, "--json")
    assert json.loads(result.stdout)["total"]["before_taxes"] == "16.00"


def test_a_credit_claims_the_negative(run):
    credit = {**CDR, "credit": True, "total_cost": {"excl_vat": -6.0, "incl_vat": -7.2}}
    document = json.loads(run(credit, "--json", "--time-zone", "Europe/Amsterdam").stdout)
    assert document["credit"] is True
    assert document["total"] == {"before_taxes": "-6.00", "with_taxes": "-7.20"}
    assert document["differences"] == []
    assert "Total of the credit: -6.00 before taxes" in run(credit).stdout


def test_foreign_text_is_escaped(run):
    tariff = {**TARIFF, "id": "12\u001b[31m"}
    cdr = deepcopy(CDR) | {"tariffs": [tariff]}
    for period in cdr["charging_periods"]:
        del period["tariff_id"]
    assert "\u001b" not in run(cdr).output


def in_2_3_0(**tariff: object) -> dict[str, object]:
    """The same record in the words of OCPI 2.3.0."""
    total = {"before_taxes": 6.0, "taxes": [{"name": "VAT", "percentage": 20, "amount": 1.2}]}
    return {**CDR, "tariffs": [{**TARIFF, **tariff}], "total_cost": total}


def test_a_cdr_of_2_3_0_is_recognised_and_priced(run):
    result = run(in_2_3_0(tax_included="NO"), "--time-zone", "Europe/Amsterdam", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["differences"]) == (0, [])
    assert document["total"] == {"before_taxes": "6.00", "with_taxes": "7.20"}


def test_a_cdr_of_2_3_0_whose_prices_are_with_taxes(run):
    """6.00 with 20 % in it is 5.00 before taxes: the claim of 6.00 and 1.20 took the prices for net."""
    result = run(in_2_3_0(tax_included="YES"), "--time-zone", "Europe/Amsterdam", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["total"]) == (1, {"before_taxes": "5.00", "with_taxes": "6.00"})
    assert [one["claimed"] for one in document["differences"]] == ["6.00", "7.20"]


def test_a_tariff_of_2_3_0_has_to_say_whether_its_prices_are_with_taxes(run, shared_data):
    result = run(in_2_3_0())
    assert result.exit_code == 2
    assert "CDR.tariffs[0].tax_included" in result.stderr
    printed = (shared_data / "ocpi_examples/2.3.0/cdrs/01_cdr_example.json").read_text(encoding="utf-8")
    assert "CDR.tariffs[0].tax_included" in run(printed).stderr
    tariff = {**json.loads(printed)["tariffs"][0], "tax_included": "NO"}
    result = run(printed, "--json", tariff=tariff)
    assert (result.exit_code, json.loads(result.stdout)["differences"]) == (0, [])
