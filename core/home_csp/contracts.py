"""Contracts of the home-CSP's drivers, and the credentials that name them (5.5, 5.6)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import scrypt
from hmac import compare_digest

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Row, Select, select, update

from core.clock import WallClock
from core.errors import InvalidInput, NotAllowed, NotFound
from core.home_csp.context import Context
from core.model.credentials import Credential, CredentialKind, WhitelistPolicy
from core.model.identifiers import ContractId, RfidUid
from core.model.parties import ObjectKey
from core.store import tables
from core.store.engine import upsert

MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
_LONGEST_GROUP = 36
"""A contract's app and cards are one group: what one has reserved or started, another may use or stop."""
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}
_columns = tables.contract.c
_wall = WallClock()


class ContractStatus(StrEnum):
    """A contract is active, blocked by its home-CSP, out of credit, or past its end."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    NO_CREDIT = "no_credit"
    EXPIRED = "expired"


class Contract(BaseModel):
    """A contract as its home-CSP keeps it; `id` prints with separators, cards are shown by their last characters."""

    model_config = ConfigDict(frozen=True)

    id: str
    driver_name: str
    status: ContractStatus
    created_at: datetime
    valid_until: datetime | None = None
    cards: tuple[str, ...] = ()


async def add_contract(
    context: Context,
    contract_id: str,
    *,
    driver_name: str = "",
    pin: str | None = None,
    cards: tuple[str, ...] = (),
    codes: tuple[str, ...] = (),
    whitelist: WhitelistPolicy = WhitelistPolicy.ALLOWED,
    valid_until: datetime | None = None,
) -> Contract:
    """Make or change a contract with its credentials. Raises InvalidInput on a malformed id, card, code or PIN.

    Every contract gets a credential for the app; each card and each user code (typed at stations; never the PIN) one
    of its own. All are of one group: the session of one can be stopped by another. All are pre-distributed (UC4-2).
    whitelist: when a visited-CSO may decide about these cards by itself. valid_until: None is without end. A blocked
    contract is active again, and its credentials valid.
    """
    contract = ContractId.parse(contract_id)
    if contract.party_id.key != f"{context.party.country_code}{context.party.party_id}":
        raise InvalidInput(
            f"{contract} is not a contract of {context.party}",
            code="foreign_contract",
            next_step=f"Contracts of this platform begin with {context.party.country_code}-{context.party.party_id}.",
        )
    if pin is not None and not (pin.isdigit() and 4 <= len(pin) <= 12):
        raise InvalidInput("A PIN has 4 to 12 digits", code="invalid_pin", next_step="Choose another PIN.")
    uids = tuple(RfidUid.parse(card).key for card in cards)
    typed = tuple(map(_code, codes))
    pin_hash = None if pin is None else hash_pin(pin)
    now = context.clock.now()

    def write(connection: Connection) -> None:
        values: dict[str, object] = {
            **_key(context, contract).model_dump(),
            "driver_name": driver_name,
            "status": ContractStatus.ACTIVE,
            "created_at": now,
            "valid_until": valid_until,
        }
        if pin_hash is not None:
            values |= {"pin_hash": pin_hash, "failed_attempts": 0, "locked_until": None}
        upsert(connection, tables.contract, values, unless_older=None)
        known = _credentials(connection, context, contract.key)
        group = next((one.group_id for one in known if one.group_id), None) or _group(contract)
        for credential in known:
            if not credential.valid or credential.group_id is None:
                restored = {"valid": True, "group_id": group, "last_updated": now}
                _keep(connection, context, credential.model_copy(update=restored))
        never, issue = WhitelistPolicy.NEVER, _Issuing(connection, context, contract, group, now)
        if app_credential(connection, context, contract.key) is None:
            issue.credential(secrets.token_hex(14), CredentialKind.APP_USER, never)
        for uid in uids:
            issue.credential(uid, CredentialKind.RFID, whitelist)
        for code in typed:
            issue.credential(code, CredentialKind.OTHER, never)

    await context.store.write(write)
    return await contract_of(context, contract.key)


def admit_vehicle(connection: Connection, context: Context, contract: ContractId) -> None:
    """Let vehicles identify by the EMAID of a contract (UC3-3). Raises NotFound where there is no such contract.

    Its credential is asked for online only and goes on no list, as OCPI 2.3.0 recommends.
    """
    known = _credentials(connection, context, contract.key)
    if not known:
        raise NotFound(f"There is no contract {contract}", next_step="See `evroam contract list`.")
    group = next((one.group_id for one in known if one.group_id), None) or secrets.token_hex(14)
    issue = _Issuing(connection, context, contract, group, context.clock.now())
    issue.credential(contract.key, CredentialKind.EMAID, WhitelistPolicy.NEVER)


async def block_contract(context: Context, contract_id: str, why: ContractStatus = ContractStatus.BLOCKED) -> Contract:
    """Block a contract: its credentials are revoked and no session of it starts any more; open ones settle."""
    contract = ContractId.parse(contract_id)

    def write(connection: Connection) -> None:
        if not _revoke(connection, context, contract.key, why):
            raise NotFound(f"There is no contract {contract}", next_step="See `evroam contract list`.")

    await context.store.write(write)
    return await contract_of(context, contract.key)


async def expire_contracts(context: Context) -> int:
    """Revoke the credentials of contracts whose end has come, as lists know no date; how many there were."""

    def write(connection: Connection) -> int:
        due = select(_columns.id).where(
            _columns.status == ContractStatus.ACTIVE, _columns.valid_until <= context.clock.now()
        )
        ids = connection.execute(due).scalars().all()
        for id in ids:
            _revoke(connection, context, id, ContractStatus.EXPIRED)
        return len(ids)

    return await context.store.write(write)


def status_now(row: Row[tuple[object, ...]], now: datetime) -> ContractStatus:
    """How a contract's row stands at this moment: its end counts from the moment itself, not from the next look."""
    status = ContractStatus(row.status)
    ended = row.valid_until is not None and row.valid_until <= now
    return ContractStatus.EXPIRED if status is ContractStatus.ACTIVE and ended else status


