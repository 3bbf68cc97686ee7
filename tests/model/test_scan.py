"""Judging scanned codes, in the world that the README beside the payloads describes.

One-time passwords: the secret `mysharedsecret` at 1700000000 is the vector of the paper on dynamic QR codes,
`secure!Charging!` at 2024-05-23T00:23:05Z that of its reference implementation.
"""

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.model.identifiers import ContractId, EvseId, StationId
from core.model.scan import EveryEvse, PasswordCheck, RefusalCode, TrustedHosts, Verdict, one_time_password, scan

AT = datetime.fromtimestamp(1700000000, UTC)

TEMPLATE = {
    "template": "https://qr.mycsms.example/{station}/{evse}/{totp}?v=v1",
    "one_time_password": {"validity_seconds": 30, "length": 8, "secret": "mysharedsecret"},
}


def shipped() -> dict[str, object]:
    return json.loads(files("assets").joinpath("trusted_hosts.json").read_text(encoding="utf-8"))


TRUST = TrustedHosts.from_json(
    json.dumps(shipped() | {"templates": [TEMPLATE], "own_handover_hosts": ["kiosk.example"]})
)


class World(EveryEvse):
    """Every EVSE but one; what operators call theirs; the EVSEs of one station."""

    def has_evse(self, evse_id: EvseId) -> bool:
        return evse_id != EvseId.parse("DE*HTB*E999999*9")

    def evses_of(self, station_id: StationId) -> list[EvseId]:
        return [EvseId.parse("DE*GEF*E12345678*1")] if str(station_id) == "DE*GEF*S12345678" else []

    def evse_at(self, host: str, station: str, evse: str) -> EvseId | None:
        known = (host, station, evse) == ("qr.mycsms.example", "CS-1", "1")
        return EvseId.parse("DE*GEF*E12345678*1") if known else None

    def evse_of_alias(self, host: str, alias: str) -> EvseId | None:
        return EvseId.parse("NL*EFL*E1") if (host, alias) == ("dashboard.e-flux.io", "1111") else None


def judge(payload: str, trust: TrustedHosts = TRUST) -> Verdict:
    return scan(payload, trust=trust, catalogue=World(), at=AT)


def outcome(payload: str, trust: TrustedHosts = TRUST) -> str:
    verdict = judge(payload, trust)
    return str(verdict.evse_id) if verdict.trusted else f"refuse:{verdict.code}"


