"""Agreements between us and our partners (5.4.6): proposed, signed by both, changed by a new version, ended by either.

A version takes effect when both sides have signed the same hash with the keys of their certificates; old ones stay
readable. A partner on plain OCPI has terms that were set on our side alone, signed by nobody.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from core.clock import Clock
from core.endpoint.agreement import Agreement, Signed
from core.endpoint.agreement_delivery import AgreementDelivery
from core.endpoint.agreement_table import (
    Side,
    Text,
    Version,
    find,
    in_force,
    keep,
    replace_others,
    require_succession,
    versions,
)
from core.endpoint.calls import Calls
from core.endpoint.extension import Extension
from core.endpoint.extensions.agreements import (
    END_KIND,
    KIND,
    REFRESH_KIND,
    SIGNED_END,
    SIGNED_VERSION,
    EndNotice,
    ListedVersion,
    Standing,
    agreeing,
    end_text,
)
from core.endpoint.jws import signed, signer
from core.endpoint.ocpi.reading import Json
from core.endpoint.outbox import Outbox
from core.endpoint.partner import Partner
from core.endpoint.partner_table import bind, load, set_agreement
from core.endpoint.partners import Partners
from core.endpoint.registration import Registrar
from core.endpoint.tls import Identity
from core.errors import NotFound, Refused, Unreachable
from core.model.agreement_terms import AgreementDocument, Terms, Transport, VersionState, parties_between
from core.model.parties import ObjectKey, PartyRole
from core.model.services import Service
from core.store.engine import Store


class Agreements:
    """The agreements of one platform. What is written here holds with the next request."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        partners: Partners,
        identity: Identity,
        roles: Sequence[PartyRole],
        calls: Calls,
        outbox: Outbox,
        registrar: Registrar,
    ) -> None:
        self._store = store
        self._clock = clock
        self._partners = partners
        self._identity = identity
        self._roles = tuple(roles)
        self._outbox = outbox
        self._deliver = AgreementDelivery(store, partners, calls, registrar, self._countersigned)

    def versions(self, partner_id: str) -> tuple[Version, ...]:
        """All versions with a partner, the newest first; none where the terms of the invitation still hold."""
        with self._store.read() as connection:
            return versions(connection, partner_id)

    async def set_terms(self, partner: Partner, terms: Terms) -> None:
        """Set terms on our side alone, as for a partner on plain OCPI. Raises Refused where both have signed some."""
        if partner.agreement.signed is not None:
            raise Refused(
                f"The agreement with {partner.name} is signed by both sides and changes by a new version only",
                code="agreement_signed",
                next_step="Propose the change: evroam agreement propose.",
            )
        self._partners.require_transport(terms.transport)
        now = self._clock.now()
        version = Version(
            partner.id,
            Text.of(self._document(partner, terms, None, now, number=0)),
            VersionState.IN_FORCE,
            None,
            None,
            now,
        )
        agreement = Agreement(**dict(terms))
        await self._partners.change(lambda connection: self._put_in_force(connection, partner, version, agreement))

    async def conclude(self, partner: Partner) -> Version | None:
        """Have the terms under which a partner was met signed by both sides, where they name this module.

        None where that is not to be, or has been done. Raises as `propose`.
        """
        known = partner.agreement
        unsigned = known.signed is None and not known.has_ended(self._clock.now())
        if not unsigned or Service.AGREEMENTS not in known.services or known.transport is not Transport.MUTUAL_TLS:
            return None
        return await self.propose(partner, known.terms)

    async def propose(self, partner: Partner, terms: Terms) -> Version:
        """Sign a new version and send it; it holds once the partner has signed it, too.

        A partner that cannot be reached gets it later. Raises Refused: not_agreed, not_offered, what the partner says.
        """
        self._require_signable(partner, terms)
        now = self._clock.now()
        with self._store.read() as connection:
            current = in_force(connection, partner.id)
        text = Text.of(self._document(partner, terms, current, now))
        signature = signed(self._identity, SIGNED_VERSION, text.hash)
        version = Version(partner.id, text, VersionState.PROPOSED, signature, None, now)
        await self._store.write(lambda connection: keep(connection, version))
        try:
            await self._deliver.send(partner, version)
        except Unreachable:
            await self._store.write(lambda connection: self._mark(connection, partner, KIND, text.hash))
        return self._version(partner, text.hash)

    async def sign(self, partner: Partner) -> Version:
        """Sign what the partner has proposed: it holds from now on. Raises NotFound where nothing waits for us."""
        waiting = next((one for one in self.versions(partner.id) if one.waits_for is Side.US), None)
        if waiting is None:
            raise NotFound(
                f"{partner.name} has proposed nothing that waits for our signature",
                code="nothing_to_sign",
                next_step="See evroam agreement show.",
            )
        self._require_signable(partner, waiting.text.document.terms)
        signature = signed(self._identity, SIGNED_VERSION, waiting.hash)

        def write(connection: Connection) -> Version:
            require_succession(waiting.text.document, in_force(connection, partner.id))
            self._mark(connection, partner, KIND, waiting.hash)
            return self._complete(connection, partner, replace(waiting, our_signature=signature))

        return await self._partners.change(write)

    async def end(self, partner: Partner, at: datetime | None = None) -> Partner:
        """From this moment on (by default now) nothing new begins; what runs goes on and is settled.

        Either side may end an agreement by itself, and tells the other. An end is never put off, but by a new version.
        """
        ends_at = at or self._clock.now()
        ends_at = ends_at.replace(microsecond=ends_at.microsecond // 1000 * 1000)  # as finely as the wire tells it
        holds = partner.agreement.signed
        signature = signed(self._identity, SIGNED_END, end_text(holds.hash, ends_at)) if holds else None

        def write(connection: Connection) -> None:
            self._end(connection, partner, ends_at, Side.US, signature)
            if holds is not None and partner.agreement.finishes(Service.AGREEMENTS):
                self._mark(connection, partner, END_KIND, holds.hash)

        await self._partners.change(write)
        return self._partners.get(partner.id)

    async def receive(self, partner: Partner, document: Json, signature: str) -> Standing:
        """Take a version that the partner has signed, as `AgreementParty.receive`.

        What it proposes while nothing is signed is signed at once where it is what we have set for it ourselves.
        """
        text = Text.read(document)
        await self._require_theirs(partner, SIGNED_VERSION, text.hash, signature)
        self._require_between_us(partner, text.document)
        ours = (
            signed(self._identity, SIGNED_VERSION, text.hash) if self._is_ours_already(partner, text.document) else None
        )
        now = self._clock.now()

        def write(connection: Connection) -> Version:
            known = find(connection, partner.id, text.hash)
            if known is None:
                require_succession(text.document, in_force(connection, partner.id))
                known = Version(partner.id, text, VersionState.PROPOSED, ours, None, now)
            if known.state is VersionState.IN_FORCE:
                # It holds at the partner as well now, so that what it offers us under it can be read.
                self._mark(connection, partner, REFRESH_KIND, known.hash)
                return known
            told = replace(known, their_signature=signature)
            if told.our_signature is None:
                _require_not_replaced(told)
                keep(connection, told)
                return told
            return self._completed_by_them(connection, partner, told)

        found = await self._partners.change(write)
        return Standing(hash=found.hash, state=found.state.name, signature=found.our_signature)

    async def receive_end(self, partner: Partner, notice: EndNotice) -> None:
        """Take the partner's word, as `AgreementParty.receive_end`."""
        holds = partner.agreement.signed
        if holds is None or holds.hash != notice.hash:
            raise Refused("This is not the version that holds", code="agreement_stale")
        await self._require_theirs(partner, SIGNED_END, end_text(notice.hash, notice.ends_at), notice.signature)
        await self._partners.change(
            lambda connection: self._end(connection, partner, notice.ends_at, Side.THEM, notice.signature)
        )

    def listed(self, partner: Partner) -> list[ListedVersion]:
        """All versions that were between us, as `AgreementParty.listed`."""
        return [
            ListedVersion(one.text.canonical, one.state.name, one.our_signature, one.their_signature)
            for one in self.versions(partner.id)
            if one.number > 0
        ]

    def extension(self) -> Extension:
        """Our side of the module."""
        deliver = self._deliver
        return agreeing(self, deliver.push, deliver.push_end, deliver.refresh)

    async def _countersigned(self, partner: Partner, version: Version, signature: str) -> None:
        await self.receive(partner, version.text.value, signature)

    def _completed_by_them(self, connection: Connection, partner: Partner, complete: Version) -> Version:
        """Both have signed. Where each side signed the other's proposal at the same time, the smaller hash holds."""
        current = in_force(connection, partner.id)
        if current is not None and current.number == complete.number > 0:
            if current.hash < complete.hash:
                keep(connection, replace(complete, state=VersionState.REPLACED))
                return current
        else:
            require_succession(complete.text.document, current)
        for kind in (REFRESH_KIND, KIND):  # the partner hears that it holds here, too
            self._mark(connection, partner, kind, complete.hash)
        return self._complete(connection, partner, complete)

    def _complete(self, connection: Connection, partner: Partner, complete: Version) -> Version:
        document = complete.text.document
        agreement = Agreement(
            **dict(document.terms), signed=Signed(id=document.id, version=document.version, hash=complete.hash)
        )
        return self._put_in_force(connection, partner, complete, agreement)

    def _put_in_force(
        self, connection: Connection, partner: Partner, version: Version, agreement: Agreement
    ) -> Version:
        now = self._clock.now()
        before = load(connection, partner.id).agreement
        if in_force(connection, partner.id) is None:
            # The terms of the invitation, so that they stay readable.
            text = Text.of(self._document(partner, before.terms, None, now, number=0))
            keep(connection, Version(partner.id, text, VersionState.REPLACED, None, None, now))
        replace_others(connection, version)
        holds = replace(version, state=VersionState.IN_FORCE, in_force_at=now)
        keep(connection, holds)
        set_agreement(connection, partner.id, agreement, now)
        return holds

    def _end(
        self, connection: Connection, partner: Partner, ends_at: datetime, by: Side, signature: str | None
    ) -> None:
        before = load(connection, partner.id).agreement
        if before.ends_at is not None and before.ends_at <= ends_at:
            return
        now = self._clock.now()
        set_agreement(connection, partner.id, before.model_copy(update={"ends_at": ends_at}), now)
        version = in_force(connection, partner.id)
        if version is not None:
            keep(connection, replace(version, ends_at=ends_at, ended_by=by, end_signature=signature))

    def _document(
        self, partner: Partner, terms: Terms, current: Version | None, now: datetime, number: int | None = None
    ) -> AgreementDocument:
        """The document that puts these terms in the place of what holds; number 0: on our side alone."""
        follows = current if current is not None and current.number > 0 and number is None else None
        return AgreementDocument(
            id=follows.text.document.id if follows else str(uuid.uuid4()),
            version=number if number is not None else (follows.number + 1 if follows else 1),
            previous=follows.hash if follows else None,
            parties=parties_between(self._roles, partner.roles),
            proposed_at=now,
            terms=terms,
        )

    def _require_signable(self, partner: Partner, terms: Terms) -> None:
        if partner.via is not None and Service.AGREEMENTS not in partner.agreement.services:
            raise Refused(
                f"{partner.name} stands under the agreement with the clearing house",
                code="agreement_behind",
                next_step="Propose the change to the clearing house.",
            )
        if Transport.MUTUAL_TLS not in {partner.agreement.transport} & {terms.transport}:
            raise Refused(
                f"{partner.name} has no certificate to sign with: over server-side TLS an agreement stays unsigned",
                code="agreement_unsigned",
                next_step="Set the terms on both sides: evroam agreement set.",
            )
        if Service.AGREEMENTS not in terms.services:
            raise Refused(
                "A signed agreement has to name the service agreements, or it could never be changed again",
                code="agreement_unchangeable",
                next_step="Add “agreements” to its services.",
            )

    def _require_between_us(self, partner: Partner, document: AgreementDocument) -> None:
        between = {(one.role, one.party) for one in parties_between(self._roles, partner.roles)}
        if {(one.role, one.party) for one in document.parties} != between:
            raise Refused("This agreement is between other parties", code="agreement_foreign")
        if document.version < 1:
            raise Refused("Version 0 is nobody's to sign", code="agreement_stale")
        self._require_signable(partner, document.terms)

    def _is_ours_already(self, partner: Partner, document: AgreementDocument) -> bool:
        known = partner.agreement
        return known.signed is None and not known.has_ended(self._clock.now()) and known.terms == document.terms

    async def _require_theirs(self, partner: Partner, kind: str, text: str, signature: str) -> None:
        """Raise Refused unless the partner itself signed this, by the certificate that is bound to it.

        Behind a clearing house, whose certificate the connection shows, by one that names the partner's parties.
        """
        certificate = signer(self._identity.authority, kind, text, signature)
        named = certificate.names(partner.roles)
        bound = None if partner.via is not None else self._partners.get(partner.id).certificate_name
        if bound is None and partner.via is None and named:
            bound = await self._partners.change(lambda connection: bind(connection, partner.id, certificate.name))
        if not (named if partner.via is not None else bound == certificate.name):
            raise Refused(f"This is not the signature of {partner.name}", code="signature_foreign")

    def _mark(self, connection: Connection, partner: Partner, kind: str, hash: str) -> None:
        party = self._roles[0].party
        key = ObjectKey(country_code=party.country_code, party_id=party.party_id, id=hash)
        self._outbox.mark(connection, [partner.id], kind, key)

    def _version(self, partner: Partner, hash: str) -> Version:
        with self._store.read() as connection:
            found = find(connection, partner.id, hash)
        assert found is not None  # versions are never removed
        return found


def _require_not_replaced(version: Version) -> None:
    if version.state is VersionState.REPLACED:
        raise Refused("This version has been replaced", code="agreement_stale")
