"""Reservations at a post of the demo network, and commands about them as any home-CSP may send them."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, QuoteView, SessionView
from core.driver_messages.reservations import ReservationWish
from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply, CommandResult, Held
from core.home_csp.context import Context
from core.home_csp.contracts import app_credential
from core.model.credentials import Credential
from core.model.identifiers import ContractId
from core.model.parties import ObjectKey
from core.model.receipt import Receipt
from core.model.session import SessionState
from core.model.sites import Status
from core.network import Network
from core.store.sessions import load_open
from core.store.tables import command as command_table
from core.visited_cso.sites import load_site
from tests.network.charging import Charging, Post, in_state, receipt_for
from tests.networks import quote_at, until

S = SessionState
SITE = ObjectKey(country_code="DE", party_id="KPF", id="KPF-B-MOABIT")


@dataclass
class Reserved:
    session: Charging
    quote: QuoteView

    async def reaches(self, *states: SessionState) -> SessionView:
        found = (await until(self.session.events, in_state(*states, id=self.session.id))).session
        assert found is not None
        return found

    async def receipt(self) -> Receipt:
        receipt = (await until(self.session.events, receipt_for(self.session.id))).receipt
        assert receipt is not None
        return receipt


async def reserve(network: Network, driver: DriverClient, post: Post, minutes: int = 15) -> Reserved:
    quote = await quote_at(driver, post.site, post.evse_uid)
    events = driver.events(0)
    asked = await driver.reserve(ReservationWish(quote_id=quote.id, minutes=minutes))
    reserved = Reserved(Charging(network, driver, post, asked.id, events), quote)
    await reserved.reaches(S.RESERVED)
    await post.member.platform.endpoint.outbox.settled()
    return reserved


def status_of(post: Post) -> Status:
    context = post.member.platform.context
    with context.store.read() as connection:
        site = load_site(connection, context, post.site.id)
    equipment = site.find_equipment(post.evse_uid) if site else None
    assert equipment is not None
    return equipment.status


def with_words(event: DriverEvent) -> bool:
    return bool(event.session and event.session.reservation and event.session.reservation.message)


def nothing_is_open(network: Network) -> bool:
    contexts = [network.home.context, *(one.platform.context for one in network.members)]
    for context in contexts:
        with context.store.read() as connection:
            if load_open(connection, context.party):
                return False
    return True


def own_credential(context: Context, contract: str) -> Credential:
    with context.store.read() as connection:
        credential = app_credential(connection, context, ContractId.parse(contract).key)
    assert credential is not None
    return credential


@dataclass
class Sender:
    """A home-CSP that sends commands of its own making."""

    context: Context
    partner: Partner
    contract: str
    sent: int = 0

    def command(self, kind: CommandKind, **members: object) -> Command:
        self.sent += 1
        credential = members.pop("credential", None) or own_credential(self.context, self.contract)
        assert isinstance(credential, Credential)
        wanted: dict[str, object] = {
            "response_url": self.context.calls.response_url(kind, f"own-{self.sent}"),
            "credential": Held(credential, self.context.writer.credential(credential)),
            "site_id": SITE.id,
            "evse_uid": "KPF-B-MOABIT-A1",
            "connector_id": "1" if kind is CommandKind.START_SESSION else None,
            "reservation_id": "R1",
            "expiry": self.context.clock.now() + timedelta(minutes=20),
        }
        return Command(kind=kind, **(wanted | members))  # type: ignore[arg-type]  # members as the tests name them

    async def send(self, kind: CommandKind, **members: object) -> CommandReply:
        return await self.context.calls.command(self.partner, self.command(kind, **members))


async def outcome(post: Post, sender: Sender, kind: CommandKind, **members: object) -> CommandResult | None:
    """What a command comes to at the station, asked at the desk that takes it, so that its work can be awaited."""
    reservations = post.member.platform.commands.reservations
    command = sender.command(kind, **members)
    reply, work = await reservations.accept(_known_at(post, sender), command)
    assert reply.answer is CommandAnswer.ACCEPTED, reply.message
    assert work is not None
    await work
    return _result(post, command)


def _known_at(post: Post, sender: Sender) -> Partner:
    partners = post.member.platform.context.home_csps()
    return next(one for one in partners if one.speaks_for(sender.context.party))


def _result(post: Post, command: Command) -> CommandResult | None:
    with post.member.platform.context.store.read() as connection:
        columns = command_table.c
        query = select(columns.result).where(columns.response_url == command.response_url)
        found = connection.execute(query).scalar()
    return None if found is None else CommandResult(found)
