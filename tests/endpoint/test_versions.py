"""Two versions of the wire side by side: negotiation, and each partner told in its own."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.endpoint.bindings import BINDINGS, bindings_of
from core.endpoint.partner import Partner
from core.endpoint.ports import (
    Authorisation,
    AuthorisationRequest,
    AuthorisationVerdict,
    Command,
    CommandAnswer,
    CommandKind,
    CommandReply,
    CommandResult,
    Held,
    Ports,
)
from core.endpoint.stored import Kind, Reader, Writer, in_version, read_sdr
from core.errors import InvalidInput, Refused
from core.model.credentials import CredentialKind
from core.model.sites import ConnectorStandard, ParkingRestriction
from core.model.tariffs import Tariff, TaxIncluded
from core.store.wire_text import WireText
from tests.endpoint.platforms import Keeper, Network, Source, code, connect, run, talking
from tests.endpoint.wire_objects import AT, cdr, location, tariff, token

OLD, NEW = BINDINGS["2.2.1"], BINDINGS["2.3.0"]
NOON = datetime(2026, 11, 22, 11, tzinfo=UTC)
LATER = "2026-11-22T11:05:00Z"
ONLY_OLD = {"versions": ("2.2.1",)}
BOTH = {"versions": None}


def text(value: dict[str, Any]) -> str:
    return json.dumps(value)


def our_tariff(**members: Any) -> tuple[Tariff, WireText]:
    limit = {"min_price": {"before_taxes": 0.5, "after_taxes": 0.6}}
    read = NEW.tariff.read(text(tariff(tax_included="NO", **limit) | members)).value
    return read, Writer().tariff(read)


def gross(component: dict[str, Any], **members: Any) -> dict[str, Any]:
    return tariff(elements=[{"price_components": [{"step_size": 1, **component}]}], tax_included="YES", **members)


@pytest.mark.parametrize(
    ("of_home", "of_visited", "spoken"),
    [(BOTH, BOTH, "2.3.0"), (ONLY_OLD, BOTH, "2.2.1"), (BOTH, ONLY_OLD, "2.2.1")],
)
def test_the_highest_common_version_is_spoken(
    network: Network, of_home: dict[str, Any], of_visited: dict[str, Any], spoken: str
) -> None:
    async def test() -> None:
        async with network.home(**of_home) as home, network.visited(**of_visited) as visited:
            await connect(home, visited)
            assert {home.only_partner().version, visited.only_partner().version} == {spoken}

    run(test)


def test_without_a_common_version_nobody_becomes_a_partner(network: Network) -> None:
    async def test() -> None:
        async with network.home(**ONLY_OLD) as home, network.visited(versions=("2.3.0",)) as visited:
            with pytest.raises(Refused) as refusal:
                await connect(home, visited)
            assert refusal.value.code == "unsupported_version"

    run(test)
    for unknown in (("9.9",), ()):
        with pytest.raises(InvalidInput) as refusal:
            bindings_of(unknown)
        assert refusal.value.next_step == "Choose among 2.2.1, 2.3.0."


def test_our_objects_are_listed_in_the_version_that_is_asked_and_spliced_in_their_own(network: Network) -> None:
    _, body = our_tariff()
    _, secret = our_tariff(id="T2", tax_included="YES", min_price=None)
    source = Source([(NOON, "T1", body), (NOON + timedelta(seconds=1), "T2", secret)])

    async def test() -> None:
        async with talking(network, None, Ports(tariff_source=source), **BOTH) as talk:
            new = await talk.from_home("GET", f"{talk.visited.url}/ocpi/2.3.0/sender/tariffs")
            assert f'"data":[{body},{secret}]' in new.body.decode()
            old = await talk.from_home("GET", "/sender/tariffs")
            # T2 is with taxes of a rate that it does not tell: 2.2.1 cannot say that
            (told,) = json.loads(old.body)["data"]
            assert told["min_price"] == {"excl_vat": 0.5, "incl_vat": 0.6}
            assert "tax_included" not in told
            assert old.headers["x-total-count"] == "2"

    run(test)


def test_a_partner_of_2_2_1_pulls_and_is_pushed_what_we_keep_in_2_3_0(network: Network) -> None:
    value, body = our_tariff()
    keeper, source = Keeper(), Source([(NOON, "T1", body)])

    async def test() -> None:
        ports = Ports(tariffs=keeper), Ports(tariff_source=source)
        async with network.home(ports[0], **ONLY_OLD) as home, network.visited(ports[1], **BOTH) as visited:
            await connect(home, visited)
            (pulled,) = [one async for one in home.endpoint.calls.pull_tariffs(home.only_partner(), None)]
            assert (pulled.value, json.loads(pulled.body)["min_price"]["excl_vat"]) == (value, 0.5)
            await visited.endpoint.calls.put_tariff(visited.only_partner(), Held(value, body))
            (kept,) = keeper.objects.values()
            assert isinstance(kept.body, WireText)
            assert (kept.body.version, kept.value) == ("2.2.1", value)
            assert Reader().tariff(kept.body) == value

    run(test)


def test_what_came_in_one_version_is_patched_and_read_in_the_other(network: Network) -> None:
    keeper = Keeper()

    async def test() -> None:
        async with talking(network, Ports(sites=keeper), **BOTH) as talk:
            path = "/receiver/locations/DE/VIS/L1"
            assert code(await talk.from_visited("PUT", path, location(x_mine=1))) == (200, 1000)
            new = f"{talk.home.url}/ocpi/2.3.0{path}"
            change = {"help_phone": "+49 621 1", "last_updated": LATER}
            assert code(await talk.from_visited("PATCH", new, change)) == (200, 1000)
            (held,) = keeper.objects.values()
            assert (held.value.help_phone, held.body.version) == ("+49 621 1", "2.3.0")  # type: ignore[attr-defined]
            status = {"status": "CHARGING", "last_updated": LATER}
            assert code(await talk.from_visited("PATCH", path + "/E1", status)) == (200, 1000)
            read = json.loads((await talk.from_visited("GET", new)).body)["data"]
            assert read["evses"][0]["status"] == "CHARGING"

    run(test)


@dataclass
class Station:
    taken: list[Command] = field(default_factory=list)

    async def command(self, partner: Partner, command: Command) -> CommandReply:
        self.taken.append(command)
        return CommandReply(CommandAnswer.ACCEPTED, 30)


@dataclass
class Outcomes:
    got: list[tuple[str, CommandResult]] = field(default_factory=list)

    async def command_result(
        self, partner: Partner, kind: CommandKind, command_id: str, result: CommandResult, message: str | None
    ) -> bool:
        self.got.append((command_id, result))
        return True


class Granting:
    async def authorise(self, partner: Partner, request: AuthorisationRequest) -> Authorisation:
        found = NEW.credential.read(text(token(uid=request.uid, type="EMAID")))
        return Authorisation(AuthorisationVerdict.ALLOWED, found, "AUTH-1")


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_a_command_its_outcome_and_an_identification_pass_on_either_wire(network: Network, version: str) -> None:
    station, outcomes = Station(), Outcomes()
    emaid = NEW.credential.read(text(token(type="EMAID")))

    async def test() -> None:
        ports = Ports(command_results=outcomes, authoriser=Granting()), Ports(commands=station)
        async with network.home(ports[0], **BOTH) as home, network.visited(ports[1], versions=(version,)) as visited:
            await connect(home, visited)
            url = home.endpoint.calls.response_url(CommandKind.START_SESSION, "cmd-1")
            sent = Command(CommandKind.START_SESSION, url, credential=emaid, site_id="L1", evse_uid="E1")
            await home.endpoint.calls.command(home.only_partner(), sent)
            (taken,) = station.taken
            assert replace(taken, credential=None) == replace(sent, credential=None)
            assert taken.credential is not None
            # 2.2.1 has no word for an EMAID
            kind = CredentialKind.EMAID if version == "2.3.0" else CredentialKind.OTHER
            assert taken.credential.value.kind is kind
            back = visited.only_partner()
            await visited.endpoint.calls.command_result(back, taken.response_url, CommandResult.ACCEPTED)
            assert outcomes.got == [("cmd-1", CommandResult.ACCEPTED)]
            answer = await visited.endpoint.calls.authorise(back, AuthorisationRequest("CARD1", kind))
            assert (answer.verdict, answer.credential.value.kind) == (AuthorisationVerdict.ALLOWED, kind)

    run(test)


def test_prices_with_taxes_go_to_2_2_1_without_them_where_the_rate_is_told() -> None:
    """0.49 with 19 % is 0.41176..., 0.4118 in four decimals."""
    told = NEW.tariff.read(text(gross({"type": "ENERGY", "price": 0.49, "vat": 19})))
    old = OLD.tariff.read(in_version(told.body, Kind.TARIFF, "2.2.1")).value
    (component,) = old.elements[0].components
    assert (component.price, component.vat_percent, old.tax_included) == (Decimal("0.4118"), 19, TaxIncluded.NO)
    free = NEW.tariff.read(text(gross({"type": "ENERGY", "price": 0.49, "vat": 19}) | {"tax_included": "N/A"}))
    (component,) = OLD.tariff.read(in_version(free.body, Kind.TARIFF, "2.2.1")).value.elements[0].components
    assert (component.price, component.vat_percent) == (Decimal("0.49"), None)
    unknown = NEW.tariff.read(text(gross({"type": "ENERGY", "price": 0.49})))
    with pytest.raises(InvalidInput, match="does not tell"):
        in_version(unknown.body, Kind.TARIFF, "2.2.1")


def test_what_2_2_1_has_no_word_for_is_left_out_of_a_site() -> None:
    plugs = location()["evses"][0]["connectors"]
    mcs = {**plugs[0], "id": "2", "standard": "MCS"}
    evses = [
        {"uid": "E1", "status": "AVAILABLE", "connectors": [*plugs, mcs], "last_updated": AT},
        {"uid": "E2", "status": "AVAILABLE", "connectors": [mcs], "last_updated": AT},
    ]
    evses[0]["parking_restrictions"] = ["TAXIS", "EV_ONLY"]
    held = NEW.site.read(text(location(evses=evses, help_phone="+49")))
    assert held.value.equipment[1].connectors[0].standard is ConnectorStandard.MCS
    old = OLD.site.read(in_version(held.body, Kind.SITE, "2.2.1")).value
    assert [[plug.id for plug in evse.connectors] for evse in old.equipment] == [["1"]]
    assert old.equipment[0].parking_restrictions == {ParkingRestriction.EV_ONLY}
    assert old.help_phone is None


def test_a_text_of_no_known_version_is_not_guessed_at() -> None:
    for body in ("{}", WireText("{}", "1.6")):
        with pytest.raises(InvalidInput, match="not spoken here"):
            Reader().site(body)


def test_a_cdr_that_is_passed_on_shows_its_version() -> None:
    old = cdr()
    new = {**old, "total_cost": {"before_taxes": 1, "taxes": [{"name": "VAT", "amount": 0.2}]}, "tariffs": []}
    for body, version in ((old, "2.2.1"), (new, "2.3.0")):
        held = read_sdr(text(body), NOON)
        assert isinstance(held.body, WireText)
        assert held.body.version == version
    assert read_sdr(text(new), NOON).value.cost.total.with_taxes == Decimal("1.2")
    with pytest.raises(InvalidInput, match=r"CDR\.total_cost"):
        read_sdr(text({**old, "total_cost": {}}), NOON)
