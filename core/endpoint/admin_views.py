"""What the operator of a platform sees of its partners, its message log and its store."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, column, func, select, table

from core.admin_messages import Backlog, LoggedMessage, ModuleState, PartnerView, StoreState
from core.endpoint.partner import Partner
from core.endpoint.partners import Partners
from core.endpoint.revocations import revocation_states
from core.store.connections import place_of
from core.store.engine import Store, StoreError
from core.store.tables import message_log, partner, push, synchronisation

LOG_TAIL = 20
_OK = 200

_stamp = table("alembic_version", column("version_num"))


def partner_views(store: Store, partners: Partners) -> tuple[PartnerView, ...]:
    """All partners, with how far each is in step."""
    known = partners.list()
    with store.read() as connection:
        modules, backlogs = _modules(connection), _backlogs(connection)
        revocations, read_at = revocation_states(connection), _credentials_read(connection)
    return tuple(
        partner_view(one, modules.get(one.id, ()), backlogs.get(one.id, Backlog())).model_copy(
            update={"revocations": revocations.get(one.id), "credentials_read_at": read_at.get(one.id)}
        )
        for one in known
    )


def partner_view(one: Partner, modules: tuple[ModuleState, ...] = (), backlog: Backlog = Backlog()) -> PartnerView:
    """A partner without its tokens and endpoints."""
    return PartnerView(
        id=one.id,
        name=one.name,
        status=one.status,
        roles=one.roles,
        transport=one.agreement.transport,
        version=one.version,
        versions_url=one.versions_url,
        certificate=one.certificate_name,
        last_seen_at=one.last_seen_at,
        modules=modules,
        backlog=backlog,
    )


def log_tail(store: Store) -> tuple[LoggedMessage, ...]:
    """The last messages, oldest first; removed partners still have their name."""
    query = (
        select(message_log, partner.c.name.label("partner_name"))
        .outerjoin(partner, partner.c.id == message_log.c.partner_id)
        .order_by(message_log.c.sequence.desc())
        .limit(LOG_TAIL)
    )
    with store.read() as connection:
        rows = connection.execute(query).all()
    return tuple(
        LoggedMessage(
            at=row.at,
            direction=row.direction,
            partner=row.partner_name,
            method=row.method,
            path=row.path,
            http_status=row.http_status,
            status_code=row.status_code,
            milliseconds=row.milliseconds,
        )
        for row in reversed(rows)
    )


async def store_state(store: Store, url: str) -> StoreState:
    """Where the store is, and whether it takes a transaction now."""
    place = place_of(url).render_as_string(hide_password=True)
    try:
        await store.write(lambda connection: None)
        with store.read() as connection:
            revision = connection.execute(select(_stamp.c.version_num)).scalar()
    except StoreError as error:
        return StoreState(place=place, schema_revision=None, problem=error.message)
    return StoreState(place=place, schema_revision=revision)


def _modules(connection: Connection) -> Mapping[str, tuple[ModuleState, ...]]:
    found: dict[str, tuple[ModuleState, ...]] = defaultdict(tuple)
    columns = synchronisation.c
    for row in connection.execute(select(synchronisation).order_by(columns.partner_id, columns.module)):
        found[row.partner_id] += (
            ModuleState(
                module=row.module,
                pulled_until=row.pulled_until,
                succeeded_at=row.succeeded_at,
                last_error=row.last_error,
            ),
        )
    return found


def _credentials_read(connection: Connection) -> Mapping[str, datetime]:
    columns = message_log.c
    query = (
        select(columns.partner_id, func.max(columns.at))
        .where(columns.direction == "in", columns.method == "GET", columns.path.like("%/sender/tokens%"))
        .where(columns.http_status == _OK)
        .group_by(columns.partner_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _backlogs(connection: Connection) -> Mapping[str, Backlog]:
    query = select(push.c.partner_id, func.count(), func.min(push.c.since), func.max(push.c.last_error)).group_by(
        push.c.partner_id
    )
    return {row[0]: Backlog(objects=row[1], since=row[2], last_error=row[3]) for row in connection.execute(query)}
