"""The baseline of the wire: the app that one would write with FastAPI, response models and SQLAlchemy, and no more.

It checks the token, validates what comes, keeps it with the durability that evroam's SQLite store has (WAL,
synchronous FULL, a commit a request) and answers in the envelope. It keeps no message log, no events, no search index
and no columns beside the JSON. Handlers are coroutines that query inline, as evroam's do, and spare it the thread pool.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import JSON, Engine, MetaData, String, Table, create_engine, event, insert, select, update
from sqlalchemy import Column as StoreColumn

T = TypeVar("T")

TOKEN = "a-token-of-the-baseline"  # of the baseline only
_metadata = MetaData()
_locations = Table(
    "location", _metadata, StoreColumn("id", String(36), primary_key=True), StoreColumn("body", JSON, nullable=False)
)
_cdrs = Table(
    "cdr", _metadata, StoreColumn("id", String(39), primary_key=True), StoreColumn("body", JSON, nullable=False)
)
_partners = Table(
    "partner", _metadata, StoreColumn("token_hash", String(64), primary_key=True), StoreColumn("name", String(50))
)


class Envelope(BaseModel, Generic[T]):
    """Around every answer."""

    data: T | None = None
    status_code: int = 1000
    status_message: str = "Success"
    timestamp: datetime


class Coordinates(BaseModel):
    """A place."""

    latitude: str
    longitude: str


class Connector(BaseModel):
    """A connector."""

    id: str
    standard: str
    format: str
    power_type: str
    max_voltage: int
    max_amperage: int
    max_electric_power: int | None = None
    tariff_ids: list[str] | None = None
    last_updated: datetime


class Evse(BaseModel):
    """An EVSE."""

    uid: str
    evse_id: str | None = None
    status: str
    capabilities: list[str] | None = None
    connectors: list[Connector]
    physical_reference: str | None = None
    last_updated: datetime


class EvseChange(BaseModel):
    """Some members of an EVSE."""

    status: str | None = None
    last_updated: datetime


class BusinessDetails(BaseModel):
    """A company."""

    name: str
    website: str | None = None


class Hours(BaseModel):
    """Opening times."""

    twentyfourseven: bool


class EnergyMix(BaseModel):
    """Where the energy comes from."""

    is_green_energy: bool


class Location(BaseModel):
    """A site."""

    country_code: str
    party_id: str
    id: str
    publish: bool
    name: str | None = None
    address: str
    city: str
    postal_code: str | None = None
    country: str
    coordinates: Coordinates
    parking_type: str | None = None
    evses: list[Evse] = []
    operator: BusinessDetails | None = None
    facilities: list[str] | None = None
    time_zone: str
    opening_times: Hours | None = None
    energy_mix: EnergyMix | None = None
    last_updated: datetime


class Price(BaseModel):
    """An amount."""

    excl_vat: Decimal
    incl_vat: Decimal | None = None


class Dimension(BaseModel):
    """A measured amount."""

    type: str
    volume: Decimal


class Period(BaseModel):
    """A charging period."""

    start_date_time: datetime
    dimensions: list[Dimension]
    tariff_id: str | None = None


class CdrToken(BaseModel):
    """Who charged."""

    country_code: str
    party_id: str
    uid: str
    type: str
    contract_id: str


class CdrLocation(BaseModel):
    """Where."""

    id: str
    address: str
    city: str
    postal_code: str | None = None
    country: str
    coordinates: Coordinates
    evse_uid: str
    evse_id: str
    connector_id: str
    connector_standard: str
    connector_format: str
    connector_power_type: str


class Component(BaseModel):
    """A price component."""

    type: str
    price: Decimal
    vat: Decimal | None = None
    step_size: int


class Element(BaseModel):
    """A tariff element."""

    price_components: list[Component]
    restrictions: dict[str, Any] | None = None


class Tariff(BaseModel):
    """A tariff."""

    country_code: str
    party_id: str
    id: str
    currency: str
    elements: list[Element]
    last_updated: datetime


class Cdr(BaseModel):
    """A CDR."""

    country_code: str
    party_id: str
    id: str
    start_date_time: datetime
    end_date_time: datetime
    session_id: str | None = None
    cdr_token: CdrToken
    auth_method: str
    cdr_location: CdrLocation
    currency: str
    tariffs: list[Tariff] | None = None
    charging_periods: list[Period]
    total_cost: Price
    total_energy: Decimal
    total_energy_cost: Price | None = None
    total_fixed_cost: Price | None = None
    total_time: Decimal
    last_updated: datetime


def durable_engine(file: str) -> Engine:
    """SQLite as durable as evroam's store."""
    engine = create_engine(f"sqlite:///{file}")

    def prepare(connection: Any, _entry: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    event.listen(engine, "connect", prepare)
    return engine


def plain_app(file: str, locations: Iterable[dict[str, Any]]) -> FastAPI:
    """The app over a new SQLite file that holds these locations."""
    engine = durable_engine(file)
    _metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(_locations), [{"id": one["id"], "body": one} for one in locations])
        connection.execute(insert(_partners), {"token_hash": _hash(TOKEN), "name": "home"})
    app = FastAPI()

    async def partner(authorization: Annotated[str, Header()]) -> str:
        with engine.connect() as connection:
            query = select(_partners.c.name).where(
                _partners.c.token_hash == _hash(authorization.removeprefix("Token "))
            )
            name = connection.execute(query).scalar()
        if name is None:
            raise HTTPException(401)
        return str(name)

    known = Annotated[str, Depends(partner)]

    @app.get("/locations", response_model_exclude_none=True)
    async def page(_: known, offset: int = 0, limit: int = 50) -> Envelope[list[Location]]:
        with engine.connect() as connection:
            query = select(_locations.c.body).order_by(_locations.c.id).offset(offset).limit(limit)
            bodies = connection.execute(query).scalars().all()
        return Envelope(data=[Location.model_validate(body) for body in bodies], timestamp=datetime.now(UTC))

    @app.patch("/locations/{country_code}/{party_id}/{location_id}/{evse_uid}", response_model_exclude_none=True)
    async def change(
        country_code: str, party_id: str, location_id: str, evse_uid: str, given: EvseChange, _: known
    ) -> Envelope[None]:
        of = _locations.c.id == location_id
        with engine.begin() as connection:
            body = connection.execute(select(_locations.c.body).where(of)).scalar()
            location = Location.model_validate(body)
            evse = next((one for one in location.evses if one.uid == evse_uid), None)
            if evse is None:
                raise HTTPException(404)
            evse.status, evse.last_updated = given.status or evse.status, given.last_updated
            location.last_updated = given.last_updated
            changed = json.loads(location.model_dump_json(exclude_none=True))
            connection.execute(update(_locations).where(of).values(body=changed))
        return Envelope(timestamp=datetime.now(UTC))

    @app.post("/cdrs", response_model_exclude_none=True)
    async def submit(given: Cdr, _: known) -> Envelope[None]:
        with engine.begin() as connection:
            body = given.model_dump(mode="json", exclude_none=True)
            connection.execute(insert(_cdrs), {"id": given.id, "body": body})
        return Envelope(timestamp=datetime.now(UTC))

    return app


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
