"""The typed client of the driver API: all that a front end knows of the platforms."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from urllib.parse import quote, urlencode
from uuid import uuid4

from pydantic import TypeAdapter

from core.driver_messages import (
    CardIdentification,
    DriverEvent,
    EvseFound,
    Health,
    History,
    Login,
    PinIdentification,
    Place,
    QuoteRequest,
    QuoteView,
    SessionView,
    SiteList,
    SiteQuery,
    SiteView,
    StartRequest,
)
from core.driver_messages.cable_unlock import UnlockAsked, UnlockView
from core.driver_messages.disputes import DisputeRequest
from core.driver_messages.plans import PlanRequest, PlanWord
from core.driver_messages.reservations import ReservationOffer, ReservationWish, ReserveRequest
from core.driver_messages.stopping import StopRequest
from core.errors import Unreachable
from core.http import LOOPBACK
from core.json_client import JsonClient
from core.model.parties import ObjectKey
from core.model.receipt import Receipt
from core.model.session import StopScope

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_Sessions = TypeAdapter(tuple[SessionView, ...])
_Places = TypeAdapter(tuple[Place, ...])


class DriverClient:
    """Speaks with one home-CSP. Raises the EvroamError that the platform answered, or Unreachable."""

    def __init__(self, base_url: str, context: ssl.SSLContext) -> None:
        self._api = JsonClient(base_url.rstrip("/") + "/driver/v1", context, None, LOOPBACK, timeout=30)
        self._login: Login | None = None

    @property
    def login(self) -> Login | None:
        """Who is identified, None for nobody."""
        return self._login

    def resume(self, login: Login) -> None:
        """Go on as a driver who identified earlier."""
        self._login, self._api.token = login, login.token

    def forget(self) -> None:
        """Drop the identification: nothing personal stays in this client."""
        self._login = self._api.token = None

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def health(self) -> Health:
        """Whether the home-CSP answers, and what it says of itself."""
        return await self._api.get("/health", Health)

    async def sites(self, query: SiteQuery) -> SiteList:
        """The nearest or best sites for a query."""
        return await self._api.post("/sites", query, SiteList)

    async def site(self, key: ObjectKey) -> SiteView:
        """One site with its EV supply equipment. Raises NotFound."""
        return await self._api.get(f"/sites/{key.country_code}/{key.party_id}/{quote(key.id, safe='')}", SiteView)

    async def evse(self, evse_id: str) -> EvseFound:
        """The EV supply equipment that an id names, in any written form. Raises NotFound, with near misses."""
        return await self._api.get(f"/evses/{quote(evse_id, safe='')}", EvseFound)

    async def places(self, text: str) -> tuple[Place, ...]:
        """Named places that begin like the text."""
        return _Places.validate_json(await self._api.send("GET", f"/places?{urlencode({'q': text})}"))

    async def quote(self, request: QuoteRequest) -> QuoteView:
        """A quote at one connector (UC2-2). Raises Refused where there is no agreement or no known price."""
        return await self._api.post("/quotes", request, QuoteView)

    async def identify(self, identification: CardIdentification | PinIdentification) -> Login:
        """Identify; later requests act for this driver. Raises NotAllowed."""
        kind = "card" if isinstance(identification, CardIdentification) else "pin"
        login = await self._api.post(f"/identify/{kind}", identification, Login)
        self.resume(login)
        return login

    async def start(self, quote_id: str) -> SessionView:
        """Consent to a quote and start charging (UC3-2). Raises Refused."""
        return await self._api.post("/sessions", StartRequest(quote_id=quote_id, request_id=str(uuid4())), SessionView)

    async def sessions(self) -> tuple[SessionView, ...]:
        """The driver's open sessions, and those that ended lately."""
        return _Sessions.validate_json(await self._api.send("GET", "/sessions"))

    async def session(self, id: str) -> SessionView:
        """One of the driver's sessions. Raises NotFound."""
        return await self._api.get(f"/sessions/{quote(id, safe='')}", SessionView)

    async def stop(self, session_id: str, scope: StopScope = StopScope.SERVICE_SESSION) -> SessionView:
        """Ask to stop (UC3-4); the end comes as an event. Raises Refused where the operator cannot stop so little."""
        return await self._api.post(
            f"/sessions/{quote(session_id, safe='')}/stop", StopRequest(scope=scope), SessionView
        )

    async def resume_transfer(self, session_id: str) -> SessionView:
        """Let energy flow again after a stop of the energy transfer alone. Raises Refused, Unreachable."""
        return await self._api.post(f"/sessions/{quote(session_id, safe='')}/resume", None, SessionView)

    async def reservation_offer(self, wish: ReservationWish) -> ReservationOffer:
        """What a reservation would cost and whether it can be had (UC3-8); nothing is reserved."""
        return await self._api.post("/reservations/offer", wish, ReservationOffer)

    async def reserve(self, wish: ReservationWish) -> SessionView:
        """Consent to an offer: the operator is asked to hold the post (UC3-8). Raises Refused."""
        request = ReserveRequest(**wish.model_dump(), request_id=str(uuid4()))
        return await self._api.post("/reservations", request, SessionView)

    async def start_reserved(self, session_id: str) -> SessionView:
        """Arrived: start charging on a reservation, in the same session. Raises Refused."""
        return await self._act_on_reservation(session_id, "start")

    async def cancel_reservation(self, session_id: str) -> SessionView:
        """Give a reservation up; that it is released comes as an event. Raises Refused."""
        return await self._act_on_reservation(session_id, "cancel")

    async def _act_on_reservation(self, session_id: str, what: str) -> SessionView:
        path = f"/reservations/{quote(session_id, safe='')}/{what}"
        return await self._api.post(path, None, SessionView)

    async def ask_unlock(self, session_id: str, reason: str = "") -> UnlockView:
        """The cable is stuck: ask a person of the home-CSP (UC5-2, UC5-3). Raises Refused."""
        asked = UnlockAsked(request_id=str(uuid4()), reason=reason)
        return await self._api.post(f"/sessions/{quote(session_id, safe='')}/unlock", asked, UnlockView)

    async def ask_plan(self, session_id: str, wanted: PlanRequest) -> SessionView:
        """Ask for a charge plan (UC3-7), or counter the one on offer. Raises Refused (plan_...), Unreachable."""
        return await self._api.post(f"/sessions/{quote(session_id, safe='')}/plan", wanted, SessionView)

    async def answer_plan(self, session_id: str, word: PlanWord) -> SessionView:
        """Say yes or no to an offer, or to an update that costs more (UC3-10). Raises Refused, NotFound."""
        return await self._api.post(f"/sessions/{quote(session_id, safe='')}/plan/answer", word, SessionView)

    async def receipts(self) -> History:
        """The driver's receipts, newest first."""
        return await self._api.get("/receipts", History)

    async def receipt(self, id: str) -> Receipt:
        """One receipt. Raises NotFound."""
        return await self._api.get(f"/receipts/{quote(id, safe='')}", Receipt)

    async def dispute(self, receipt_id: str, note: str = "") -> Receipt:
        """Say that a bill is wrong (UC3-9). Raises Refused where it is disputed or taken back already."""
        return await self._api.post(
            f"/receipts/{quote(receipt_id, safe='')}/dispute", DisputeRequest(note=note), Receipt
        )

    async def favourite(self, key: ObjectKey, wanted: bool) -> None:
        """Mark a site as the driver's favourite, or no longer."""
        path = f"/favourites/{key.country_code}/{key.party_id}/{quote(key.id, safe='')}"
        await self._api.send("PUT" if wanted else "DELETE", path)

    async def events(self, after: int | None = None) -> AsyncGenerator[DriverEvent | None, None]:
        """The driver's live events, without end. A dropped stream resumes after the last event, without a gap.

        None is yielded whenever the stream has dropped, so that the front end can show the connection's age.
        Who stops listening closes it (contextlib.aclosing), and the stream on the wire with it. Raises NotAllowed when
        the identification has ended.
        """
        last, pause = after, _FIRST_PAUSE
        while True:
            try:
                async with self._api.events("/events", last) as stream:
                    async for sent in stream:
                        pause = _FIRST_PAUSE
                        if sent.data:
                            event = DriverEvent.model_validate_json(sent.data)
                            last = event.id
                            yield event
            except Unreachable as error:
                if error.code == "no_event_stream":
                    await self._api.send("GET", "/sessions")  # tells why: the identification may have ended
            yield None
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
