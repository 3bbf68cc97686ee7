"""Short forms in which drivers read things: the letter of EN 17186, opening hours a day."""

from collections.abc import Sequence

from core.model.sites import Connector, ConnectorStandard, WeeklyHours

_LETTERS = {
    ConnectorStandard.IEC_62196_T1: "B",
    ConnectorStandard.IEC_62196_T2: "C",
    ConnectorStandard.IEC_62196_T3A: "D",
    ConnectorStandard.IEC_62196_T3C: "E",
}
_LOW_VOLTAGE_UP_TO = 500


def en_17186_label(connector: Connector) -> str:
    """The letter, empty where none is known. Combined DC plugs are told apart by voltage: K up to 500 V, L above."""
    if connector.standard is ConnectorStandard.IEC_62196_T2_COMBO:
        return "K" if connector.max_voltage <= _LOW_VOLTAGE_UP_TO else "L"
    return _LETTERS.get(connector.standard, "")


def hours_in_words(weekly: Sequence[WeeklyHours]) -> tuple[str, ...]:
    """Opening hours a day: weekday number, from and until, such as `1 07:00-22:00`."""
    return tuple(f"{one.weekday} {_clock(one.begin_minute)}-{_clock(one.end_minute)}" for one in weekly)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
