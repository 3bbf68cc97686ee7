"""The extension module `agreements` (5.4.6): agreements proposed, signed and ended between two platforms.

A proposal is a PUT of a document with its sender's signature; the answer brings the receiver's, once it has signed. The
same PUT from the other side completes it later. Who has agreed on the module reads all versions with GET.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Extension, Push, module_id
from core.endpoint.ocpi.envelope import list_text
from core.endpoint.ocpi.kinds import CiString, Moment, write_timestamp
from core.endpoint.ocpi.reading import Json, JsonObject, parse, to_text
from core.endpoint.ocpi.shape import Shape, only_object, to_wire
from core.endpoint.partner import Partner
from core.errors import InvalidInput
from core.model.services import Service

MODULE = module_id("agreements")
KIND, END_KIND, REFRESH_KIND = "agreements", "agreement_ends", "agreement_endpoints"
"""The kinds under which versions, ends, and partners whose endpoints are to be read again are marked in the outbox."""

SIGNED_VERSION, SIGNED_END = "evroam-agreement+jws", "evroam-agreement-end+jws"
"""The kinds of signatures: over the hash of a version, and over `end_text`."""

_LONGEST_SIGNATURE = 8_000
_Hash = Annotated[str, CiString(64)]
_Signature = Annotated[str, CiString(_LONGEST_SIGNATURE)]


class EndNotice(Shape):
    """From when on nothing new begins under a version."""

    hash: _Hash
    ends_at: Moment
    signature: _Signature


class Standing(Shape):
    """How the receiver of a version sees it: its state, and its own signature once there is one."""

    hash: _Hash
    state: Annotated[str, CiString(16)]
    signature: _Signature | None = None


class Proposal(Shape):
    """What its sender signs a version with; the document stands beside it."""

    signature: _Signature


@dataclass(frozen=True)
class ListedVersion:
    """A version in a list, with both signatures as far as they are there."""

    canonical: str
    state: str
    ours: str | None
    theirs: str | None


class AgreementParty(Protocol):
    """One side of the exchange. All raise EvroamError to refuse."""

    async def receive(self, partner: Partner, document: Json, signature: str) -> Standing:
        """A version that the partner has signed. The same again changes nothing."""
        ...

    async def receive_end(self, partner: Partner, notice: EndNotice) -> None:
        """The partner says from when on nothing new begins. The same again changes nothing."""
        ...

    def listed(self, partner: Partner) -> list[ListedVersion]:
        """All versions, for the partner to read."""
        ...


def agreeing(party: AgreementParty, push: Push, push_end: Push, refresh: Push) -> Extension:
    """Our side of the module, the same for every role."""

    async def put(request: Request) -> Answer:
        body = only_object(parse(request.body))
        document = body.get("document")
        named = (document.get("id"), document.get("version")) if isinstance(document, dict) else (None, None)
        if (named[0], str(named[1])) != (request.path["agreement_id"], request.path["version"]):
            raise InvalidInput("The document in the body is another one than in the path.")
        standing = await party.receive(request.partner, document, Proposal.read(body).signature)
        return Answer(to_text(to_wire(standing)))

    async def put_end(request: Request) -> Answer:
        await party.receive_end(request.partner, EndNotice.read(parse(request.body)))
        return Answer()

    async def get(request: Request) -> Answer:
        return Answer(list_text(tuple(map(_listed_text, party.listed(request.partner)))))

    path = "/{agreement_id}/{version}"
    routes = (
        Route(MODULE, "RECEIVER", "PUT", path, put),
        Route(MODULE, "RECEIVER", "PUT", path + "/end", put_end),
        Route(MODULE, "SENDER", "GET", "", get),
    )
    return Extension(Service.AGREEMENTS, routes, {KIND: push, END_KIND: push_end, REFRESH_KIND: refresh})


def end_text(hash: str, ends_at: datetime) -> str:
    """What is signed to end a version."""
    return f"{hash} {write_timestamp(ends_at)}"


def _listed_text(one: ListedVersion) -> str:
    members: JsonObject = {"state": one.state, "signature": one.ours, "your_signature": one.theirs}
    present = to_text({name: value for name, value in members.items() if value is not None})
    return f'{present[:-1]},"document":{one.canonical}}}'


async def send_version(calls: Calls, partner: Partner, id: str, version: int, text: str, signature: str) -> Standing:
    """Send a version that we have signed; how the partner sees it. Raises as `Calls.extension`."""
    body = f'{to_text({"signature": signature})[:-1]},"document":{text}}}'
    reply = await calls.extension(partner, Service.AGREEMENTS, "PUT", MODULE, "RECEIVER", id, str(version), body=body)
    return Standing.read(only_object(reply.data))


async def send_end(
    calls: Calls, partner: Partner, id: str, version: int, hash: str, ends_at: datetime, signature: str
) -> None:
    """Tell from when on nothing new begins. Raises as `Calls.extension`."""
    notice = EndNotice.model_construct(hash=hash, ends_at=ends_at, signature=signature)
    segments = (id, str(version), "end")
    await calls.extension(
        partner, Service.AGREEMENTS, "PUT", MODULE, "RECEIVER", *segments, body=to_text(to_wire(notice))
    )
