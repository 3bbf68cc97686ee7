"""A member's part in reconciliation and settlement (6.4.2, 6.4.3), the same for both roles but for what they report.

What a clearing house must have is marked in the transaction of the change and sent as it stands until it is taken;
what it has to say is asked for: terms of our pairs, verdicts, statements. Pairs that it has no terms for are not told.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy import Connection

from core.clock import Clock
from core.endpoint.control_totals import Totals
from core.endpoint.endpoint import Endpoint
from core.endpoint.extension import Extension
from core.endpoint.extensions import reconciliations, settlements
from core.endpoint.partner import Partner
from core.endpoint.partners import Partners
from core.endpoint.ports import Held, Reader
from core.errors import EvroamError, NotFound, Refused
from core.model.clearing.batches import BatchState
from core.model.clearing.hearing import payers_word, step_of
from core.model.clearing.records import SessionRecord
from core.model.clearing.statement import Statement
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdict import DisputeMove, SdrVerdict, VerdictMove
from core.model.clearing.verdicts import Dispute
from core.model.parties import ObjectKey, Party, PlatformRole
from core.model.sdr import Sdr
from core.model.sdr_verdicts import VerdictState, VerdictStep
from core.model.services import Service
from core.store import heard
from core.store.engine import Store, append_event
from core.tasks import regularly

log = structlog.get_logger(__name__)

ROUND_EVERY = timedelta(minutes=1)
TOTALS_EVERY = timedelta(hours=1)
"""On the platform's clock: how often clearing houses are heard, and totals of days that are over set beside theirs."""

_FIRST_AFTER_SECONDS = 2.0
"""Platforms of one network start together, one after the other."""

Marks = Iterable[tuple[str, ObjectKey]]
"""Kinds and keys of what a clearing house must have."""


class Witness(Protocol):
    """What a role has to report, and what it does with what it hears."""

    def record(self, connection: Connection, key: ObjectKey) -> SessionRecord | None:
        """Our record of a session or authorisation as it stands (home-CSP)."""
        ...

    def sdr(self, connection: Connection, key: ObjectKey) -> Held[Sdr] | None:
        """Our own SDR, in the very text that its payer has (visited-CSO)."""
        ...

    def all_of(self, connection: Connection, terms: ClearingTerms) -> Marks:
        """All that we have of a pair which is reconciled from now on."""
        ...

    def follow(self, connection: Connection, sdr: ObjectKey, step: VerdictStep) -> None:
        """Let the session of an SDR follow a verdict; one of which nothing is known here changes nothing."""
        ...

    def own_verdict(self, connection: Connection, verdict: SdrVerdict) -> VerdictState | None:
        """What we, the payer, say of the very SDR that was judged; None where we are not, or say nothing."""
        ...


def houses(partners: Partners) -> tuple[Partner, ...]:
    """The clearing houses with which reconciliation is agreed."""
    found = partners.connected(PlatformRole.CLEARING_HOUSE)
    return tuple(one for one in found if one.agreement.finishes(Service.RECONCILIATION))


def mark_for_houses(connection: Connection, endpoint: Endpoint, kind: str, key: ObjectKey) -> None:
    """To be called in the transaction of the change: clearing houses must have the object as it is now."""
    known = [one.id for one in houses(endpoint.partners)]
    if known:
        endpoint.outbox.mark(connection, known, kind, key)


