"""UC2-1 and UC2-2: tariffs told, asked for, and made binding by a quote."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from core.endpoint.extensions import quotes
from core.endpoint.ports import Held
from core.home_csp.quoting import load_quote
from core.model.operator_quotes import QuoteAsked
from core.model.parties import ObjectKey
from core.model.pricing.forecast import ExpectedStay, PowerStep
from core.model.services import PLAIN
from core.model.tariffs import Tariff
from core.network import Member
from core.store.tables import tariff as tariff_table
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, holds, refused, same
from core.walks.conformance.information import FOREIGN
from core.walks.preparation import TARIFFS_KNOWN
from core.walks.scenario import Finding


async def _told(bench: Bench) -> Sequence[Finding]:
    return TARIFFS_KNOWN.check(await TARIFFS_KNOWN.perform(bench.ground))


def _at_home(bench: Bench, key: ObjectKey) -> Tariff | None:
    context, columns = bench.network.home.context, tariff_table.c
    query = select(columns.body).where(
        columns.country_code == key.country_code, columns.party_id == key.party_id, columns.id == key.id
    )
    with context.store.read() as connection:
        body = connection.execute(query).scalar_one_or_none()
    return None if body is None else context.reader.tariff(body)


def _held(member: Member, tariff: Tariff) -> Held[Tariff]:
    return Held(tariff, member.platform.context.writer.tariff(tariff))


def _key(tariff: Tariff) -> ObjectKey:
    return ObjectKey(country_code=tariff.country_code, party_id=tariff.party_id, id=tariff.id)


async def _refused(bench: Bench) -> Sequence[Finding]:
    member = bench.network.members[0]
    calls, home = member.platform.context.calls, bench.home_at(member)
    own = member.operator.tariffs()[0]
    await bench.advance(minutes=1)
    passing = own.model_copy(update={"id": "FOR-A-MOMENT", "last_updated": bench.clock.now()})
    await calls.put_tariff(home, _held(member, passing))
    stands = _at_home(bench, _key(passing))
    older = passing.model_copy(update={"currency": "CHF", "last_updated": passing.last_updated - timedelta(days=1)})
    await calls.put_tariff(home, _held(member, older))
    kept = _at_home(bench, _key(passing))
    await calls.remove_tariff(home, _key(passing))
    foreign = own.model_copy(update=FOREIGN)
    return [
        same("currency at the home-CSP", passing.currency, stands and stands.currency),
        same("currency after an older message", passing.currency, kept and kept.currency),
        same("after it is withdrawn", None, _at_home(bench, _key(passing))),
        await refused("withdrawn again", calls.remove_tariff(home, _key(passing)), "partner_does_not_know"),
        await refused("a tariff of another party", calls.put_tariff(home, _held(member, foreign))),
        same("tariffs of that party at the home-CSP", None, _at_home(bench, _key(foreign))),
    ]


async def _other_currency(bench: Bench) -> Sequence[Finding]:
    """The agreement names a currency, and the tariff is in another."""
    member = bench.network.members[0]
    calls, own = member.platform.context.calls, member.operator.tariffs()[0]
    await bench.advance(minutes=1)
    dear = own.model_copy(update={"id": "OTHER-CURRENCY", "last_updated": bench.clock.now()})
    sent = _held(member, dear)
    async with bench.agreed(member, only_at_home=True, currencies=("XTS",)):
        findings = [
            await refused("a tariff in a currency that is not agreed", calls.put_tariff(bench.home_at(member), sent)),
            same("that tariff at the home-CSP", None, _at_home(bench, _key(dear))),
        ]
    async with bench.agreed(member, currencies=("XTS",)):
        told = await refused("sent at all", calls.put_tariff(bench.home_at(member), sent), "not_agreed")
    return [*findings, told]


async def _asked(bench: Bench) -> Sequence[Finding]:
    findings = []
    for member in bench.network.members:
        partner = bench.visited(member)
        got = [held.value async for held in bench.network.home.context.calls.pull_tariffs(partner, None)]
        ours = {one.id for one in member.operator.tariffs()}
        findings.append(same(f"tariffs of {member.operator.name}", sorted(ours), sorted(one.id for one in got)))
    return findings


def _question(bench: Bench, post: Post, **changed: object) -> QuoteAsked:
    start = bench.clock.now()
    stay = ExpectedStay(
        start=start,
        end=start + timedelta(hours=1),
        power=(PowerStep(after_s=0, power_kw=Decimal(10)),),
        energy_goal_kwh=Decimal(5),
    )
    values = {"site_id": post.site.id, "evse_uid": post.evse_uid, "connector_id": post.connector_id, "stay": stay}
    return QuoteAsked.model_validate(values | changed)


async def _binding(bench: Bench) -> Sequence[Finding]:
    """The driver's quote is a promise of the operator, the same at both ends."""
    post = await bench.post()
    view = await bench.quote(post)
    context = bench.network.home.context
    with context.store.read() as connection:
        kept = load_quote(connection, context, view.id)
    promised = post.member.platform.quoter.quoted(bench.home_at(post.member), (kept and kept.operator_quote_id) or "")
    net = sum((line.net for line in kept.expected_lines), Decimal(0)) if kept else None
    return [
        holds("a binding quote", f"binding: {view.binding} {view.not_binding_because}".strip(), view.binding),
        same("tariffs of the promise at both ends", promised.tariffs, kept and kept.tariffs),
        same("the operator's part before taxes at both ends", promised.total.before_taxes, net),
    ]


