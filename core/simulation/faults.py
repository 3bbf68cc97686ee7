"""What can be wrong with simulated EV supply equipment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Faults:
    """The faults of one EVSE; several may hold at once.

    offline: commands meet no answer, and reports wait until the station is heard again. no_power: the same, and the
    transaction ends. out_of_order: the station says so and does nothing. refuses_start: start is rejected.
    answer_lost: start is executed but its answer never arrives. cable_not_seen: plugs go unnoticed. cable_stuck: the
    plug cannot be pulled, from plugging in on, until an unlock command; lock_broken: that fails as well.
    stops_after_seconds, stops_after_energy (Wh): the station ends each transaction by itself. cannot_pause: it can end
    a transaction, but not let it wait. contactor_welded: a transaction ends, its current flows on, and the plug stays
    locked for as long.
    """

    offline: bool = False
    no_power: bool = False
    out_of_order: bool = False
    refuses_start: bool = False
    answer_lost: bool = False
    cable_not_seen: bool = False
    cable_stuck: bool = False
    lock_broken: bool = False
    stops_after_seconds: int | None = None
    stops_after_energy: int | None = None
    cannot_pause: bool = False
    contactor_welded: bool = False

    @property
    def silent(self) -> bool:
        """Whether nothing is heard of the station."""
        return self.offline or self.no_power

    @property
    def holds_plug(self) -> bool:
        """Whether the plug stays locked where a transaction ends."""
        return self.cable_stuck or self.contactor_welded


NO_FAULTS = Faults()
