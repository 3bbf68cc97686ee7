"""What the judge of scanned codes asks of the catalogue: which EVSE ids it has."""

from collections.abc import Sequence

from sqlalchemy import Connection, exists, select

from core.errors import InvalidInput
from core.model.identifiers import EvseId, StationId
from core.store.tables import evse

_MOST = 50


class KnownPosts:
    """Implements the judge's Catalogue over a store. It holds no operators' own names or aliases for EVSEs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has_evse(self, evse_id: EvseId) -> bool:
        """Whether the EVSE is in the catalogue, however its id is written there."""
        return bool(self._connection.execute(select(exists().where(evse.c.evse_key == evse_id.key))).scalar())

    def evses_of(self, station_id: StationId) -> Sequence[EvseId]:
        """The EVSEs whose ids go on from the station's; eMI3 advises operators to build them so."""
        party = station_id.party_id.key
        beginning = f"{party}E{station_id.key[len(party) + 1 :]}"
        rows = self._connection.execute(
            select(evse.c.evse_id).where(evse.c.evse_key.startswith(beginning, autoescape=True)).limit(_MOST)
        )
        return [found for text in rows.scalars() if (found := _read(text)) is not None]

    def evse_at(self, host: str, station: str, evse: str) -> EvseId | None:
        """Not known here."""
        return None

    def evse_of_alias(self, host: str, alias: str) -> EvseId | None:
        """Not known here."""
        return None


def _read(text: str) -> EvseId | None:
    try:
        return EvseId.parse(text)
    except InvalidInput:
        return None
