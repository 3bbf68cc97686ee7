"""The part of the admin API about agreements (5.4.6): shown, proposed, signed, set on our side alone, ended."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.admin_messages import AgreementList, AgreementVersionView, AgreementView, EndRequest, TermsRequest
from core.endpoint.agreement_table import Side, Version
from core.endpoint.endpoint import Endpoint
from core.endpoint.partner import Partner
from core.endpoint.partner_naming import find_partner
from core.json_api import answered, json_answer, read_body


def agreement_routes(endpoint: Endpoint) -> list[Route]:
    """The routes, the same for every role; `{partner}` is a name, a party or an id."""
    desk = _Desk(endpoint)
    changes: dict[str, Callable[[Partner, Request], Awaitable[object]]] = {
        "propose": desk.propose,
        "sign": desk.sign,
        "set": desk.set_terms,
        "end": desk.end,
    }
    return [
        Route("/agreements", answered(desk.all)),
        *(
            Route(f"/agreements/{{partner:path}}/{name}", answered(desk.changing(change)), methods=["POST"])
            for name, change in changes.items()
        ),
        Route("/agreements/{partner:path}", answered(desk.one)),
    ]


class _Desk:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def all(self, _request: Request) -> Response:
        known = self._endpoint.partners.list()
        return json_answer(AgreementList(agreements=tuple(map(self._view, known))))

    async def one(self, request: Request) -> Response:
        return json_answer(self._view(self._named(request)))

    async def propose(self, partner: Partner, request: Request) -> None:
        await self._endpoint.agreements.propose(partner, (await read_body(request, TermsRequest)).terms)

    async def sign(self, partner: Partner, _request: Request) -> None:
        await self._endpoint.agreements.sign(partner)

    async def set_terms(self, partner: Partner, request: Request) -> None:
        await self._endpoint.agreements.set_terms(partner, (await read_body(request, TermsRequest)).terms)

    async def end(self, partner: Partner, request: Request) -> None:
        await self._endpoint.agreements.end(partner, (await read_body(request, EndRequest)).at)

    def changing(
        self, change: Callable[[Partner, Request], Awaitable[object]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """A handler that changes an agreement and answers how it stands then."""

        async def handle(request: Request) -> Response:
            partner = self._named(request)
            await change(partner, request)
            return json_answer(self._view(self._endpoint.partners.get(partner.id)))

        return handle

    def _named(self, request: Request) -> Partner:
        return find_partner(self._endpoint.partners.list(), request.path_params["partner"])

    def _view(self, partner: Partner) -> AgreementView:
        agreement, signed = partner.agreement, partner.agreement.signed
        versions = self._endpoint.agreements.versions(partner.id)
        return AgreementView(
            partner_id=partner.id,
            partner=partner.name,
            signed=signed is not None,
            version=signed.version if signed else None,
            hash=signed.hash if signed else None,
            holds=agreement.holds(self._endpoint.now()),
            ends_at=agreement.end,
            waits_for_us=any(one.waits_for is Side.US for one in versions),
            waits_for_them=any(one.waits_for is Side.THEM for one in versions),
            terms=agreement.terms,
            versions=tuple(map(_version_view, versions)),
        )


def _version_view(one: Version) -> AgreementVersionView:
    return AgreementVersionView(
        number=one.number,
        hash=one.hash,
        state=one.state,
        signed_by_us=one.our_signature is not None,
        signed_by_them=one.their_signature is not None,
        proposed_at=one.text.document.proposed_at,
        in_force_at=one.in_force_at,
        ends_at=one.ends_at,
        remark=one.remark,
        terms=one.text.document.terms,
    )
