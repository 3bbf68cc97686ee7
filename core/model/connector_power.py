"""What a connector can give, from what its operator publishes of it: phases, volts, watts."""

from core.model.sites import Connector, PowerType

_PHASES = {
    PowerType.AC_1_PHASE: 1,
    PowerType.AC_2_PHASE: 2,
    PowerType.AC_2_PHASE_SPLIT: 2,
    PowerType.AC_3_PHASE: 3,
    PowerType.DC: 0,
}
_LINE_TO_LINE_FROM = 300


def phases(connector: Connector) -> int:
    """Of alternating current; 0 is direct current."""
    return _PHASES[connector.power_type]


def volts(connector: Connector) -> int:
    """Between phase and neutral, or of direct current."""
    told = max(connector.max_voltage, 1)
    # Many sites publish the 400 V between two phases instead of the 230 V between phase and neutral.
    return told * 1000 // 1732 if phases(connector) == 3 and told > _LINE_TO_LINE_FROM else told


def watts_per_ampere(connector: Connector) -> int:
    """Of one ampere in each phase."""
    return max(phases(connector), 1) * volts(connector)


def capacity(connector: Connector) -> int:
    """Watts at most."""
    by_current = max(connector.max_current, 1) * watts_per_ampere(connector)
    return min(connector.max_power or by_current, by_current)
