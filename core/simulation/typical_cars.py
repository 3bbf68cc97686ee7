"""Invented car models with plausible curves, and the drivers who come with them."""

from functools import cache
from importlib.resources import files
from zlib import crc32

from pydantic import TypeAdapter

from core.simulation.car import Car, battery_at
from core.simulation.state import PluggedCar

_CARS = TypeAdapter(tuple[Car, ...])
_LOWEST_PERCENT = 12
_PERCENT_SPREAD = 34


@cache
def typical_cars() -> tuple[Car, ...]:
    """The cars of assets/cars.json; none is any maker's."""
    return _CARS.validate_json(files("assets").joinpath("cars.json").read_bytes())


def car_for(transaction_id: str, connector_id: str) -> PluggedCar:
    """The car that comes for a transaction: always the same for the same one, charged to 12 to 45 %, at 20 °C."""
    draw = crc32(transaction_id.encode())
    cars = typical_cars()
    car = cars[draw % len(cars)]
    return PluggedCar(car, battery_at(car, _LOWEST_PERCENT + draw // len(cars) % _PERCENT_SPREAD), connector_id)
