"""The part of a member's admin API about settlement (6.4.3): statements fetched and confirmed, lines disputed."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.endpoint.reporting import Reporting
from core.json_api import answered, json_answer, path_id, read_body
from core.member_messages import DisputedLine, StatementList, StatementView
from core.model.clearing.statement import Statement
from core.model.clearing.verdict import DisputeMove
from core.model.parties import ObjectKey
from core.sdr_keys import key_in
from core.store import heard
from core.store.engine import Store


def statement_routes(reporting: Reporting, store: Store) -> list[Route]:
    """The routes, the same for both roles."""
    desk = _Desk(reporting, store)
    return [
        Route("/statements", answered(desk.all)),
        Route("/statements/fetch", answered(desk.fetch), methods=["POST"]),
        Route("/statements/{id:path}/confirm", answered(desk.confirm), methods=["POST"]),
        Route("/statements/{id:path}", answered(desk.one)),
        Route("/disputes/{id:path}", answered(desk.dispute), methods=["POST"]),
    ]


class _Desk:
    def __init__(self, reporting: Reporting, store: Store) -> None:
        self._reporting = reporting
        self._store = store

    async def all(self, _request: Request) -> Response:
        with self._store.read() as connection:
            found = heard.load_statements(connection)
        newest = sorted(found, key=lambda one: (-one.cut_off.timestamp(), one.batch_id))
        return json_answer(StatementList(statements=tuple(one.model_copy(update={"lines": ()}) for one in newest)))

    async def fetch(self, request: Request) -> Response:
        await self._reporting.fetch()
        return await self.all(request)

    async def one(self, request: Request) -> Response:
        with self._store.read() as connection:
            _, statement = heard.load_statement(connection, path_id(request))
        return json_answer(self._view(statement))

    async def confirm(self, request: Request) -> Response:
        return json_answer(self._view(await self._reporting.confirm(path_id(request))))

    async def dispute(self, request: Request) -> Response:
        key, move = key_in(path_id(request)), await read_body(request, DisputeMove)
        return json_answer(DisputedLine(sdr=str(key), dispute=await self._reporting.dispute(key, move)))

    def _view(self, statement: Statement) -> StatementView:
        """A credit stands under the id of the SDR that it is for."""
        ids = dict.fromkeys((*(one.original or one.id for one in statement.lines), *statement.held_back))
        creditor, disputes = statement.creditor, []
        with self._store.read() as connection:
            for id in ids:
                key = ObjectKey(country_code=creditor.country_code, party_id=creditor.party_id, id=id)
                verdict = heard.load_heard(connection, key)
                if verdict is not None and verdict.dispute is not None:
                    disputes.append(DisputedLine(sdr=str(key), dispute=verdict.dispute))
        return StatementView(statement=statement, disputes=tuple(disputes))
