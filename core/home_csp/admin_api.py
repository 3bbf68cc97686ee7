"""What the admin API of a home-CSP has beside that of every role: the contracts of its drivers and their vehicles."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.admin_messages import (
    BlockRequest,
    CertificateRequest,
    ContractCertificateView,
    ContractList,
    ContractRequest,
    ContractView,
)
from core.endpoint.contract_certificates import pem_certificates
from core.errors import InvalidInput
from core.home_csp.context import Context
from core.home_csp.contracts import Contract, ContractStatus, add_contract, block_contract, contracts
from core.home_csp.plug_and_charge import keep_certificate, revoke_certificate
from core.json_api import answered, json_answer, path_id, read_body


def contract_routes(context: Context) -> list[Route]:
    """The routes, to be mounted with those of every role."""
    desk = _Desk(context)
    return [
        Route("/contracts", answered(desk.all)),
        Route("/contracts", answered(desk.add), methods=["POST"]),
        Route("/contracts/{id:path}/block", answered(desk.block), methods=["POST"]),
        Route("/contracts/{id:path}/certificates", answered(desk.certify), methods=["POST"]),
        Route("/contract-certificates/{id}/revoke", answered(desk.revoke_certificate), methods=["POST"]),
    ]


class _Desk:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def all(self, _request: Request) -> Response:
        found = await contracts(self._context)
        return json_answer(ContractList(contracts=tuple(map(_view, found))))

    async def add(self, request: Request) -> Response:
        wanted = await read_body(request, ContractRequest)
        until = wanted.valid_until
        if until is not None and until <= self._context.clock.now():
            raise InvalidInput(
                "A contract cannot end in the past.",
                code="contract_ended",
                next_step="Name a later day, or block it: evroam contract block EMAID.",
            )
        added = await add_contract(
            self._context,
            wanted.id,
            driver_name=wanted.driver_name,
            pin=wanted.pin,
            cards=wanted.cards,
            codes=wanted.codes,
            whitelist=wanted.whitelist,
            valid_until=until,
        )
        return json_answer(_view(added), 201)

    async def block(self, request: Request) -> Response:
        wanted = await read_body(request, BlockRequest)
        why = ContractStatus.NO_CREDIT if wanted.no_credit else ContractStatus.BLOCKED
        return json_answer(_view(await block_contract(self._context, path_id(request), why)))

    async def certify(self, request: Request) -> Response:
        contract_id, wanted = path_id(request), await read_body(request, CertificateRequest)
        kept = await keep_certificate(self._context, contract_id, pem_certificates(wanted.pem))
        return json_answer(ContractCertificateView(**kept.model_dump()), 201)

    async def revoke_certificate(self, request: Request) -> Response:
        kept = await revoke_certificate(self._context, path_id(request))
        return json_answer(ContractCertificateView(**kept.model_dump()))


def _view(contract: Contract) -> ContractView:
    return ContractView(
        id=contract.id,
        driver_name=contract.driver_name,
        status=contract.status,
        created_at=contract.created_at,
        valid_until=contract.valid_until,
        cards=contract.cards,
    )
