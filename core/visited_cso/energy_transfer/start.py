"""Start charging on a home-CSP's command (UC3-2)."""

from dataclasses import dataclass
from uuid import uuid4

import structlog
from sqlalchemy import Connection, select, update

from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply, CommandResult
from core.errors import EvroamError
from core.model.credentials import IdentificationMethod
from core.model.reserving import may_use
from core.model.session import ServiceSession, SessionState, change, opened
from core.model.sites import Capability, Connector, EvSupplyEquipment, Site, Status
from core.store import tables
from core.store.sessions import load_open, load_open_at
from core.visited_cso.agreed import commanded_site
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.asking import ANSWER_WITHIN, ask_to_start, conclude
from core.visited_cso.energy_transfer.opening import new_session
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.quotes import problem_with_quote, use_quote
from core.visited_cso.sites import load_site
from core.visited_cso.tariffs import contract_tariff, is_agreed

log = structlog.get_logger(__name__)


class StartCommands:
    """Takes start commands; each response_url is executed once and answered alike."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def accept(self, partner: Partner, command: Command) -> tuple[CommandReply, str | None]:
        """The answer, and the id of the session that a station is now to be asked for (None: nothing to do).

        Raises Rejection (2003) for an unknown site.
        """
        return await self._context.store.write(lambda connection: self._accept(connection, partner, command))

    def _accept(self, connection: Connection, partner: Partner, command: Command) -> tuple[CommandReply, str | None]:
        earlier = earlier_answer(connection, partner, command)
        if earlier is not None:
            return earlier, None
        answer, problem = self._judged(connection, partner, command)
        reply = CommandReply(answer, int(ANSWER_WITHIN.total_seconds()), problem)
        reserved = None if problem is not None else self._reserved(connection, command)
        session_id = reserved.id if reserved is not None else str(uuid4()) if problem is None else None
        record_command(connection, self._context, partner, command, reply, session_id)
        if session_id is not None:
            session = reserved or self._open(connection, partner, command, session_id)
            keep(connection, self._context, session, partner.id)
        return reply, session_id

    def _reserved(self, connection: Connection, command: Command) -> ServiceSession | None:
        """The reservation that this start uses, with what now names the driver, the connector and the grant."""
        _, equipment, connector = _place(connection, self._context, command)
        holding = load_open_at(connection, self._context.party, equipment.uid)
        if not holding:
            return None
        assert command.credential is not None  # _problem saw to it, and that the one who holds it is who comes
        credential, session = command.credential.value, holding[0].session
        return change(
            session,
            authorization_reference=command.authorization_reference or session.authorization_reference,
            credential_uid=credential.uid,
            credential_kind=credential.kind,
            credential_group=credential.group_id,
            contract_id=credential.contract_id,
            connector_id=connector.id,
        )

    def _judged(self, connection: Connection, partner: Partner, command: Command) -> tuple[CommandAnswer, str | None]:
        """What we say at once, and why where it is no."""
        site = commanded_site(connection, self._context, partner, command)
        equipment = site.find_equipment(command.evse_uid or "")
        if equipment is not None and not equipment.can(Capability.REMOTE_START_STOP_CAPABLE):
            return CommandAnswer.NOT_SUPPORTED, "this EVSE cannot be started remotely"
        problem = self._problem(connection, partner, command, site)
        problem = problem or problem_with_quote(connection, self._context, partner, command)
        return CommandAnswer.ACCEPTED if problem is None else CommandAnswer.REJECTED, problem

    def _problem(self, connection: Connection, partner: Partner, command: Command, site: Site) -> str | None:
        equipment = site.find_equipment(command.evse_uid or "")
        if equipment is None:
            return "unknown EVSE"
        connector = _connector(equipment, command.connector_id)
        if connector is None:
            return "unknown connector, or the EVSE has several and none was named"
        if equipment.status in {Status.OUTOFORDER, Status.INOPERATIVE, Status.REMOVED, Status.PLANNED}:
            return "this EVSE is out of service"
        if command.credential is None or not partner.speaks_for(command.credential.value.party):
            return "the token is not one of yours"
        for holding in load_open_at(connection, self._context.party, equipment.uid):
            if holding.session.state is not SessionState.RESERVED:
                return "this EVSE is in use"
            if not may_use(holding.session, command.credential.value, command.credential.value.group_id):
                return "this EVSE is reserved"
        tariffs = contract_tariff(connection, self._context, connector.tariff_ids, self._context.clock.now())
        if not all(is_agreed(partner, one) for one in tariffs):
            return "our agreement does not cover the tariff of this connector, or its currency"
        return None

    def _open(self, connection: Connection, partner: Partner, command: Command, session_id: str) -> ServiceSession:
        context = self._context
        site, equipment, connector = _place(connection, context, command)
        assert command.credential is not None  # _problem saw to it
        credential = command.credential.value
        tariffs = use_quote(connection, context, command.quote_id)
        tariffs = tariffs or contract_tariff(connection, context, connector.tariff_ids, context.clock.now())
        method = IdentificationMethod.COMMAND
        session = change(
            new_session(context, session_id, credential.reference, method, site, equipment, connector, tariffs),
            authorization_reference=command.authorization_reference,
            credential_group=credential.group_id,
            quote_id=command.quote_id,
            pricing=partner.agreement.pricing,
            agreement=partner.agreement.reference,
        )
        return opened(session, actor=str(credential.party))

    def unfinished(self) -> list[tuple[Partner, Command, str]]:
        """Starts that were accepted and whose outcome is not known: their partner, command and session."""
        context = self._context
        partners = {one.id: one for one in context.home_csps()}
        with context.store.read() as connection:
            open_sessions = {one.session.id: one.session for one in load_open(connection, context.party)}
            commands = unfinished_commands(connection, CommandKind.START_SESSION)
        return [
            (partners[one.partner_id], _again(one.response_url, session), session.id)
            for one in commands
            if one.partner_id in partners and (session := open_sessions.get(one.session_id or "")) is not None
        ]

    async def execute(self, partner: Partner, command: Command, session_id: str) -> None:
        """Ask the station, record what it says, tell the home-CSP the outcome."""
        context = self._context
        result, message = await ask_to_start(context, session_id)

        def record(connection: Connection) -> None:
            conclude(connection, context, session_id, result, message)
            record_result(connection, context, partner, command.response_url, result)

        await context.store.write(record)
        await tell_result(context, partner, command.response_url, result, message)


def earlier_answer(connection: Connection, partner: Partner, command: Command) -> CommandReply | None:
    """The answer already given to this command, recognised by its response_url."""
    row = connection.execute(
        select(tables.command.c.answer, tables.command.c.body).where(
            tables.command.c.partner_id == partner.id, tables.command.c.response_url == command.response_url
        )
    ).first()
    if row is None:
        return None
    return CommandReply(CommandAnswer(row.answer), int(ANSWER_WITHIN.total_seconds()), row.body or None)


@dataclass(frozen=True)
class UnfinishedCommand:
    """A command that was accepted and whose outcome is not known yet."""

    partner_id: str
    response_url: str
    session_id: str | None


def unfinished_commands(connection: Connection, kind: CommandKind) -> list[UnfinishedCommand]:
    """The commands of a kind that the end of the program left without an outcome."""
    columns = tables.command.c
    query = select(columns.partner_id, columns.response_url, columns.session_id).where(
        columns.kind == kind,
        columns.direction == "in",
        columns.answer == CommandAnswer.ACCEPTED,
        columns.result.is_(None),
    )
    return [UnfinishedCommand(*row) for row in connection.execute(query)]


def record_command(
    connection: Connection,
    context: Context,
    partner: Partner,
    command: Command,
    reply: CommandReply,
    session_id: str | None,
) -> None:
    """Keep the command with its answer, so that it is executed once."""
    now = context.clock.now()
    connection.execute(
        tables.command.insert().values(
            country_code=context.party.country_code,
            party_id=context.party.party_id,
            id=str(uuid4()),
            partner_id=partner.id,
            direction="in",
            kind=command.kind,
            session_id=session_id,
            response_url=command.response_url,
            created_at=now,
            answer=reply.answer,
            answered_at=now,
            due_at=now + ANSWER_WITHIN,
            body=reply.message or "",
        )
    )


async def finish_command(
    context: Context, partner: Partner, response_url: str, result: CommandResult, message: str | None
) -> None:
    """Record the outcome and send it once; a partner that does not take it learns it from the session."""
    await context.store.write(lambda connection: record_result(connection, context, partner, response_url, result))
    await tell_result(context, partner, response_url, result, message)


def record_result(
    connection: Connection, context: Context, partner: Partner, response_url: str, result: CommandResult
) -> None:
    """Keep the outcome of a command."""
    columns = tables.command.c
    connection.execute(
        update(tables.command)
        .where(columns.partner_id == partner.id, columns.response_url == response_url)
        .values(result=result, result_at=context.clock.now())
    )


async def tell_result(
    context: Context, partner: Partner, response_url: str, result: CommandResult, message: str | None
) -> None:
    """Send the outcome once; a partner that does not take it learns it from the session."""
    try:
        await context.calls.command_result(partner, response_url, result, message)
    except EvroamError as error:
        log.warning("command_result_not_delivered", partner=partner.id, result=result, code=error.code)


def _again(response_url: str, session: ServiceSession) -> Command:
    return Command(CommandKind.START_SESSION, response_url, evse_uid=session.evse_uid)


def _place(connection: Connection, context: Context, command: Command) -> tuple[Site, EvSupplyEquipment, Connector]:
    site = load_site(connection, context, command.site_id or "")
    equipment = site and site.find_equipment(command.evse_uid or "")
    connector = equipment and _connector(equipment, command.connector_id)
    assert site and equipment and connector  # the same transaction has just found them
    return site, equipment, connector


def _connector(equipment: EvSupplyEquipment, connector_id: str | None) -> Connector | None:
    if connector_id is None:
        return equipment.connectors[0] if len(equipment.connectors) == 1 else None
    return next((one for one in equipment.connectors if one.id.casefold() == connector_id.casefold()), None)
