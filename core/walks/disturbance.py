"""What can be wrong with a platform on the wire: an ASGI app before its own that mistreats messages of some kinds.

The messages themselves are real: they have crossed TLS and are passed on as they came.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.endpoint.endpoint import Endpoint
from core.endpoint.ocpi.envelope import StatusCode, envelope_text
from core.walks.messages import kind_of

_SLOW_SECONDS = 1.5
_Delivered = tuple[Scope, bytes]


@dataclass
class Delivery:
    """One message at the door: it can be handed over any number of times, and answered by anybody."""

    app: ASGIApp
    scope: Scope
    body: bytes
    receive: Receive
    send: Send
    earlier: list[_Delivered]

    async def hand_over(self) -> None:
        """Let the platform take it, and answer."""
        await self._to_platform(self.scope, self.body, self.send)

    async def hand_over_unanswered(self) -> None:
        """Let the platform take it; its answer goes nowhere."""
        await self._to_platform(self.scope, self.body, _nowhere)

    async def repeat_earlier(self) -> None:
        """Let the platform take the message before this one once more."""
        for scope, body in self.earlier[-1:]:
            await self._to_platform(scope, body, _nowhere)

    async def answer(self, http_status: int, body: bytes = b"") -> None:
        """Answer in the platform's place."""
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": http_status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def wait_until_given_up(self) -> None:
        """Say nothing until the sender has hung up."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _to_platform(self, scope: Scope, body: bytes, send: Send) -> None:
        told = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Message:
            return next(told, None) or await self.receive()

        await self.app(dict(scope), receive, send)


async def _nowhere(message: Message) -> None:
    """Where answers go that nobody hears."""


Treatment = Callable[[Delivery], Awaitable[None]]


async def _silent(delivery: Delivery) -> None:
    await delivery.wait_until_given_up()


async def _slow(delivery: Delivery) -> None:
    await asyncio.sleep(_SLOW_SECONDS)
    await delivery.hand_over()


async def _fails(delivery: Delivery) -> None:
    await delivery.answer(503)


async def _refuses(delivery: Delivery) -> None:
    refusal = envelope_text(None, datetime.now(UTC), StatusCode.CLIENT_ERROR, "Refused.")
    await delivery.answer(200, refusal.encode())


async def _loses_answer(delivery: Delivery) -> None:
    await delivery.hand_over_unanswered()
    await delivery.answer(502)


async def _twice(delivery: Delivery) -> None:
    await delivery.hand_over_unanswered()
    await delivery.hand_over()


async def _reordered(delivery: Delivery) -> None:
    await delivery.hand_over()
    await delivery.repeat_earlier()


TREATMENTS: dict[str, Treatment] = {
    "silent": _silent,
    "slow": _slow,
    "5xx": _fails,
    "refused": _refuses,
    "answer-lost": _loses_answer,
    "duplicate": _twice,
    "reordered": _reordered,
    "clearing-house-5xx": _fails,
}
"""By the name of the fault."""


@dataclass
class Disturbance:
    """Stands before a platform until it is lifted, and treats messages of these kinds (`POST commands`)."""

    endpoint: Endpoint
    kinds: frozenset[str]
    treat: Treatment
    _app: ASGIApp = field(init=False)
    _earlier: list[_Delivered] = field(default_factory=list)

    def begin(self) -> None:
        """From now on."""
        self._app = self.endpoint.app
        self.endpoint.app = self

    def lift(self) -> None:
        """Until now; what is being treated is treated to its end."""
        self.endpoint.app = self._app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        if scope["type"] != "http" or kind_of(scope["method"], scope["path"]) not in self.kinds:
            await self._app(scope, receive, send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await self.treat(Delivery(self._app, scope, bytes(body), receive, send, self._earlier))
        self._earlier.append((scope, bytes(body)))
