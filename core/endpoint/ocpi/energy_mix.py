"""EnergyMix, which locations and tariffs share."""

from typing import Annotated

from core.endpoint.ocpi.kinds import Digits, Harmless, Text, YesNo
from core.endpoint.ocpi.shape import Shape
from core.model import sites

ENERGY_SOURCE_CATEGORY = ("COAL", "GAS", "GENERAL_FOSSIL", "GENERAL_GREEN", "NUCLEAR", "SOLAR", "WATER", "WIND")
ENVIRONMENTAL_IMPACT_CATEGORY = ("CARBON_DIOXIDE", "NUCLEAR_WASTE")


class EnergySource(Shape):
    """One source's share, percent."""

    source: Annotated[str, Harmless(ENERGY_SOURCE_CATEGORY)]
    percentage: Digits


class EnvironmentalImpact(Shape):
    """Grams of one kind of waste a kWh."""

    category: Annotated[str, Harmless(ENVIRONMENTAL_IMPACT_CATEGORY)]
    amount: Digits


class EnergyMix(Shape):
    """Where the energy comes from."""

    is_green_energy: YesNo
    energy_sources: tuple[EnergySource, ...] = ()
    environ_impact: tuple[EnvironmentalImpact, ...] = ()
    supplier_name: Annotated[str, Text(64)] | None = None
    energy_product_name: Annotated[str, Text(64)] | None = None


def energy_mix_of(shape: EnergyMix | None) -> sites.EnergyMix | None:
    """Wire to model."""
    if shape is None:
        return None
    return sites.EnergyMix(
        is_green=shape.is_green_energy,
        sources=tuple(sites.EnergyShare(source=one.source, percentage=one.percentage) for one in shape.energy_sources),
        impacts=tuple(
            sites.EnvironmentalImpact(category=one.category, grams_per_kwh=one.amount) for one in shape.environ_impact
        ),
        supplier_name=shape.supplier_name,
        product_name=shape.energy_product_name,
    )


def energy_mix(mix: sites.EnergyMix | None) -> EnergyMix | None:
    """Model to wire."""
    if mix is None:
        return None
    return EnergyMix.model_construct(
        is_green_energy=mix.is_green,
        energy_sources=tuple(
            EnergySource.model_construct(source=one.source, percentage=one.percentage) for one in mix.sources
        ),
        environ_impact=tuple(
            EnvironmentalImpact.model_construct(category=one.category, amount=one.grams_per_kwh) for one in mix.impacts
        ),
        supplier_name=mix.supplier_name,
        energy_product_name=mix.product_name,
    )
