"""Rows of partners: how they are read, and the changes to them, each to be made inside one transaction of the store."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from core.endpoint.agreement import Agreement
from core.endpoint.ocpi.registration import Reachability
from core.endpoint.partner import Partner, PartnerEndpoint, PartnerStatus
from core.errors import InvalidInput, NotFound
from core.model.agreement_terms import VersionState
from core.model.parties import Party, PartyRole, PlatformRole
from core.store.agreement_tables import agreement_version
from core.store.engine import append_event
from core.store.tables import invitation, partner, synchronisation

_MOST_REMEMBERED = 1_000
AUDIT_STREAM = "audit"
_ROLES = TypeAdapter(tuple[PartyRole, ...])
_ENDPOINTS = TypeAdapter(tuple[PartnerEndpoint, ...])
_BOTH_TOKENS_FOR = timedelta(hours=1)


# Partners are looked up with nearly every message and change rarely: equal texts are read once.
_roles = lru_cache(_MOST_REMEMBERED)(_ROLES.validate_json)
_endpoints = lru_cache(_MOST_REMEMBERED)(_ENDPOINTS.validate_json)
_agreement = lru_cache(_MOST_REMEMBERED)(Agreement.model_validate_json)


def partners_of(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Partner, ...]:
    """Rows of the table as partners, each that stands behind a clearing house with the connection of that one."""
    found = {one.id: one for one in map(partner_of, rows)}
    return tuple(
        one if one.via is None else one.reached_through(found[one.via])
        for one in found.values()
        if one.via is None or one.via in found
    )


def partner_of(row: Row[tuple[object, ...]]) -> Partner:
    """A row of the table as a partner, by itself."""
    return Partner(
        id=row.id,
        name=row.name,
        status=PartnerStatus(row.status),
        roles=_roles(row.roles),
        agreement=_agreement(row.agreement),
        versions_url=row.versions_url,
        version=row.version,
        endpoints=_endpoints(row.endpoints),
        certificate_name=row.certificate_name,
        last_seen_at=row.last_seen_at,
        via=row.via,
        reachability=Reachability(row.reachability),
    )


def load(connection: Connection, partner_id: str) -> Partner:
    """A partner as it stands in this transaction. Raises NotFound."""
    row = connection.execute(select(partner).where(partner.c.id == partner_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("There is no such partner.", code="unknown_partner")
    return partner_of(row)


def audit(connection: Connection, kind: str, at: datetime, facts: dict[str, object]) -> None:
    """Write what happened to a partner, or was tried by one, where it is never changed again."""
    append_event(connection, stream=AUDIT_STREAM, kind=kind, at=at, body=facts)


def bind(connection: Connection, partner_id: str, certificate_name: str) -> str | None:
    """Bind the certificate of this name to a partner that has none yet; returns the name that is bound."""
    unbound = (partner.c.id == partner_id) & partner.c.certificate_name.is_(None)
    connection.execute(update(partner).where(unbound).values(certificate_name=certificate_name))
    return connection.execute(select(partner.c.certificate_name).where(partner.c.id == partner_id)).scalar()


def use_up(connection: Connection, token_hash: str, now: datetime) -> bool:
    """Make an invitation void; False where somebody was quicker."""
    unused = (invitation.c.token_hash == token_hash) & invitation.c.used_at.is_(None)
    return connection.execute(update(invitation).where(unused).values(used_at=now, expires_at=now)).rowcount == 1


def register(
    connection: Connection, new: Partner, outgoing_token: str, incoming_token_hash: str, now: datetime
) -> Partner:
    """A partner from now on. Raises InvalidInput where another one speaks for one of its parties already.

    Whoever was reached through a clearing house is reached directly from now on. Who was a partner before, under the
    same certificate where both times are bound to one, is it again under its old id: its sessions are its own still.
    """
    _supersede(connection, new, now)
    _refuse_taken(connection, new)
    new = _seen(_with_old_id(connection, new), now)
    columns = {**_columns(new, outgoing_token), "incoming_token_hash": incoming_token_hash, "created_at": now}
    _insert_or_revive(connection, new.id, columns)
    audit(connection, "partner_registered", now, _facts(new))
    return new


def renew(
    connection: Connection, changed: Partner, outgoing_token: str, incoming_token_hash: str, now: datetime
) -> Partner:
    """What a partner is from now on; the token it had stays good for an hour. Raises InvalidInput as `register`."""
    _refuse_taken(connection, changed)
    changed = _seen(changed, now)
    connection.execute(
        update(partner)
        .where(partner.c.id == changed.id)
        .values(
            **_columns(changed, outgoing_token),
            previous_token_hash=partner.c.incoming_token_hash,
            previous_token_until=now + _BOTH_TOKENS_FOR,
            incoming_token_hash=incoming_token_hash,
        )
    )
    audit(connection, "partner_renewed", now, _facts(changed))
    return changed


def set_agreement(connection: Connection, partner_id: str, agreement: Agreement, now: datetime) -> None:
    """What holds between us and a partner from now on, and with those behind it who stand under the same."""
    before = connection.execute(select(partner.c.agreement).where(partner.c.id == partner_id)).scalar_one()
    under = Agreement.model_validate_json(before).behind.model_dump_json()
    behind = (partner.c.via == partner_id) & (partner.c.agreement == under)
    connection.execute(update(partner).where(behind).values(agreement=agreement.behind.model_dump_json()))
    of = partner.c.id == partner_id
    connection.execute(update(partner).where(of).values(agreement=agreement.model_dump_json()))
    signed, end = agreement.signed, agreement.end
    facts: dict[str, object] = {
        "partner_id": partner_id,
        "version": signed.version if signed else None,
        "hash": signed.hash if signed else None,
        "ends_at": end.isoformat() if end else None,
    }
    audit(connection, "agreement_changed", now, facts)


def set_endpoints(
    connection: Connection, partner_id: str, version: str, endpoints: tuple[PartnerEndpoint, ...]
) -> None:
    """What a partner offers from now on."""
    values = {"version": version, "endpoints": _ENDPOINTS.dump_json(endpoints).decode()}
    connection.execute(update(partner).where(partner.c.id == partner_id).values(**values))


def void(connection: Connection, partner_id: str, now: datetime) -> None:
    """Remove a partner and whoever is reached through it: no token of it or for it is good any more."""
    connection.execute(
        update(partner)
        .where(or_(partner.c.id == partner_id, partner.c.via == partner_id))
        .values(status=PartnerStatus.REMOVED, outgoing_token=None, incoming_token_hash=None, previous_token_hash=None)
    )
    audit(connection, "partner_removed", now, {"partner_id": partner_id})


def _columns(one: Partner, outgoing_token: str) -> dict[str, object]:
    return {
        "name": one.name,
        "status": one.status,
        "versions_url": one.versions_url,
        "version": one.version,
        "endpoints": _ENDPOINTS.dump_json(one.endpoints).decode(),
        "roles": _ROLES.dump_json(one.roles).decode(),
        "agreement": one.agreement.model_dump_json(),
        "outgoing_token": outgoing_token,
        "certificate_name": one.certificate_name,
        "last_seen_at": one.last_seen_at,
    }


def _seen(one: Partner, now: datetime) -> Partner:
    """To register is a word of the partner."""
    return one.model_copy(update={"last_seen_at": now})


def stand_behind(connection: Connection, new: Partner, now: datetime) -> None:
    """A partner without a connection of its own, reached through the clearing house `new.via`, also once more."""
    new = _with_old_id(connection, new)
    columns = {
        "name": new.name,
        "status": new.status,
        "roles": _ROLES.dump_json(new.roles).decode(),
        "agreement": new.agreement.model_dump_json(),
        "created_at": now,
        "via": new.via,
        "reachability": new.reachability,
    }
    _insert_or_revive(connection, new.id, columns)
    audit(connection, "partner_registered", now, _facts(new))


def change_behind(
    connection: Connection, partner_id: str, roles: tuple[PartyRole, ...], reachability: Reachability
) -> None:
    """What a clearing house tells anew of a partner that is reached through it."""
    values = {"roles": _ROLES.dump_json(roles).decode(), "reachability": reachability}
    connection.execute(update(partner).where(partner.c.id == partner_id).values(**values))


def speaker_of(connection: Connection, party: Party, role: PlatformRole) -> Partner | None:
    """Who speaks for a party in a role, connected, suspended or reached through a clearing house."""
    rows = connection.execute(select(partner).where(partner.c.status != PartnerStatus.REMOVED))
    return next(
        (one for one in map(partner_of, rows) if any(r.party == party and r.role is role for r in one.roles)), None
    )


def _supersede(connection: Connection, new: Partner, now: datetime) -> None:
    for role in new.roles:
        before = speaker_of(connection, role.party, role.role)
        if before is not None and before.via is not None:
            void(connection, before.id, now)
            # No longer behind anybody, so that it may come back through the clearing house when this ends.
            connection.execute(update(partner).where(partner.c.id == before.id).values(via=None))


def _with_old_id(connection: Connection, new: Partner) -> Partner:
    """The newcomer under the id of a removed partner that spoke for none but its parties, in the same way as it."""
    ours = {(one.role, one.party) for one in new.roles}
    removed = select(partner).where(
        partner.c.status == PartnerStatus.REMOVED, partner.c.via.is_not_distinct_from(new.via)
    )
    for before in map(partner_of, connection.execute(removed.order_by(partner.c.created_at.desc()))):
        names = {before.certificate_name, new.certificate_name} - {None}
        if before.roles and {(one.role, one.party) for one in before.roles} <= ours and len(names) < 2:
            return new.model_copy(update={"id": before.id})
    return new


def _insert_or_revive(connection: Connection, partner_id: str, columns: dict[str, object]) -> None:
    revived = connection.execute(update(partner).where(partner.c.id == partner_id).values(**columns)).rowcount
    if not revived:
        connection.execute(insert(partner).values(id=partner_id, **columns))
        return
    # As with every newcomer, all is pulled, and the terms of the invitation hold until an agreement is signed.
    connection.execute(delete(synchronisation).where(synchronisation.c.partner_id == partner_id))
    versions = agreement_version.c
    unended = (versions.partner_id == partner_id) & versions.state.in_([VersionState.IN_FORCE, VersionState.PROPOSED])
    connection.execute(update(agreement_version).where(unended).values(state=VersionState.REPLACED))


def _refuse_taken(connection: Connection, one: Partner) -> None:
    others = select(partner.c.roles).where(partner.c.id != one.id, partner.c.status != PartnerStatus.REMOVED)
    taken = {(role.role, role.party) for row in connection.execute(others) for role in _ROLES.validate_json(row.roles)}
    for role in one.roles:
        if (role.role, role.party) in taken:
            raise InvalidInput(f"Another partner speaks for {role.party} as {role.role} already.", code="party_taken")


def _facts(one: Partner) -> dict[str, object]:
    return {
        "partner_id": one.id,
        "name": one.name,
        "roles": [f"{role.party} {role.role}" for role in one.roles],
        "transport": one.agreement.transport,
        "certificate": one.certificate_name,
        "via": one.via,
    }
