"""The steps before a driver comes: platforms authenticated, sites and tariffs known (Annex A, step 0)."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Connection, Table, select

from core.endpoint.agreement import Transport
from core.endpoint.bindings import CANONICAL
from core.endpoint.endpoint import Endpoint
from core.endpoint.partner import Partner, PartnerStatus
from core.endpoint.ports import Reader
from core.endpoint.stored import Kind, in_version
from core.endpoint.tls import CertificateAuthority, party_name
from core.endpoint.tokens import authorization
from core.errors import NotFound, Unreachable
from core.http import LOOPBACK, AddressGuard, HttpClient
from core.model.parties import Party, PartyRole, PlatformRole
from core.network import Member
from core.store.tables import site, tariff
from core.walks.ground import Ground
from core.walks.scenario import Actor, Finding, Step

# -- UC1-1


@dataclass(frozen=True)
class Probe:
    """What an operator's door does. tls: the version that it speaks with us; the rest: the HTTP status of an answer,
    None where there was none, to one who has no certificate, and to one who has our token but another certificate.
    """

    tls: str | None
    without_certificate: int | None
    token_under_other_certificate: int | None


@dataclass(frozen=True)
class Meeting:
    """Two neighbours, each as the other keeps it after the second has renewed its tokens.

    The first is the home-CSP, the second a visited-CSO; or one of them is the clearing house that stands between.

    names: what each certificate has to name; renewed: whether both tokens are others than before.
    """

    operator: str
    at_home: Partner
    at_operator: Partner
    names: tuple[str, str]
    renewed: bool
    probe: Probe


@dataclass(frozen=True)
class _End:
    """One platform as it meets another."""

    endpoint: Endpoint
    role: PartyRole


async def _meet(ground: Ground) -> tuple[Meeting, ...]:
    return tuple([await _meeting(ground, one, other) for one, other in _neighbours(ground)])


def _neighbours(ground: Ground) -> list[tuple[_End, _End]]:
    """Who is connected with whom: the home-CSP with each visited-CSO, or both with the clearing house between them."""
    network, demo = ground.network, ground.network.demo
    home, house = _End(network.home.endpoint, demo.home_csp.role(PlatformRole.HOME_CSP)), network.clearing_house
    ends = {
        one.operator.slug: _End(one.platform.endpoint, one.operator.role(PlatformRole.VISITED_CSO))
        for one in network.members
    }
    through = {one.operator.slug for one in network.members if network.is_reached_through_house(one)}
    direct = [(home, one) for slug, one in ends.items() if slug not in through]
    if house is None:
        return direct
    hub = _End(house.endpoint, demo.clearing_house.role(PlatformRole.CLEARING_HOUSE))
    return [*direct, (home, hub), *((hub, ends[slug]) for slug in sorted(through))]


async def _meeting(ground: Ground, one: _End, other: _End) -> Meeting:
    before = _tokens(one, other)
    await other.endpoint.registrar.renew(_speaking_for(other.endpoint, one.role).id)
    after = _tokens(one, other)
    return Meeting(
        operator=other.role.name,
        at_home=_speaking_for(one.endpoint, other.role),
        at_operator=_speaking_for(other.endpoint, one.role),
        names=(party_name(other.role), party_name(one.role)),
        renewed=all(old != new for old, new in zip(before, after, strict=True)),
        probe=await _knock(ground, other.endpoint.versions_url, after[0]),
    )


def _speaking_for(endpoint: Endpoint, role: PartyRole) -> Partner:
    found = endpoint.partners.speaking_for(role.party)
    if found is None:
        raise NotFound(f"{role.name} is not connected", code="not_connected")
    return found


def _tokens(one: _End, other: _End) -> tuple[str, str]:
    """The token by which the other knows the one, and the other way round."""
    both = ((one.endpoint, other.role), (other.endpoint, one.role))
    known, knows = (endpoint.partners.outgoing_token(_speaking_for(endpoint, role).id) or "" for endpoint, role in both)
    return known, knows


async def _knock(ground: Ground, url: str, token: str) -> Probe:
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    CertificateAuthority.open(ground.folder / "authority").admit_to(nobody)
    return Probe(
        tls=await _tls_version(url, ground.network.driver_tls),
        without_certificate=await _status(url, nobody, token),
        token_under_other_certificate=await _status(url, ground.network.driver_tls, token),
    )


async def _tls_version(url: str, context: ssl.SSLContext) -> str | None:
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
    connection = writer.get_extra_info("ssl_object")
    version: str | None = connection.version() if connection is not None else None
    writer.close()
    return version


async def _status(url: str, context: ssl.SSLContext, token: str) -> int | None:
    client = HttpClient(context, AddressGuard(LOOPBACK))
    try:
        return (await client.send("GET", url, headers={"Authorization": authorization(token)})).status
    except Unreachable:
        return None
    finally:
        await client.close()


def _check_meetings(meetings: tuple[Meeting, ...]) -> Sequence[Finding]:
    return [finding for one in meetings for finding in _check_meeting(one)]


def _check_meeting(one: Meeting) -> Sequence[Finding]:
    both = (one.at_home, one.at_operator)
    bound = [partner.certificate_name or "" for partner in both]
    probe = one.probe
    return [
        Finding(
            expected="connected on both sides, under mutual TLS",
            actual=f"{one.operator}: "
            + " and ".join(f"{partner.status} by {partner.agreement.transport}" for partner in both),
            holds=all(
                partner.status is PartnerStatus.CONNECTED and partner.agreement.transport is Transport.MUTUAL_TLS
                for partner in both
            ),
        ),
        Finding(
            expected="one OCPI version on both sides",
            actual=f"OCPI {one.at_home.version} and {one.at_operator.version}",
            holds=one.at_home.version is not None and one.at_home.version == one.at_operator.version,
        ),
        Finding(
            expected="tokens renewed in both directions",
            actual="tokens renewed" if one.renewed else "a token is what it was",
            holds=one.renewed,
        ),
        Finding(
            expected=f"tokens bound to the certificates of {one.names[0]} and {one.names[1]}",
            actual=f"tokens bound to {' and '.join(name.partition(' ')[0] or 'none' for name in bound)}",
            holds=all(
                name == certificate.partition(" ")[0] for name, certificate in zip(one.names, bound, strict=True)
            ),
        ),
        Finding(
            expected="TLSv1.3, no answer without a certificate, 401 for our token under another certificate",
            actual=f"{probe.tls}, {_answer(probe.without_certificate)} without a certificate, "
            f"{_answer(probe.token_under_other_certificate)} for our token under another certificate",
            holds=probe == Probe("TLSv1.3", None, 401),
        ),
    ]


def _answer(status: int | None) -> str:
    return "no answer" if status is None else str(status)


AUTHENTICATED: Step[Ground, tuple[Meeting, ...]] = Step(
    name="authenticate",
    use_case="UC1-1",
    what="Platforms are authenticated",
    sender=Actor.HOME_CSP,
    receiver=Actor.VISITED_CSO,
    expected="each visited-CSO connected on both sides, mutual TLS 1.3, tokens renewed and bound to certificates",
    perform=_meet,
    check=_check_meetings,
    wire=frozenset({"GET versions", "GET credentials", "POST credentials", "PUT credentials"}),
)

# -- UC1-2, UC2-1


@dataclass(frozen=True)
class Comparison:
    """An operator's objects beside what the home-CSP has of them; `differing` are missing, older or otherwise."""

    operator: str
    published: int
    differing: tuple[str, ...]


