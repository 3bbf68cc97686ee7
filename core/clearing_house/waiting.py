"""Store-and-forward at the switch: which request is kept, and what a kept one goes through when it goes on."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import parse_qsl

from core.clearing_house.aliases import End
from core.clearing_house.context import Context
from core.clearing_house.log import Kind
from core.clearing_house.notary import Notary, entry_of
from core.clearing_house.onward import Delivered, HubError, Outgoing, deadline_of
from core.clearing_house.passage import Destination, Passage
from core.clearing_house.references import references_in
from core.clearing_house.store_and_forward import Kept, StoreAndForward, must_arrive, object_key
from core.endpoint.exchange import Answer, Request
from core.endpoint.message_log import correlation

Send = Callable[[Passage], Awaitable[Delivered]]
"""Sends on what was kept, to the receiver that it names. Raises HubError, Rejection where it may not pass any more."""


class Waiting:
    """Keeps requests and lets them go on; `queue` runs beside the switch."""

    def __init__(self, context: Context, notary: Notary, send: Send) -> None:
        self._context = context
        self._notary = notary
        self._send = send
        self.queue = StoreAndForward(context.store, context.wire_clock.now, self._deliver, self._told)

    def may(self, passage: Passage, destination: Destination) -> bool:
        """Whether this request may wait for a receiver that is away."""
        return destination.agreement.terms.switch.store_and_forward and must_arrive(
            passage.address, passage.references, passage.request.method
        )

    def must(self, passage: Passage, destination: Destination) -> bool:
        """Whether something of the same object waits already, which this must not overtake."""
        key = object_key(passage.address, passage.references)
        if key is None or passage.request.method == "GET" or not destination.agreement.terms.switch.store_and_forward:
            return False
        with self._context.store.read() as connection:
            return self.queue.waits(connection, passage.sender.party, destination.receiver.party, key)

    async def keep(self, passage: Passage, destination: Destination, outgoing: Outgoing) -> Answer:
        """Take it in; durable when this returns."""
        address, request, receiver = passage.address, passage.request, destination.receiver.party
        kept = Kept(
            version=address.version,
            interface=address.interface,
            module=address.module,
            below=address.below,
            raw_below=address.raw_below,
            raw_query=request.raw_query,
            method=request.method,
            body=(outgoing.body or b"").decode(),
            sender=passage.sender.party,
            receiver=receiver,
            message_id=request.request_id,
            correlation_id=request.correlation_id,
        )
        key = object_key(address, passage.references) or ""
        await self._context.store.write(lambda connection: self.queue.keep(connection, kept, key))
        self.queue.wake()
        return Answer(status_message=f"Kept for {receiver}, which does not answer at present.")

    async def _deliver(self, kept: Kept) -> Delivered:
        correlation.set(kept.correlation_id)
        return await self._send(self._passage(kept))

    async def _told(self, kept: Kept, delivered: Delivered | None, why: str) -> None:
        """Write down what became of a message that waited."""
        passage = self._passage(kept)
        entry = replace(
            entry_of(self._context, kept.address, passage.request, kept.sender, passage.references),
            kind=Kind.UNDELIVERED if why else Kind.DELIVERED,
            receiver=kept.receiver,
            onward_id=delivered.onward_id if delivered else None,
            http_status=delivered.answer.status if delivered else None,
            status_code=delivered.status_code if delivered else None,
            content_hash=hashlib.sha256(kept.body.encode()).hexdigest(),
        )
        await self._notary.note(entry)
        if why:
            await self._notary.alert(entry, "undelivered", {"receiver": str(kept.receiver), "reason": why[:300]})

    def _passage(self, kept: Kept) -> Passage:
        sender = self._context.partners.speakers().get(kept.sender)
        if sender is None:
            raise HubError(f"{kept.sender} is not connected here any more.")
        query, body, now = dict(parse_qsl(kept.raw_query)), kept.body.encode(), self._context.wire_clock.now()
        request = Request(
            partner=sender,
            method=kept.method,
            url="",
            path={},
            query=query,
            body=body,
            received_at=now,
            from_party=kept.sender,
            to_party=kept.receiver,
            request_id=kept.message_id,
            correlation_id=kept.correlation_id,
            raw_query=kept.raw_query,
        )
        references = references_in(kept.address, query, body)
        return Passage(
            kept.address, request, references, End(sender, kept.sender), deadline_of(self._context, kept.address), now
        )