def _revoke(connection: Connection, context: Context, contract_key: str, why: ContractStatus) -> bool:
    changed = connection.execute(update(tables.contract).where(_columns.id == contract_key).values(status=why))
    for credential in _credentials(connection, context, contract_key):
        if credential.valid:  # else it keeps the moment at which it was revoked
            revoked = {"valid": False, "last_updated": context.clock.now()}
            _keep(connection, context, credential.model_copy(update=revoked))
    return bool(changed.rowcount)


async def contract_of(context: Context, contract_key: str) -> Contract:
    """One contract. Raises NotFound."""
    found = [one for one in await contracts(context) if ContractId.parse(one.id).key == contract_key]
    if not found:
        raise NotFound("There is no such contract", next_step="See `evroam contract list`.")
    return found[0]


async def contracts(context: Context) -> list[Contract]:
    """All contracts, oldest first."""
    with context.store.read() as connection:
        rows = connection.execute(select(tables.contract).order_by(_columns.created_at, _columns.id)).all()
        return [
            Contract(
                id=str(ContractId.parse(row.id)),
                driver_name=row.driver_name,
                status=ContractStatus(row.status),
                created_at=row.created_at,
                valid_until=row.valid_until,
                cards=tuple(
                    f"…{one.uid[-4:]}"
                    for one in _credentials(connection, context, row.id)
                    if one.kind is CredentialKind.RFID
                ),
            )
            for row in rows
        ]


def app_credential(connection: Connection, context: Context, contract_key: str) -> Credential | None:
    """The credential with which the app starts sessions of a contract."""
    found = _credentials(connection, context, contract_key)
    return next((one for one in found if one.kind is CredentialKind.APP_USER), None)


def card_credential(connection: Connection, context: Context, card_uid: str) -> Credential | None:
    """The credential of a card, in either byte order of its number (readers differ)."""
    try:
        spellings = RfidUid.parse(card_uid).spellings
    except InvalidInput:
        return None
    row = connection.execute(
        _own(context).where(tables.credential.c.uid.in_(spellings), tables.credential.c.kind == CredentialKind.RFID)
    ).scalar_one_or_none()
    return None if row is None else context.reader.credential(row)


def kept_pin(connection: Connection, contract: ContractId) -> str:
    """What a PIN of the contract is to be compared with; for an unknown contract what no PIN matches."""
    kept = connection.execute(select(_columns.pin_hash).where(_columns.id == contract.key)).scalar()
    return kept or _NOBODY


def pin_counts(connection: Connection, context: Context, contract: ContractId, *, right: bool) -> bool:
    """Whether a PIN that was right or wrong identifies; five failures lock the contract's PIN for a while.

    Raises NotAllowed while it is locked. Whoever asks learns nothing about which contracts exist: an unknown one is
    locked and answered alike. Locks run on the wall clock, however fast the demo's runs.
    """
    now = _wall.now()
    row = connection.execute(select(tables.contract).where(_columns.id == contract.key).with_for_update()).first()
    if row is None:
        if context.unknown_contracts.seconds_left(contract.key, now):
            raise _locked()
        context.unknown_contracts.failed(contract.key, now)
        return False
    if row.locked_until is not None and row.locked_until > now:
        raise _locked()
    failures = 0 if right else row.failed_attempts + 1
    locked = now + LOCKED_FOR if failures >= MAX_FAILURES else None
    if right and not row.failed_attempts:
        return True
    _count_failures(connection, contract, 0 if locked else failures, locked)
    return right


