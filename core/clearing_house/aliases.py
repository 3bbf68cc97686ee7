"""Our own URLs that stand for those of partners, so that both sides only ever talk to the clearing house.

A response_url, the Location of a CDR and a page that is not under its module's URL are each replaced by an address of
ours, which only the other side of that exchange may use.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from sqlalchemy import Connection, delete, select

from core.clearing_house.addresses import FORWARD, Address
from core.clearing_house.context import Context
from core.endpoint.ocpi.paging import link_to_next
from core.endpoint.partner import Partner
from core.endpoint.partner_requests import hosts_of
from core.errors import NotAllowed
from core.model.parties import Party
from core.store.engine import upsert
from core.store.switch_tables import hub_alias

KEPT_FOR = timedelta(days=120)


@dataclass(frozen=True)
class End:
    """One side of an exchange: the platform and the party that it speaks for."""

    partner: Partner
    party: Party


@dataclass(frozen=True)
class Alias:
    """What an address of ours stands for: `url` of the owner, for the user alone."""

    partner_id: str
    party: Party
    user_partner_id: str
    user_party: Party
    service: str
    url: str


class Aliases:
    """Makes and reads them. The same URL for the same user has the same address, so that a repeated command is one."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def stand_for(self, url: str, owner: End, user: End, service: str, version: str, at: datetime) -> str:
        """Our address for a URL of the owner. Raises NotAllowed where the URL is none of the owner's."""
        self._context.endpoint.requests.guard.check(url, hosts_of(owner.partner))
        named = "\n".join((owner.partner.id, user.partner.id, str(user.party), url))
        id = hmac.new(self._context.secret, named.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:40]
        row = {
            "id": id,
            "partner_id": owner.partner.id,
            **owner.party.model_dump(),
            "user_partner_id": user.partner.id,
            "user_country_code": user.party.country_code,
            "user_party_id": user.party.party_id,
            "service": service,
            "url": url,
            "created_at": at,
        }
        await self._context.store.write(lambda connection: upsert(connection, hub_alias, row))
        return f"{self._context.base_url}/ocpi/{version}/{FORWARD}/{id}"

    def find(self, connection: Connection, id: str) -> Alias | None:
        """What an address stands for."""
        row = connection.execute(select(hub_alias).where(hub_alias.c.id == id)).first()
        if row is None:
            return None
        return Alias(
            partner_id=row.partner_id,
            party=Party(country_code=row.country_code, party_id=row.party_id),
            user_partner_id=row.user_partner_id,
            user_party=Party(country_code=row.user_country_code, party_id=row.user_party_id),
            service=row.service,
            url=row.url,
        )

    async def links(
        self, headers: Iterable[tuple[str, str]], asked: str, address: Address, owner: End, user: End, at: datetime
    ) -> dict[str, str]:
        """The headers of the owner's answer that go on: totals and waits as they are, URLs as addresses of ours.

        asked: the URL that was asked. A Link or a Location that leads elsewhere is left out: nobody may follow it.
        """
        given = {name.lower(): value for name, value in headers}
        passed = {
            name: given[name.lower()] for name in ("X-Total-Count", "X-Limit", "Retry-After") if name.lower() in given
        }
        following = link_to_next(given.get("link"))
        if following is not None:
            url = await self._ours(urljoin(asked, following), address, owner, user, at)
            passed |= {} if url is None else {"Link": f'<{url}>; rel="next"'}
        if "location" in given:
            url = await self._ours(urljoin(asked, given["location"]), address, owner, user, at, paged=False)
            passed |= {} if url is None else {"Location": url}
        return passed

    async def _ours(
        self, url: str, address: Address, owner: End, user: End, at: datetime, *, paged: bool = True
    ) -> str | None:
        base = (owner.partner.endpoint(address.module, address.interface) or "").rstrip("/")
        if paged and base and url.startswith(f"{base}?"):
            own = f"{self._context.base_url}/ocpi/{address.version}/{address.interface.lower()}/{address.module}"
            return own + url.removeprefix(base)
        try:
            return await self.stand_for(url, owner, user, address.service or address.module, address.version, at)
        except NotAllowed:
            return None


def forget_old(connection: Connection, now: datetime) -> None:
    """Drop what nobody follows any more."""
    connection.execute(delete(hub_alias).where(hub_alias.c.created_at < now - KEPT_FOR))
