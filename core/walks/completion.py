"""The step in which the driver unplugs and the transaction is completed (UC3-5; Annex A.1, step 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from core.driver_messages import SessionView
from core.model.session import SessionState, StopReason, TransactionKind
from core.walks.charging import SESSIONS
from core.walks.ground import Both, Ground
from core.walks.scenario import Actor, Finding, Step

_PARKS_MINUTES = 2
_RAN = frozenset({SessionState.CLOSING, SessionState.RECORDED, SessionState.RECONCILED, SessionState.DISPUTED})
"""Over; what became of the bill is for the steps behind."""
_CHARGED_AND_PARKED = frozenset({TransactionKind.ENERGY, TransactionKind.PARKING})


@dataclass(frozen=True)
class Completed:
    """After the driver has pulled the plug; unplugged_at: when."""

    both: Both
    view: SessionView
    unplugged_at: datetime


async def _complete(ground: Ground) -> Completed:
    await ground.advance(_PARKS_MINUTES)
    await ground.equipment.unplug(ground.post.evse_uid)
    unplugged_at = ground.clock.now()
    view = await ground.session_until(lambda seen: seen.ended_at is not None)
    return Completed(await ground.both(), view, unplugged_at)


def _check_completed(reason: StopReason, kinds: frozenset[TransactionKind], seen: Completed) -> Sequence[Finding]:
    home, operator = seen.both.home, seen.both.operator
    transactions = operator.transactions if operator else ()
    return [
        Finding(
            expected=f"ended at {seen.unplugged_at:%H:%M:%S} at both platforms, when the plug was pulled",
            actual=f"{home.state}, ended at {_time(home.ended_at)} at the home-CSP, "
            f"{_time(operator.ended_at if operator else None)} at the visited-CSO",
            holds=home.state in _RAN
            and operator is not None
            and home.ended_at == operator.ended_at == seen.unplugged_at,
        ),
        Finding(
            expected=f"transactions {', '.join(sorted(kinds))}, all closed",
            actual=", ".join(f"{one.kind} {'closed' if one.end else 'open'}" for one in transactions) or "none",
            holds={one.kind for one in transactions} == kinds and all(one.end is not None for one in transactions),
        ),
        Finding(
            expected=f"stop reason {reason}",
            actual=f"stop reason {operator.stop_reason if operator else None}",
            holds=operator is not None and operator.stop_reason is reason,
        ),
        Finding(
            expected="the same energy at both platforms and on the driver's screen",
            actual=f"{home.energy:f}, {operator.energy if operator else 0:f} and {seen.view.energy_kwh:f} kWh",
            holds=operator is not None and home.energy == operator.energy == seen.view.energy_kwh,
        ),
    ]


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%H:%M:%S}"


def completed(
    reason: StopReason, transactions: frozenset[TransactionKind] = _CHARGED_AND_PARKED
) -> Step[Ground, Completed]:
    """The step, after a stop for this reason, of a session that consists of such transactions."""
    return Step(
        name="complete",
        use_case="UC3-5",
        what="The driver unplugs; the transaction is completed",
        sender=Actor.VISITED_CSO,
        receiver=Actor.HOME_CSP,
        expected="ended at both platforms at the same moment, with the same energy",
        perform=_complete,
        check=partial(_check_completed, reason, transactions),
        wire=SESSIONS,
        at_post=True,
    )
