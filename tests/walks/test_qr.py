"""Scenario 1, walked over the real wire: as it should go, and with one thing wrong at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from core.clock import WallClock
from core.demo import demo_network
from core.endpoint.message_log import Message
from core.model.tariffs import Tariff
from core.network import Via
from core.simulation.faults import Faults
from core.store.tables import sdr, service_session, site
from core.walks.ground import Ground
from core.walks.qr import QR
from core.walks.report import Walked
from core.walks.running import Walk, walk_embedded
from core.walks.scenario import Actor, StepResult, Verdict

ORDER = [
    ("authenticate", "UC1-1"),
    ("sites", "UC1-2"),
    ("tariffs", "UC2-1"),
    ("scan", "A.1"),
    ("identify", "5.6"),
    ("status", "UC1-3"),
    ("quote", "UC2-2"),
    ("start", "UC3-2"),
    ("active", "UC3-2"),
    ("progress", "UC3-6"),
    ("stop", "UC3-4"),
    ("complete", "UC3-5"),
    ("sdr", "UC3-9"),
    ("bill", "UC3-9"),
    ("resubmit", "UC3-9"),
    ("privacy", "5.4.3"),
]


def step(walked: Walked, name: str) -> StepResult:
    return next(one for one in walked.steps if one.name == name)


def on_the_wire(walked: Walked, name: str) -> list[tuple[str, str, str, int | None, int | None]]:
    return [
        (one.sender.split()[0], one.receiver.split()[0], one.kind, one.http_status, one.ocpi_status)
        for one in step(walked, name).messages
    ]


def test_every_step_passes_in_the_order_of_the_annex(undisturbed: Walk) -> None:
    walked = undisturbed.walked
    assert [(one.name, one.use_case) for one in walked.steps] == ORDER
    assert [one.reason for one in walked.steps if not one.passed] == []
    assert walked.verdict is Verdict.PASS and walked.failed_step is None and walked.not_run == ()


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("status", [("visited-CSO", "home-CSP", "PATCH locations", 200, 1000)] * 2),
        (
            "start",
            [
                ("home-CSP", "visited-CSO", "POST commands", 200, 1000),
                ("visited-CSO", "home-CSP", "POST commands", 200, 1000),
            ],
        ),
        (
            "resubmit",
            [
                ("visited-CSO", "home-CSP", "POST cdrs", 200, 1000),
                ("visited-CSO", "home-CSP", "POST cdrs", 200, 2000),
            ],
        ),
    ],
)
def test_the_messages_of_a_step_are_named(
    undisturbed: Walk, name: str, messages: list[tuple[str, str, str, int, int]]
) -> None:
    assert on_the_wire(undisturbed.walked, name) == messages


def test_a_stranger_with_our_token_is_seen_knocking(undisturbed: Walk) -> None:
    knocks = [one for one in step(undisturbed.walked, "authenticate").messages if one.http_status == 401]
    assert [one.sender for one in knocks] == ["unknown", "unknown"]


def test_the_same_seed_walks_alike(undisturbed: Walk, tmp_path: Path) -> None:
    again = walk(tmp_path).walked
    for name in ("scan", "progress"):
        assert [one.actual for one in step(again, name).findings[:3]] == [
            one.actual for one in step(undisturbed.walked, name).findings[:3]
        ]


# -- one thing wrong at a time


async def station_refuses(ground: Ground) -> None:
    await ground.equipment.suffer(ground.post.evse_uid, Faults(refuses_start=True))


def dearer(tariff: Tariff, at: datetime) -> Tariff:
    """The tariff at 0.10 more for each of its components."""
    elements = tuple(
        element.model_copy(
            update={
                "components": tuple(
                    one.model_copy(update={"price": one.price + Decimal("0.10")}) for one in element.components
                )
            }
        )
        for element in tariff.elements
    )
    return tariff.model_copy(update={"last_updated": at, "elements": elements})


async def tariffs_rise(ground: Ground) -> None:
    now = ground.clock.now()
    await ground.member.platform.publish((), [dearer(one, now) for one in ground.member.operator.tariffs()])


async def the_operator_breaks_its_quote(ground: Ground) -> None:
    """It bills by a dearer tariff than the one to which its quote binds it."""
    session = (await ground.both()).operator
    assert session is not None
    tariffs = tuple(dearer(one, one.last_updated) for one in session.tariffs)
    body = session.model_copy(update={"tariffs": tariffs}).model_dump_json()

    def alter(connection: Connection) -> None:
        connection.execute(update(service_session).where(service_session.c.id == session.id).values(body=body))

    await ground.member.platform.context.store.write(alter)


async def a_site_is_altered(ground: Ground) -> None:
    """At the home-CSP, and dated so late that no pull mends it."""
    altered = (
        update(site).where(site.c.id == "ALP-MA-SCHLOSSMARKT").values(last_updated=datetime(2030, 1, 1, tzinfo=UTC))
    )

    def alter(connection: Connection) -> None:
        connection.execute(altered)

    for partner in ground.network.home.context.visited_csos():
        await ground.network.home.synchronise(partner)
    await ground.network.home.context.store.write(alter)


async def an_operator_is_suspended(ground: Ground) -> None:
    partners = ground.network.home.endpoint.partners
    await partners.suspend(partners.connected()[0].id)


async def the_kept_sdr_is_altered(ground: Ground) -> None:
    def alter(connection: Connection) -> None:
        connection.execute(update(sdr).values(content_hash="0" * 64))

    await ground.network.home.context.store.write(alter)


async def a_card_is_logged(ground: Ground) -> None:
    path = f"/ocpi/2.3.0/receiver/tokens/{ground.network.demo.driver.cards[0]}"
    ground.network.home.endpoint.log.record(
        Message(WallClock().now(), "in", None, "GET", path, 200, 1000, None, None, 1)
    )


@pytest.mark.parametrize(
    ("before", "wrong", "fails", "words"),
    [
        ("authenticate", an_operator_is_suspended, "authenticate", "not connected"),
        ("sites", a_site_is_altered, "sites", "7 of 8 equal, other or missing: ALP-MA-SCHLOSSMARKT"),
        ("start", station_refuses, "start", "result REJECTED"),
        ("complete", the_operator_breaks_its_quote, "sdr", "the session is DISPUTED"),
        ("resubmit", the_kept_sdr_is_altered, "resubmit", "the same SDR again refused"),
        ("privacy", a_card_is_logged, "privacy", "a card UID in 1 of them"),
    ],
)
def test_what_is_wrong_fails_its_own_step_with_the_reason(
    tmp_path: Path, before: str, wrong: Callable[[Ground], Awaitable[None]], fails: str, words: str
) -> None:
    done = walk(tmp_path, before={before: wrong})
    walked = done.walked
    names = [name for name, _ in ORDER]
    assert walked.verdict is Verdict.FAIL
    assert walked.failed_step == fails, walked.sentence
    assert words in step(walked, fails).reason
    assert [one.name for one in walked.steps if one.passed] == names[: names.index(fails)]
    assert [one.name for one in walked.not_run] == names[names.index(fails) + 1 :]
    assert fails in walked.sentence and words in walked.sentence
    assert not any(card in text for entry in done.log for text in entry.texts for card in demo_network().driver.cards)


def test_a_rise_after_consent_and_a_message_twice_change_nothing(tmp_path: Path) -> None:
    """The operator is bound by its quote, and what arrives again is known already."""
    walked = walk(
        tmp_path, before={"start": tariffs_rise}, fault="duplicate@progress", via=Via.HUB, wire="2.2.1"
    ).walked
    assert walked.verdict is Verdict.PASS, walked.sentence
    assert (walked.via, walked.fault) == ("hub", "duplicate@progress")
    assert "OCPI 2.2.1" in walked.wire and walked.topology == "through the clearing house"
    assert step(walked, "start").way == "home-CSP → clearing house → visited-CSO"
    assert {"clearing", "home-CSP", "visited-CSO"} == {end for one in on_the_wire(walked, "start") for end in one[:2]}
    assert walked.coped[0] == "Objects that still wait to be sent: none."


def test_actors_are_those_of_the_standard() -> None:
    assert {one.sender for one in QR.steps} | {one.receiver for one in QR.steps} == {
        Actor.DRIVER,
        Actor.HOME_CSP,
        Actor.VISITED_CSO,
    }


def walk(folder: Path, *, before: dict[str, Callable[[Ground], Awaitable[None]]] | None = None, **how: Any) -> Walk:
    """how: as `walk_embedded` takes it."""
    return asyncio.run(walk_embedded(QR, folder, before=before, **how))
