"""Asking a station to start a session that is open already, whoever began it: a command, a card, a vehicle."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Connection

from core.endpoint.ports import CommandResult
from core.errors import NotFound, Refused
from core.model.credentials import IdentificationMethod
from core.model.session import ServiceSession, SessionState, move
from core.store.sessions import load
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.equipment import RefusalCode

ANSWER_WITHIN = timedelta(seconds=30)
"""How long a station may take to accept or refuse; told to the home-CSP with the answer to a command."""

_RESULTS = {
    RefusalCode.OCCUPIED: CommandResult.EVSE_OCCUPIED,
    RefusalCode.INOPERATIVE: CommandResult.EVSE_INOPERATIVE,
    RefusalCode.REJECTED: CommandResult.REJECTED,
    RefusalCode.TIMEOUT: CommandResult.TIMEOUT,
    RefusalCode.NOT_SUPPORTED: CommandResult.NOT_SUPPORTED,
    RefusalCode.UNKNOWN_RESERVATION: CommandResult.UNKNOWN_RESERVATION,
}


def result_of(refused: Refused) -> CommandResult:
    """The outcome that a station's refusal means to a partner."""
    return (
        _RESULTS.get(RefusalCode(refused.code), CommandResult.FAILED)
        if refused.code in set(RefusalCode)
        else (CommandResult.FAILED)
    )


async def ask_to_start(context: Context, session_id: str) -> tuple[CommandResult, str | None]:
    """What the station says to the start of a session, and why. The same start twice is one to it."""
    with context.store.read() as connection:
        kept = load(connection, context.party, session_id)
    assert kept is not None  # it was opened before
    session = kept.session
    try:
        async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
            await context.equipment.start(
                session.evse_uid, _connector(session), session_id, id_tag=session.credential_uid
            )
    except Refused as refused:
        return result_of(refused), refused.message
    except TimeoutError:
        return CommandResult.TIMEOUT, "the station did not answer"
    return CommandResult.ACCEPTED, None


def conclude(
    connection: Connection, context: Context, session_id: str, result: CommandResult, message: str | None
) -> ServiceSession | None:
    """Record what the station said; None where the session is gone. One that moved on meanwhile stays as it is."""
    kept = load(connection, context.party, session_id)
    if kept is None:
        return None
    to = _state_after(context, session_id, result)
    if kept.session.state not in {SessionState.AUTHORISING, SessionState.RESERVED}:
        return kept.session
    if kept.session.state is SessionState.RESERVED and to is not SessionState.AUTHORISED:
        return kept.session  # the reservation stands; the outcome of the command, or the station's answer, tells
    session = move(kept.session, to, at=context.clock.now(), actor="station", reason=message or "")
    return keep(connection, context, session, kept.partner_id)


def _connector(session: ServiceSession) -> str | None:
    """The connector to wait at; who stands at the station may plug into any of the EVSE's."""
    return session.connector_id if session.identification == IdentificationMethod.COMMAND else None


def _state_after(context: Context, session_id: str, result: CommandResult) -> SessionState:
    """What became of the start. One without an answer is open as long as the station knows the transaction."""
    if result is CommandResult.ACCEPTED:
        return SessionState.AUTHORISED
    if result is CommandResult.TIMEOUT:
        with suppress(NotFound):
            context.equipment.reading(session_id)
            return SessionState.UNCONFIRMED
    return SessionState.REJECTED
