"""One request for many: identification requests of unknown cards, and announcements addressed to the clearing house.

Nothing else is ever sent to more than one: never a session, never an SDR, never a command, and no GET.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from core.clearing_house.addresses import EXTENSION_SERVICES, Address
from core.clearing_house.onward import Delivered, HubError
from core.clearing_house.ownership import owner_of
from core.clearing_house.passage import Destination, Passage
from core.clearing_house.references import objects_in, token_key
from core.endpoint.exchange import Answer
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.rejection import Rejection
from core.model.parties import Party
from core.model.services import Service

Send = Callable[[Destination], Awaitable[Delivered]]
"""Sends the request to one of many. Raises HubError."""

_ANNOUNCED = {"locations", "tariffs", "tokens"} | {
    module for module, service in EXTENSION_SERVICES.items() if service is Service.NOTICES
}


def may_be_announced(address: Address, method: str) -> bool:
    """Whether a request addressed to the clearing house itself may go to everybody who agreed to hear it."""
    return address.module in _ANNOUNCED and address.interface == "RECEIVER" and method != "GET"


async def announce(destinations: Sequence[Destination], send: Send) -> Answer:
    """Pass an announcement on to all. Who does not get it asks for it later: nothing waits.

    Raises HubError where it reached nobody.
    """
    outcomes = await asyncio.gather(*(_attempt(send, one) for one in destinations))
    reached = sum(isinstance(one, Delivered) and one.succeeded for one in outcomes)
    if not destinations:
        raise HubError("Nobody has agreed to hear this.", StatusCode.UNKNOWN_RECEIVER)
    if not reached:
        raise HubError(f"It reached none of {len(destinations)} parties.", StatusCode.CONNECTION_PROBLEM)
    return Answer(status_message=f"Taken by {reached} of {len(destinations)} parties.")


async def identify(passage: Passage, destinations: Sequence[Destination], send: Send) -> tuple[Destination, Delivered]:
    """Ask all home-CSPs that agreed to be asked, at once; the answer of the one that owns the credential.

    An owner is one whose answer holds the credential that was asked for, as its own. Two owners are none: refused with
    Ambiguous. Raises Rejection 404/2004 where everybody denies it, HubError 4002 where one that may own it is silent.
    """
    if not destinations:
        raise HubError("No home-CSP has agreed to be asked.", StatusCode.UNKNOWN_RECEIVER)
    outcomes = await asyncio.gather(*(_attempt(send, one) for one in destinations))
    answered = list(zip(destinations, outcomes, strict=True))
    owners = [(to, one) for to, one in answered if isinstance(one, Delivered) and _owns(passage, to, one)]
    if len(owners) > 1:
        raise Ambiguous(tuple(to.receiver.party for to, _ in owners))
    if owners:
        return owners[0]
    if any(not _denies(one) for one in outcomes):
        raise HubError("Not every home-CSP that may know this card has answered.", StatusCode.TIMEOUT)
    raise Rejection("No home-CSP knows this card.", 404, StatusCode.UNKNOWN_TOKEN)


class Ambiguous(HubError):
    """Two home-CSPs call one credential theirs."""

    def __init__(self, parties: tuple[Party, ...]) -> None:
        super().__init__("More than one home-CSP claims this card; nobody may charge with it.")
        self.parties = parties


async def _attempt(send: Send, one: Destination) -> Delivered | HubError:
    try:
        return await send(one)
    except HubError as error:
        return error


def _owns(passage: Passage, to: Destination, delivered: Delivered) -> bool:
    if not delivered.succeeded:
        return False
    asked = passage.references.first("token")
    for one in objects_in(delivered.answer.body):
        token = one.get("token")
        if isinstance(token, dict) and owner_of(token) == to.receiver.party:
            uid, kind = token.get("uid"), token.get("type")
            given = token_key(kind if isinstance(kind, str) else None, str(uid))
            return asked is not None and given.casefold() == asked.casefold()
    return False


def _denies(outcome: Delivered | HubError) -> bool:
    return isinstance(outcome, Delivered) and (
        outcome.answer.status == 404 or outcome.status_code == StatusCode.UNKNOWN_TOKEN
    )
