"""The third witness: what passes the switch, kept for reconciliation where the two parties have terms (6.4.2).

Taken after the receiver has it: SDRs as they came, sessions as they were put. A PATCH of a session tells a part only
and is left out; the last word on a session is a PUT or its SDR.
"""

from datetime import datetime

import structlog

from core.clearing_house.addresses import Address
from core.clearing_house.clearing import Clearing, terms_between
from core.clearing_house.intake import take_sdr, take_session
from core.endpoint.binding import Binding
from core.endpoint.partner import Partner
from core.errors import EvroamError, NotFound
from core.model.clearing.records import SessionRecord, Witness
from core.model.parties import Party
from core.model.session_report import ReportedStatus, SessionReport

log = structlog.get_logger(__name__)


class Observer:
    """Keeps what passes between parties that are reconciled here."""

    def __init__(self, clearing: Clearing) -> None:
        self._clearing = clearing

    async def passed(
        self, binding: Binding, address: Address, method: str, body: bytes, sender: Partner, to: Party, at: datetime
    ) -> None:
        """A message has reached its receiver. Never raises for what it holds: it has passed already."""
        try:
            match address.interface, address.module, method:
                case "RECEIVER", "cdrs", "POST":
                    await take_sdr(self._clearing, binding.sdr.read_put(body, at), sender.id)
                case "RECEIVER", "sessions", "PUT":
                    await self._session(binding.session.read_put(body, at).value, to)
        except NotFound:
            return  # the pair has no terms: it is not reconciled here
        except EvroamError as error:
            log.warning("not_witnessed", module=address.module, sender=sender.id, code=error.code, why=error.message)

    async def _session(self, report: SessionReport, home: Party) -> None:
        visited = Party.of(report.country_code, report.party_id)
        with self._clearing.store.read() as connection:
            terms_between(connection, visited, home)
        await take_session(self._clearing, Witness.CLEARING_HOUSE, seen(report, home))


def seen(report: SessionReport, home: Party) -> SessionRecord:
    """A session as its operator told it in passing."""
    return SessionRecord(
        id=report.id,
        visited=Party.of(report.country_code, report.party_id),
        home=home,
        session_id=report.id,
        authorization_reference=report.authorization_reference,
        credential=report.credential,
        started_at=report.start,
        ended_at=report.end,
        energy=report.energy,
        cost=report.total_cost.before_taxes if report.total_cost else None,
        currency=report.currency.upper(),
        authorised=report.status is not ReportedStatus.INVALID,
    )
