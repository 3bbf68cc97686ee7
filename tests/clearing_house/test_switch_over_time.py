"""The switch over time: what waits, what a restart leaves, who is there, and a log that nobody can change unseen."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from sqlalchemy import delete, text, update

from core.clearing_house.addresses import EXTENSION_SERVICES
from core.clearing_house.log import Kind, verify
from core.endpoint import extensions
from core.endpoint.bindings import BINDINGS
from core.endpoint.ocpi.registration import Reachability
from core.endpoint.tls import CertificateAuthority
from core.model.services import Service
from core.store.switch_tables import hub_log
from tests.clearing_house.hub import HUB, THINGS, Behind, behind_hub, everything
from tests.endpoint.platforms import HOME, VISITED, code
from tests.endpoint.wire_objects import cdr, location, session, token

pytestmark = pytest.mark.anyio
FINAL = session(status="COMPLETED", last_updated="2026-11-22T11:30:00Z")


@pytest.fixture
async def hub(authority: CertificateAuthority, tmp_path: Path) -> AsyncIterator[Behind]:
    async with behind_hub(authority, tmp_path, agreements=everything(store_and_forward=True)) as running:
        yield running


async def test_what_must_not_be_lost_waits_in_order_and_survives_a_restart(hub: Behind) -> None:
    await hub.stop("home")
    put = ("PUT", "/receiver/sessions/DE/VIS/S1")
    assert code(await hub.visited.say(*put, session(), to=HOME.party)) == (200, 4003)  # a progress may be lost
    assert code(await hub.visited.say(*put, FINAL, to=HOME.party)) == (200, 1000)
    assert code(await hub.visited.say("POST", "/receiver/cdrs", cdr(), to=HOME.party)) == (200, 1000)
    place = "/receiver/locations/DE/VIS/L1"
    assert code(await hub.visited.say("PUT", place, location(), to=HOME.party)) == (200, 4003)  # nor is a status kept
    assert hub.house.switch.queue.backlog_now() == {HOME.party: 2}

    await hub.restart_house()
    assert hub.house.switch.queue.backlog_now() == {HOME.party: 2}
    home = await hub.start("home")
    hub.clock.moment += timedelta(minutes=10)
    await hub.house.switch.presence.check()
    await hub.house.context.tasks.settled()
    await hub.house.switch.queue.drained()
    assert [one.id for one in home.keeper.objects] == ["S1"] and [one.id for one in home.sdrs.objects] == ["C1"]
    delivered = [one.entry.path for one in hub.log(kinds=[Kind.DELIVERED])]
    assert [path.split("/")[4] for path in delivered] == ["sessions", "cdrs"]


async def test_commands_never_wait(hub: Behind) -> None:
    await hub.stop("visited")
    own = f"{hub.home.platform.url}/ocpi/2.2.1/sender/commands/STOP_SESSION/1"
    stop = {"response_url": own, "session_id": "S1"}
    assert code(await hub.home.say("POST", "/receiver/commands/STOP_SESSION", stop, to=VISITED.party)) == (200, 4003)
    revoked = token(valid=False)
    assert code(await hub.home.say("PUT", "/receiver/tokens/NL/HOM/CARD1", revoked, to=VISITED.party)) == (200, 1000)
    assert hub.house.switch.queue.backlog_now() == {VISITED.party: 1}


async def test_a_repeated_message_is_known_after_a_restart(hub: Behind) -> None:
    given = {"X-Request-ID": "message-1"}
    await hub.visited.say("PUT", f"/receiver/{THINGS}/1", {"a": 1}, to=HOME.party, headers=given)
    await hub.restart_house()
    await hub.visited.say("PUT", f"/receiver/{THINGS}/1", {"a": 1}, to=HOME.party, headers=given)
    assert len(hub.home.things.requests) == 1


async def test_members_hear_who_goes_and_who_comes_back(hub: Behind) -> None:
    def seen() -> Reachability:
        return hub.visited.partners[HOME.party].reachability

    await hub.stop("home")
    hub.clock.moment += timedelta(minutes=4)
    await hub.house.switch.presence.check()
    assert seen() is Reachability.CONNECTED  # nobody has been silent for five minutes
    hub.clock.moment += timedelta(minutes=2)
    await hub.house.switch.presence.check()
    await hub.told()
    assert seen() is Reachability.OFFLINE
    await hub.start("home")
    await hub.house.switch.presence.check()
    await hub.told()
    assert seen() is Reachability.CONNECTED

    partner = hub.house.endpoint.partners.speaking_for(HOME.party)
    assert partner is not None
    await hub.house.endpoint.partners.suspend(partner.id)
    await hub.house.switch.presence.refresh()
    await hub.told()
    assert seen() is Reachability.SUSPENDED


async def test_the_log_tells_of_a_session_and_shows_what_was_done_to_it(hub: Behind) -> None:
    await hub.visited.say("PUT", "/receiver/sessions/DE/VIS/S1", FINAL, to=HOME.party)
    await hub.visited.say("POST", "/receiver/cdrs", cdr(), to=HOME.party)
    of_session = hub.log(session_id="S1")
    assert [one.entry.kind for one in of_session] == [Kind.REQUEST, Kind.ANSWER] * 2
    assert [one.entry.sdr_id for one in hub.log(sdr_id="C1")] == ["C1", "C1"]
    assert '"total_energy": "1.5"' in (hub.log(sdr_id="C1")[0].entry.facts or "")
    assert not any("CARD1" in str(one) for one in hub.log())
    with hub.store.read() as connection:
        sound = verify(connection)
    assert (sound.rows, sound.broken_at, sound.last_hash) == (4, None, hub.log()[-1].hash)

    second = hub.log()[1].sequence
    await hub.store.write(
        lambda connection: (
            connection.execute(update(hub_log).where(hub_log.c.sequence == second).values(status_code=2000)).rowcount
        )
    )
    with hub.store.read() as connection:
        assert verify(connection).broken_at == second
    await hub.store.write(
        lambda connection: connection.execute(delete(hub_log).where(hub_log.c.sequence == second)).rowcount
    )
    with hub.store.read() as connection:
        assert verify(connection).broken_at == second + 1


async def test_on_the_newer_wire_credentials_name_who_stands_behind(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    """OCPI 2.3.0, credentials: a hub's roles are those of the parties that can be reached; 2.2.1 has HubClientInfo."""
    wires = {"home": "2.3.0", "visited": "2.3.0"}
    async with behind_hub(authority, tmp_path, wires=wires, told=False) as hub:
        for member in (hub.home, hub.visited, hub.second):
            await member.platform.endpoint.registrar.renew(member.partners[HUB.party].id)
        behind = hub.home.partners[VISITED.party]
        assert (behind.via, behind.version) == (hub.home.partners[HUB.party].id, "2.3.0")
        assert behind.roles[0].name == VISITED.name
        put = ("PUT", "/receiver/tokens/NL/HOM/CARD1", token())
        assert code(await hub.home.say(*put, to=VISITED.party)) == (200, 1000)
        told = hub.house.endpoint.registrar.credentials_for
        roles = {wire: [one["role"] for one in json.loads(told("t", wire, (HOME,)))["roles"]] for wire in BINDINGS}
        assert roles == {"2.2.1": ["HUB"], "2.3.0": ["CPO"]}
        # Nothing is translated: who speaks another version is not reached.
        card = token(country_code="NL", party_id="SEC")
        answer = await hub.second.say("PUT", "/receiver/tokens/NL/SEC/CARD1", card, to=VISITED.party)
        assert code(answer) == (200, 4000) and b"2.3.0" in answer.body


async def test_no_card_stands_in_the_route_table_in_clear(hub: Behind) -> None:
    await hub.home.say("PUT", "/receiver/tokens/NL/HOM/CARD1", token(), to=VISITED.party)
    with hub.store.read() as connection:
        rows = connection.execute(text("SELECT kind, key FROM hub_route WHERE kind IN ('token', 'contract')")).all()
    assert {row.kind for row in rows} == {"token", "contract"}
    assert not any("card1" in row.key.lower() or "hom" in row.key.lower() for row in rows)


def test_every_extension_module_but_the_clearing_houses_own_passes() -> None:
    modules = {
        name: import_module(f"core.endpoint.extensions.{name}")
        for _, name, _ in iter_modules(extensions.__path__)
        if hasattr(import_module(f"core.endpoint.extensions.{name}"), "MODULE")
    }
    own = {"reconciliations", "settlements"}
    assert {one.MODULE for name, one in modules.items() if name not in own} <= EXTENSION_SERVICES.keys()
    assert not {Service.RECONCILIATION, Service.SETTLEMENT} & set(EXTENSION_SERVICES.values())
