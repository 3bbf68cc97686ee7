"""What the platforms said to one another, read from their message logs: one message a request, named from both ends."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row, select

from core.endpoint.endpoint import Endpoint
from core.model.parties import PartyRole, PlatformRole
from core.store.engine import Store
from core.store.tables import credential, message_log, partner

UNKNOWN = "unknown"
"""Who a sender is that no platform knows."""

_MODULE = re.compile(r"/ocpi(?:/[0-9.]+)?(?:/(?:sender|receiver))?/([a-z-]+)")
_VERSION_DETAILS = re.compile(r"/ocpi/[0-9.]+/?")
_CONTRACT = re.compile(r'"contract_id"\s*:\s*"([^"]+)"')


class WireMessage(BaseModel):
    """One request and its answer. sender, receiver: role and party, such as `home-CSP NL*EVR`."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    sender: str = Field(serialization_alias="from")
    receiver: str = Field(serialization_alias="to")
    method: str
    path: str
    http_status: int | None
    ocpi_status: int | None
    milliseconds: int | None
    request_id: str | None

    @property
    def kind(self) -> str:
        """Method and OCPI module, such as `PUT sessions`."""
        return kind_of(self.method, self.path)


def kind_of(method: str, path: str) -> str:
    """Method and OCPI module of a request, such as `PUT sessions`."""
    found = _MODULE.match(path)
    module = "versions" if _VERSION_DETAILS.fullmatch(path) else found[1] if found else ""
    return f"{method} {module}"


class LogEntry(BaseModel):
    """A row of one platform's log. platform: whose log; peer: who was at the other end, as the platform knows it."""

    model_config = ConfigDict(frozen=True)

    platform: str
    peer: str
    sequence: int
    at: datetime
    direction: str
    method: str
    path: str
    http_status: int | None
    status_code: int | None
    request_id: str | None
    correlation_id: str | None
    milliseconds: int | None
    request_body: str | None
    response_body: str | None

    @property
    def texts(self) -> Iterator[str]:
        """Everything in it that could give something away."""
        return (text for text in (self.path, self.request_body, self.response_body) if text)


@dataclass
class PlatformLog:
    """The message log of one platform."""

    role: PartyRole
    endpoint: Endpoint
    store: Store

    @property
    def name(self) -> str:
        """Role and party."""
        return name_of(self.role)

    async def entries(self, after: int = 0) -> list[LogEntry]:
        """All rows after that sequence number, in order."""
        await self.endpoint.log.flush()
        query = select(message_log).where(message_log.c.sequence > after).order_by(message_log.c.sequence)
        peers = {one.id: name_of(one.roles[0]) for one in self.endpoint.partners.list() if one.roles}
        with self.store.read() as connection:
            return [self._entry(row, peers) for row in connection.execute(query)]

    def tokens(self) -> set[str]:
        """The tokens by which its partners know this platform."""
        with self.store.read() as connection:
            tokens = connection.execute(select(partner.c.outgoing_token)).scalars().all()
        return {token for token in tokens if token}

    def personal(self) -> set[str]:
        """The credential uids and contract ids that it holds, as they can stand in a message."""
        with self.store.read() as connection:
            held = connection.execute(select(credential.c.uid, credential.c.contract_id, credential.c.body)).all()
        written = {one for row in held for one in _CONTRACT.findall(row.body)}
        return {text for row in held for text in (row.uid, row.contract_id)} | written

    def _entry(self, row: Row[tuple[object, ...]], peers: dict[str, str]) -> LogEntry:
        members = {name: value for name, value in row._mapping.items() if name != "partner_id"}
        return LogEntry.model_validate(
            {**members, "platform": self.name, "peer": peers.get(row.partner_id or "", UNKNOWN)}
        )


@dataclass
class MessageLogs:
    """The logs of all platforms of a network, read from where one stopped."""

    platforms: Sequence[PlatformLog]
    _read_until: dict[str, int] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    async def entries(self) -> list[LogEntry]:
        """Every row of every platform, by time."""
        found = [entry for one in self.platforms for entry in await one.entries()]
        return sorted(found, key=lambda entry: (entry.at, entry.platform, entry.sequence))

    async def heard(self) -> list[WireMessage]:
        """The messages that are new since the last call; what two platforms logged is one message."""
        entries: list[LogEntry] = []
        for one in self.platforms:
            new = await one.entries(self._read_until.get(one.name, 0))
            if new:
                self._read_until[one.name] = new[-1].sequence
            entries += new
        messages = [one for one in paired(entries) if one.request_id not in self._known]
        self._known |= {one.request_id for one in messages if one.request_id is not None}
        return messages

    def tokens(self) -> set[str]:
        """The tokens of all platforms."""
        return {token for one in self.platforms for token in one.tokens()}

    def personal(self) -> set[str]:
        """What names a driver at any platform."""
        return {text for one in self.platforms for text in one.personal()}


def paired(entries: Iterable[LogEntry]) -> list[WireMessage]:
    """The messages behind the rows, by time. Both rows of one request make one message, each end named by its own."""
    ends: dict[str, dict[str, LogEntry]] = {}
    for entry in entries:
        key = entry.request_id or f"{entry.platform}/{entry.sequence}"
        ends.setdefault(key, {})[entry.direction] = entry
    return sorted((_message(both.get("out"), both.get("in")) for both in ends.values()), key=lambda one: one.at)


def without(secrets: Iterable[str], entries: Iterable[LogEntry]) -> list[LogEntry]:
    """The rows with every secret in them replaced, longer ones first."""
    ordered = sorted(secrets, key=len, reverse=True)

    def clean(text: str | None) -> str | None:
        for secret in ordered if text else ():
            text = text and text.replace(secret, "***")
        return text

    names = ("path", "request_body", "response_body")
    return [one.model_copy(update={name: clean(getattr(one, name)) for name in names}) for one in entries]


def name_of(role: PartyRole) -> str:
    """A party in its role, as a reader of a message ladder names it."""
    short = "clearing house" if role.role is PlatformRole.CLEARING_HOUSE else role.role.value
    return f"{short} {role.party}"


def _message(sent: LogEntry | None, taken: LogEntry | None) -> WireMessage:
    seen = sent or taken
    assert seen is not None  # a request has one end at least
    return WireMessage(
        at=seen.at,
        sender=sent.platform if sent else seen.peer,
        receiver=taken.platform if taken else seen.peer,
        method=seen.method,
        path=seen.path,
        http_status=seen.http_status,
        ocpi_status=seen.status_code,
        milliseconds=seen.milliseconds,
        request_id=seen.request_id,
    )
