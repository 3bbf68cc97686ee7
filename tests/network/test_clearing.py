"""Sessions charged through the hub are reconciled and settled, and nobody sets anything by hand (6.4.2, 6.4.3)."""

import asyncio
import json
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from app.commands import app
from core.admin_messages import SdrLine
from core.clearing_house.control_totals import all_totals
from core.clearing_house.platform import ClearingHouse
from core.clearing_house.reconciliation import reconcile
from core.clearing_house.settlement import settle
from core.clock import FixedClock
from core.driver_client import DriverClient
from core.home_csp.platform import HomeCsp
from core.home_csp.sdr_verdicts import decide
from core.model.clearing.batches import BatchState
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.clearing.statement import Statement
from core.model.clearing.verdicts import Outcome
from core.model.parties import ObjectKey
from core.model.sdr_verdicts import VerdictState
from core.model.services import PLAIN
from core.model.session import SessionState
from core.network import Member, Network
from core.sdr_lines import sdr_lines
from core.store import heard
from core.store.clearing_tables import clearing_session
from core.store.tables import sdr as sdr_table
from core.visited_cso.platform import VisitedCso
from tests.network.charging import Charging, Post, agree, charge, free_posts, overcharge, visited_at

pytestmark = pytest.mark.anyio

SITE = "ALP-MA-NECKARSTADT"
"""Its tariff ALP-DE is 0.4622 EUR a kWh and nothing else, at 19 % VAT (assets/demo/tariffs/alpenstrom.json)."""


def cents(amount: Decimal) -> int:
    """An SDR has four decimals, a line of a statement two; both are rounded half up."""
    four = amount.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return int(four.quantize(Decimal("0.01"), ROUND_HALF_UP) * 100)


async def posts_behind_house(network: Network, driver: DriverClient) -> list[Post]:
    posts = await free_posts(network, driver, count=1000)
    return [one for one in posts if one.site.id == SITE and network.is_reached_through_house(one.member)]


def house_of(network: Network) -> ClearingHouse:
    assert network.clearing_house is not None
    return network.clearing_house


async def charged(network: Network, driver: DriverClient, post: Post) -> Charging:
    charging = await charge(network, driver, post, minutes=10)
    await charging.end()
    await delivered(network, post.member)
    return charging


async def delivered(network: Network, member: Member) -> None:
    """Whatever the two sides have to send has arrived."""
    for platform in (member.platform, network.home, member.platform):
        await platform.context.store.write(lambda connection: None)
        platform.endpoint.outbox.wake()
        await platform.endpoint.outbox.settled()


async def heard_by_both(network: Network, member: Member) -> None:
    await network.home.reporting.round()
    await member.platform.reporting.round()


def key_of(charging: Charging) -> ObjectKey:
    party = charging.post.member.platform.context.party
    return ObjectKey(country_code=party.country_code, party_id=party.party_id, id=charging.visited.id)


def line_of(platform: HomeCsp | VisitedCso, charging: Charging) -> SdrLine:
    with platform.context.store.read() as connection:
        [line] = sdr_lines(connection, select(sdr_table).where(sdr_table.c.id == key_of(charging).id))
    return line


def statements_at(platform: HomeCsp | VisitedCso) -> list[Statement]:
    with platform.context.store.read() as connection:
        return heard.load_statements(connection)


def witnesses(network: Network) -> set[tuple[str, str, Decimal]]:
    columns = clearing_session.c
    with house_of(network).context.store.read() as connection:
        rows = connection.execute(select(columns.witness, columns.session_id, columns.energy))
        return {(row.witness, row.session_id, row.energy) for row in rows}


