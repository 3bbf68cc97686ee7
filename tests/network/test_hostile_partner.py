"""Whatever a partner sends to an extension module is answered as the refusals say, and leaves nothing half written."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.driver_client import DriverClient
from core.endpoint.extension import module_id
from core.endpoint.ocpi.kinds import write_timestamp
from core.model.parties import Party, PlatformRole
from core.network import Network
from core.visited_cso.rate import RateLimit
from core.walks.messages import MessageLogs, PlatformLog
from tests.network.charging import Charging, charge, home_at, post_of_each, visited_at
from tests.network.hostile import (
    NAUGHTY_SEGMENTS,
    NO_OBJECT,
    UNREADABLE,
    Body,
    Door,
    counted,
    mutations,
    status_of,
    stored,
)

pytestmark = pytest.mark.anyio

EVIL = "XX", "XXX"
"""A party for which nobody here speaks."""


class Doors:
    """Every route of every extension module in the network, each with a body that would be taken."""

    def __init__(self, network: Network, charging: Charging, other: Charging) -> None:
        self.network, self.charging, self.other = network, charging, other
        self.member = charging.post.member
        self.now: datetime = network.clock.now()

    def at_visited(self) -> list[Door]:
        """The home-CSP asks a visited-CSO."""
        network, member = self.network, self.member
        home, session, place = network.home.context, self.charging.visited, self.charging.post
        us, them = _party(home.party), _party(member.platform.context.party)
        base = Door(
            caller=network.home.endpoint,
            sender=home.party,
            callee=visited_at(network, member),
            store=member.platform.context.store,
            module="",
            interface="RECEIVER",
            method="POST",
        )
        later = self.now + timedelta(hours=1)
        token = {
            **us, "uid": "0400FEDCBA9876", "type": "RFID", "contract_id": network.demo.driver.contract,
        }  # fmt: skip
        return [
            replace(
                base,
                module=module_id("emergencyunlocks"),
                body={
                    "request_id": "U1", "case": "UC5-2", **them, "location_id": place.site.id,
                    "evse_uid": place.evse_uid, "connector_id": "1", "session_id": session.id, "reference": "R1",
                    "reason": "the cable is stuck", "agent_id": "desk", "user_verified": False,
                    "safety_confirmed": True, "requested_at": _at(self.now),
                },
            ),
            replace(base, module=module_id("emergencyunlocks"), method="GET", segments=("nobodys",)),
            replace(
                base,
                module=module_id("sdrs"),
                method="PUT",
                segments=(*them.values(), "nobodys"),
                body={
                    **them, "cdr_id": "nobodys", "cdr_hash": "0" * 64, "version": 1, "state": "REJECTED",
                    "codes": ["D08"], "by_driver": False, "note": "too long", "last_updated": _at(self.now),
                },
            ),
            replace(base, module=module_id("energytransfers"), segments=("nobodys", "resume")),
            replace(
                base,
                module=module_id("quotes"),
                interface="SENDER",
                body={
                    "location_id": place.site.id, "evse_uid": place.evse_uid, "connector_id": "1",
                    "start_date_time": _at(self.now), "end_date_time": _at(later), "energy": 10,
                    "power": [{"after": 0, "power": 11}],
                },
            ),
            replace(base, module=module_id("quotes"), interface="SENDER", method="GET", segments=("nobodys",)),
            replace(
                base,
                module=module_id("chargeplans"),
                segments=(session.id,),
                body={
                    "profile_type": "FAST", "departure_time": _at(later), "energy_need": 2, "max_cost": 20,
                    "discharge_allowed": False, "counters": "P1",
                },
            ),
            replace(base, module=module_id("chargeplans"), method="GET", segments=("nobodys",)),
            replace(base, module=module_id("chargeplans"), segments=(session.id, "P1", "1"), body={"answer": "ACCEPT"}),
            replace(
                base,
                module="bookings",
                interface="SENDER",
                body={
                    **us, "request_id": "B1", "booking_option": {"evse_uid": "KPF-B-MOABIT-A1"},
                    "location_id": "KPF-B-MOABIT", "booking_location_id": "KPF-B-MOABIT", "tokens": [token],
                    "period": {"start_date_time": _at(later), "end_date_time": _at(later + timedelta(minutes=15))},
                    "authorization_reference": "BR1", "power_required": 11,
                },
            ),
            replace(base, module=module_id("servicenotices"), interface="SENDER", method="GET"),
            *self._agreements(base, known=False),
        ]  # fmt: skip

    def at_home(self) -> list[Door]:
        """A visited-CSO tells the home-CSP."""
        network, member = self.network, self.member
        context, session, place = member.platform.context, self.charging.visited, self.charging.post
        us, home = _party(context.party), _party(network.home.context.party)
        base = Door(
            caller=member.platform.endpoint,
            sender=context.party,
            callee=home_at(member),
            store=network.home.context.store,
            module="",
            interface="RECEIVER",
            method="PUT",
        )
        need = {"profile_type": "FAST", "energy_need": 2, "departure_time": _at(self.now + timedelta(hours=1))}
        slot = {
            "start_date_time": _at(self.now), "duration": 3600, "max_power": 11000, "expected_energy": 2, "price": 1,
        }  # fmt: skip
        text = {"language": "en", "text": "broken"}
        wish = {
            **home, "request_id": "nobodys", "location_id": place.site.id, "booking_location_id": place.site.id,
            "period": {"start_date_time": _at(self.now), "end_date_time": _at(self.now + timedelta(minutes=15))},
            "authorization_reference": "R1",
        }  # fmt: skip
        return [
            replace(
                base,
                module=module_id("servicenotices"),
                segments=(*us.values(), "N1"),
                body={
                    **us, "id": "N1", "version": 1, "kind": "UNPLANNED_OUTAGE", "location_id": place.site.id,
                    "evse_uids": [place.evse_uid], "connector_id": "1", "begin": _at(self.now),
                    "expected_end": _at(self.now + timedelta(hours=1)), "cause": "FAULT", "reservations": "KEPT",
                    "texts": [text], "session_ids": [session.id], "last_updated": _at(self.now),
                },
            ),
            replace(
                base, module=module_id("servicenotices"), method="GET", segments=(*us.values(), "nobodys")
            ),
            replace(
                base,
                module=module_id("emergencyunlocks"),
                interface="SENDER",
                method="POST",
                segments=("nobodys",),
                body={"state": "UNLOCKED", "code": "NO_LOCK"},
            ),
            replace(
                base,
                module=module_id("chargeplans"),
                interface="SENDER",
                segments=(session.id,),
                body={
                    **us, "id": "P1", "version": 1, "session_id": session.id, "request": need, "slots": [slot],
                    "expected_finish": _at(self.now), "currency": "EUR", "total_cost_estimate": {"before_taxes": 1},
                    "cost_without_plan": {"before_taxes": 2}, "valid_until": _at(self.now), "state": "ACTIVE",
                    "consent": "GIVEN", "reason": "SITE_LIMIT", "effective_at": _at(self.now), "price_effect": 0,
                    "last_updated": _at(self.now),
                },
            ),
            replace(
                base,
                module=module_id("pncauthorizations"),
                interface="SENDER",
                method="POST",
                body={
                    "emaid": network.demo.driver.contract, "contract_certificate_chain": self._chain(),
                    "protocol": "ISO15118-2", "location_id": place.site.id, "evse_uid": place.evse_uid,
                },
            ),
            replace(base, module=module_id("sdrs"), interface="SENDER", method="GET"),
            replace(
                base,
                module="bookings",
                segments=(*us.values(), "B1"),
                body={
                    "id": "B1", **us, "request_id": "nobodys", "location_id": place.site.id, "booking_tokens": [],
                    "period": {**wish["period"], "max_power": 11}, "reservation_status": "RESERVED",
                    "canceled": {"cancellation_reason": "FULL", "who_canceled": "CPO"},
                    "authorization_reference": "R1",
                    "booking_terms": {
                        "supported_access_methods": ["OPEN"], "change_until_minutes": 0, "cancel_until_minutes": 0,
                    },
                    "booking_requests": [
                        {"request_status": "ACCEPTED", "booking_request": wish, "request_received": _at(self.now)}
                    ],
                    "last_updated": _at(self.now),
                },
            ),
            *self._agreements(base),
        ]  # fmt: skip

    def at_house(self) -> list[Door]:
        """The home-CSP asks the clearing house."""
        network = self.network
        house = network.clearing_house
        assert house is not None
        visited = self.other.visited
        us, them = _party(network.home.context.party), _party(visited.visited)
        callee = next(one for one in network.home.endpoint.partners.list() if one.speaks_for(house.context.party))
        base = Door(
            caller=network.home.endpoint,
            sender=network.home.context.party,
            callee=callee,
            store=house.context.store,
            module=module_id("reconciliations"),
            interface="RECEIVER",
            method="PUT",
        )
        sdr = (*them.values(), "nobodys")
        party = {"country_code": us["country_code"], "party_id": us["party_id"]}
        return [
            replace(
                base,
                segments=("records", *us.values(), "S1"),
                body={
                    **us, "id": "S1", "visited_country_code": them["country_code"],
                    "visited_party_id": them["party_id"], "session_id": visited.id, "authorization_reference": "R9",
                    "evse_id": "DE*RHE*E1", "cdr_token": {
                        **us, "uid": "0400FEDCBA9876", "type": "RFID", "contract_id": network.demo.driver.contract,
                    },
                    "start_date_time": _at(self.now), "end_date_time": _at(self.now), "kwh": 1, "total_cost": 2,
                    "currency": "EUR", "authorized": True, "quoted_most": 3, "revoked": _at(self.now),
                    "max_power": 11, "time_zone": "Europe/Berlin",
                    "outages": [{"start": _at(self.now), "end": _at(self.now + timedelta(hours=1))}],
                },
            ),
            replace(base, method="POST", segments=("sdrs",), body={"id": "C1", **them}),
            replace(
                base,
                segments=("totals", *us.values(), "2026-03-02"),
                body={
                    "visited": them, "home": party, "day": "2026-03-02", "currency": "EUR", "count": 1, "energy": 1,
                    "money": 2, "root": "0" * 64,
                },
            ),
            replace(base, method="GET", segments=("verdicts",)),
            replace(base, method="GET", segments=("verdicts", *sdr)),
            replace(base, segments=("verdicts", *sdr), body={"outcome": "APPROVED"}),
            replace(base, method="GET", segments=("proofs", *sdr)),
            replace(base, method="POST", segments=("disputes", *sdr), body={"act": "OPEN", "text": "no", "claim": 1}),
            replace(base, module=module_id("settlements"), method="GET", segments=("batches",)),
            replace(base, module=module_id("settlements"), method="GET", segments=("batches", "nobodys")),
            replace(base, module=module_id("settlements"), method="POST", segments=("batches", "nobodys", "confirm")),
            *self._agreements(base),
        ]  # fmt: skip

    def _agreements(self, base: Door, *, known: bool = True) -> list[Door]:
        document: Body = {
            "id": "A1", "version": 7, "previous": None, "parties": [], "proposed_at": _at(self.now), "terms": {},
        }  # fmt: skip
        signed = {"document": document, "signature": "a.b.c"}
        base = replace(base, module=module_id("agreements"), method="PUT", interface="RECEIVER", known=known)
        end = {"hash": "0" * 64, "ends_at": _at(self.now), "signature": "a.b.c"}
        return [
            replace(base, segments=("A1", "7"), body=signed),
            replace(base, segments=("A1", "7", "end"), body=end),
            replace(base, method="GET", interface="SENDER"),
        ]

    def _chain(self) -> list[str]:
        evidence = self.network.mobility.vehicle(self.network.demo.driver.contract)
        assert evidence is not None
        return ["".join(one.split("\n")[1:-2]) for one in evidence.chain]

    def all(self) -> list[Door]:
        """All of them."""
        return [*self.at_visited(), *self.at_home(), *self.at_house()]


def _party(party: Party) -> dict[str, str]:
    return {"country_code": party.country_code, "party_id": party.party_id}


def _at(moment: datetime) -> str:
    return write_timestamp(moment)


@pytest.fixture
async def doors(network: Network, driver: DriverClient) -> AsyncIterator[Doors]:
    sessions = [await charge(network, driver, post) for post in await post_of_each(network, driver)]
    direct = next(one for one in sessions if not network.is_reached_through_house(one.post.member))
    through = next(one for one in sessions if network.is_reached_through_house(one.post.member))
    planner, quoter = direct.post.member.platform.plans, direct.post.member.platform.quoter
    planner._limit = quoter._limit = RateLimit(1_000_000, timedelta(minutes=1))  # it is not what is tried here
    yield Doors(network, direct, through)


async def test_whatever_is_said_is_answered_and_nothing_is_half_written(doors: Doors) -> None:
    for door in doors.all():
        before = counted(door.store)
        for what, body, expected in _said(door):
            status, code = answered = status_of(await door.knock(body))
            assert status in expected, (door.name, what, answered)
            after = counted(door.store)
            assert code == 1000 or after == before, (door.name, what, answered)
            before = after
        contents = stored(door.store)
        for segments in _elsewhere(door):
            status, code = answered = status_of(await door.knock(door.body, segments))
            assert status in {200, 403, 404}, (door.name, segments, answered)
        assert stored(door.store) == contents, door.name
    await _nothing_is_given_away(doors.network)


async def _nothing_is_given_away(network: Network) -> None:
    house, demo = network.clearing_house, network.demo
    assert house is not None
    logs = MessageLogs(
        [
            PlatformLog(demo.home_csp.role(PlatformRole.HOME_CSP), network.home.endpoint, network.home.context.store),
            PlatformLog(demo.clearing_house.role(PlatformRole.CLEARING_HOUSE), house.endpoint, house.context.store),
            *(
                PlatformLog(
                    one.operator.role(PlatformRole.VISITED_CSO), one.platform.endpoint, one.platform.context.store
                )
                for one in network.members
            ),
        ]
    )
    secrets = {*logs.tokens(), *logs.personal(), *demo.driver.cards, demo.driver.contract, f'"{demo.driver.pin}"'}
    texts = [(entry, text) for entry in await logs.entries() for text in entry.texts]
    assert not [(entry.path, secret) for entry, text in texts for secret in secrets if secret in text]
    assert any("pncauthorizations" in entry.path and '"emaid": "***"' in text for entry, text in texts)


def _said(door: Door) -> Iterator[tuple[str, object, set[int]]]:
    """What is sent to a route, and the HTTP statuses that may answer it; 404: what it is about does not exist."""
    if door.body is None:
        yield from ((f"body {body[:20]!r}", body, {200, 404}) for body in UNREADABLE[:3])
        return
    for body in UNREADABLE:
        yield f"unreadable {body[:20]!r}", body, {400, 404}
    for body in NO_OBJECT:
        yield f"no object {body[:20]!r}", body, {200, 404}
    for what, changed in mutations(door.body) if not door.known else ():
        yield what, changed, {200, 403, 404, 429}
    yield "a list of it", [door.body], {200, 404}
    yield "more than is known", {**door.body, "more": {"than": ["is", "known"]}}, {200, 404}
    yield "as it should be", door.body, {200, 404}
    yield "the same again", door.body, {200, 404}


def _elsewhere(door: Door) -> Iterator[tuple[str, ...]]:
    """The address with one segment of it another."""
    for index in range(len(door.segments)):
        for other in (*NAUGHTY_SEGMENTS, EVIL[index % 2], "9999-12-31"):
            yield (*door.segments[:index], other, *door.segments[index + 1 :])
