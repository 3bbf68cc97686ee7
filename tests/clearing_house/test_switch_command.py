"""`evroam switch` at the admin API of a clearing house with members behind it: agreed, passed, kept, checked, ended."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from app.commands import app
from core.clearing_house.switch_admin import switch_routes
from core.endpoint.admin_api import Administered, serve_admin_api
from core.endpoint.serving import listen, url_of
from core.endpoint.tls import CertificateAuthority
from core.running_platforms import announced, secret_of
from core.store.switch_tables import hub_log
from tests.clearing_house.hub import HUB, THINGS, behind_hub
from tests.endpoint.platforms import HOME, code
from tests.endpoint.wire_objects import cdr, location

pytestmark = pytest.mark.anyio
NAME = "clearing-house"


async def test_who_may_exchange_what_and_what_passed(tmp_path: Path) -> None:
    authority = CertificateAuthority.open(tmp_path / "authority")

    async def evroam(*arguments: str, exit_code: int = 0) -> str:
        command = ["switch", *arguments, "--data", str(tmp_path)]
        result = await asyncio.to_thread(lambda: CliRunner().invoke(app, command))
        assert result.exit_code == exit_code, result.output
        return result.output

    async def read(*arguments: str) -> Any:
        return json.loads(await evroam(*arguments, "--json"))

    async with behind_hub(authority, tmp_path, agreements=[], told=False) as hub:
        identity, listener = authority.identity(tmp_path / "hub", [HUB]), listen()
        administered = Administered(
            NAME, HUB, hub.house.endpoint, hub.store, "sqlite://", hub.clock, identity, secret_of(tmp_path, NAME)
        )
        async with serve_admin_api(administered, listener, switch_routes(hub.house)):
            with announced(tmp_path, NAME, url_of(listener)):
                put = ("PUT", "/receiver/locations/DE/VIS/L1", location())
                assert "No two parties have agreed yet." in await evroam("list")
                assert code(await hub.visited.say(*put, to=HOME.party)) == (200, 4001)
                plain = ("--service", "sites", "--service", "sdrs", "--module", THINGS)
                agreed = await evroam("agree", "DE*VIS", "NL*HOM", *plain, "--store-and-forward")
                assert f"DE*VIS ↔ NL*HOM: sdrs, sites; set here; store and forward; modules {THINGS}" in agreed
                await hub.told()
                assert code(await hub.visited.say(*put, to=HOME.party)) == (200, 1000)
                assert code(await hub.visited.say("PUT", f"/receiver/{THINGS}/1", {}, to=HOME.party)) == (200, 1000)
                [listed] = (await read("list"))["agreements"]
                assert listed["terms"]["signed"] is None and listed["terms"]["switch"]["store_and_forward"]

                await hub.stop("home")
                assert "Nothing waits." in await evroam("waiting")
                assert code(await hub.visited.say("POST", "/receiver/cdrs", cdr(), to=HOME.party)) == (200, 1000)
                [waiting] = (await read("waiting"))["messages"]
                assert (waiting["sender"], waiting["receiver"], waiting["refused"]) == ("DE*VIS", "NL*HOM", False)
                assert "DE*VIS → NL*HOM" in await evroam("waiting")

                [asked, kept] = (await read("log", "--sdr", "C1"))["messages"]
                assert (asked["kind"], asked["service"], kept["kind"]) == ("request", "sdrs", "queued")
                said = await evroam("log", "--limit", "4")
                assert "DE*VIS → NL*HOM" in said and "PUT /ocpi/2.2.1/receiver/locations/DE/VIS/L1" in said
                assert "the chain holds" in await evroam("check")
                changed = update(hub_log).where(hub_log.c.sequence == asked["sequence"]).values(status_code=2000)
                await hub.store.write(lambda connection: connection.execute(changed).rowcount)
                assert f"broken at row {asked['sequence']}" in await evroam("check", exit_code=3)

                assert "Nothing passes between" in await evroam("end", "DE*VIS", "NL*HOM")
                assert code(await hub.visited.say(*put, to=HOME.party)) == (200, 4001)
                assert "have no agreement here" in await evroam("end", "DE*VIS", "NL*HOM", exit_code=2)
                assert "between two parties" in await evroam("agree", "DE*VIS", "DE*VIS", exit_code=2)
                assert "Traceback" not in await evroam("agree", "nobody", "DE*VIS", exit_code=2)
