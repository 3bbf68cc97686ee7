"""Objects that we originate keep every rule of the wire, or are refused with the path and a code."""

from decimal import Decimal
from typing import Any

import pytest

from core.endpoint.bindings import CANONICAL
from core.endpoint.ocpi import commands, versions
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.reading import parse_object, to_text
from core.endpoint.ocpi.shape import InvalidMember
from core.endpoint.ocpi.v2_2_1.commands import COMMANDS
from core.endpoint.ocpi.v2_2_1.sdrs import CDR
from core.endpoint.ocpi.v2_2_1.sites import LOCATION
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF
from core.endpoint.ocpi.v2_2_1.tokens import TOKEN
from core.endpoint.partner import PartnerEndpoint
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply, CommandResult
from core.endpoint.stored import Writer
from core.model.credentials import CredentialKind
from core.model.sdr import SdrKind
from core.model.sites import Interval, LocalisedText, OpeningTimes, PublishRule, Site, WeeklyHours
from tests.endpoint.ocpi.conftest import NOON, Example


@pytest.fixture
def site(example: Example) -> Site:
    return LOCATION.read(example("locations/06_location_example")).value


def refusal(codec: Codec[Any, Any], value: object) -> tuple[str, str]:
    """Code and path of the one fault for which a value is not written."""
    with pytest.raises(InvalidMember) as refused:
        codec.write(value)
    (fault,) = refused.value.faults
    return refused.value.code, fault.path


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"id": "L" * 37}, "invalid_length", "Location.id"),
        ({"city": "C" * 46}, "invalid_length", "Location.city"),
        ({"city": "two\nlines"}, "invalid_member", "Location.city"),
        ({"city": "#NA"}, "invalid_member", "Location.city"),
        ({"id": "Löcation"}, "invalid_member", "Location.id"),
        ({"country_code": "BEL"}, "invalid_length", "Location.country_code"),
        ({"publish_allowed_to": (PublishRule(group_id="G"),)}, "invalid_member", "Location.publish_allowed_to"),
        (
            {"directions": (LocalisedText(language="eng", text="x"),)},
            "invalid_length",
            "Location.directions[0].language",
        ),
        (
            {"directions": (LocalisedText(language="en", text="x" * 513),)},
            "invalid_length",
            "Location.directions[0].text",
        ),
        (
            {"publish": False, "publish_allowed_to": (PublishRule(uid="1"),)},
            "invalid_member",
            "Location.publish_allowed_to[0].type",
        ),
        (
            {"publish": False, "publish_allowed_to": (PublishRule(visual_number="1"),)},
            "invalid_member",
            "Location.publish_allowed_to[0].issuer",
        ),
        (
            {"publish": False, "publish_allowed_to": (PublishRule(),)},
            "invalid_member",
            "Location.publish_allowed_to[0].uid",
        ),
        ({"opening_times": OpeningTimes(always=False)}, "invalid_member", "Location.opening_times.regular_hours"),
    ],
)
def test_a_site_that_breaks_a_rule_is_refused(site: Site, change: dict[str, object], code: str, path: str) -> None:
    assert refusal(LOCATION, site.model_copy(update=change)) == (code, path)


def test_parts_of_a_site_are_held_to_their_rules(site: Site) -> None:
    first = site.equipment[0]
    for change, code, path in [
        ({"evse_id": "BE*BEC*E" + "1" * 41}, "invalid_length", "evse_id"),
        ({"floor_level": "-1000"}, "invalid_length", "floor_level"),
        ({"connectors": ()}, "invalid_member", "connectors"),
    ]:
        changed = site.model_copy(update={"equipment": (first.model_copy(update=change), *site.equipment[1:])})
        assert refusal(LOCATION, changed) == (code, f"Location.evses[0].{path}")
    connector = first.connectors[0].model_copy(update={"terms_and_conditions": "ftp://example.com"})
    changed = site.model_copy(update={"equipment": (first.model_copy(update={"connectors": (connector,)}),)})
    assert refusal(LOCATION, changed) == ("invalid_member", "Location.evses[0].connectors[0].terms_and_conditions")


