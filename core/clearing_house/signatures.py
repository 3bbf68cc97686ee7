"""What members sign with one another, as it passes the switch (5.4.6): they are held to it from then on.

One exchange tells all: a version with its sender's signature, and the answer of a receiver that says it holds, with its
own. Both are verified; what does not fit is no agreement here, whatever the two make of it.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import product

import structlog
from sqlalchemy import Connection, update

from core.clearing_house import agreements
from core.clearing_house.addresses import CSO, CSP, Address
from core.clearing_house.agreements import Agreements, HubAgreement
from core.clearing_house.aliases import End
from core.clearing_house.clearing import keep_terms
from core.clearing_house.context import Context
from core.clearing_house.presence import Presence
from core.clearing_house.references import objects_in
from core.endpoint.agreement import Agreement, Signed
from core.endpoint.agreement_table import Text
from core.endpoint.extensions.agreements import (
    MODULE,
    SIGNED_END,
    SIGNED_VERSION,
    EndNotice,
    Proposal,
    Standing,
    end_text,
)
from core.endpoint.jws import signer
from core.endpoint.ocpi.reading import JsonObject, parse
from core.endpoint.ocpi.shape import only_object
from core.endpoint.tls import CertificateAuthority
from core.errors import EvroamError, Refused
from core.model.agreement_terms import AgreementDocument, VersionState
from core.model.clearing.from_agreement import clearing_terms
from core.model.parties import Party, PartyRole
from core.model.services import Service
from core.store.engine import upsert
from core.store.switch_tables import hub_agreement_version

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Version:
    """A version with the signatures of both, which have been verified. one: who sent it."""

    text: Text
    one: Party
    one_signature: str
    other: Party
    other_signature: str


class Signatures:
    """Watches the module `agreements` between members, and keeps what both sides of a pair have signed."""

    def __init__(
        self, context: Context, authority: CertificateAuthority, known: Agreements, presence: Presence
    ) -> None:
        self._context = context
        self._authority = authority
        self._known = known
        self._presence = presence

    async def passed(self, address: Address, method: str, body: bytes, sender: End, receiver: End, said: bytes) -> None:
        """A request has reached its receiver, who took it. Never raises for what it holds: it has passed already."""
        if (address.module, address.interface, method) != (MODULE, "RECEIVER", "PUT"):
            return
        try:
            request = only_object(parse(body))
            if address.below[2:] == ("end",):
                await self._end(EndNotice.read(request), sender, receiver)
            elif (version := self._version(request, sender, receiver, objects_in(said))) is not None:
                await self._hold(version)
        except EvroamError as error:
            log.warning("signature_not_witnessed", sender=str(sender.party), code=error.code, why=error.message)

    def _version(self, request: JsonObject, sender: End, receiver: End, answers: list[JsonObject]) -> _Version | None:
        """The version, once its receiver says that it holds. Raises Refused for what is signed by somebody else."""
        text, signature = Text.read(request.get("document")), Proposal.read(request).signature
        standing = Standing.read(only_object(answers[0] if answers else None))
        if standing.state != VersionState.IN_FORCE.name or standing.hash != text.hash or standing.signature is None:
            return None
        roles = [one for end in (sender, receiver) for one in end.partner.roles if one.party == end.party]
        if _named(text.document.parties) != _named(roles):
            raise Refused("The document is between other parties", code="agreement_foreign")
        self._require(sender, SIGNED_VERSION, text.hash, signature)
        self._require(receiver, SIGNED_VERSION, text.hash, standing.signature)
        return _Version(text, sender.party, signature, receiver.party, standing.signature)

    def _require(self, end: End, kind: str, text: str, signature: str) -> None:
        if signer(self._authority, kind, text, signature).name != end.partner.certificate_name:
            raise Refused(f"This is not the signature of {end.party}", code="signature_foreign")

    async def _hold(self, version: _Version) -> None:
        now = self._context.wire_clock.now()

        def write(connection: Connection) -> None:
            before = self._known.between(connection, version.one, version.other)
            if before is not None and not _follows(version.text, before.terms.signed):
                return
            held = _held(version)
            agreements.keep(connection, held, now)
            upsert(connection, hub_agreement_version, _row(version, now))
            self._clear(connection, version.text.document, held)
            for party in (version.one, version.other):
                self._presence.mark(connection, party)

        await self._context.store.write(write)

    def _clear(self, connection: Connection, document: AgreementDocument, held: HubAgreement) -> None:
        """What both have signed is what their SDRs are reconciled and settled by."""
        if Service.RECONCILIATION not in document.terms.services:
            return
        sides = [[one.party for one in document.parties if one.role is role] for role in (CSO, CSP)]
        for creditor, debtor in product(*sides):
            if creditor != debtor and held.terms.signed is not None:
                signed = held.terms.signed
                terms = clearing_terms(
                    document.terms, creditor, debtor, id=signed.id, version=signed.version, hash=signed.hash
                )
                keep_terms(connection, terms)

    async def _end(self, notice: EndNotice, sender: End, receiver: End) -> None:
        self._require(sender, SIGNED_END, end_text(notice.hash, notice.ends_at), notice.signature)
        now = self._context.wire_clock.now()

        def write(connection: Connection) -> None:
            before = self._known.between(connection, sender.party, receiver.party)
            signed = before.terms.signed if before is not None else None
            if before is None or signed is None or signed.hash != notice.hash:
                return
            ends_at = min(notice.ends_at, before.terms.ends_at or notice.ends_at)
            ended = before.terms.model_copy(update={"ends_at": ends_at})
            agreements.keep(connection, before.model_copy(update={"terms": ended}), now)
            columns = hub_agreement_version.c
            connection.execute(
                update(hub_agreement_version)
                .where(columns.hash == notice.hash)
                .values(ends_at=ends_at, ended_by=str(sender.party), end_signature=notice.signature)
            )

        await self._context.store.write(write)


def _follows(new: Text, holds: Signed | None) -> bool:
    """Whether a version comes after what holds. Of two with one number the smaller hash holds, as at both ends."""
    if holds is None or holds.id != new.document.id:
        return True
    return (new.document.version, holds.hash) >= (holds.version, new.hash)


def _held(version: _Version) -> HubAgreement:
    document = version.text.document
    signed = Signed(id=document.id, version=document.version, hash=version.text.hash)
    first, second = sorted((version.one, version.other), key=str)
    return HubAgreement(one=first, other=second, terms=Agreement(**dict(document.terms), signed=signed))


def _row(version: _Version, now: datetime) -> dict[str, object]:
    return {
        "hash": version.text.hash,
        "agreement_id": version.text.document.id,
        "version": version.text.document.version,
        "document": version.text.canonical,
        **{f"one_{name}": value for name, value in version.one.model_dump().items()},
        **{f"other_{name}": value for name, value in version.other.model_dump().items()},
        "one_signature": version.one_signature,
        "other_signature": version.other_signature,
        "in_force_at": now,
    }


def _named(roles: tuple[PartyRole, ...] | list[PartyRole]) -> set[tuple[str, Party]]:
    return {(one.role, one.party) for one in roles}