def _locked() -> NotAllowed:
    return NotAllowed(
        "Too many wrong PINs for this contract",
        code="pin_locked",
        next_step="Wait 15 minutes, or identify with your card.",
    )


def hash_pin(pin: str) -> str:
    """Salted scrypt of a PIN; the PIN itself is never kept or logged."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{scrypt(pin.encode(), salt=salt, **_SCRYPT).hex()}"


def pin_matches(pin: str, kept: str) -> bool:
    """Whether this PIN was hashed to `kept`, in constant time."""
    salt, _, digest = kept.partition(":")
    return compare_digest(scrypt(pin.encode(), salt=bytes.fromhex(salt), **_SCRYPT).hex(), digest)


_NOBODY = f"{'00' * 16}:{'00' * 64}"


def _count_failures(connection: Connection, contract: ContractId, failures: int, locked: datetime | None) -> None:
    connection.execute(
        update(tables.contract).where(_columns.id == contract.key).values(failed_attempts=failures, locked_until=locked)
    )


def _key(context: Context, contract: ContractId) -> ObjectKey:
    return ObjectKey(country_code=context.party.country_code, party_id=context.party.party_id, id=contract.key)


def _group(contract: ContractId) -> str:
    """What its credentials share, so that one may stop, or start on the reservation of, another."""
    return contract.key if len(contract.key) <= _LONGEST_GROUP else secrets.token_hex(14)


def _code(code: str) -> str:
    uid = code.strip().upper()
    if not (6 <= len(uid) <= 36 and uid.isascii() and uid.isalnum()):
        raise InvalidInput(
            "A user code has 6 to 36 letters and digits", code="invalid_code", next_step="Choose another code."
        )
    return uid


@dataclass(frozen=True)
class _Issuing:
    connection: Connection
    context: Context
    contract: ContractId
    group: str
    now: datetime

    def credential(self, uid: str, kind: CredentialKind, whitelist: WhitelistPolicy) -> None:
        """Issue it, or change that of the same uid. Raises InvalidInput where a code is another contract's."""
        context = self.context
        held = select(tables.credential.c.contract_id).where(
            tables.credential.c.partner_id.is_(None), tables.credential.c.uid == uid, tables.credential.c.kind == kind
        )
        owner = self.connection.execute(held).scalar()
        if kind is CredentialKind.OTHER and owner not in {None, self.contract.key}:
            raise InvalidInput("This code is taken", code="invalid_code", next_step="Choose another code.")
        credential = Credential(
            country_code=context.party.country_code,
            party_id=context.party.party_id,
            uid=uid,
            kind=kind,
            contract_id=str(self.contract),
            issuer=context.name,
            group_id=self.group,
            valid=True,
            whitelist=whitelist,
            last_updated=self.now,
        )
        _keep(self.connection, context, credential)


def _keep(connection: Connection, context: Context, credential: Credential) -> None:
    key = ObjectKey(
        country_code=credential.country_code, party_id=credential.party_id, id=f"{credential.uid}/{credential.kind}"
    )
    values = {
        "country_code": credential.country_code,
        "party_id": credential.party_id,
        "uid": credential.uid,
        "kind": credential.kind,
        "partner_id": None,
        "contract_id": ContractId.parse(credential.contract_id).key,
        "valid": credential.valid,
        "whitelist": credential.whitelist,
        "last_updated": credential.last_updated,
        "body": context.writer.credential(credential),
    }
    upsert(connection, tables.credential, values, unless_older=None)
    if credential.kind is not CredentialKind.EMAID:
        context.outbox.mark(connection, [one.id for one in context.visited_csos()], "credentials", key)


def _credentials(connection: Connection, context: Context, contract_key: str) -> list[Credential]:
    rows = connection.execute(_own(context).where(tables.credential.c.contract_id == contract_key))
    return [context.reader.credential(body) for body in rows.scalars()]


def _own(context: Context) -> Select[str]:
    return select(tables.credential.c.body).where(
        tables.credential.c.country_code == context.party.country_code,
        tables.credential.c.party_id == context.party.party_id,
    )
