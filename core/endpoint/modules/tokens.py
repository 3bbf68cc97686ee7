"""Tokens: credentials that are distributed (UC4-2) and identification requests (UC4-1)."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.endpoint.binding import Binding
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.modules.lists import list_routes
from core.endpoint.modules.objects import Receiving
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.ocpi.reading import parse, to_text
from core.endpoint.ports import Authoriser, CredentialReceiver, Ports
from core.endpoint.rejection import Rejection
from core.endpoint.stored import Kind, for_partners_of
from core.errors import InvalidInput
from core.model.credentials import Credential, CredentialKind
from core.model.parties import ObjectKey

MODULE = "tokens"


def routes(ports: Ports, binding: Binding, page_limit: int) -> Iterator[Route]:
    """`type` in the query is part of the key and means RFID where it is missing."""
    yield from list_routes(MODULE, ports.credential_source, page_limit, for_partners_of(binding, Kind.CREDENTIAL))
    if ports.authoriser is not None:
        yield Route(MODULE, "SENDER", "POST", "/{token_uid}/authorize", _Authorise(ports.authoriser, binding).post)
    if ports.credentials is not None:
        yield from _receiving(ports.credentials, binding).routes(patchable=True)


def _receiving(port: CredentialReceiver, binding: Binding) -> Receiving[Credential]:
    async def held(request: Request, key: ObjectKey) -> str | None:
        return await port.held(request.partner, key, kind_asked(request, binding))

    return _TypedReceiving(
        MODULE,
        "token_uid",
        binding.credential,
        _key_of,
        held,
        port.put,
        StatusCode.UNKNOWN_TOKEN,
        for_partners_of(binding, Kind.CREDENTIAL),
        binding=binding,
    )


@dataclass(frozen=True, kw_only=True)
class _TypedReceiving(Receiving[Credential]):
    binding: Binding

    async def receive(self, request: Request) -> Answer:
        """PUT, where the type in the body has to be that of the query."""
        held = self.codec.read_put(request.body, request.received_at)
        if held.value.kind is not kind_asked(request, self.binding):
            raise InvalidInput("The type in the body is another one than in the query.")
        return await super().receive(request)


class _Authorise:
    def __init__(self, port: Authoriser, binding: Binding) -> None:
        self._port = port
        self._binding = binding

    async def post(self, request: Request) -> Answer:
        """Whether a credential may charge; 404 and 2004 without data where it is unknown."""
        references = parse(request.body) if request.body.strip() else None
        asked = self._binding.authorisation_request(
            request.path["token_uid"], kind_asked(request, self._binding), references
        )
        verdict = await self._port.authorise(request.partner, asked)
        if verdict is None:
            raise Rejection("This credential is not known here.", 404, StatusCode.UNKNOWN_TOKEN)
        return Answer(to_text(self._binding.authorisation_body(verdict, asked)))


def kind_asked(request: Request, binding: Binding) -> CredentialKind:
    """The kind that the query names. Raises InvalidInput."""
    return binding.credential_kind(request.query.get("type", CredentialKind.RFID.value))


def _key_of(value: Credential) -> ObjectKey:
    return ObjectKey(country_code=value.country_code, party_id=value.party_id, id=value.uid)
