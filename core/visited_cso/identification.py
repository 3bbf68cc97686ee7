"""Credentials that home-CSPs have pre-distributed (UC4-2), and who pays for one that is presented (UC4-1)."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from sqlalchemy import Connection, select

from core.endpoint.partner import Partner
from core.endpoint.ports import Authorisation, AuthorisationRequest, AuthorisationVerdict, Held
from core.endpoint.revocations import note_revocation
from core.errors import EvroamError, InvalidInput, NotFound, Unreachable
from core.model.authorisation import ListDecision, LocalOutcome, by_list, without_answer
from core.model.credentials import Credential, CredentialKind, IdentificationMethod
from core.model.parties import ObjectKey
from core.model.services import Service
from core.store.engine import upsert
from core.store.tables import credential as table
from core.visited_cso.context import Context
from core.visited_cso.grant import Grant, Presented

log = structlog.get_logger(__name__)

AUTHORISE_WITHIN = timedelta(seconds=5)
"""The hard limit for a home-CSP's answer [J]: nobody stands longer before a post that shows nothing."""


class CredentialReceiver:
    """Keeps partners' credentials."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def held(self, partner: Partner, key: ObjectKey, kind: CredentialKind) -> str | None:
        """The stored JSON text."""
        query = select(table.c.body).where(
            table.c.country_code == key.country_code,
            table.c.party_id == key.party_id,
            table.c.uid == key.id,
            table.c.kind == kind,
        )
        with self._context.store.read() as connection:
            return connection.execute(query).scalar()

    async def put(self, partner: Partner, key: ObjectKey, held: Held[Credential]) -> None:
        """A credential, new or changed; an older one changes nothing."""
        credential = held.value
        values = {
            "country_code": key.country_code,
            "party_id": key.party_id,
            "uid": credential.uid,
            "kind": credential.kind,
            "partner_id": partner.id,
            "contract_id": credential.contract_id,
            "valid": credential.valid,
            "whitelist": credential.whitelist,
            "last_updated": credential.last_updated,
            "body": held.body,
        }

        def write(connection: Connection) -> None:
            known = connection.execute(
                select(table.c.valid, table.c.last_updated).where(
                    *(table.c[name] == values[name] for name in ("country_code", "party_id", "uid", "kind"))
                )
            ).first()
            upsert(connection, table, values, unless_older="last_updated")
            if (
                known is not None
                and known.valid
                and not credential.valid
                and known.last_updated <= held.value.last_updated
            ):
                note_revocation(connection, partner.id, credential, self._context.clock.now())

        await self._context.store.write(write)


@dataclass(frozen=True)
class Place:
    """Where a credential is presented."""

    site_id: str
    evse_uid: str


@dataclass(frozen=True)
class Listed:
    """A credential of our list, and the home-CSP that has sent it."""

    credential: Credential
    partner: Partner


_Answer = Authorisation | LocalOutcome


class Identification:
    """Finds out who pays for a credential that is presented at a station (UC4-1, UC4-2).

    within: how long home-CSPs are waited for, on the wall clock; all are asked at the same time.
    """

    def __init__(self, context: Context, within: timedelta = AUTHORISE_WITHIN) -> None:
        self._context = context
        self.within = within

    async def identify(self, presented: Presented, place: Place) -> Grant | LocalOutcome:
        """A grant, or why there is none."""
        try:
            presented.spellings  # noqa: B018  # raises for what is no credential at all
        except InvalidInput:
            return LocalOutcome.UNREADABLE
        now = self._context.endpoint.now()
        known = self.listed(presented)
        listed = [one for one in known if one.partner.agreement.covers(Service.OFFLINE_IDENTIFICATION, now)]
        owners = [one for one in listed if one.credential.valid] or listed
        if len(owners) > 1:
            return self._ambiguous([one.partner for one in owners])
        if owners:
            return await self._decide(presented, place, owners[0])
        return await self._ask_all(presented, place)

    def listed(self, presented: Presented) -> list[Listed]:
        """What the lists of home-CSPs say of it, also those whose agreement has ended. Raises InvalidInput.

        Such a list begins nothing, and still tells who may stop a session and which credential is revoked.
        """
        service = Service.OFFLINE_IDENTIFICATION
        agreed = {one.id: one for one in self._context.home_csps() if one.agreement.finishes(service)}
        spelled = [form for uid in presented.spellings for form in (uid, uid.lower())]
        query = select(table.c.body, table.c.partner_id).where(
            table.c.uid.in_(spelled), table.c.kind == presented.kind, table.c.partner_id.in_(agreed)
        )
        with self._context.store.read() as connection:
            rows = connection.execute(query).all()
        return [Listed(self._context.reader.credential(row.body), agreed[row.partner_id]) for row in rows]

    async def group_of(self, presented: Presented, place: Place, partner_id: str) -> str | None:
        """The group of a credential that is to stop a session; None without one, or where it is blocked.

        By the list, else by the word of the session's home-CSP, for only its own can be of one group.
        """
        with suppress(InvalidInput):
            for one in self.listed(presented):
                if one.partner.id == partner_id:
                    return one.credential.group_id if one.credential.valid else None
            partner = self._askable_now(partner_id)
            answer = await self._ask(partner, presented, place) if partner else LocalOutcome.UNKNOWN
            if isinstance(answer, Authorisation) and answer.verdict is AuthorisationVerdict.ALLOWED:
                return answer.credential.value.group_id
        return None

    async def _decide(self, presented: Presented, place: Place, listed: Listed) -> Grant | LocalOutcome:
        credential, partner, most = listed.credential, listed.partner, presented.rules.whitelist
        method = IdentificationMethod.WHITELIST
        grant = Grant(partner.id, credential.reference, presented.means, method, credential.group_id)
        match by_list(credential, most):
            case ListDecision.ALLOWED:
                return grant
            case ListDecision.BLOCKED:
                return LocalOutcome.BLOCKED
        askable = self._askable_now(partner.id)
        answer = await self._ask(askable, presented, place) if askable else LocalOutcome.NO_ANSWER
        if answer is LocalOutcome.NO_ANSWER:
            return without_answer(credential, most) or replace(grant, offline=True)
        return _grant(partner, presented, place, answer)

    async def _ask_all(self, presented: Presented, place: Place) -> Grant | LocalOutcome:
        partners = self._askable()
        answers = await asyncio.gather(*(self._ask(one, presented, place) for one in partners))
        decided = [_grant(one, presented, place, answer) for one, answer in zip(partners, answers, strict=True)]
        grants = [one for one in decided if isinstance(one, Grant)]
        if len(grants) > 1:
            return self._ambiguous([one for one in partners if one.id in {grant.partner_id for grant in grants}])
        refusals = [one for one in decided if isinstance(one, LocalOutcome) and one is not LocalOutcome.UNKNOWN]
        return next(iter([*grants, *sorted(refusals, key=_least_telling_last)]), LocalOutcome.UNKNOWN)

    async def ask_one(self, partner: Partner, presented: Presented, place: Place) -> Grant | LocalOutcome:
        """A grant of one home-CSP, or why there is none; whatever lists say."""
        askable = self._askable_now(partner.id)
        if askable is None:
            return LocalOutcome.NOT_ALLOWED
        return _grant(askable, presented, place, await self._ask(askable, presented, place))

    async def _ask(self, partner: Partner, presented: Presented, place: Place) -> _Answer:
        request = AuthorisationRequest(presented.spellings[0], presented.kind, place.site_id, (place.evse_uid,))
        try:
            async with asyncio.timeout(self.within.total_seconds()):
                answer = await self._context.calls.authorise(partner, request)
        except NotFound:
            return LocalOutcome.UNKNOWN
        except (Unreachable, TimeoutError):
            log.warning("identification_not_answered", partner=partner.id)
            return LocalOutcome.NO_ANSWER
        except EvroamError as error:
            log.warning("identification_refused", partner=partner.id, code=error.code)
            return LocalOutcome.NOT_ALLOWED
        credential = answer.credential.value
        if not partner.speaks_for(credential.party) or not presented.is_of(credential.uid, credential.kind):
            log.error("identification_of_another", partner=partner.id, party=str(credential.party))
            return LocalOutcome.NOT_ALLOWED
        return answer

    def _askable_now(self, partner_id: str) -> Partner | None:
        """The partner as it is by now: one that was read a moment ago may have been heard of since."""
        return next((one for one in self._askable() if one.id == partner_id), None)

    def _askable(self) -> list[Partner]:
        now = self._context.endpoint.now()
        return [
            one
            for one in self._context.home_csps()
            if one.agreement.covers(Service.LOCAL_START, now) and one.endpoint("tokens", "SENDER") is not None
        ]

    def _ambiguous(self, claimants: Sequence[Partner]) -> LocalOutcome:
        """An alert for the operator: one of them claims a credential that is not its own."""
        log.error("ambiguous_credential", claimed_by=[one.name for one in claimants])
        return LocalOutcome.AMBIGUOUS


VERDICTS = {
    AuthorisationVerdict.BLOCKED: LocalOutcome.BLOCKED,
    AuthorisationVerdict.EXPIRED: LocalOutcome.EXPIRED,
    AuthorisationVerdict.NO_CREDIT: LocalOutcome.NO_CREDIT,
    AuthorisationVerdict.NOT_ALLOWED: LocalOutcome.NOT_ALLOWED,
}
"""What a station shows for each refusal of a home-CSP."""


def _grant(partner: Partner, presented: Presented, place: Place, answer: _Answer) -> Grant | LocalOutcome:
    if isinstance(answer, LocalOutcome):
        return answer
    if answer.verdict is not AuthorisationVerdict.ALLOWED:
        return VERDICTS[answer.verdict]
    credential = answer.credential.value
    grant = Grant(
        partner.id,
        credential.reference,
        presented.means,
        IdentificationMethod.AUTH_REQUEST,
        credential.group_id,
        answer.authorization_reference,
        evse_uids=answer.evse_uids,
    )
    return grant if grant.holds_at(place.evse_uid) else LocalOutcome.NOT_ALLOWED


def _least_telling_last(outcome: LocalOutcome) -> int:
    return [*VERDICTS.values(), LocalOutcome.NO_ANSWER].index(outcome)