Bodies = dict[str, tuple[object, str]]
"""Object id -> last_updated and the hash of the content."""


async def _know_sites(ground: Ground) -> tuple[Comparison, ...]:
    for partner in ground.network.home.context.visited_csos():
        await ground.network.home.synchronise(partner)
    return tuple(compare(ground, member, site) for member in ground.network.members)


async def _know_tariffs(ground: Ground) -> tuple[Comparison, ...]:
    """Each operator publishes its tariffs anew; the home-CSP is told."""
    await ground.advance(1)
    for member in ground.network.members:
        now = ground.clock.now()
        anew = [one.model_copy(update={"last_updated": now}) for one in member.operator.tariffs()]
        await member.platform.publish((), anew)

    async def look() -> tuple[Comparison, ...]:
        return tuple(compare(ground, member, tariff) for member in ground.network.members)

    return await ground.until(look, lambda seen: not any(one.differing for one in seen))


def compare(ground: Ground, member: Member, table: Table) -> Comparison:
    """What an operator has published in a table, in the version of the wire, beside what the home-CSP keeps of it."""
    home, operator = ground.network.home.context, member.platform.context
    partner = home.partners.speaking_for(operator.party)
    spoken = (partner and partner.version) or CANONICAL.version

    def told(body: str) -> str:
        return in_version(body, Kind(table.name), spoken)

    with operator.store.read() as connection:
        published = _bodies(connection, table, operator.party, operator.reader, told)
    with home.store.read() as connection:
        known = _bodies(connection, table, operator.party, home.reader, told)
    differing = sorted(id for id in published.keys() | known.keys() if published.get(id) != known.get(id))
    return Comparison(member.operator.name, len(published), tuple(differing))


def _bodies(connection: Connection, table: Table, party: Party, reader: Reader, told: Callable[[str], str]) -> Bodies:
    query = select(table.c.id, table.c.last_updated, table.c.body).where(
        table.c.country_code == party.country_code, table.c.party_id == party.party_id
    )
    return {row.id: (row.last_updated, reader.content_hash(told(row.body))) for row in connection.execute(query)}


def _check_equal(comparisons: tuple[Comparison, ...]) -> Sequence[Finding]:
    return [
        Finding(
            expected="all that the operator has published, as it stands at its last_updated",
            actual=f"{one.operator}: {one.published - len(one.differing)} of {one.published} equal"
            + (f", other or missing: {', '.join(one.differing[:5])}" if one.differing else ""),
            holds=one.published > 0 and not one.differing,
        )
        for one in comparisons
    ]


SITES_KNOWN: Step[Ground, tuple[Comparison, ...]] = Step(
    name="sites",
    use_case="UC1-2",
    what="Sites are known",
    sender=Actor.VISITED_CSO,
    receiver=Actor.HOME_CSP,
    expected="the home-CSP's view of every site equals the operator's at its last_updated",
    perform=_know_sites,
    check=_check_equal,
    wire=frozenset({"GET locations"}),
)

TARIFFS_KNOWN: Step[Ground, tuple[Comparison, ...]] = Step(
    name="tariffs",
    use_case="UC2-1",
    what="Tariffs are told",
    sender=Actor.VISITED_CSO,
    receiver=Actor.HOME_CSP,
    expected="every tariff published a moment ago stands at the home-CSP with the same content",
    perform=_know_tariffs,
    check=_check_equal,
    wire=frozenset({"PUT tariffs"}),
)
