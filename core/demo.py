"""The demo network's data, read from the package: who takes part, their sites and tariffs, one driver."""

import json
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from core.endpoint.ocpi.v2_2_1.sites import LOCATION
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF
from core.model.credentials import WhitelistPolicy
from core.model.parties import Party, PartyRole, PlatformRole
from core.model.price_list import FeeKind, OwnFee, PriceList
from core.model.sites import Site
from core.model.tariffs import Tariff

_FOLDER = files("assets") / "demo"


class _Member(BaseModel):
    model_config = ConfigDict(frozen=True)

    party: str
    name: str

    def role(self, role: PlatformRole) -> PartyRole:
        """The member in a role."""
        return PartyRole(role=role, party=Party.parse(self.party), name=self.name)


class DemoFee(BaseModel):
    """The home-CSP's fee per session in one currency."""

    model_config = ConfigDict(frozen=True)

    currency: str
    per_session: Decimal
    vat_percent: Decimal | None = None


class DemoHome(_Member):
    """The home-CSP."""

    fees: tuple[DemoFee, ...] = ()

    def price_lists(self) -> dict[str, PriceList]:
        """Its price list in each currency."""
        return {fee.currency: _price_list(fee) for fee in self.fees}


class DemoOperator(_Member):
    """A visited-CSO, met directly or through the clearing house; `slug` names its files and its store."""

    slug: str
    through_clearing_house: bool = False

    def sites(self) -> tuple[Site, ...]:
        """Its sites."""
        return tuple(LOCATION.model(one) for one in _objects(f"sites/{self.slug}.json"))

    def tariffs(self) -> tuple[Tariff, ...]:
        """Its tariffs."""
        return tuple(TARIFF.model(one) for one in _objects(f"tariffs/{self.slug}.json"))


class DemoClearingHouse(_Member):
    """The clearing house."""


class DemoDriver(BaseModel):
    """The driver whose contract is there from the start."""

    model_config = ConfigDict(frozen=True)

    contract: str
    name: str
    pin: str
    cards: tuple[str, ...]


class DemoCard(BaseModel):
    """A card to be tried at a station (UC4-1, UC4-2), each on a contract of its own.

    name      UID               the home-CSP answers    it does not answer
    online    04D1E2F3A4B580    started                 no_answer
    offline   04D2E3F4A5B680    started                 started
    revoked   04D3E4F5A6B780    blocked, by the list    blocked
    expired   04D4E5F6A7B880    expired                 no_answer

    The driver's own card, 04A2B3C4D5E680, is started by the list in either case; one that nobody has issued is unknown.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    uid: str
    contract: str
    holder: str
    whitelist: WhitelistPolicy
    revoked: bool = False
    valid_until: datetime | None = None


class DemoPlace(BaseModel):
    """Where the kiosk stands."""

    model_config = ConfigDict(frozen=True)

    latitude: Decimal
    longitude: Decimal
    place: str


class DemoNetwork(BaseModel):
    """All of it."""

    model_config = ConfigDict(frozen=True)

    home_csp: DemoHome
    visited_csos: tuple[DemoOperator, ...]
    clearing_house: DemoClearingHouse
    driver: DemoDriver
    cards: tuple[DemoCard, ...] = ()
    start: DemoPlace

    def card(self, name: str) -> DemoCard:
        """A card by its name."""
        return next(one for one in self.cards if one.name == name)


@cache
def demo_network() -> DemoNetwork:
    """The demo network as it is shipped."""
    return DemoNetwork.model_validate_json((_FOLDER / "network.json").read_text("utf-8"))


def _objects(name: str) -> list[Any]:  # JSON has no narrower type; the codecs read it
    parsed: list[Any] = json.loads((_FOLDER / name).read_text("utf-8"), parse_float=Decimal)
    return parsed


def _price_list(fee: DemoFee) -> PriceList:
    per_session = OwnFee(kind=FeeKind.PER_SESSION, amount=fee.per_session, vat_percent=fee.vat_percent)
    return PriceList(id=f"demo-{fee.currency}", currency=fee.currency, fees=(per_session,))
