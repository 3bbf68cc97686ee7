"""A reservation at the visited-CSO once it stands (UC3-8): given up by either side, closed unused, shown."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from uuid import uuid4

import structlog
from sqlalchemy import Connection, select

from core.endpoint.agreement import Agreement
from core.endpoint.ports import CommandKind, CommandResult
from core.errors import EvroamError, Refused
from core.model.credentials import Credential, IdentificationMethod
from core.model.reservations import Canceller, CancelReason, Reservation
from core.model.reserving import given_up, terms
from core.model.session import ServiceSession, SessionState, change, move, opened
from core.model.sites import EvSupplyEquipment, Site
from core.store import tables
from core.store.sessions import KeptSession, load, load_open_at, load_reserved
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.asking import ANSWER_WITHIN, result_of
from core.visited_cso.energy_transfer.completion import complete
from core.visited_cso.energy_transfer.opening import new_session
from core.visited_cso.energy_transfer.record import keep, price_of
from core.visited_cso.energy_transfer.start import tell_result
from core.visited_cso.outages import status_to_tell
from core.visited_cso.sites import set_status, status_of
from core.visited_cso.tariffs import contract_tariff

log = structlog.get_logger(__name__)


async def cancel(context: Context, session_id: str, reason: CancelReason, message: str = "") -> bool:
    """The operator gives a reservation up, for an outage or another reason; the driver is told and pays nothing.

    False where it is over or has become charging already. The home-CSP hears it at the response_url that the
    reservation came with, and by its session.
    """

    def write(connection: Connection) -> tuple[str, str] | None:
        kept = load(connection, context.party, session_id)
        if kept is None or kept.session.reservation is None or kept.session.state is not SessionState.RESERVED:
            return None
        give_up(connection, context, kept, Canceller.VISITED_CSO, reason, message)
        return kept.partner_id or "", _response_url(connection, kept)

    given = await context.store.write(write)
    if given is None:
        return False
    await release(context, session_id)
    partner = next((one for one in context.home_csps() if one.id == given[0]), None)
    if partner is not None and given[1]:
        text = message or f"cancelled by the operator: {reason}"
        await tell_result(context, partner, given[1], CommandResult.CANCELED_RESERVATION, text)
    return True


async def cancel_at(context: Context, evse_uids: frozenset[str], reason: CancelReason, message: str = "") -> list[str]:
    """Give up every reservation of this equipment, as an outage demands (UC5-1); the ids of their sessions."""
    with context.store.read() as connection:
        kept = load_reserved(connection, context.party)
    hit = [one.session.id for one in kept if one.session.evse_uid in evse_uids]
    return [id for id in hit if await cancel(context, id, reason, message)]


def open_reserved(
    connection: Connection,
    context: Context,
    site: Site,
    equipment: EvSupplyEquipment,
    credential: Credential,
    reservation: Reservation,
    reference: str | None,
    agreed: Agreement,
) -> ServiceSession:
    """A session that begins with a reservation. Which of several connectors is used shows when charging starts."""
    connector, method = equipment.connectors[0], IdentificationMethod.COMMAND
    tariffs = contract_tariff(connection, context, connector.tariff_ids, context.clock.now())
    session = change(
        new_session(context, str(uuid4()), credential.reference, method, site, equipment, connector, tariffs),
        authorization_reference=reference,
        pricing=agreed.pricing,
        agreement=agreed.reference,
        reservation=reservation,
    )
    return opened(session, actor=str(credential.party))


def close_unused(connection: Connection, context: Context, session: ServiceSession, partner_id: str | None) -> None:
    """Record a reservation that nobody used: with an SDR where its tariff has a price for it, else without."""
    report = price_of(session)
    if report is None or report.total.before_taxes <= 0:
        keep(connection, context, session, partner_id)
        return
    now = context.clock.now()
    complete(connection, context, move(session, SessionState.CLOSING, at=now, actor=str(context.party)), partner_id)


def is_booked(
    connection: Connection,
    context: Context,
    evse_uid: str,
    credential_uid: str,
    start: datetime,
    until: datetime,
    *,
    except_for: str | None = None,
) -> bool:
    """Whether the equipment is reserved in some of that time, or the credential reserves anything in it."""
    return any(
        terms(one.session).overlaps(start, until)
        for one in load_reserved(connection, context.party)
        if one.session.id != except_for
        and (one.session.evse_uid == evse_uid or one.session.credential_uid.casefold() == credential_uid.casefold())
    )


def show_status(connection: Connection, context: Context, evse_uid: str) -> None:
    """Tell the status that the equipment has now (UC1-3)."""
    occupied = bool(load_open_at(connection, context.party, evse_uid))
    now, heard = context.clock.now(), status_of(context.equipment.evse_state(evse_uid), occupied=occupied)
    set_status(connection, context, evse_uid, status_to_tell(connection, context, evse_uid, heard, now), now)


def give_up(
    connection: Connection, context: Context, kept: KeptSession, by: Canceller, reason: CancelReason, message: str
) -> None:
    """Record that one side cancels; the station is released before, where the home-CSP does, or after."""
    now = context.clock.now()
    actor = str(context.party if by is Canceller.VISITED_CSO else kept.session.home)
    session = given_up(kept.session, by, at=now, actor=actor, reason=reason, message=message)
    close_unused(connection, context, session, kept.partner_id)
    show_status(connection, context, session.evse_uid)


async def release(context: Context, session_id: str) -> None:
    """Let the station go where it still holds the equipment; one that is not heard lets go by itself at the end."""
    result, message = await answer_of(context.equipment.cancel_reservation(session_id))
    if result not in {CommandResult.ACCEPTED, CommandResult.UNKNOWN_RESERVATION}:
        log.warning("reservation_not_released", session=session_id, result=result, message=message)

    def write(connection: Connection) -> None:
        kept = load(connection, context.party, session_id)
        if kept is not None:
            show_status(connection, context, kept.session.evse_uid)

    await context.store.write(write)


async def answer_of(asking: Coroutine[None, None, None]) -> tuple[CommandResult, str | None]:
    """What a station makes of a command, as its home-CSP hears it, and a word beside."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
            await asking
    except Refused as refused:
        return result_of(refused), refused.message
    except TimeoutError:
        return CommandResult.TIMEOUT, "the station did not answer"
    except EvroamError as error:
        return CommandResult.FAILED, error.message
    return CommandResult.ACCEPTED, None


def _response_url(connection: Connection, kept: KeptSession) -> str:
    columns = tables.command.c
    query = select(columns.response_url).where(
        columns.session_id == kept.session.id,
        columns.partner_id == kept.partner_id,
        columns.kind == CommandKind.RESERVE_NOW,
    )
    return connection.execute(query.order_by(columns.created_at).limit(1)).scalar() or ""
