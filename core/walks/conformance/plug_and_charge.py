"""UC3-3: a vehicle charges on its contract certificate."""

from collections.abc import Sequence
from datetime import timedelta

from core.home_csp.contracts import add_contract, block_contract
from core.home_csp.plug_and_charge import keep_certificate, revoke_certificate
from core.model.authorisation import LocalOutcome
from core.model.credentials import CredentialKind
from core.model.plug_and_charge import ContractEvidence
from core.model.session import SessionState
from core.simulation.mobility_pki import MobilityPki
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, holds, same
from core.walks.scenario import Finding


async def _presented(bench: Bench, post: Post, evidence: ContractEvidence) -> str:
    """What the station shows to a vehicle that is plugged in and says its contract."""
    if post.equipment.car_at(post.evse_uid) is None:
        await bench.plug_in(post)
    await bench.advance(seconds=1)  # a report of the same moment is a repeat
    return (await post.equipment.present_contract(post.evse_uid, evidence)).verdict


async def _vehicle(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    evidence = bench.network.mobility.vehicle(bench.network.demo.driver.contract)
    assert evidence is not None  # the demo driver's car has one from the start
    known = {one.id for one in await bench.driver.sessions()}
    shown = await _presented(bench, post, evidence)
    await bench.advance(minutes=2)
    views = await bench.until(
        bench.driver.sessions,
        lambda seen: any(one.id not in known and one.state is SessionState.ACTIVE for one in seen),
    )
    new = [one for one in views if one.id not in known]
    visited = bench.at_visited(post, new[0].id) if new else None
    home = bench.at_home(new[0].id) if new else None
    await post.equipment.unplug(post.evse_uid)
    view = await bench.receipted(new[0].id) if new else None
    return [
        same("the vehicle", LocalOutcome.STARTED, shown),
        same("sessions that the driver sees", 1, len(new)),
        same(
            "credential at both ends",
            [CredentialKind.EMAID] * 2,
            [home and home.credential_kind, visited and visited.credential_kind],
        ),
        same(
            "reference at both ends", visited and visited.authorization_reference, home and home.authorization_reference
        ),
        holds("a receipt", view.receipt_id if view else None, bool(view and view.receipt_id)),
    ]


async def _not_trusted(bench: Bench) -> Sequence[Finding]:
    """What the station's side can tell by itself; the home-CSP is not asked."""
    post, pki, now = await bench.post(), bench.network.mobility, bench.clock.now()
    emaid = bench.network.demo.driver.contract
    expired = pki.issue(emaid, now, begin=now - timedelta(days=400), lasts=timedelta(days=390))
    revoked = pki.issue(emaid, now)
    pki.revoke(revoked, now)
    strange = MobilityPki.open(bench.folder / "strange-pki", now).issue(emaid, now)
    of_another = pki.issue(emaid, now).evidence.model_copy(update={"emaid": "NL-EVR-C99999999"})
    await bench.settled()
    await bench.ground.logs.heard()
    findings = [
        same(what, LocalOutcome.CERTIFICATE, await _presented(bench, post, evidence))
        for what, evidence in (
            ("an expired certificate", expired.evidence),
            ("a revoked certificate", revoked.evidence),
            ("a certificate of another PKI", strange.evidence),
            ("a certificate of another contract", of_another),
        )
    ]
    asked = sum("pncauthorizations" in one.path for one in await bench.ground.logs.heard())
    return [*findings, same("questions to the home-CSP", 0, asked)]


async def _not_taken(bench: Bench) -> Sequence[Finding]:
    """What only the home-CSP can tell."""
    post, (contract, _) = await bench.post(), bench.new_contract()
    home, pki, now = bench.network.home.context, bench.network.mobility, bench.clock.now()
    await add_contract(home, contract)
    strange, issued, taken_back = pki.issue(contract, now), pki.issue(contract, now), pki.issue(contract, now)
    await keep_certificate(home, contract, issued.chain)
    kept = await keep_certificate(home, contract, taken_back.chain)
    await revoke_certificate(home, kept.fingerprint)
    findings = [
        same(
            "one that the home-CSP has not issued",
            LocalOutcome.CERTIFICATE,
            await _presented(bench, post, strange.evidence),
        ),
        same("one that it has revoked", LocalOutcome.CERTIFICATE, await _presented(bench, post, taken_back.evidence)),
    ]
    await bench.advance(seconds=1)
    await block_contract(home, contract)
    findings.append(same("a blocked contract", LocalOutcome.BLOCKED, await _presented(bench, post, issued.evidence)))
    return [*findings, same("open sessions", [], bench.open_sessions())]


_PNC = frozenset({"POST nlevr-pncauthorizations"})

PLUG_AND_CHARGE = (
    Check("UC3-3", "vehicle", "a vehicle starts by its contract certificate, its driver is billed", _vehicle, _PNC),
    Check(
        "UC3-3",
        "not_trusted",
        "refused by the visited-CSO: expired, revoked, untrusted, of another contract",
        _not_trusted,
    ),
    Check(
        "UC3-3", "not_taken", "refused by the home-CSP: not issued, revoked there, blocked contract", _not_taken, _PNC
    ),
)
"""UC3-3."""
