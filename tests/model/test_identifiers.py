"""Identifiers (5.5): published vectors and properties.

Vectors: ISO 15118 / eMI3 check characters as recomputed from the published examples (DE83DUIEN83QGZ -> D was also
worked by hand); valid and invalid forms of the mobilityid tests; DIN to ISO mapping of OCHP and eMI3.
"""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from core.errors import InvalidInput
from core.model.countries import alpha_2_of, alpha_3_of, country_of_calling_code, is_country
from core.model.display import last_four, printable
from core.model.identification import RULES, IdentificationMethodType
from core.model.identifiers import (
    ContractId,
    EvseId,
    Identifier,
    Kind,
    PartyId,
    PoolId,
    RfidUid,
    Scheme,
    StationId,
    din_check_digit,
    emaid_check_character,
    read,
)

ALNUM = string.digits + string.ascii_uppercase

countries = st.sampled_from(["DE", "NL", "FR", "CH", "NO", "IT", "ES", "GB"])
codes = st.text(ALNUM, min_size=3, max_size=3)
instances = st.text(ALNUM, min_size=9, max_size=9)
locals_ = st.text(ALNUM + "*", min_size=1, max_size=30)

evse_ids = st.builds(EvseId, countries, codes, locals_)
station_ids = st.builds(StationId, countries, codes, locals_)
pool_ids = st.builds(PoolId, countries, codes, locals_)
contract_ids = st.builds(ContractId, countries, codes, instances).map(ContractId.with_check)
din_contract_ids = st.builds(
    lambda country, party, instance: ContractId(country, party, instance, None, Scheme.DIN).with_check(),
    countries,
    codes,
    st.text(ALNUM, min_size=6, max_size=6),
)
din_evse_ids = st.builds(
    lambda party, local: EvseId("49", party, local, Scheme.DIN),
    st.text(string.digits, min_size=3, max_size=6),
    st.text(string.digits + "*", min_size=1, max_size=32),
)
any_id = st.one_of(evse_ids, station_ids, pool_ids, contract_ids, din_contract_ids, din_evse_ids)


@pytest.mark.parametrize(
    ("fourteen", "check"),
    [
        ("NN123ABCDEFGHI", "T"),
        ("FRXYZ123456789", "2"),
        ("ITA1B2C3E4F5G6", "4"),
        ("ESZU8WOX834H1D", "R"),
        ("PT73902837ABCZ", "Z"),
        ("DE83DUIEN83QGZ", "D"),
        ("DE83DUIEN83ZGQ", "M"),
        ("DE8AA001234567", "0"),
        ("NLTNM000122045", "U"),
        ("NLTNMC00122045", "K"),
        ("NLTNM000722345", "X"),
        ("UKSWI123456789", "G"),
    ],
)
def test_the_check_character_of_an_emaid(fourteen: str, check: str) -> None:
    assert emaid_check_character(fourteen) == check


@pytest.mark.parametrize(
    ("eleven", "check"),
    [
        ("INTNM000071", "9"),
        ("INTNM000110", "X"),
        ("INTNM000124", "0"),
        ("INTNM000114", "6"),
        ("INTNM000191", "5"),
        ("NLTNM122045", "0"),
        ("NLTNM012204", "5"),
        ("NLTNM123456", "7"),
    ],
)
def test_the_check_digit_of_din_spec_91286(eleven: str, check: str) -> None:
    assert din_check_digit(eleven) == check


@given(contract_ids, st.integers(0, 14), st.sampled_from(ALNUM))
def test_every_substituted_character_of_an_emaid_is_detected(contract: ContractId, place: int, character: str) -> None:
    characters = contract.key + (contract.check or "")
    assume(characters[place] != character)
    wrong = characters[:place] + character + characters[place + 1 :]
    assert emaid_check_character(wrong[:14]) != wrong[14]


