"""What a driver asks of a site, all at once and on one and the same EV supply equipment; and names of connectors."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.catalogue.keys import SiteKey
from core.errors import InvalidInput
from core.model.sites import ConnectorStandard, Status

STATUS_TIME_TO_LIVE: Final = timedelta(minutes=15)
"""How long a status counts where nothing else is said [J]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked, as of `moment` (aware). Empty members ask nothing.

    connectors: any of these standards. min_power_w: at least so many watts. free: available now by a status that is not
    older than `status_time_to_live`; older is unknown, and unknown is never free. These hold together on one connector
    of one EV supply equipment. operator: exactly this name. open_now: within the opening hours, in the site's time
    zone. roaming: covered by an agreement; partners: with whom there is one, None: with each who told us a site.
    scopes: by partner, the only ones of its sites that may be shown. among: only these sites. private: unpublished
    sites that who asks may see.
    """

    moment: datetime
    status_time_to_live: timedelta = STATUS_TIME_TO_LIVE
    connectors: frozenset[ConnectorStandard] = frozenset()
    min_power_w: int = 0
    free: bool = False
    operator: str | None = None
    open_now: bool = False
    roaming: bool = False
    partners: frozenset[str] | None = None
    scopes: tuple[tuple[str, frozenset[SiteKey]], ...] = ()
    among: frozenset[SiteKey] | None = None
    private: frozenset[SiteKey] = frozenset()

    def fresh_since(self) -> datetime:
        """The oldest moment of a status that still counts."""
        return self.moment - self.status_time_to_live

    def status_now(self, status: str, status_at: datetime) -> Status:
        """The status as it counts at the moment: unknown where it is too old or no status."""
        if status_at < self.fresh_since() or status not in Status.__members__:
            return Status.UNKNOWN
        return Status(status)


_STANDARDS = ConnectorStandard

_FRIENDLY: dict[str, frozenset[ConnectorStandard]] = {
    "ccs": frozenset({_STANDARDS.IEC_62196_T1_COMBO, _STANDARDS.IEC_62196_T2_COMBO}),
    "combo": frozenset({_STANDARDS.IEC_62196_T1_COMBO, _STANDARDS.IEC_62196_T2_COMBO}),
    "ccs1": frozenset({_STANDARDS.IEC_62196_T1_COMBO}),
    "ccs2": frozenset({_STANDARDS.IEC_62196_T2_COMBO}),
    "type1": frozenset({_STANDARDS.IEC_62196_T1}),
    "j1772": frozenset({_STANDARDS.IEC_62196_T1}),
    "type2": frozenset({_STANDARDS.IEC_62196_T2}),
    "typ1": frozenset({_STANDARDS.IEC_62196_T1}),
    "typ2": frozenset({_STANDARDS.IEC_62196_T2}),
    "mennekes": frozenset({_STANDARDS.IEC_62196_T2}),
    "type3": frozenset({_STANDARDS.IEC_62196_T3A, _STANDARDS.IEC_62196_T3C}),
    "schuko": frozenset({_STANDARDS.DOMESTIC_F}),
    "tesla": frozenset({_STANDARDS.TESLA_R, _STANDARDS.TESLA_S}),
    "cee": frozenset(one for one in _STANDARDS if one.name.startswith("IEC_60309")),
    "gbt": frozenset({_STANDARDS.GBT_AC, _STANDARDS.GBT_DC}),
}
_NAMES = {re.sub(r"[^a-z0-9]", "", one.value.lower()): frozenset({one}) for one in ConnectorStandard} | _FRIENDLY


def connectors_named(name: str) -> frozenset[ConnectorStandard]:
    """The standards that a name means, the standard's own (`IEC_62196_T2_COMBO`) or a friendly one (`CCS`, `Type 2`).

    Letter case and separators do not matter. Raises InvalidInput for a name that means none.
    """
    standards = _NAMES.get(re.sub(r"[^a-z0-9]", "", name.lower()))
    if standards is None:
        raise InvalidInput(
            f"“{name[:40]}” is not a connector.",
            code="unknown_connector",
            next_step="Say CCS, Type2, CHAdeMO, Type1, Schuko, Tesla, CEE, or a name such as IEC_62196_T2_COMBO.",
        )
    return standards
