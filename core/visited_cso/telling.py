"""What home-CSPs must have of us, as it stands now (UC1-2, UC1-3, UC2-1, UC3-6, UC3-9)."""

from collections.abc import Callable

from sqlalchemy import Column, select

from core.endpoint.ports import Held
from core.model.parties import ObjectKey
from core.model.sdr import Sdr
from core.model.session_report import SessionReport
from core.model.sites import Site
from core.model.tariffs import Tariff
from core.store import tables
from core.visited_cso.context import Context

Told = Held[Site] | Held[Tariff] | Held[SessionReport] | Held[Sdr]


class Telling:
    """Loads the object that a mark names; None where it is gone."""

    def __init__(self, context: Context) -> None:
        self._context = context
        reader = context.reader
        self._kinds: dict[str, tuple[Column[str], Callable[[str], Site | Tariff | SessionReport | Sdr]]] = {
            "sites": (tables.site.c.body, reader.site),
            "tariffs": (tables.tariff.c.body, reader.tariff),
            "sessions": (tables.service_session.c.partner_body, reader.session),
            "sdrs": (tables.sdr.c.body, reader.sdr),
        }

    def load(self, kind: str, key: ObjectKey) -> Told | None:
        """The object of a kind with this key, beside its text on the wire."""
        column, read = self._kinds[kind]
        table = column.table
        query = select(column).where(
            table.c.country_code == key.country_code, table.c.party_id == key.party_id, table.c.id == key.id
        )
        with self._context.store.read() as connection:
            body: str | None = connection.execute(query).scalar()
        return None if body is None else Held(read(body), body)  # type: ignore[return-value]  # one kind, one type