@given(contract_ids, st.integers(0, 13))
def test_every_adjacent_transposition_of_an_emaid_is_detected(contract: ContractId, place: int) -> None:
    characters = contract.key + (contract.check or "")
    assume(characters[place] != characters[place + 1])
    wrong = characters[:place] + characters[place + 1] + characters[place] + characters[place + 2 :]
    assert emaid_check_character(wrong[:14]) != wrong[14]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("DE*AB7*E840*6487", "DE*AB7*E840*6487"),
        ("DEAB7E8406487", "DE*AB7*E8406487"),
        ("DEAB7E1", "DE*AB7*E1"),
        ("de*ab7*e840*6487", "DE*AB7*E840*6487"),
        (" DE AB7 E840 6487 ", "DE*AB7*E840*6487"),
        ("DE-AB7-E840-6487", "DE*AB7*E840*6487"),
        ("DE*DES*E*BMW*0113*2", "DE*DES*E*BMW*0113*2"),
        ("DE*TNM*ETWL*HEDWIGLAUDIENRING*LS12001*0", "DE*TNM*ETWL*HEDWIGLAUDIENRING*LS12001*0"),
        ("+49*810*000*438", "+49*810*000*438"),
        ("49*810*000*438", "+49*810*000*438"),
        ("+49*810548*1234567890", "+49*810548*1234567890"),
    ],
)
def test_an_evse_id_is_read_in_any_written_form(written: str, canonical: str) -> None:
    assert str(EvseId.parse(written)) == canonical


