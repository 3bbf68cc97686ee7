"""Charging profiles between two platforms: through the calls and as raw requests (ocpi_rules, line 24)."""

import asyncio
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from core.endpoint.partner import Partner
from core.endpoint.ports import Ports
from core.endpoint.profile_calls import (
    ask_active_profile,
    clear_profile,
    post_profile_result,
    put_active_profile,
    set_profile,
)
from core.endpoint.profiles import ProfileAnswer, ProfilePurpose, ProfileReply, ProfileResult
from core.errors import NotFound
from core.model.charging_profiles import ActiveChargingProfile, ChargingProfile, ProfilePeriod, RateUnit
from tests.endpoint.platforms import START, Network, code, run, talking

PROFILE = ChargingProfile(
    unit=RateUnit.AMPERE,
    start=START,
    duration_s=900,
    least_rate=Decimal("6.5"),
    periods=(ProfilePeriod(start_s=0, limit=Decimal("8.1")), ProfilePeriod(start_s=300, limit=Decimal(16))),
)
ACTIVE = ActiveChargingProfile(calculated_at=START, profile=PROFILE)
WIRE = {
    "start_date_time": "2026-11-22T12:00:00Z",
    "duration": 900,
    "charging_rate_unit": "A",
    "min_charging_rate": 6.5,
    "charging_profile_period": [{"start_period": 0, "limit": 8.1}, {"start_period": 300, "limit": 16}],
}
ACCEPTED = ProfileReply(ProfileAnswer.ACCEPTED, 30)


@dataclass
class Station:
    taken: list[tuple[Any, ...]] = field(default_factory=list)

    async def set_profile(self, partner: Partner, session_id: str, profile: ChargingProfile, url: str) -> ProfileReply:
        self.taken.append(("set", session_id, profile, url))
        return ACCEPTED

    async def clear_profile(self, partner: Partner, session_id: str, url: str) -> ProfileReply:
        self.taken.append(("clear", session_id, url))
        return ProfileReply(ProfileAnswer.TOO_OFTEN, 0)

    async def active_profile(self, partner: Partner, session_id: str, duration_s: int, url: str) -> ProfileReply:
        self.taken.append(("active", session_id, duration_s, url))
        return ACCEPTED


@dataclass
class Outcomes:
    got: asyncio.Queue[tuple[Any, ...]] = field(default_factory=asyncio.Queue)

    async def profile_result(
        self,
        partner: Partner,
        purpose: ProfilePurpose,
        request_id: str,
        result: ProfileResult,
        active: ActiveChargingProfile | None,
    ) -> bool:
        self.got.put_nowait((purpose, request_id, result, active))
        return request_id == "r 1"

    async def profile_changed(self, partner: Partner, session_id: str, active: ActiveChargingProfile) -> None:
        self.got.put_nowait((session_id, active))


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
def test_rule_24_profiles_are_answered_at_once_and_outcomes_come_to_our_own_url(network: Network, version: str) -> None:
    async def test() -> None:
        station, outcomes = Station(), Outcomes()
        ports = Ports(profile_results=outcomes), Ports(profiles=station)
        async with talking(network, *ports, versions=(version,)) as talk:
            calls, partner = talk.home.endpoint.calls, talk.home.only_partner()
            back, home = talk.visited.endpoint.calls, talk.visited.only_partner()
            assert await set_profile(calls, partner, "S/1", PROFILE, "r 1") == ACCEPTED
            assert (await clear_profile(calls, partner, "S/1", "r 1")).answer is ProfileAnswer.TOO_OFTEN
            assert await ask_active_profile(calls, partner, "S/1", 900, "r 1") == ACCEPTED
            (*put, url), (*clear, clear_url), (*asked, active_url) = station.taken
            assert (put, clear, asked) == (["set", "S/1", PROFILE], ["clear", "S/1"], ["active", "S/1", 900])
            for to, told in ((url, None), (clear_url, None), (active_url, ACTIVE)):
                await post_profile_result(back, home, to, ProfileResult.ACCEPTED, told)
            purposes = [await outcomes.got.get() for _ in range(3)]
            assert purposes == [
                ("set", "r 1", "ACCEPTED", None),
                ("clear", "r 1", "ACCEPTED", None),
                ("active", "r 1", "ACCEPTED", ACTIVE),
            ]
            await put_active_profile(back, home, "S/1", ACTIVE)
            assert await outcomes.got.get() == ("S/1", ACTIVE)
            for unknown in (url.replace("r%201", "r2"), url.replace("/set/", "/other/")):
                with pytest.raises(NotFound):
                    await post_profile_result(back, home, unknown, ProfileResult.UNKNOWN, None)

    run(test)


def test_rule_24_response_url_is_guarded_in_the_query_too(network: Network) -> None:
    async def test() -> None:
        station = Station()
        async with talking(network, Ports(profile_results=Outcomes()), Ports(profiles=station)) as talk:
            path, own = "/receiver/chargingprofiles/S1", f"{talk.home.url}/x?request_id=5678"
            for url in ("https://169.254.169.254/x", "http://127.0.0.1/x", "https://evil.example/x", ""):
                assert code(await talk.from_home("DELETE", f"{path}?response_url={url}")) == (200, 2001)
                assert code(await talk.from_home("GET", f"{path}?duration=9&response_url={url}")) == (200, 2001)
                body = {"charging_profile": WIRE, "response_url": url or None}
                assert code(await talk.from_home("PUT", path, body)) == (200, 2001)
            for duration in ("", "0", "-1", "1e9", "99999999999"):
                assert code(await talk.from_home("GET", f"{path}?duration={duration}&response_url={own}")) == (
                    200,
                    2001,
                )
            for wrong in (
                {"charging_rate_unit": "kW"},
                {"charging_profile_period": [{"start_period": 0, "limit": -1}]},
                {"charging_profile_period": [{"start_period": -5, "limit": 1}]},
                {"charging_profile_period": [{"start_period": 0, "limit": 1}] * 501},
                {"duration": "long"},
            ):
                body = {"charging_profile": {**WIRE, **wrong}, "response_url": own}
                assert code(await talk.from_home("PUT", path, body)) == (200, 2001)
            assert station.taken == []
            answer = await talk.from_home("PUT", path, {"charging_profile": WIRE, "response_url": own})
            assert json.loads(answer.body)["data"] == {"result": "ACCEPTED", "timeout": 30}
            assert station.taken == [("set", "S1", PROFILE, own)]
            assert code(await talk.from_home("POST", path, {})) == (405, 2000)
            wrong_word = {"start_date_time": "2026-11-22T12:00:00Z", "charging_profile": {"charging_rate_unit": "V"}}
            assert code(await talk.from_visited("PUT", "/sender/chargingprofiles/S1", wrong_word)) == (200, 2001)

    run(test)