def test_every_payload_is_judged_as_expected(shared_data: Path) -> None:
    lines = (shared_data / "qr" / "payloads.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    wrong = [(case["payload"][:80], case["expect"], outcome(case["payload"])) for case in cases]
    assert [case for case in wrong if case[1] != case[2]] == []
    assert len(cases) >= 52


M = "https://m.intercharge.eu"

NEIGHBOURS = [
    # the same host in other clothes
    ("http://m.intercharge.eu/qr?evseid=CH*ION*E213604", "CH*ION*E213604"),
    ("HTTPS://M.INTERCHARGE.EU/QR?EVSEID=CH*ION*E213604", "CH*ION*E213604"),
    (M + ":443/qr?evseid=CH*ION*E1", "CH*ION*E1"),
    (M + "?evseid=CH*ION*E1", "CH*ION*E1"),
    ("www.chargepoint-services.com/GB*CPS*E1234", "GB*CPS*E1234"),
    (M + ":8443/qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    (M + "./qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    ("https://intercharge.eu/qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    ("https://xm.intercharge.eu/qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    ("https://m%2Eintercharge.eu/qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    ("https://[::1]/qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    ("https://[/qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    ("https:/m.intercharge.eu/qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    ("https:\\\\m.intercharge.eu\\qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    ("https://m.intercharge.eu\\.evil.example/qr?evseid=CH*ION*E1", "refuse:untrusted_host"),
    ("https://m.intercharge.eu\\@evil.example/qr?evseid=CH*ION*E1", "refuse:userinfo_in_url"),
    ("https://@m.intercharge.eu/qr?evseid=CH*ION*E1", "refuse:userinfo_in_url"),
    ("https://m。intercharge。eu/qr?evseid=CH*ION*E1", "refuse:non_ascii_host"),
    ("evil.example/DE*ABC*E1", "refuse:untrusted_host"),
    # the id elsewhere, twice, hidden or not there
    (M + "/qr?lang=de&EvSeId=CH*ION*E1", "CH*ION*E1"),
    (M + "/qr?evseid=CH*ION*E1&evseid=CHIONE1", "CH*ION*E1"),
    (M + "/qr?evseid=+49*810*000*438", "+49*810*000*438"),
    (M + "/qr?evseid=CH*ION*E1&EVSEID=CH*ION*E2", "refuse:ambiguous"),
    (M + "/CH*ION*E2?evseid=CH*ION*E1", "refuse:ambiguous"),
    (M + "/qr#evseid=CH*ION*E1", "refuse:missing_parameter"),
    (M + "/qr?evseid=", "refuse:missing_parameter"),
    (M + "/qr?evseid=CH*ION*E1%1b", "refuse:control_characters"),
    (M + "/qr?evseid=CH*ION*E1%E2%80%AE", "refuse:control_characters"),
    (M + "/qr?evseid=%FF", "refuse:malformed_evse_id"),
    (M + "/qr?evseid=CH*ION*E1%20", "refuse:malformed_evse_id"),
    (M + "/qr?evseid=ZZ*ION*E1", "refuse:unknown_country"),
    (M + "/qr?evseid=DE*GEF*S1", "refuse:station_id_not_evse"),
    (M + "/qr?evseid=0285214657", "refuse:malformed_evse_id"),
    ("https://laden.enercity.de/DE*ENE*E1/", "DE*ENE*E1"),
    ("https://laden.enercity.de/DE*ENE*E1?lang=de", "DE*ENE*E1"),
    ("https://laden.enercity.de/", "refuse:missing_parameter"),
    ("https://laden.enercity.de/x/DE*ENE*E1", "refuse:malformed_evse_id"),
    ("https://laden.enercity.de/DE*ENE*E1/DE*ENE*E2", "refuse:ambiguous"),
    ("https://laden.enercity.de/DE*ENE*E1?evseid=DE*ENE*E2", "refuse:ambiguous"),
    ("https://dashboard.e-flux.io/1111", "NL*EFL*E1"),
    # dynamic codes
    ("https://qr.mycsms.example/CS-1/1/Mrc351Gu?v=v1", "DE*GEF*E12345678*1"),
    ("https://qr.mycsms.example/CS-1/2/Mrc351Gu?v=v1", "refuse:unknown_evse"),
    ("https://qr.mycsms.example/CS-1/1/mrc351gu?v=v1", "refuse:invalid_totp"),
    ("https://qr.mycsms.example/CS-1/1?v=v1", "refuse:missing_parameter"),
    ("https://qr.mycsms.example/CS-1/1/Mrc351Gu", "refuse:missing_parameter"),
    ("https://qr.mycsms.example/CS-1/1/Mrc351Gu/x?v=v1", "refuse:malformed_evse_id"),
    ("https://qr.mycsms.example/CS-1/1/Mrc351Gu?v=v1&v=v2", "refuse:ambiguous"),
    ("https://qr.mycsms.example/CS-1/1/Mrc351Gu?v=v1&x=DE*ABC*E9", "refuse:ambiguous"),
    ("https://qr.mycsms.example/CS-1/1/Mrc351Gu?v=v1&x=DE*GEF*E12345678*1", "DE*GEF*E12345678*1"),
    # other schemes, payments, keys, records
    ("geo:52.5,13.4", "refuse:unsupported_scheme"),
    ("data:text/html,x", "refuse:unsupported_scheme"),
    ("upi://pay?pa=x@y", "refuse:payment_code"),
    ("BCD\n002\n1\nSCT\n\nName\nDE89370400440532013000", "refuse:payment_code"),
    ("00020101021226580014A000000677", "refuse:payment_code"),
    ("OCMF|broken", "refuse:meter_record"),
    ("OCMF|" + "x" * 600, "refuse:meter_record"),
    ("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI\n-----END PUBLIC KEY-----", "refuse:meter_public_key"),
    ("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEabcdefghijklmnop", "refuse:meter_public_key"),
    ("3056301006072a8648ce3d020106052b8104000a03420004", "refuse:meter_public_key"),  # secp256k1
    ("04" + "AB" * 64, "refuse:meter_public_key"),
    # other identifiers
    ("04:a2:b3:c4:d5:e6:f7", "refuse:rfid_uid"),
    ("8E2A1B7C", "refuse:rfid_uid"),
    ("036000291452", "refuse:not_an_evse_code"),
    ("NL*TNM*012204*5", "refuse:contract_id_not_evse"),
    ("NLTNM000122045U", "refuse:contract_id_not_evse"),
    ("DE8AAE12345678", "DE*8AA*E12345678"),
    ("DE123456789", "refuse:not_an_evse_code"),
    ("HELLOEVERYONE", "refuse:not_an_evse_code"),
    ("DE-ABC-E123-1", "refuse:malformed_evse_id"),
    ("DE*ABC*E" + "1" * 32, "refuse:malformed_evse_id"),
    ("DE*ABC*E1, DE*ABC*E2", "refuse:ambiguous"),
    # the scanner itself
    ("DE}ABC}E123}1", "refuse:scanner_layout"),
    ("49(810(000(438", "refuse:scanner_layout"),
    ("httpsÖ--m.intercharge.eu-qr_evseid´DE(ABC(E123(1", "refuse:scanner_layout"),
    ("https>&&m.intercharge.eu&qr_evseid)DE}ABC}E123}1", "refuse:scanner_layout"),
    ("DE*ABC*E123*1\r\n", "DE*ABC*E123*1"),
    ("DE*ABC*E123*1\t", "DE*ABC*E123*1"),
    ("", "refuse:not_an_evse_code"),
    ("\ufeffDE*ABC*E123*1", "refuse:control_characters"),
    ("DE*ABC\u200b*E123*1", "refuse:control_characters"),
    ("\u202eDE*ABC*E123*1", "refuse:control_characters"),
    ("DE*ABC*E1\nDE*ABC*E2", "refuse:control_characters"),
]


@pytest.mark.parametrize(("payload", "expected"), NEIGHBOURS)
def test_the_neighbours_of_each_rule(payload: str, expected: str) -> None:
    assert outcome(payload) == expected


def test_one_time_passwords_follow_both_published_vectors() -> None:
    slot = 1700000000 // 30
    assert one_time_password("mysharedsecret", slot, 8) == "Mrc351Gu"
    slot = int(datetime(2024, 5, 23, 0, 23, 5, tzinfo=UTC).timestamp()) // 30
    around = [one_time_password("secure!Charging!", slot + shift, 12) for shift in (-1, 0, 1)]
    assert around == ["MdPU0jCm5tXz", "CN63y502maVh", "dI54vnA25m2h"]


@pytest.mark.parametrize("shift", range(-3, 4))
def test_the_interval_before_and_the_one_after_are_good_and_no_other(shift: int) -> None:
    password = one_time_password("mysharedsecret", 1700000000 // 30 + shift, 8)
    assert judge(f"https://qr.mycsms.example/CS-1/1/{password}?v=v1").trusted == (abs(shift) <= 1)


def test_a_password_whose_secret_only_the_operator_has_is_passed_on() -> None:
    template = {"template": TEMPLATE["template"], "one_time_password": {"length": 8}}
    trust = TrustedHosts.model_validate({"templates": [template]})
    verdict = judge("https://qr.mycsms.example/CS-1/1/abcdEFGH?v=v1", trust)
    assert verdict.trusted
    assert verdict.password is PasswordCheck.NOT_VERIFIED_HERE
    assert "not verified here" in verdict.reason
    assert judge("https://qr.mycsms.example/CS-1/1/short?v=v1", trust).code is RefusalCode.INVALID_TOTP
    assert judge("https://qr.mycsms.example/CS-1/1/Mrc351Gu?v=v1").password is PasswordCheck.VERIFIED


def test_a_template_may_hold_the_evse_id_and_the_password_anywhere() -> None:
    template = {
        "template": "https://qr.example/q/{evse_id}?totp={totp}",
        "one_time_password": {"length": 8, "secret": "mysharedsecret"},
    }
    trust = TrustedHosts.model_validate({"templates": [template]})
    assert outcome("https://qr.example/q/DE%2AABC%2AE1?totp=Mrc351Gu", trust) == "DE*ABC*E1"
    assert outcome("https://qr.example/x/DE*ABC*E1?totp=Mrc351Gu", trust) == "refuse:malformed_evse_id"
    assert outcome("https://qr.example/q/DE*HTB*E999999*9?totp=Mrc351Gu", trust) == "refuse:unknown_evse"
    assert outcome("https://qr.example/q/DE*ABC*E1", trust) == "refuse:missing_parameter"


def test_an_operator_can_name_its_stations_in_the_trust_data() -> None:
    template = TEMPLATE | {"stations": {"CS-9": {"2": "DE*GEF*E9*2"}}}
    trust = TrustedHosts.model_validate({"templates": [template]})
    assert outcome("https://qr.mycsms.example/CS-9/2/Mrc351Gu?v=v1", trust) == "DE*GEF*E9*2"


def test_a_station_offers_its_evses_to_choose_from() -> None:
    assert judge("DE*GEF*S12345678").choices == (EvseId.parse("DE*GEF*E12345678*1"),)


def test_the_host_is_taken_apart_for_display() -> None:
    host = judge("https://m.intercharge.eu.pay-ev.example/qr?evseid=DE*ABC*E123*1").host
    assert host is not None
    assert (host.labels, host.trusted, host.imitates) == (
        ("m", "intercharge", "eu", "pay-ev", "example"),
        False,
        "m.intercharge.eu",
    )
    cyrillic = judge("https://m.int\u0435rcharge.eu/qr").host
    assert cyrillic is not None
    assert cyrillic.text == "m.int\\u0435rcharge.eu"


def test_a_hand_over_link_is_known_by_its_host_with_or_without_port() -> None:
    trust = TrustedHosts().with_handover_host("10.0.0.5:8080")
    assert outcome("http://10.0.0.5:8080/h/abc", trust) == "refuse:own_handover_link"
    assert outcome("http://10.0.0.5:9090/h/abc", trust) == "refuse:untrusted_host"
    assert outcome("https://kiosk.example:8443/h/abc") == "refuse:own_handover_link"


@pytest.mark.parametrize(
    "personal", ["DE-8EO-CAet5e4XY-3", "NLTNM000122045U", "NL-TNM-012204-5", "0285214657", "04A2B3C4D5E6F7"]
)
def test_a_personal_identifier_is_never_shown_in_full(personal: str) -> None:
    shown = repr(judge(personal)).upper()
    assert personal.replace("-", "").upper()[-5:] not in shown.replace("-", "")
    assert personal.replace("-", "").upper()[-4:] in shown


@given(
    st.text(max_size=600)
    | st.from_regex(r"https?://[^/]{0,30}/.{0,60}")
    | st.text("DEACSP*-0123456789:/?&=%", max_size=60)
)
@example("https://\ud800/")
@example("https://m.intercharge.eu/qr?evseid=%ud800")
def test_nothing_scanned_raises_or_reaches_the_screen_unescaped(payload: str) -> None:
    verdict = judge(payload)
    assert verdict.trusted == (verdict.evse_id is not None)
    host = verdict.host.text if verdict.host else ""
    for shown in (verdict.reason, verdict.next_step, host):
        assert shown.replace("…", "").isascii() and shown.isprintable()


@given(
    st.builds(
        ContractId,
        st.sampled_from(["DE", "NL"]),
        st.text("0123456789AE", min_size=3, max_size=3),
        st.text("0123456789AE", min_size=9, max_size=9),
    )
)
def test_a_contract_written_with_hyphens_is_never_taken_for_an_evse(contract: ContractId) -> None:
    verdict = judge(str(contract.with_check()))
    assert verdict.code is RefusalCode.CONTRACT_ID_NOT_EVSE
    assert contract.instance not in verdict.reason


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"hosts": [{"host": "bad host", "id_in": "query"}]}, "hosts.0.host"),
        ({"hosts": [{"host": "a.example", "id_in": "body"}]}, "hosts.0.id_in"),
        ({"templates": [{"template": "http://a.example/{evse_id}"}]}, "templates.0"),
        ({"templates": [{"template": "https://a.example/{other}"}]}, "templates.0"),
        ({"templates": [{"template": "https://a.example/{station}"}]}, "templates.0"),
        ({"secrets": []}, "secrets"),
    ],
)
def test_a_wrong_trust_file_is_refused_with_the_place(change: dict[str, object], place: str) -> None:
    with pytest.raises(InvalidInput, match=f"trust file: {place}"):
        TrustedHosts.from_json(json.dumps(change))


def test_the_shipped_trust_has_real_hosts_and_no_secret() -> None:
    text = json.dumps(shipped())
    assert "secret" not in text
    assert "example" not in text
    assert "mysharedsecret" not in repr(TRUST)
