"""An agreement that binds ids to parties and names currencies is kept by what is pushed and by what is pulled."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from core.endpoint.agreement import Agreement
from core.endpoint.bindings import BINDINGS
from core.endpoint.partner import Partner
from core.endpoint.ports import DATED_AHEAD, Held, Ports
from core.errors import InvalidInput, Refused
from core.model.parties import ObjectKey
from tests.endpoint.platforms import Keeper, Network, Platform, Source, run
from tests.endpoint.wire_objects import cdr, evse, location, session, tariff, token

BINDING = BINDINGS["2.2.1"]
STRICT = Agreement(prefixes_bind=True, currencies=("EUR",))


@asynccontextmanager
async def bound(network: Network, home: Ports, visited: Ports) -> AsyncIterator[tuple[Platform, Platform]]:
    async with network.home(home) as one, network.visited(visited) as other:
        invitation = await other.endpoint.partners.invite("home", STRICT)
        await one.endpoint.registrar.connect(other.versions_url, invitation, STRICT)
        yield one, other


def test_pushed_objects_keep_to_the_agreement(network: Network) -> None:
    async def test() -> None:
        keepers = {name: Keeper() for name in ("sites", "tariffs", "sessions", "sdrs")}
        async with bound(network, Ports(**keepers), Ports()) as (_, visited):
            calls, partner = visited.endpoint.calls, visited.only_partner()
            gift = {"price_components": [{"type": "ENERGY", "price": -0.05, "step_size": 1}]}
            cases = [
                (calls.put_site, BINDING.site, location(evses=[evse(evse_id="DE*VIS*E1")]), True),
                (calls.put_site, BINDING.site, location(evses=[evse(evse_id="DE*ELS*E1")]), False),
                (calls.put_site, BINDING.site, location(evses=[evse(evse_id="DE*VIS*1")]), False),
                (calls.put_site, BINDING.site, location(), True),
                (calls.put_tariff, BINDING.tariff, tariff(), True),
                (calls.put_tariff, BINDING.tariff, tariff(elements=[gift]), False),
                (calls.put_session, BINDING.session, session(currency="USD"), False),
                (calls.submit_sdr, BINDING.sdr, cdr(currency="USD"), False),
                (calls.submit_sdr, BINDING.sdr, cdr(), True),
            ]
            for put, codec, body, is_taken in cases:
                held = codec.read(json.dumps(body))
                if is_taken:
                    await put(partner, held)
                else:
                    with pytest.raises(Refused) as error:
                        await put(partner, held)
                    assert error.value.code == "invalid_parameters"
            assert {name: one.puts for name, one in keepers.items()} == {
                "sites": 2,
                "tariffs": 1,
                "sessions": 0,
                "sdrs": 1,
            }

    run(test)


def test_contract_ids_keep_to_the_agreement(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with bound(network, Ports(), Ports(credentials=keeper)) as (home, _):
            calls, partner = home.endpoint.calls, home.only_partner()
            await calls.put_credential(partner, BINDING.credential.read(json.dumps(token())))
            foreign = BINDING.credential.read(json.dumps(token(contract_id="FR-ELS-C12345678")))
            with pytest.raises(Refused):
                await calls.put_credential(partner, foreign)
            assert keeper.puts == 1

    run(test)


class Dated(Keeper):
    """Refuses what is dated ahead."""

    async def put(self, partner: Partner, key: ObjectKey, held: Held[Any]) -> None:
        if held.value.last_updated.year > 2026:
            raise InvalidInput("This has not come yet.", code=DATED_AHEAD)
        await super().put(partner, key, held)


def test_pulled_objects_keep_to_the_agreement_and_one_dated_ahead_hides_no_other(network: Network) -> None:
    async def test() -> None:
        at = datetime(2026, 11, 22, tzinfo=UTC)
        bodies = [
            tariff(id="T1", currency="USD"),
            tariff(id="T2"),
            tariff(id="T3", last_updated="2099-01-01T00:00:00Z"),
        ]
        source = Source([(at, str(n), json.dumps(body)) for n, body in enumerate(bodies)])
        keeper = Dated()
        async with bound(network, Ports(tariffs=keeper), Ports(tariff_source=source)) as (home, _):
            for _ in range(2):
                await home.endpoint.synchronisation.pull_module(home.only_partner(), "tariffs")
            assert [key.id for key in keeper.objects] == ["T2"]
            assert [asked.date_from for asked in source.asked] == [None, datetime(2026, 11, 22, 11, tzinfo=UTC)]

    run(test)
