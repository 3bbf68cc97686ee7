"""Who is there: drivers at a front end. What visited-CSOs ask about is in `authorising.py` beside this file."""

import asyncio
import secrets
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, select
from starlette.requests import Request

from core.clock import WallClock
from core.driver_messages import Login
from core.errors import InvalidInput, NotAllowed
from core.home_csp.context import Context
from core.home_csp.contracts import (
    ContractStatus,
    app_credential,
    card_credential,
    kept_pin,
    pin_counts,
    pin_matches,
    status_now,
)
from core.model.identifiers import ContractId
from core.store.prepared import Prepared
from core.store.tables import contract, driver_login

LOGIN_LASTS = timedelta(hours=12)

_wall = WallClock()


async def identify_by_card(context: Context, card_uid: str) -> Login:
    """Identify a driver by a card. Raises NotAllowed, alike for unknown and blocked cards."""

    def write(connection: Connection) -> Login:
        found = card_credential(connection, context, card_uid)
        key = ContractId.parse(found.contract_id).key if found is not None and found.valid else None
        return _login(connection, context, key, "card")

    return await context.store.write(write)


async def identify_by_pin(context: Context, contract_id: str, pin: str) -> Login:
    """Identify a driver by contract id and PIN. Raises NotAllowed, alike for whatever is wrong, and when locked."""
    try:
        contract_key = ContractId.parse(contract_id)
    except InvalidInput as error:
        raise _not_known() from error
    with context.store.read() as connection:
        kept = kept_pin(connection, contract_key)
    right = await asyncio.to_thread(pin_matches, pin, kept)  # slow by design, so not in the writer

    def check(connection: Connection) -> Login | None:
        if not pin_counts(connection, context, contract_key, right=right):
            return None  # not raised here: the count of failures must stay
        return _login(connection, context, contract_key.key, "pin")

    login = await context.store.write(check)
    if login is None:
        raise _not_known()
    return login


def contract_of_request(context: Context, request: Request) -> str:
    """The contract of the driver who sends a request of the driver API. Raises NotAllowed."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAllowed("Nobody is identified", code="not_identified", next_step="Hold your card to the reader first.")
    with context.store.read() as connection:
        return contract_of_login(connection, token)


# Asked with every request of a front end.
_CONTRACT_OF = Prepared(
    select(driver_login.c.contract_id).where(
        driver_login.c.token_hash == bindparam("token_hash"), driver_login.c.expires_at > bindparam("now")
    )
)


def contract_of_login(connection: Connection, token: str) -> str:
    """The contract that a login's token stands for. Raises NotAllowed."""
    contract_id: str | None = _CONTRACT_OF.scalar(connection, {"token_hash": _hash(token), "now": _wall.now()})
    if contract_id is None:
        raise NotAllowed(
            "You are no longer identified", code="not_identified", next_step="Hold your card to the reader again."
        )
    return contract_id


def _login(connection: Connection, context: Context, contract_key: str | None, method: str) -> Login:
    row = connection.execute(select(contract).where(contract.c.id == contract_key)).first()
    found = None if row is None else app_credential(connection, context, row.id)
    active = row is not None and status_now(row, context.clock.now()) is ContractStatus.ACTIVE
    if row is None or not active or found is None or not found.valid:
        raise _not_known()
    token, now = secrets.token_urlsafe(32), _wall.now()
    connection.execute(delete(driver_login).where(driver_login.c.expires_at <= now))
    connection.execute(
        driver_login.insert().values(
            token_hash=_hash(token),
            contract_id=row.id,
            credential_uid=found.uid,
            credential_kind=found.kind,
            created_at=now,
            expires_at=now + LOGIN_LASTS,
        )
    )
    return Login(
        token=token,
        contract=f"…{row.id[-4:]}",
        name=row.driver_name,
        method=method,
        expires_at=now + LOGIN_LASTS,
    )


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _not_known() -> NotAllowed:
    return NotAllowed(
        "We do not know this card, or contract and PIN",
        code="identification_refused",
        next_step="Check what you typed, or call your provider.",
    )
