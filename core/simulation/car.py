"""A car's battery: what it takes, by state of charge, temperature and kind of supply, and what becomes of the energy.

The model [J]: power at the inlet is bounded by the charging curve times a temperature factor, and on AC by the on-board
charger too. Of the energy metered, a fixed share reaches the cells and a fixed share of the rest warms the battery, up
to the temperature at which its cooling holds it. Cells do not cool while plugged in.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from core.simulation.curve import Curve, value_at
from core.simulation.units import WATT_HOUR

_PICO = 1_000_000_000_000
_COOLING_HOLDS_AT = 450
_MILLION = 1_000_000

Positive = Annotated[int, Field(gt=0)]
Permille = Annotated[int, Field(gt=0, le=1000)]


@dataclass(frozen=True)
class Supply:
    """What a connector can give. Volts (phase to neutral on AC), amperes per phase, watts; phases 0 is DC."""

    phases: Annotated[int, Field(ge=0, le=3)]
    voltage: Positive
    current: Positive
    power: Positive

    @property
    def is_dc(self) -> bool:
        """Whether the connector gives direct current."""
        return self.phases == 0


@dataclass(frozen=True)
class Car:
    """A car model. Energy in Wh, power in W, curves over percent of charge and over tenths of a degree Celsius.

    charging_curve: (percent, W) at the inlet. dc_voltage: pack voltage when empty and when full. ac_phases and
    ac_current: the on-board charger. *_efficiency: of each 1000 J metered, J that reach the cells; heat_share: of each
    1000 J lost, J that warm the battery. temperature_curve: (0.1 °C, permille of the curve's power). heat_capacity in
    J/K. ramp: W by which the power may grow each second. charge_limit: percent at which the car ends charging.
    """

    name: str
    battery: Positive
    charging_curve: Curve
    dc_voltage: tuple[Positive, Positive]
    ac_phases: Annotated[int, Field(ge=1, le=3)]
    ac_current: Positive
    ac_efficiency: Permille
    dc_efficiency: Permille
    heat_share: Annotated[int, Field(ge=0, le=1000)]
    heat_capacity: Positive
    temperature_curve: Curve
    ramp: Positive
    charge_limit: Annotated[int, Field(gt=0, le=100)] = 100

    def efficiency(self, supply: Supply) -> int:
        """Of each 1000 J metered, J that reach the cells."""
        return self.dc_efficiency if supply.is_dc else self.ac_efficiency


@dataclass(frozen=True)
class Battery:
    """A battery now: energy in the cells, heat taken up since it came, 0.1 °C when it came.

    content in nJ, heat in pJ: the units in which every share of a whole number of µJ is a whole number.
    """

    content: int
    heat: int
    temperature_before: int


def battery_at(car: Car, percent: int, temperature: int = 200) -> Battery:
    """A battery charged to so many percent, at a temperature in 0.1 °C."""
    return Battery(content=car.battery * percent * 10 * WATT_HOUR, heat=0, temperature_before=temperature)


def charge(car: Car, battery: Battery, supply: Supply, energy: int) -> Battery:
    """The battery after so many µJ have passed the meter. Exact, so that halves add up to the whole."""
    efficiency = car.efficiency(supply)
    return Battery(
        content=battery.content + energy * efficiency,
        heat=battery.heat + energy * (1000 - efficiency) * car.heat_share,
        temperature_before=battery.temperature_before,
    )


def charge_parts_per_million(car: Car, battery: Battery) -> int:
    """State of charge: 1,000,000 is full."""
    return min(battery.content * _MILLION // (car.battery * WATT_HOUR * 1000), _MILLION)


def temperature(car: Car, battery: Battery) -> int:
    """Of the cells, in 0.1 °C."""
    warmed = battery.temperature_before + battery.heat * 10 // (car.heat_capacity * _PICO)
    return warmed if warmed < _COOLING_HOLDS_AT else max(battery.temperature_before, _COOLING_HOLDS_AT)


def pack_voltage(car: Car, battery: Battery, supply: Supply) -> int:
    """Volts at a DC connector; where it cannot reach the pack's, the car connects the pack's halves in parallel."""
    empty, full = car.dc_voltage
    volts = empty + (full - empty) * charge_parts_per_million(car, battery) // _MILLION
    return volts if volts <= supply.voltage else volts // 2


def remaining(car: Car, battery: Battery) -> int:
    """What the cells still take up to the car's charge limit, nJ; zero or less when done."""
    return car.battery * car.charge_limit * 10 * WATT_HOUR - battery.content


def demand(car: Car, battery: Battery, supply: Supply) -> int:
    """Watts that car and connector would let flow now, were the site's power unlimited."""
    if remaining(car, battery) <= 0:
        return 0
    if supply.is_dc:
        bound = min(supply.power, supply.current * pack_voltage(car, battery, supply))
    else:
        phases = min(car.ac_phases, supply.phases)
        per_phase = min(min(car.ac_current, supply.current) * supply.voltage, supply.power // supply.phases)
        bound = phases * per_phase
    curve = value_at(car.charging_curve, charge_parts_per_million(car, battery), scale=10_000)
    factor = value_at(car.temperature_curve, temperature(car, battery))
    return min(bound, curve * factor // 1000)


def least_power(car: Car, supply: Supply) -> int:
    """Watts below which charging cannot go on: 6 A per phase on AC (IEC 61851-1), 1 kW on DC [J]."""
    return 1000 if supply.is_dc else 6 * supply.voltage * min(car.ac_phases, supply.phases)