async def test_a_right_bill_is_settled_and_a_wrong_one_is_held(
    network: Network, driver: DriverClient, monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    first, second = await posts_behind_house(network, driver)
    house, home, visited = house_of(network), network.home, first.member.platform
    right = await charged(network, driver, first)
    overcharge(monkeypatch)
    wrong = await charged(network, driver, second)

    # Both SDRs, as the provider has them, name what the two had signed.
    signed = visited_at(network, first.member).agreement.signed
    with home.context.store.read() as connection:
        kept = [home.context.reader.sdr(body) for body in connection.scalars(select(sdr_table.c.body))]
    assert signed is not None
    assert {(one.agreement_id, one.agreement_version) for one in kept} == {(signed.id, signed.version)}

    # The operator's SDR, the provider's record and what the switch saw: three witnesses of each session.
    assert witnesses(network) == {
        (witness, one.visited.id, one.visited.energy) for witness in ("HOME", "HUB") for one in (right, wrong)
    }
    run = await reconcile(house.clearing)
    judged = {one.key: one for one in run.judgements}
    assert (judged[str(key_of(right))].after, judged[str(key_of(right))].rule) == (Outcome.ACCEPTED, 1)
    held = judged[str(key_of(wrong))]
    assert (held.after, [one.kind for one in held.found]) == (Outcome.NEW, [DiscrepancyClass.D13])

    await heard_by_both(network, first.member)
    for platform in (home, visited):
        cleared, kept_back = line_of(platform, right).cleared, line_of(platform, wrong).cleared
        assert cleared is not None and kept_back is not None
        assert (cleared.outcome, cleared.codes) == (Outcome.APPROVED, ())
        assert (kept_back.outcome, kept_back.codes) == (Outcome.NEW, (DiscrepancyClass.D13,))
    assert {right.home.state, right.visited.state} == {SessionState.RECONCILED}
    assert {wrong.home.state, wrong.visited.state} == {SessionState.DISPUTED}

    assert isinstance(network.clock, FixedClock)
    network.clock.moment += timedelta(days=1)
    assert [state for _, state in (await settle(house.clearing)).moved] == [BatchState.CALCULATED]
    await heard_by_both(network, first.member)
    [statement] = statements_at(home)
    assert statements_at(visited) == [statement]
    # Such as 5.3194 kWh: at 0.4622 they are 2.4586, with 19 % 2.9258; half up at the line 2.46 and 2.93.
    energy = right.visited.energy
    net, gross = cents(energy * Decimal("0.4622")), cents(energy * Decimal("0.4622") * Decimal("1.19"))
    assert energy > 1 and [(one.id, one.energy) for one in statement.lines] == [(right.visited.id, energy)]
    assert (statement.currency, statement.net, statement.gross) == ("EUR", net, gross)
    assert [(one.rate, one.base, one.tax) for one in statement.vat] == [(None, net, gross - net)]

    # Both have told their totals of the day that is over, and both have the clearing house's very set.
    with house.context.store.read() as connection:
        compared = all_totals(connection, date(2026, 3, 2))
    assert {(str(one.reported_by), one.differences, one.ours.count) for one in compared} == {
        ("CH*ALP", (), 2),
        ("NL*EVR", (), 2),
    }

    await the_statement_is_settled_by_command(network, data, first.member, statement, key_of(right))

    # A person at the provider rejects what is held: the clearing house hears of it, and so does the operator.
    context = home.context
    code = (DiscrepancyClass.D13,)
    await context.store.write(
        lambda connection: decide(
            connection, context, key_of(wrong), VerdictState.REJECTED, agent="Ada", codes=code, note=""
        )
    )
    await heard_by_both(network, first.member)
    declined = line_of(visited, wrong).cleared
    assert declined is not None and declined.outcome is Outcome.DECLINED


async def the_statement_is_settled_by_command(
    network: Network, data: Path, member: Member, statement: Statement, sdr: ObjectKey
) -> None:
    """Disputed by line, answered, accepted and confirmed by both; what was cut already comes back as a credit."""
    assert isinstance(network.clock, FixedClock)
    at_home, at_operator = "home-csp", member.operator.slug

    async def evroam(platform: str, *arguments: str) -> Any:
        command = ["statement", *arguments, "--platform", platform, "--data", str(data)]
        result = await asyncio.to_thread(lambda: CliRunner().invoke(app, [*command, "--json"]))
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    [listed] = await evroam(at_home, "fetch")
    assert (listed["batch_id"], listed["state"], listed["gross"]) == (statement.batch_id, "CALCULATED", statement.gross)
    opened = await evroam(at_home, "dispute", str(sdr), "--text", "the cable was broken", "--claim", "0.50")
    assert (opened["sdr"], opened["dispute"]["state"]) == (str(sdr), "OPEN")
    await evroam(at_operator, "fetch")
    [seen] = (await evroam(at_operator, "show", statement.batch_id))["disputes"]
    assert (seen["sdr"], seen["dispute"]["reason"]) == (str(sdr), "the cable was broken")
    await evroam(at_operator, "respond", str(sdr), "--text", "for a while", "--offer", "0.30")
    assert (await evroam(at_home, "accept", str(sdr)))["dispute"]["state"] == "SPLIT"
    for platform in (at_home, at_operator):
        confirmed = (await evroam(platform, "confirm", statement.batch_id))["statement"]
    assert confirmed["state"] == "CONFIRMED"

    network.clock.moment += timedelta(days=1)
    await settle(house_of(network).clearing)
    listed = await evroam(at_operator, "fetch")
    assert [one["state"] for one in listed] == ["CALCULATED", "INSTRUCTED"]
    # 0.30 before taxes, at the 19 % that were billed: 0.36 to the cent, in a batch of its own.
    [credit] = (await evroam(at_operator, "show", listed[0]["batch_id"]))["statement"]["lines"]
    assert (credit["original"], credit["net"], credit["gross"]) == (sdr.id, -30, -36)
    shown = ["statement", "show", listed[0]["batch_id"], "--platform", at_operator, "--data", str(data)]
    said = (await asyncio.to_thread(lambda: CliRunner().invoke(app, shown))).stdout
    assert f"credit for {sdr.id}: -0.30 net, -0.06 taxes, -0.36 EUR" in said
    assert f"{sdr} is disputed for 0.50 before taxes: split" in said and "operator: for a while (offers 0.30)" in said


async def test_between_parties_on_plain_ocpi_the_clearing_house_moves_the_session(
    network: Network, driver: DriverClient
) -> None:
    [post, _] = await posts_behind_house(network, driver)
    await agree(network, post.member, PLAIN)
    charging = await charged(network, driver, post)
    assert charging.visited.state is SessionState.RECORDED
    await reconcile(house_of(network).clearing)
    await heard_by_both(network, post.member)
    assert charging.visited.state is SessionState.RECONCILED
