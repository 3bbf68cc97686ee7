"""The extension module `servicenotices` (UC5-1): notices of a visited-CSO, pushed to home-CSPs and listed for them.

OCPI has a status and its schedule only: no id, version, cause or end of an announcement, and no word on what becomes of
reservations and running sessions. A partner without the module still gets the status (UC1-3).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Request
from core.endpoint.extension import Extension, module_id
from core.endpoint.modules.lists import list_routes
from core.endpoint.modules.objects import Receiving, key_of
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import CiString, Closed, Moment, VersionNumber
from core.endpoint.ocpi.shape import Shape
from core.endpoint.ocpi.types import DisplayText, display_text, text_of
from core.endpoint.partner import Partner
from core.endpoint.ports import Held, ObjectReceiver, ObjectSource
from core.model.notices import Notice, NoticeCause, NoticeKind, ReservationImpact
from core.model.parties import ObjectKey
from core.model.services import Service

MODULE = module_id("servicenotices")
KIND = "notices"
"""The kind under which a notice is marked in the outbox."""


class ServiceNotice(Shape):
    """A notice on the wire."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    id: Annotated[str, CiString(36)]
    version: VersionNumber
    kind: Annotated[str, Closed(tuple(NoticeKind))]
    location_id: Annotated[str, CiString(36)] | None = None
    evse_uids: tuple[Annotated[str, CiString(36)], ...] = ()
    connector_id: Annotated[str, CiString(36)] | None = None
    begin: Moment
    expected_end: Moment | None = None
    cause: Annotated[str, Closed(tuple(NoticeCause))]
    reservations: Annotated[str, Closed(tuple(ReservationImpact))]
    texts: tuple[DisplayText, ...] = ()
    session_ids: tuple[Annotated[str, CiString(36)], ...] = ()
    last_updated: Moment


def _notice_of(shape: ServiceNotice) -> Notice:
    return Notice(
        country_code=shape.country_code,
        party_id=shape.party_id,
        id=shape.id,
        version=shape.version,
        kind=NoticeKind(shape.kind),
        site_id=shape.location_id,
        evse_uids=shape.evse_uids,
        connector_id=shape.connector_id,
        begin=shape.begin,
        expected_end=shape.expected_end,
        cause=NoticeCause(shape.cause),
        reservations=ReservationImpact(shape.reservations),
        texts=tuple(map(text_of, shape.texts)),
        session_ids=shape.session_ids,
        last_updated=shape.last_updated,
    )


def _shape_of(notice: Notice) -> ServiceNotice:
    return ServiceNotice.model_construct(
        country_code=notice.country_code,
        party_id=notice.party_id,
        id=notice.id,
        version=notice.version,
        kind=notice.kind,
        location_id=notice.site_id,
        evse_uids=notice.evse_uids,
        connector_id=notice.connector_id,
        begin=notice.begin,
        expected_end=notice.expected_end,
        cause=notice.cause,
        reservations=notice.reservations,
        texts=tuple(map(display_text, notice.texts)),
        session_ids=notice.session_ids,
        last_updated=notice.last_updated,
    )


NOTICE: Codec[ServiceNotice, Notice] = Codec(ServiceNotice, _notice_of, _shape_of)


class NoticeReceiver(ObjectReceiver[Notice], Protocol):
    """Keeps the notices of visited-CSOs (home-CSP)."""

    async def repair(self, partner: Partner) -> None:
        """Ask for what was announced while we or the partner were away."""
        ...


def announcing(
    source: ObjectSource, push: Callable[[Partner, ObjectKey], Awaitable[None]], page_limit: int
) -> Extension:
    """The visited-CSO's side: its notices listed for a partner, and pushed."""
    routes = tuple(list_routes(MODULE, source, page_limit))
    return Extension(Service.NOTICES, routes, pushes={KIND: push})


def hearing(receiver: NoticeReceiver) -> Extension:
    """The home-CSP's side."""

    async def held(request: Request, key: ObjectKey) -> str | None:
        return await receiver.held(request.partner, key)

    routes = Receiving(MODULE, "notice_id", NOTICE, key_of, held, receiver.put).routes(patchable=False)
    return Extension(Service.NOTICES, tuple(routes), repair=receiver.repair)


async def put_notice(calls: Calls, partner: Partner, notice: Notice) -> None:
    """Announce a notice in its current version. Raises as `Calls.extension`."""
    segments = (notice.country_code, notice.party_id, notice.id)
    await calls.extension(partner, Service.NOTICES, "PUT", MODULE, "RECEIVER", *segments, body=NOTICE.write(notice))


def pull_notices(calls: Calls, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Notice]]:
    """The notices of a partner that changed since. Raises as `Calls.extension`."""
    return calls.pull_extension(partner, Service.NOTICES, MODULE, NOTICE, since)
