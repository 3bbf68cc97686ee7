"""The agreement between us and a partner as it stands (5.4.6): its terms, who signed them, and when it ends.

Without one, nothing is exchanged; with one, what it names.
"""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from core.model.agreement_terms import Terms, Transport
from core.model.agreements import AgreementReference
from core.model.services import BEGINNING, Service

__all__ = ["Agreement", "Signed", "Transport"]


class Signed(BaseModel):
    """The document that both sides have signed: its id, version and hash."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    hash: str


class Agreement(Terms):
    """What holds between us and one partner.

    signed: the document whose terms these are; None: set on our side alone, signed by nobody. ends_at: from when on
    nothing new begins, by the word of either side.
    """

    signed: Signed | None = None
    ends_at: AwareDatetime | None = None

    @property
    def terms(self) -> Terms:
        """The terms alone."""
        return Terms.model_validate({name: getattr(self, name) for name in Terms.model_fields})

    @property
    def reference(self) -> AgreementReference | None:
        """What both have signed, as sessions and SDRs name it."""
        return None if self.signed is None else AgreementReference(id=self.signed.id, version=self.signed.version)

    def covers(self, service: Service, at: datetime) -> bool:
        """Whether we exchange this service at this moment of the wall clock.

        What leads to new sessions only while the agreement holds; what settles those that there are, also afterwards.
        """
        return service in self.services and (service not in BEGINNING or self.holds(at))

    def why_not(self, service: Service, at: datetime) -> str | None:
        """Why we do not exchange this service at this moment, as "our agreement …" goes on; None where we do."""
        if self.covers(service, at):
            return None
        if service not in self.services:
            return f"does not cover {service}"
        if self.end is not None and self.has_ended(at):
            return f"ended on {self.end:%Y-%m-%d}, so that nothing new begins by {service}"
        return f"begins on {self.valid_from:%Y-%m-%d}"

    def finishes(self, service: Service) -> bool:
        """Whether what has begun under this service may be brought to its end, such as by a stop or a cancellation."""
        return service in self.services

    def holds(self, at: datetime) -> bool:
        """Whether new sessions, reservations and authorisations may begin."""
        return (self.valid_from is None or self.valid_from <= at) and not self.has_ended(at)

    def has_ended(self, at: datetime) -> bool:
        """Whether nothing new begins any more, by the terms or by the word of a side."""
        return self.end is not None and self.end <= at

    @property
    def behind(self) -> "Agreement":
        """Under what we stand with whoever is reached through this partner, until we have agreed on something with it.

        Where agreements can be exchanged, on nothing but these; through a clearing house on plain OCPI its own terms
        hold for all behind it [J].
        """
        if Service.AGREEMENTS not in self.services:
            return self
        return Agreement(services=frozenset({Service.AGREEMENTS}), transport=self.transport)

    @property
    def end(self) -> datetime | None:
        """From when on nothing new begins; None: not known."""
        return min((one for one in (self.valid_until, self.ends_at) if one is not None), default=None)
