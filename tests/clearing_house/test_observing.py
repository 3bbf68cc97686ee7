"""The clearing house as third witness: what passes its switch is reconciled where the parties have terms."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from core.clearing_house.reconciliation import reconcile
from core.endpoint.extensions import reconciliations
from core.endpoint.partner import Partner
from core.endpoint.tls import CertificateAuthority
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.clearing.verdicts import Outcome
from tests.clearing_house.hub import HUB, Member, behind_hub
from tests.clearing_house.records import TERMS, record, sdr_json
from tests.endpoint.platforms import HOME, START, code
from tests.endpoint.wire_objects import session

pytestmark = pytest.mark.anyio


async def test_what_passes_is_witnessed_and_the_modules_end_at_the_house(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    async with behind_hub(authority, tmp_path) as hub:
        begun = START - timedelta(hours=2)
        sdr = json.loads(sdr_json(1, start=begun))
        told = session(
            start_date_time=sdr["start_date_time"], end_date_time=sdr["end_date_time"], kwh=9.9, status="COMPLETED"
        )
        assert code(await hub.visited.say("POST", "/receiver/cdrs", {**sdr, "id": "C0"}, to=HOME.party)) == (200, 1000)
        assert (await reconcile(hub.house.clearing)).judgements == ()  # they have no terms yet
        await hub.house.clearing.agree(TERMS)

        put = await hub.visited.say("PUT", "/receiver/sessions/DE/VIS/S1", told, to=HOME.party)
        assert code(put) == (200, 1000)
        for _ in range(2):
            assert code(await hub.visited.say("POST", "/receiver/cdrs", sdr, to=HOME.party)) == (200, 1000)
        (judged,) = (await reconcile(hub.house.clearing)).judgements
        assert [one.kind for one in judged.found] == [DiscrepancyClass.D02]
        assert "the clearing house saw it" in judged.found[0].reason

        calls, house = hub.home.platform.endpoint.calls, partner_of(hub.home)
        await reconciliations.put_record(calls, house, record(1, start=begun, kwh="8"))
        (judged,) = (await reconcile(hub.house.clearing)).judgements
        assert "saw 9.9000 kWh, nearer to what the operator says" in judged.found[0].reason
        (verdict,) = await reconciliations.pull_verdicts(calls, house, None)
        assert (verdict.id, verdict.outcome) == ("C1", Outcome.NEW)
        other = hub.second.platform.endpoint.calls
        assert await reconciliations.pull_verdicts(other, partner_of(hub.second), None) == []


def partner_of(member: Member) -> Partner:
    return member.partners[HUB.party]
