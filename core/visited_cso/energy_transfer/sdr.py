"""The visited-CSO's service detail records (UC3-9, Annex B)."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, bindparam, select

from core.endpoint.exchange import Page, PageRequest
from core.endpoint.extensions import reconciliations
from core.endpoint.listing import Listing
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.endpoint.reporting import mark_for_houses
from core.errors import EvroamError
from core.model.credentials import IdentificationMethod
from core.model.money import ZERO, Price, rounded
from core.model.parties import ObjectKey
from core.model.pricing.report import CostKind, PriceReport
from core.model.reserving import record_start, was_unused
from core.model.sdr import Sdr, SdrCost, SdrPlace, TaxLine
from core.model.session import ServiceSession, TransactionKind
from core.model.sites import Site
from core.store import tables
from core.store.sdrs import insert_sdr
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.payer import credential_of
from core.visited_cso.energy_transfer.record import price_of

_DIGITS = 4
_HOUR = Decimal(3600)


def sdr_of(session: ServiceSession, site: Site | None, now: datetime) -> Sdr:
    """The SDR of a closed session. Raises EvroamError where it has no end, or its EVSE is no longer at the site."""
    if session.ended_at is None:
        raise EvroamError("a session without an end has no SDR", code="session_open")
    report = price_of(session)
    started = session.ended_at if was_unused(session) else session.started_at or session.opened_at
    parking = _hours(session, TransactionKind.PARKING)
    return Sdr(
        id=session.id,
        issuer=session.visited,
        agreement_id=session.agreement.id if session.agreement else None,
        agreement_version=session.agreement.version if session.agreement else None,
        session_id=session.id,
        authorization_reference=session.authorization_reference,
        identification=IdentificationMethod(session.identification),
        credential=credential_of(session),
        place=_place(session, site),
        start=record_start(session),
        end=session.ended_at,
        time_zone=session.time_zone,
        transactions=session.transactions,
        periods=session.periods,
        total_energy=session.energy,
        total_time=_quantised((session.ended_at - started).total_seconds()),
        total_parking_time=parking,
        total_reservation_time=_hours(session, TransactionKind.RESERVATION),
        tariffs=session.tariffs,
        quote_id=session.quote_id,
        currency=session.currency or "EUR",
        cost=_cost(report),
        tax_lines=_taxes(report),
        stop_reason=session.stop_reason,
        offline_authorised=session.offline_authorised or None,
        last_updated=now,
    )


def keep_sdr(connection: Connection, context: Context, held: Held[Sdr], partner_id: str | None) -> None:
    """Store our SDR, which is never changed afterwards, and mark it for clearing houses."""
    insert_sdr(
        connection,
        held.value,
        held.body,
        content_hash=context.reader.content_hash(held.body),
        partner_id=partner_id,
        verdict="SUBMITTED",
    )
    mark_for_houses(connection, context.endpoint, reconciliations.SDR, sdr_key(context, held.value.id))


def sdr_key(context: Context, id: str) -> ObjectKey:
    """The key of an SDR of ours."""
    return ObjectKey(country_code=context.party.country_code, party_id=context.party.party_id, id=id)


class SdrSource:
    """Lists the SDRs that a home-CSP is to pay (the pull side of UC3-9)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        columns = tables.sdr.c
        query = select(columns.body).where(columns.partner_id == bindparam("partner"))
        self._listing = Listing(query, columns.last_updated, (columns.id,))

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """Those of this partner, in order of last_updated."""
        with self._context.store.read() as connection:
            return self._listing.page(connection, request, partner=partner.id)

    async def one(self, partner: Partner, id: str) -> str | None:
        """One SDR of this partner."""
        columns = tables.sdr.c
        query = select(columns.body).where(columns.partner_id == partner.id, columns.id == id)
        with self._context.store.read() as connection:
            return connection.execute(query).scalar()


def _place(session: ServiceSession, site: Site | None) -> SdrPlace:
    equipment = site.find_equipment(session.evse_uid) if site else None
    connector = (
        next((one for one in equipment.connectors if one.id == session.connector_id), None) if equipment else None
    )
    if site is None or equipment is None or connector is None:
        raise EvroamError(f"EVSE {session.evse_uid} is no longer part of site {session.site_id}", code="unknown_evse")
    unused = was_unused(session)
    return SdrPlace(
        site_id=site.id,
        name=site.name,
        address=site.address,
        city=site.city,
        postal_code=site.postal_code,
        state=site.state,
        country=site.country,
        point=site.point,
        evse_uid=None if unused else equipment.uid,
        evse_id=None if unused else equipment.evse_id,
        connector_id=None if unused else connector.id,
        connector_standard=connector.standard,
        connector_format=connector.format,
        power_type=connector.power_type,
    )


def _cost(report: PriceReport | None) -> SdrCost:
    if report is None:
        return SdrCost(total=Price(before_taxes=ZERO, with_taxes=ZERO))
    parts = {
        kind: report.total_of_kind(kind).rounded(_DIGITS)
        for kind in CostKind
        if any(line.kind is kind for line in report.lines)
    }
    priced = {
        kind.value: Price(before_taxes=amount.before_taxes, with_taxes=amount.with_taxes)
        for kind, amount in parts.items()
    }
    total = Price(before_taxes=report.total.before_taxes, with_taxes=report.total.with_taxes)
    return SdrCost(total=total, **priced)


def _taxes(report: PriceReport | None) -> tuple[TaxLine, ...]:
    if report is None:
        return ()
    rates = sorted({line.vat_percent for line in report.lines if line.vat_percent is not None})
    return tuple(
        TaxLine(
            name="VAT",
            rate_percent=rate,
            base=rounded(sum((line.net for line in report.lines if line.vat_percent == rate), ZERO), _DIGITS),
            amount=rounded(sum((line.vat for line in report.lines if line.vat_percent == rate), ZERO), _DIGITS),
        )
        for rate in rates
    )


def _hours(session: ServiceSession, kind: TransactionKind) -> Decimal | None:
    spans = [one for one in session.transactions if one.kind is kind and one.end is not None]
    if not spans:
        return None
    return _quantised(sum((one.end - one.start).total_seconds() for one in spans if one.end is not None))


def _quantised(seconds: float) -> Decimal:
    return rounded(Decimal(str(seconds)) / _HOUR, _DIGITS)