async def _unbound(bench: Bench) -> Sequence[Finding]:
    """With a partner on plain OCPI a driver gets a price all the same, and reads that it binds nobody."""
    post = await bench.post()
    async with bench.agreed(post.member, services=PLAIN):
        view = await bench.quote(post)
    return [
        same("binding, and why not", (False, "not_agreed"), (view.binding, view.not_binding_because)),
        holds("a price", f"{view.likely.amount} {view.likely.currency}", view.likely.amount >= 0),
    ]


async def _not_quoted(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    calls, partner = bench.network.home.context.calls, bench.visited(post.member)
    await bench.advance(minutes=2)
    stay = _question(bench, post).stay

    ends = stay.model_copy(update={"end": stay.start})
    nothing = stay.model_copy(update={"energy_goal_kwh": Decimal(0)})
    return [
        await refused(
            "an unknown EVSE",
            quotes.ask(calls, partner, _question(bench, post, evse_uid="NOBODYS")),
            "partner_does_not_know",
        ),
        await refused(
            "an unknown site",
            quotes.ask(calls, partner, _question(bench, post, site_id="NOWHERE")),
            "partner_does_not_know",
        ),
        await refused("a stay that ends as it begins", quotes.ask(calls, partner, _question(bench, post, stay=ends))),
        await refused("a need of nothing", quotes.ask(calls, partner, _question(bench, post, stay=nothing))),
    ]


_QUOTES = frozenset({"POST nlevr-quotes"})

PRICES = (
    Check(
        "UC2-1",
        "tariffs_told",
        "every published tariff stands at the home-CSP alike",
        _told,
        frozenset({"PUT tariffs"}),
    ),
    Check(
        "UC2-1",
        "tariff_refused",
        "refused: a tariff of another party; an older one; withdrawn once",
        _refused,
        frozenset({"PUT tariffs", "DELETE tariffs"}),
    ),
    Check("UC2-1", "currency", "refused: a currency that is not agreed", _other_currency, frozenset({"PUT tariffs"})),
    Check(
        "UC2-2", "tariffs_asked", "the home-CSP asks for all tariffs and gets them", _asked, frozenset({"GET tariffs"})
    ),
    Check("UC2-2", "quote", "a binding quote is the same promise at both ends", _binding, _QUOTES),
    Check("UC2-2", "quote_plain", "on plain OCPI a quote comes from published tariffs and says so", _unbound),
    Check(
        "UC2-2", "quote_refused", "refused: unknown EVSE, unknown site, impossible stay or need", _not_quoted, _QUOTES
    ),
)
"""UC2-1 and UC2-2."""
