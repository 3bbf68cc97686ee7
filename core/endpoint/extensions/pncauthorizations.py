"""The extension module `pncauthorizations` (UC3-3): identification with the evidence of the contract certificate.

OCPI asks by EMAID alone. A partner without the module is asked so where the agreement takes plug and charge: the
visited-CSO has judged the certificate, and the home-CSP has to believe it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from textwrap import wrap
from typing import Annotated

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Extension, module_id
from core.endpoint.ocpi.kinds import CiString, Closed, Text
from core.endpoint.ocpi.reading import parse, to_text
from core.endpoint.ocpi.shape import AtLeastOne, Shape, written
from core.endpoint.partner import Partner
from core.endpoint.ports import AuthorisationVerdict
from core.errors import InvalidInput, Unreachable
from core.model.plug_and_charge import CertificateStatus, ContractEvidence
from core.model.services import Service

MODULE = module_id("pncauthorizations")
PROTOCOLS = ("ISO15118-2", "ISO15118-20")
_WITHIN_SECONDS = 5.0
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class PncRequest(Shape):
    """A vehicle asks to charge: its EMAID, the chain of its contract certificate, and where it stands.

    contract_certificate_chain: DER in Base64, leaf first.
    """

    emaid: Annotated[str, CiString(36)]
    contract_certificate_chain: Annotated[tuple[Annotated[str, Text(8000)], ...], AtLeastOne()]
    protocol: Annotated[str, Closed(PROTOCOLS)]
    location_id: Annotated[str, CiString(36)] | None = None
    evse_uid: Annotated[str, CiString(36)] | None = None


class PncAnswer(Shape):
    """Whether it may charge, what became of its certificate, and who pays under which reference."""

    allowed: Annotated[str, Closed(tuple(AuthorisationVerdict))]
    certificate_status: Annotated[str, Closed(tuple(CertificateStatus))]
    authorization_reference: Annotated[str, CiString(36)] | None = None
    country_code: Annotated[str, CiString(2)] | None = None
    party_id: Annotated[str, CiString(3)] | None = None
    contract_id: Annotated[str, CiString(36)] | None = None
    group_id: Annotated[str, CiString(36)] | None = None


@dataclass(frozen=True)
class PncAsked:
    """The request in the model's words."""

    evidence: ContractEvidence
    site_id: str | None = None
    evse_uid: str | None = None


@dataclass(frozen=True)
class PncGranted:
    """The answer in the model's words; the payer is named where it is allowed."""

    verdict: AuthorisationVerdict
    certificate: CertificateStatus
    reference: str | None = None
    country_code: str = ""
    party_id: str = ""
    contract_id: str = ""
    group_id: str | None = None


def authorising(authorise: Callable[[Partner, PncAsked], Awaitable[PncGranted]]) -> Extension:
    """The home-CSP's side. An unknown contract is answered like a blocked one: nothing is to be guessed."""

    async def post(request: Request) -> Answer:
        shape = PncRequest.read(parse(request.body))
        evidence = ContractEvidence(
            emaid=shape.emaid, chain=tuple(map(_pem, shape.contract_certificate_chain)), protocol=shape.protocol
        )
        granted = await authorise(request.partner, PncAsked(evidence, shape.location_id, shape.evse_uid))
        return Answer(to_text(written(_answer(granted))))

    return Extension(Service.PLUG_AND_CHARGE, (Route(MODULE, "SENDER", "POST", "", post),))


async def ask(calls: Calls, partner: Partner, asked: PncAsked) -> PncGranted:
    """Ask the home-CSP, answered within 5 s or Unreachable. Raises as `Calls.extension`."""
    shape = PncRequest.model_construct(
        emaid=asked.evidence.emaid,
        contract_certificate_chain=tuple(map(_bare, asked.evidence.chain)),
        protocol=asked.evidence.protocol,
        location_id=asked.site_id,
        evse_uid=asked.evse_uid,
    )
    body = to_text(written(shape))
    reply = await calls.extension(
        partner, Service.PLUG_AND_CHARGE, "POST", MODULE, "SENDER", body=body, timeout=_WITHIN_SECONDS
    )
    try:
        answer = PncAnswer.read(reply.data)
    except InvalidInput as error:
        raise Unreachable(f"The partner's answer cannot be read: {error.message}", code="unreadable_answer") from error
    return PncGranted(
        verdict=AuthorisationVerdict(answer.allowed),
        certificate=CertificateStatus(answer.certificate_status),
        reference=answer.authorization_reference,
        country_code=answer.country_code or "",
        party_id=answer.party_id or "",
        contract_id=answer.contract_id or "",
        group_id=answer.group_id,
    )


def _answer(granted: PncGranted) -> PncAnswer:
    return PncAnswer.model_construct(
        allowed=granted.verdict,
        certificate_status=granted.certificate,
        authorization_reference=granted.reference,
        country_code=granted.country_code or None,
        party_id=granted.party_id or None,
        contract_id=granted.contract_id or None,
        group_id=granted.group_id,
    )


def _bare(pem: str) -> str:
    return "".join(line for line in pem.split("\n") if line and not line.startswith("-----"))


def _pem(bare: str) -> str:
    return f"{_BEGIN}\n" + "".join(f"{line}\n" for line in wrap(bare, 64)) + f"{_END}\n"
