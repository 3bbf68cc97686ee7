"""Commands that the home-CSP has sent: recognised again by their response_url, and their outcome awaited."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, select, update

from core.endpoint.partner import Partner
from core.endpoint.ports import CommandKind, CommandReply, CommandResult
from core.home_csp.context import Context
from core.store.tables import command as table

LONGEST_WAIT = timedelta(seconds=120)


@dataclass(frozen=True)
class SentCommand:
    """A command of ours, its session, and what is known of its outcome."""

    id: str
    kind: CommandKind
    session_id: str
    answer: str | None
    result: str | None


def record_sent(
    connection: Connection, context: Context, kind: CommandKind, partner: Partner, session_id: str, now: datetime
) -> str:
    """Keep a command before it is sent; returns its id, the last part of its response_url."""
    id = uuid4().hex
    connection.execute(
        table.insert().values(
            country_code=context.party.country_code,
            party_id=context.party.party_id,
            id=id,
            partner_id=partner.id,
            direction="out",
            kind=kind,
            session_id=session_id,
            response_url=context.calls.response_url(kind, id),
            created_at=now,
            body="",
        )
    )
    return id


def record_reply(connection: Connection, context: Context, id: str, reply: CommandReply, now: datetime) -> None:
    """Keep the immediate answer and when the outcome will be overdue."""
    wait = min(timedelta(seconds=max(reply.timeout_seconds, 1)), LONGEST_WAIT)
    connection.execute(
        update(table)
        .where(*_is(context, id))
        .values(answer=reply.answer, answered_at=now, due_at=now + wait, body=reply.message or "")
    )


def record_result(
    connection: Connection, context: Context, partner_id: str, kind: CommandKind, id: str, result: CommandResult
) -> SentCommand | None:
    """Keep the outcome; None where this partner was sent no such command, or its outcome is known already."""
    row = connection.execute(select(table).where(*_is(context, id), table.c.partner_id == partner_id)).first()
    if row is None or row.kind != kind or row.direction != "out":
        return None
    if row.result is None:
        connection.execute(update(table).where(*_is(context, id)).values(result=result))
    return SentCommand(id, CommandKind(row.kind), row.session_id, row.answer, row.result)


def sent(connection: Connection, context: Context, session_id: str, kind: CommandKind) -> SentCommand | None:
    """The last command of a kind that was sent for a session."""
    row = connection.execute(
        select(table)
        .where(
            table.c.country_code == context.party.country_code,
            table.c.party_id == context.party.party_id,
            table.c.session_id == session_id,
            table.c.kind == kind,
            table.c.direction == "out",
        )
        .order_by(table.c.created_at.desc())
        .limit(1)
    ).first()
    return None if row is None else SentCommand(row.id, CommandKind(row.kind), session_id, row.answer, row.result)


def _is(context: Context, id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.country_code == context.party.country_code,
        table.c.party_id == context.party.party_id,
        table.c.id == id,
    )