def test_what_a_partner_broke_already_goes_on_and_what_we_break_does_not(example: Example) -> None:
    value = {**parse_object(example("locations/06_location_example")), "city": "C" * 50}
    held = LOCATION.read(to_text(value))
    assert LOCATION.rewrite(held, held.value.model_copy(update={"name": "new"})).value.city == "C" * 50
    with pytest.raises(InvalidMember) as refused:
        LOCATION.rewrite(held, held.value.model_copy(update={"name": "n" * 256}))
    assert [fault.path for fault in refused.value.faults] == ["Location.name"]


def test_opening_times_until_midnight_and_around_holidays(site: Site) -> None:
    times = OpeningTimes(
        always=False,
        weekly=(WeeklyHours(weekday=1, begin_minute=390, end_minute=1440),),
        exceptional_closings=(Interval(begin=NOON, end=NOON.replace(hour=14)),),
    )
    assert LOCATION.wire(site.model_copy(update={"opening_times": times}))["opening_times"] == {
        "twentyfourseven": False,
        "regular_hours": [{"weekday": 1, "period_begin": "06:30", "period_end": "23:59"}],
        "exceptional_closings": [{"period_begin": "2024-05-01T12:00:00Z", "period_end": "2024-05-01T14:00:00Z"}],
    }


@pytest.mark.parametrize("midnight", ["00:00", "24:00"])
def test_both_words_for_midnight_end_a_day(midnight: str, site: Site) -> None:
    value: Any = LOCATION.wire(site)
    hours = {"weekday": 1, "period_begin": "06:30", "period_end": midnight}
    value["opening_times"] = {"twentyfourseven": False, "regular_hours": [hours]}
    held = LOCATION.read(to_text(value))
    assert held.value.opening_times is not None
    assert held.value.opening_times.weekly == (WeeklyHours(weekday=1, begin_minute=390, end_minute=1440),)
    assert parse_object(LOCATION.rewrite(held, held.value).body) == value


def test_a_credential_too_long_for_the_wire_is_refused_never_cut(example: Example) -> None:
    credential = TOKEN.read(example("tokens/01_token_put_example")).value
    assert refusal(TOKEN, credential.model_copy(update={"contract_id": "N" * 37})) == (
        "invalid_length",
        "Token.contract_id",
    )
    vehicle = credential.model_copy(update={"kind": CredentialKind.EMAID})
    assert TOKEN.wire(vehicle)["type"] == "OTHER"


def test_a_tariff_keeps_its_digits_up_to_four_decimals(example: Example) -> None:
    tariff = TARIFF.read(example("tariffs/02_tariff_8_simple_025kwh")).value
    component = tariff.elements[0].components[0].model_copy(update={"price": Decimal("0.25005")})
    element = tariff.elements[0].model_copy(update={"components": (component,)})
    assert '"price":0.2501,' in TARIFF.write(tariff.model_copy(update={"elements": (element,)}))


def test_a_provisional_sdr_is_no_cdr(example: Example) -> None:
    sdr = CDR.read(example("cdrs/01_cdr_example")).value
    assert refusal(CDR, sdr.model_copy(update={"kind": SdrKind.INTERMEDIATE})) == ("invalid_member", "CDR")
    replacement = sdr.model_copy(update={"kind": SdrKind.REPLACEMENT, "references_sdr_id": "12344"})
    assert "credit_reference_id" not in CDR.wire(replacement)


def test_a_reservation_that_was_never_used_has_no_evse(example: Example) -> None:
    sdr = CDR.read(example("cdrs/01_cdr_example")).value
    place = sdr.place.model_copy(update={"evse_uid": None, "evse_id": None, "connector_id": None})
    assert refusal(CDR, sdr.model_copy(update={"place": place})) == ("invalid_member", "CDR.cdr_location")
    unused = sdr.model_copy(update={"place": place, "session_id": None, "total_energy": Decimal(0)})
    wire: Any = CDR.wire(unused)
    assert {wire["cdr_location"][name] for name in ("evse_uid", "evse_id", "connector_id")} == {"#NA"}
    assert CDR.model(wire) == unused


