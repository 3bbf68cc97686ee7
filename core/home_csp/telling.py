"""What visited-CSOs must have of us: the credentials of our drivers, sent as they stand now (UC4-2)."""

from sqlalchemy import select

from core.endpoint.exchange import Page, PageRequest
from core.endpoint.listing import ScopedListing
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.endpoint.revocations import note_revocation
from core.home_csp.context import Context
from core.model.credentials import Credential, CredentialKind
from core.model.parties import ObjectKey
from core.store.tables import credential as table


class Telling:
    """Loads the credential that a mark names; the key's id is `uid/kind`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def load(self, _kind: str, key: ObjectKey) -> Held[Credential] | None:
        """The credential beside its text on the wire; None where it is gone."""
        uid, _, kind = key.id.rpartition("/")
        query = select(table.c.body).where(table.c.partner_id.is_(None), table.c.uid == uid, table.c.kind == kind)
        with self._context.store.read() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else Held(self._context.reader.credential(body), body)

    async def taken(self, partner: Partner, kind: str, held: Held[Credential]) -> None:
        """Write down that a partner has taken the revocation of a credential."""
        if kind == "credentials" and not held.value.valid:
            now = self._context.clock.now()
            await self._context.store.write(lambda connection: note_revocation(connection, partner.id, held.value, now))


class CredentialSource:
    """Lists our credentials for visited-CSOs (the pull side of UC4-2)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        query = select(table.c.body).where(table.c.partner_id.is_(None))
        keys = (table.c.uid, table.c.kind)
        self._listing = ScopedListing(query, table.c.last_updated, keys, {"kinds": table.c.kind})

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """Our credentials in order of last_updated: those of methods that are agreed, and never EMAIDs of vehicles."""
        kinds = [kind for kind in CredentialKind if kind is not CredentialKind.EMAID and partner.agreement.admits(kind)]
        with self._context.store.read() as connection:
            return self._listing.page(connection, request, kinds=kinds)

    async def one(self, partner: Partner, id: str) -> str | None:
        """The wire has no request for a single one."""
        return None