@pytest.mark.parametrize(
    ("kind", "written", "code"),
    [
        (EvseId, "NL*TNM*840*6487", "malformed_evse_id"),
        (EvseId, "ZZ*TNM*E840", "unknown_country"),
        (EvseId, "+999*810*1", "unknown_country"),
        (EvseId, "ＤＥ*AB7*E1", "malformed_evse_id"),
        (EvseId, "DE*AB7*Eſ", "malformed_evse_id"),
        (StationId, "DE-8AA-S-0123456789-2", "malformed_station_id"),
        (ContractId, "NL-T|M-000122045-U", "malformed_contract_id"),
        (ContractId, "NL-TNM-000122045-X", "invalid_check_character"),
        (ContractId, "NL-TNM-012204-6", "invalid_check_character"),
        (ContractId, "NN-123-ABCDEFGHI-T", "unknown_country"),
        (ContractId, "NLTNM076", "malformed_contract_id"),
        (ContractId, "DE-8AA-S-0123456789-2", "malformed_contract_id"),
        (PartyId, "DE*A", "malformed_party_id"),
    ],
)
def test_what_is_no_valid_identifier_is_refused_with_the_reason(
    kind: type[Identifier], written: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        kind.parse(written)
    assert refusal.value.code == code


def test_all_readings_of_an_ambiguous_text_are_returned() -> None:
    readings = {reading.identifier.kind: str(reading.identifier) for reading in read("DE8AAE12345678")}
    assert readings == {
        Kind.EVSE: "DE*8AA*E12345678",
        Kind.CONTRACT: "DE-8AA-E12345678",
        Kind.RFID_UID: "DE8AAE12345678",
    }
    assert [reading.identifier.kind for reading in read("DEABCE12")] == [Kind.EVSE, Kind.RFID_UID]
    assert [reading.identifier.kind for reading in read("DE-8AA-E12345678")] == [Kind.CONTRACT, Kind.EVSE]


def test_a_telephone_number_is_no_din_identifier() -> None:
    assert read("+49 170 1234567") == ()
    assert read("49-170-1234567") == ()


def test_valid_readings_come_first() -> None:
    kinds = [(reading.identifier.kind, reading.valid) for reading in read("FAABCE12")]  # FA is no country
    assert kinds == [(Kind.RFID_UID, True), (Kind.EVSE, False)]


@given(any_id)
def test_what_is_printed_is_read_back(identifier: Identifier) -> None:
    again = type(identifier).parse(str(identifier))
    assert again == identifier
    assert str(again) == str(identifier)


@given(evse_ids | station_ids | pool_ids)
def test_separators_and_case_do_not_matter(identifier: Identifier) -> None:
    compact = str(identifier).replace("*", "").lower()
    assume(len(compact) > 6)  # a local part of separators only leaves nothing
    assert type(identifier).parse(compact) == identifier
    assert hash(type(identifier).parse(compact)) == hash(identifier)


@given(contract_ids)
def test_a_contract_is_the_same_without_its_check_character(contract: ContractId) -> None:
    assert ContractId.parse(f"{contract.country}{contract.party}{contract.instance}") == contract
    assert ContractId.parse(str(contract).replace("-", "").lower()) == contract


@given(st.text() | st.text(ALNUM + "*-+ ", max_size=40))
def test_reading_never_raises(text: str) -> None:
    for reading in read(text):
        assert str(reading.identifier)


def test_identifiers_of_different_kinds_or_operators_differ() -> None:
    assert EvseId.parse("DE*GEF*E1") != StationId.parse("DE*GEF*S1")
    assert EvseId.parse("+49*810*0001") != EvseId.parse("+49*8100*001")


def test_din_identifiers_map_to_iso() -> None:
    assert str(EvseId.parse("+49*823*1234*5678").to_iso()) == "DE*823*E1234*5678"
    assert str(ContractId.parse("NL-TNM-012204-5").to_iso()) == "NL-TNM-C00122045-K"
    assert str(ContractId.parse("NL*TNM*012204").to_iso()) == "NL-TNM-C00122045-K"
    assert str(ContractId.parse("NL-TNM-012204-5").to_iso("00")) == "NL-TNM-000122045-U"
    with pytest.raises(InvalidInput, match="no ISO form"):
        EvseId.parse("+49*810548*1").to_iso()


def test_a_long_identifier_is_kept_whole_and_refused_where_the_field_is_shorter() -> None:
    longest = "DE*AB7*E" + "1" * 247
    evse_id = EvseId.parse(longest)
    assert str(evse_id) == longest
    assert evse_id.is_extended
    assert evse_id.for_field(255) == longest
    with pytest.raises(InvalidInput) as refusal:
        evse_id.for_field(48)
    assert refusal.value.code == "invalid_length"
    with pytest.raises(InvalidInput) as refusal:
        EvseId.parse(longest + "1")
    assert refusal.value.code == "invalid_length"
    assert not EvseId.parse("DE*TNM*ETWL*HEDWIGLAUDIENRING*LS12001*0").is_extended  # 31 characters after the E


def test_a_long_contract_is_opaque_after_its_party() -> None:
    contract = ContractId.parse("DE-8AC-C12E456L89-Y")
    assert (contract.instance, contract.check, contract.expected_check) == ("C12E456L89-Y", None, None)
    assert contract.is_extended


@pytest.mark.parametrize(
    ("written", "spellings"),
    [
        ("04a2b3c4", ("04A2B3C4", "C4B3A204")),
        ("04:A2:B3:C4:D5:E6:F7", ("04A2B3C4D5E6F7", "F7E6D5C4B3A204")),
        ("0285214657", ("110007C1", "C1070011")),  # 17 * 16**6 + 0x7C1
        ("9999999999", ("02540BE3FF", "FFE30B5402")),  # more than 32 bits
    ],
)
def test_a_card_uid_is_tried_in_every_spelling(written: str, spellings: tuple[str, ...]) -> None:
    assert RfidUid.parse(written).spellings == spellings


def test_the_party_of_an_identifier() -> None:
    assert EvseId.parse("DEAB7E1").party_id == PartyId.parse("de-ab7")
    assert str(EvseId.parse("49*810*1").party_id) == "+49*810"
    assert str(ContractId.parse("NLTNM000122045U").party_id) == "NL*TNM"


def test_countries_are_those_of_iso_3166() -> None:
    assert is_country("DE") and is_country("GB")
    assert not any(is_country(code) for code in ("AA", "QM", "QZ", "XA", "XK", "XZ", "ZZ", "UK", "EU"))
    assert (alpha_3_of("DE"), alpha_2_of("NLD"), alpha_2_of("XXX")) == ("DEU", "NL", None)
    assert (country_of_calling_code("49"), country_of_calling_code("1"), country_of_calling_code("0")) == (
        "DE",
        "US",
        None,
    )
    assert (
        sum(is_country(first + second) for first in string.ascii_uppercase for second in string.ascii_uppercase) == 249
    )


def test_an_identifier_is_a_field_of_a_model() -> None:
    class Sticker(BaseModel):
        evse_id: EvseId

    sticker = Sticker.model_validate({"evse_id": "deab7e1"})
    assert sticker.evse_id == EvseId.parse("DE*AB7*E1")
    assert sticker.model_dump_json() == '{"evse_id":"DE*AB7*E1"}'
    assert Sticker(evse_id=sticker.evse_id) == sticker
    for wrong in ("NL*TNM*840", 7):
        with pytest.raises(ValidationError):
            Sticker.model_validate({"evse_id": wrong})


def test_every_identification_method_type_has_rules() -> None:
    assert set(RULES) == set(IdentificationMethodType)
    assert RULES[IdentificationMethodType.APP].needs_home_csp
    assert not RULES[IdentificationMethodType.RFID_CARD].needs_home_csp


def test_foreign_text_is_escaped_and_personal_text_is_shortened() -> None:
    assert printable("a\x1b[31m\u202eé\ud800") == "a\\x1b[31m\\u202eé\\ud800"
    assert last_four("NL-TNM-000122045-U") == "…045U"
    assert last_four("1234") == "…"
