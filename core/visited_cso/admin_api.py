"""What the admin API of a visited-CSO has beside that of every role: notices of outages, and corrections of SDRs."""

from uuid import uuid4

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.admin_messages import NoticeList, NoticeRequest, SdrCorrection, SdrLine, SdrList
from core.errors import InvalidInput, NotFound
from core.json_api import answered, json_answer, path_id, read_body
from core.model.notices import Notice, ReservationImpact
from core.model.sites import LocalisedText
from core.sdr_keys import key_in
from core.sdr_lines import sdr_lines
from core.store.tables import sdr as sdr_table
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.taken_back import announce_and_take_back
from core.visited_cso.outages import end, notices
from core.visited_cso.sdr_verdicts import correct


def visited_routes(context: Context) -> list[Route]:
    """The routes, to be mounted with those of every role."""
    desk = _Desk(context)
    return [
        Route("/sdrs", answered(desk.sdrs)),
        Route("/sdrs/{id:path}/credit", answered(desk.credit), methods=["POST"]),
        Route("/notices", answered(desk.all)),
        Route("/notices", answered(desk.announce), methods=["POST"]),
        Route("/notices/{id}/end", answered(desk.end), methods=["POST"]),
    ]


class _Desk:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def all(self, _request: Request) -> Response:
        with self._context.store.read() as connection:
            return json_answer(NoticeList(notices=tuple(notices(connection, self._context))))

    async def announce(self, request: Request) -> Response:
        notice = self._notice(await read_body(request, NoticeRequest))
        return json_answer(await announce_and_take_back(self._context, notice), 201)

    async def end(self, request: Request) -> Response:
        notice_id = path_id(request)
        ended = await self._context.store.write(lambda connection: end(connection, self._context, notice_id))
        return json_answer(ended)

    async def sdrs(self, _request: Request) -> Response:
        query = select(sdr_table).where(*self._own())
        lines = await self._context.store.read_async(lambda connection: sdr_lines(connection, query))
        return json_answer(SdrList(sdrs=lines))

    async def credit(self, request: Request) -> Response:
        key, wanted = key_in(path_id(request)), await read_body(request, SdrCorrection)
        if key.party != self._context.party:
            raise NotFound("There is no such SDR of ours.", code="unknown_sdr")

        def write(connection: Connection) -> tuple[SdrLine, ...]:
            made = correct(connection, self._context, key.id, replace=wanted.replace)
            ids = [one.id for one in made if one is not None]
            return sdr_lines(connection, select(sdr_table).where(*self._own(), sdr_table.c.id.in_(ids)))

        return json_answer(SdrList(sdrs=await self._context.store.write(write)), 201)

    def _own(self) -> tuple[ColumnElement[bool], ...]:
        party, columns = self._context.party, sdr_table.c
        return columns.country_code == party.country_code, columns.party_id == party.party_id

    def _notice(self, wanted: NoticeRequest) -> Notice:
        now, party = self._context.clock.now(), self._context.party
        try:
            return Notice(
                country_code=party.country_code,
                party_id=party.party_id,
                id=wanted.id or str(uuid4()),
                kind=wanted.kind,
                site_id=wanted.site,
                evse_uids=wanted.evses,
                connector_id=wanted.connector,
                begin=wanted.begin or now,
                expected_end=wanted.expected_end,
                cause=wanted.cause,
                reservations=ReservationImpact.CANCELLED if wanted.cancels_reservations else ReservationImpact.KEPT,
                texts=tuple(LocalisedText(language=language, text=text) for language, text in wanted.texts.items()),
                last_updated=now,
            )
        except ValidationError as error:
            raise InvalidInput(f"This announcement does not hold together: {_first(error)}.", code="notice") from None


def _first(error: ValidationError) -> str:
    return error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