def test_totals_of_an_sdr_are_derived_from_its_periods(example: Example) -> None:
    totals = CDR.read(example("cdrs/01_cdr_example")).value.derived_totals
    assert (totals.charging_time, totals.energy, totals.parking_time) == (Decimal("1.973"), 0, 0)


@pytest.mark.parametrize(
    ("command", "body"),
    [
        (
            Command(CommandKind.STOP_SESSION, "https://example.com/r/1", session_id="101"),
            {"response_url": "https://example.com/r/1", "session_id": "101"},
        ),
        (
            Command(CommandKind.CANCEL_RESERVATION, "https://example.com/r/1", reservation_id="R1"),
            {"response_url": "https://example.com/r/1", "reservation_id": "R1"},
        ),
        (
            Command(
                CommandKind.UNLOCK_CONNECTOR, "https://example.com/r/1", site_id="L", evse_uid="3256", connector_id="1"
            ),
            {"response_url": "https://example.com/r/1", "location_id": "L", "evse_uid": "3256", "connector_id": "1"},
        ),
    ],
)
def test_commands_go_out_and_come_in(command: Command, body: dict[str, object]) -> None:
    assert COMMANDS.write(command) == body
    assert COMMANDS.read(command.kind, to_text(body)) == command  # type: ignore[arg-type]  # JSON


def test_a_reservation_goes_out_and_comes_in(example: Example) -> None:
    held = TOKEN.read(to_text(parse_object(example("tokens/01_token_put_example"))))
    command = Command(
        CommandKind.RESERVE_NOW,
        "https://example.com/r/1",
        credential=held,
        site_id="LOC1",
        evse_uid="3256",
        authorization_reference="AUTH-1",
        reservation_id="R1",
        expiry=NOON,
    )
    body = COMMANDS.write(command)
    assert body["expiry_date"] == "2024-05-01T12:00:00Z"
    assert COMMANDS.read(CommandKind.RESERVE_NOW, to_text(body)) == command


def test_a_command_that_lacks_a_member_or_has_a_wrong_one_is_refused() -> None:
    with pytest.raises(InvalidMember, match=r"StopSession\.session_id"):
        COMMANDS.write(Command(CommandKind.STOP_SESSION, "https://example.com/r/1"))
    with pytest.raises(InvalidMember, match=r"StopSession\.response_url"):
        COMMANDS.write(Command(CommandKind.STOP_SESSION, "file:///r/1", session_id="101"))
    with pytest.raises(InvalidMember, match=r"UnlockConnector\.evse_uid"):
        COMMANDS.read(CommandKind.UNLOCK_CONNECTOR, '{"response_url": "https://a", "location_id": "L"}')


def test_answers_to_commands_go_out_and_come_in() -> None:
    reply = CommandReply(CommandAnswer.REJECTED, 30, "Not yours")
    wire = commands.command_response(reply)
    assert wire == {"result": "REJECTED", "timeout": 30, "message": [{"language": "en", "text": "Not yours"}]}
    assert commands.command_reply(wire) == reply
    outcome = commands.command_result_body(CommandResult.TIMEOUT, "No answer", "nl")
    assert outcome == {"result": "TIMEOUT", "message": [{"language": "nl", "text": "No answer"}]}
    assert commands.command_result(to_text(outcome)) == (CommandResult.TIMEOUT, "No answer")


def test_a_word_for_the_driver_is_cut_to_what_the_wire_takes() -> None:
    wire: Any = commands.command_result_body(CommandResult.FAILED, "x" * 600)
    assert wire["message"][0]["text"] == "x" * 512


def test_versions_that_break_a_rule_are_refused() -> None:
    with pytest.raises(InvalidMember, match=r"Version\.url"):
        versions.versions({"2.2.1": "ftp://example.com"})
    with pytest.raises(InvalidMember, match=r"VersionDetails\.endpoints"):
        versions.version_details("2.2.1", [])
    with pytest.raises(InvalidMember, match="role"):
        versions.version_details("2.2.1", [PartnerEndpoint(module="tokens", interface="BOTH", url="https://a")])
    with pytest.raises(InvalidMember):
        versions.versions_of("2.2.1")


def test_the_writer_writes_what_the_codecs_write(site: Site) -> None:
    assert Writer().site(site) == CANONICAL.site.write(site)
