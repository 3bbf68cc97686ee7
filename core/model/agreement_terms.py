"""The terms of an agreement between two platforms (IEC 63119-2, 5.4.6), and the document that both of them sign.

The clause is the standard's title; which terms there are and what they say by default is ours [J].
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_serializer, field_validator

from core.model.agreements import PricingOptions
from core.model.clearing.terms import MOST_CURRENCIES, SettlementTerms, Tolerances, Windows
from core.model.credentials import CredentialKind
from core.model.identification import RULES, IdentificationMethodType
from core.model.money import CurrencyCode
from core.model.parties import Party, PartyRole
from core.model.services import PLAIN, Service
from core.model.session_updates import LONGEST_INTERVAL, UPDATE_INTERVAL

METHODS: frozenset[IdentificationMethodType] = frozenset(IdentificationMethodType) - {
    IdentificationMethodType.VEHICLE_ID,
    IdentificationMethodType.NONE,
}
"""Accepted unless an agreement says otherwise; what proves little is accepted only where one names it."""

LONGEST_LIST = 10_000


class Transport(StrEnum):
    """How the connection is secured: both sides show certificates, or the server alone (an explicit, logged choice)."""

    MUTUAL_TLS = "mutual-tls"
    SERVER_TLS = "server-tls"


class _Value(BaseModel):
    # What is not known is refused: nobody can keep to a term that he cannot read.
    model_config = ConfigDict(frozen=True, extra="forbid")


class SwitchTerms(_Value):
    """What a clearing house does for the two parties that are connected through it (6.4.1).

    modules: extension modules of others that it passes, by their names, beside those of the services agreed.
    ask_without_receiver: the home-CSP of the two is asked about credentials that nobody is known to own. announce:
    pushes that a party addresses to the clearing house reach the other. store_and_forward: what must not be lost waits
    for a receiver that is away.
    """

    modules: Annotated[frozenset[Annotated[str, Field(max_length=100)]], Field(max_length=100)] = frozenset()
    ask_without_receiver: bool = False
    announce: bool = False
    store_and_forward: bool = False

    @field_serializer("modules", when_used="json")
    def _in_order(self, given: Iterable[str]) -> list[str]:
        return sorted(given)


class Terms(_Value):
    """What two platforms agree on. Defaults are the strict ones, and for plain OCPI: no extension.

    services: what is exchanged. sites: those agreed, as `DE*ABC/id`; None: all. tariffs: likewise. methods: by what
    drivers may identify. currencies: those agreed; none named: any. pricing: rounding and all else on which a price
    depends. tolerances: how far two records of a session may differ. windows: deadlines, those of disputes too.
    prefixes_bind: EVSE and contract ids must begin with a party that the partner speaks for (some hubs demand it; OCPI
    itself links them to nothing); a clearing house between the two then routes by them. update_interval: the shortest
    at which a home-CSP is told of a session (UC3-6) while nothing but its meter moves. switch, settlement: what a
    clearing house between the two does. valid_from, valid_until: when something new may begin; what is open then goes
    on and is settled.
    """

    services: frozenset[Service] = PLAIN
    sites: Annotated[frozenset[str], Field(max_length=LONGEST_LIST)] | None = None
    tariffs: Annotated[frozenset[str], Field(max_length=LONGEST_LIST)] | None = None
    methods: frozenset[IdentificationMethodType] = METHODS
    currencies: Annotated[tuple[CurrencyCode, ...], Field(max_length=MOST_CURRENCIES)] = ()
    pricing: PricingOptions = PricingOptions()
    tolerances: Tolerances = Tolerances()
    windows: Windows = Windows()
    transport: Transport = Transport.MUTUAL_TLS
    prefixes_bind: bool = False
    update_interval: Annotated[timedelta, Field(ge=timedelta(seconds=1), le=LONGEST_INTERVAL)] = UPDATE_INTERVAL
    switch: SwitchTerms = SwitchTerms()
    settlement: SettlementTerms = SettlementTerms()
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None

    @field_validator("currencies")
    @classmethod
    def _sorted_currencies(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(given)))

    @field_serializer("services", "sites", "tariffs", "methods", when_used="json")
    def _in_order(self, given: Iterable[str] | None) -> list[str] | None:
        # The same terms must have the same canonical text.
        return None if given is None else sorted(map(str, given))

    def accepts(self, method: IdentificationMethodType) -> bool:
        """Whether drivers may identify by this method."""
        return method in self.methods

    def admits(self, kind: CredentialKind) -> bool:
        """Whether some method that is agreed shows a credential of this kind.

        A wire without EMAID shows the vehicle's contract certificate as OTHER.
        """
        if kind is CredentialKind.OTHER and IdentificationMethodType.PLUG_AND_CHARGE in self.methods:
            return True
        return any(RULES[method].kind is kind for method in self.methods)

    def has_site(self, key: object) -> bool:
        """Whether the site of this key (an ObjectKey) is agreed."""
        return self.sites is None or str(key) in self.sites

    def has_tariff(self, key: object) -> bool:
        """Whether the tariff of this key (an ObjectKey) is agreed."""
        return self.tariffs is None or str(key) in self.tariffs

    def has_currency(self, currency: str | None) -> bool:
        """Whether amounts may be in this currency; without one there is no amount."""
        return currency is None or not self.currencies or currency.upper() in self.currencies


class AgreementDocument(_Value):
    """One version of an agreement: who, which version after which, and the terms. This is what both sides sign.

    id: the same in all versions. version: from 1; 0: set on one side alone, signed by nobody. previous: the hash of the
    version that this one replaces. parties: for whom the two platforms speak, in order.
    """

    kind: Literal["evroam-agreement"] = "evroam-agreement"
    id: str = Field(min_length=1, max_length=36)
    version: int = Field(ge=0, le=1_000_000)
    previous: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    parties: tuple[PartyRole, ...] = Field(min_length=2, max_length=100)
    proposed_at: AwareDatetime
    terms: Terms


class VersionState(StrEnum):
    """Where a version stands: one side has not signed yet, it holds, or another one took its place."""

    PROPOSED = "proposed"
    IN_FORCE = "in force"
    REPLACED = "replaced"


def parties_between(ours: Iterable[PartyRole], theirs: Iterable[PartyRole]) -> tuple[PartyRole, ...]:
    """The parties of two platforms in the order in which a document names them, whichever of the two writes it."""
    return tuple(sorted((*ours, *theirs), key=lambda one: (str(one.party), one.role)))


def ids_within(keys: frozenset[str] | None, party: Party) -> frozenset[str] | None:
    """The ids of one party among keys such as `DE*ABC/id`; None, which means all, stays None."""
    if keys is None:
        return None
    begin = f"{party}/"
    return frozenset(key.removeprefix(begin) for key in keys if key.startswith(begin))
