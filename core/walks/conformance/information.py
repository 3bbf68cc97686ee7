"""UC1-2 and UC1-3: what there is, and how it stands."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from core.endpoint.ports import Held
from core.errors import NotFound
from core.model.parties import ObjectKey
from core.model.sites import Site
from core.simulation.faults import Faults
from core.store.tables import site as site_table
from core.visited_cso.sites import load_site
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, holds, refused, same
from core.walks.preparation import SITES_KNOWN
from core.walks.scenario import Finding

FOREIGN = {"country_code": "FR", "party_id": "ZZZ"}
"""A party for which nobody on the network speaks."""


async def _known(bench: Bench) -> Sequence[Finding]:
    return SITES_KNOWN.check(await SITES_KNOWN.perform(bench.ground))


def _at_home(bench: Bench, key: ObjectKey) -> Site | None:
    """A site as the home-CSP keeps it."""
    context, columns = bench.network.home.context, site_table.c
    query = select(columns.body).where(
        columns.country_code == key.country_code, columns.party_id == key.party_id, columns.id == key.id
    )
    with context.store.read() as connection:
        body = connection.execute(query).scalar_one_or_none()
    return None if body is None else context.reader.site(body)


def _published(post: Post) -> Site:
    context = post.member.platform.context
    with context.store.read() as connection:
        found = load_site(connection, context, post.site.id)
    if found is None:
        raise NotFound("The visited-CSO has no such site.", code="unknown_site")
    return found


def _held(post: Post, site: Site) -> Held[Site]:
    return Held(site, post.member.platform.context.writer.site(site))


async def _changed(bench: Bench) -> Sequence[Finding]:
    """A site gets another name; the old message comes again afterwards."""
    post = await bench.post()
    before, calls = _published(post), post.member.platform.context.calls
    await bench.advance(minutes=1)
    named = before.model_copy(update={"name": "Renamed for a moment", "last_updated": bench.clock.now()})
    await post.member.platform.publish([named], ())
    await bench.settled()
    told = _at_home(bench, post.site)
    await calls.put_site(bench.home_at(post.member), _held(post, before))
    late = _at_home(bench, post.site)
    await bench.advance(minutes=1)
    await post.member.platform.publish([before.model_copy(update={"last_updated": bench.clock.now()})], ())
    await bench.settled()
    back = _at_home(bench, post.site)
    return [
        same("name at the home-CSP after the change", named.name, told and told.name),
        same("name after an older message", named.name, late and late.name),
        same("name after the change back", before.name, back and back.name),
    ]


async def _foreign(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    site = _published(post)
    calls, home = post.member.platform.context.calls, bench.home_at(post.member)
    foreign = site.model_copy(update=FOREIGN)
    return [
        await refused("a site of another party", calls.put_site(home, _held(post, foreign))),
        same("sites of that party at the home-CSP", None, _at_home(bench, ObjectKey(id=site.id, **FOREIGN))),
    ]


async def _status(bench: Bench, post: Post) -> str:
    view = await bench.driver.site(post.site)
    return next(one.status for one in view.evses if one.uid == post.evse_uid)


async def _status_follows(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    seen = [await _status(bench, post)]
    for faults in (Faults(out_of_order=True), Faults()):
        await bench.advance(minutes=1)
        await bench.suffer(post, faults)
        await bench.settled()
        seen.append(await _status(bench, post))
    return [same("status at the home-CSP", ["AVAILABLE", "OUTOFORDER", "AVAILABLE"], seen)]


async def _status_refused(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    calls, home, now = post.member.platform.context.calls, bench.home_at(post.member), bench.clock.now()
    foreign = ObjectKey(id=post.site.id, **FOREIGN)
    long_ago = now - timedelta(days=400)
    findings = [
        await refused(
            "an unknown EVSE",
            calls.patch_evse_status(home, post.site, "NOBODYS", "BLOCKED", now),
            "partner_does_not_know",
        ),
        await refused(
            "an EVSE of another party", calls.patch_evse_status(home, foreign, post.evse_uid, "BLOCKED", now)
        ),
    ]
    await calls.patch_evse_status(home, post.site, post.evse_uid, "OUTOFORDER", long_ago)
    seen = await _status(bench, post)
    return [*findings, holds("an older status changes nothing", f"the status is {seen}", seen == "AVAILABLE")]


_LOCATIONS = frozenset({"PUT locations"})
_STATUS = frozenset({"PATCH locations"})

INFORMATION = (
    Check(
        "UC1-2",
        "sites_pulled",
        "the home-CSP's view of every site equals the operator's",
        _known,
        frozenset({"GET locations"}),
    ),
    Check("UC1-2", "site_changed", "a changed site is told; an older message changes nothing", _changed, _LOCATIONS),
    Check("UC1-2", "foreign_site", "refused: a site of another party", _foreign, _LOCATIONS),
    Check("UC1-3", "status_told", "a station's status reaches the home-CSP, and its return", _status_follows, _STATUS),
    Check(
        "UC1-3",
        "status_refused",
        "refused: unknown EVSE, EVSE of another party; an older status",
        _status_refused,
        _STATUS,
    ),
)
"""UC1-2 and UC1-3."""