class Reporting:
    """One member's dealings with its clearing houses."""

    def __init__(
        self, *, endpoint: Endpoint, store: Store, clock: Clock, party: Party, reader: Reader, witness: Witness
    ) -> None:
        self._endpoint = endpoint
        self._store = store
        self._clock = clock
        self._party = party
        self._witness = witness
        self._totals = Totals(endpoint.calls, store, clock, party, reader)
        self._totals_due: dict[str, datetime] = {}

    def extensions(self) -> tuple[Extension, ...]:
        """What a platform offers for it: pushes and repairs; a member serves nothing itself."""
        pushes = {reconciliations.RECORD: self._push_record, reconciliations.SDR: self._push_sdr}
        return (
            Extension(Service.RECONCILIATION, pushes=pushes, repair=self.reconcile),
            Extension(Service.SETTLEMENT, repair=self.settle),
        )

    async def run(self) -> None:
        """Round after round until cancelled."""
        await asyncio.sleep(_FIRST_AFTER_SECONDS)
        await regularly(self.round, ROUND_EVERY, self._clock)

    async def round(self) -> None:
        """Hear every clearing house, and tell it our totals and our word. One that is away is heard next time."""
        for house in houses(self._endpoint.partners):
            try:
                await self.reconcile(house)
                if house.agreement.finishes(Service.SETTLEMENT):
                    await self.settle(house)
            except EvroamError as error:
                log.warning("clearing_house_not_heard", partner=house.id, code=error.code, reason=error.message)

    async def reconcile(self, house: Partner) -> None:
        """Terms, totals, verdicts and, as payer, our word on what is judged. Raises as the calls do."""
        if not house.plays(PlatformRole.CLEARING_HOUSE):
            return
        calls = self._endpoint.calls
        terms = await reconciliations.pull_terms(calls, house)
        await self._store.write(lambda connection: self._keep_terms(connection, house, terms))
        await self._compare_totals(house, terms)
        with self._store.read() as connection:
            since = heard.heard_until(connection, house.id)
        for verdict in await reconciliations.pull_verdicts(calls, house, since):
            await self._hear(house, verdict)
        await self._say_all(house)

    async def settle(self, house: Partner) -> None:
        """The statements of our batches. Raises as the calls do."""
        if not house.plays(PlatformRole.CLEARING_HOUSE):
            return
        with self._store.read() as connection:
            closed = heard.closed_batches(connection)
        statements = await settlements.pull_statements(
            self._endpoint.calls, house, lambda one: one.state is BatchState.CLOSED and one.batch_id in closed
        )
        await self._store.write(lambda connection: self._keep_statements(connection, house, statements))

    async def fetch(self) -> None:
        """Hear every clearing house now, also of disputes and statements. Raises as the calls do."""
        for house in houses(self._endpoint.partners):
            await self.reconcile(house)
            if house.agreement.finishes(Service.SETTLEMENT):
                await self.settle(house)

    async def confirm(self, batch_id: str) -> Statement:
        """Confirm a batch as it was calculated. Raises NotFound (unknown_batch), else as the calls do."""
        with self._store.read() as connection:
            house_id, _ = heard.load_statement(connection, batch_id)
        house = self._endpoint.partners.get(house_id)
        told = await settlements.confirm_batch(self._endpoint.calls, house, batch_id)
        await self._store.write(lambda connection: self._keep_statements(connection, house, [told]))
        return told

    async def dispute(self, sdr: ObjectKey, move: DisputeMove) -> Dispute:
        """One act in a dispute about an SDR. Raises NotFound (unknown_sdr), else as the calls do."""
        with self._store.read() as connection:
            house = self._endpoint.partners.get(heard.judge_of(connection, sdr))
        told = await reconciliations.dispute(self._endpoint.calls, house, sdr, move)
        await self.reconcile(house)
        await self.settle(house)
        return told

    # -- what is sent

    async def _push_record(self, house: Partner, key: ObjectKey) -> None:
        with self._store.read() as connection:
            record = self._witness.record(connection, key)
            if record is None or not heard.clears(connection, house.id, record.visited, record.home):
                return
        try:
            await reconciliations.put_record(self._endpoint.calls, house, record)
        except NotFound as error:
            log.warning("record_not_taken", partner=house.id, record=record.id, reason=error.message)

    async def _push_sdr(self, house: Partner, key: ObjectKey) -> None:
        with self._store.read() as connection:
            held = self._witness.sdr(connection, key)
            if held is None or not heard.clears(connection, house.id, held.value.issuer, held.value.payer):
                return
        try:
            await reconciliations.submit_sdr(self._endpoint.calls, house, held)
        except (NotFound, Refused) as error:
            # An SDR never changes: what was refused once is refused again.
            log.error("sdr_not_taken", partner=house.id, sdr=str(key), code=error.code, reason=error.message)

    async def _compare_totals(self, house: Partner, terms: list[ClearingTerms]) -> None:
        now = self._clock.now()
        if now < self._totals_due.get(house.id, now):
            return
        lacking = await self._totals.report(house, terms)
        self._totals_due[house.id] = now + TOTALS_EVERY

        def mark(connection: Connection) -> None:
            for key in lacking:
                self._endpoint.outbox.mark(connection, [house.id], reconciliations.SDR, key)

        await self._store.write(mark)

    # -- what is heard

    def _keep_terms(self, connection: Connection, house: Partner, terms: list[ClearingTerms]) -> None:
        ours = [one for one in terms if self._party in (one.creditor, one.debtor)]
        for new in heard.keep_terms(connection, house.id, ours):
            for kind, key in self._witness.all_of(connection, new):
                self._endpoint.outbox.mark(connection, [house.id], kind, key)

    async def _hear(self, house: Partner, verdict: SdrVerdict) -> None:
        if self._party in (verdict.issuer, verdict.payer):
            await self._store.write(lambda connection: self._keep(connection, house, verdict))

    def _keep(self, connection: Connection, house: Partner, verdict: SdrVerdict) -> None:
        if not heard.keep_heard(connection, house.id, verdict):
            return
        key, by = _key(verdict), str(house.roles[0].party)
        append_event(connection, stream=f"sdr/{key}", kind="cleared", at=self._clock.now(), body=verdict)
        if (step := step_of(verdict, by)) is not None:
            self._witness.follow(connection, key, step)

    async def _say_all(self, house: Partner) -> None:
        """Only as payer: an operator gives a claim up by a credit."""
        now = self._clock.now()
        with self._store.read() as connection:
            words = [
                (one, payers_word(one, self._witness.own_verdict(connection, one), now))
                for one in heard.undecided(connection, house.id)
                if one.payer == self._party
            ]
        for verdict, word in words:
            if word is None:
                continue
            try:
                told = await reconciliations.say(self._endpoint.calls, house, _key(verdict), VerdictMove(outcome=word))
            except (NotFound, Refused) as error:
                log.warning("word_not_taken", partner=house.id, sdr=verdict.id, word=word, reason=error.message)
            else:
                await self._hear(house, told)

    def _keep_statements(self, connection: Connection, house: Partner, statements: list[Statement]) -> None:
        for one in statements:
            if self._party in (one.creditor, one.debtor):
                heard.keep_statement(connection, house.id, one)


def _key(verdict: SdrVerdict) -> ObjectKey:
    return ObjectKey(country_code=verdict.issuer.country_code, party_id=verdict.issuer.party_id, id=verdict.id)
