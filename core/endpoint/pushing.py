"""What it means to push one marked object: load it as it stands, and ask the partner to take it.

Marks name a kind and a key. `statuses` are EVSEs (id `site/evse`), `credentials` have the id `uid/kind`.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from core.endpoint.extension import Push
from core.endpoint.partner import Partner
from core.endpoint.ports import Held, PartnerCalls
from core.errors import NotFound, Refused
from core.model.parties import ObjectKey

Load = Callable[[str, ObjectKey], Held[Any] | None]
"""The object of a kind (sites, tariffs, credentials, sessions, sdrs) as it stands, None where it is gone."""

Taken = Callable[[Partner, str, Held[Any]], Awaitable[None]]
"""Told that a partner has taken an object of plain OCPI as it was sent."""


class Pusher:
    """Sends one object. What a partner does not offer to take is left for it to pull."""

    def __init__(
        self, calls: PartnerCalls, load: Load, extensions: Mapping[str, Push], taken: Taken | None = None
    ) -> None:
        """extensions: by kind, how objects are sent that plain OCPI does not have."""
        self._taken = taken
        self._calls = calls
        self._load = load
        self._extensions = extensions
        self._put: dict[str, Callable[[Partner, Held[Any]], Awaitable[object]]] = {
            "sites": calls.put_site,
            "tariffs": calls.put_tariff,
            "credentials": calls.put_credential,
            "sessions": calls.put_session,
            "sdrs": calls.submit_sdr,
        }

    async def push(self, partner: Partner, kind: str, key: ObjectKey) -> None:
        """Send the object in its current state. Raises what the calls raise."""
        try:
            if kind in self._extensions:
                await self._extensions[kind](partner, key)
            elif kind == "statuses":
                await self._push_status(partner, key)
            elif (held := self._load(kind, key)) is not None:
                await self._put[kind](partner, held)
                if self._taken is not None:
                    await self._taken(partner, kind, held)
            elif kind == "tariffs":
                with suppress(NotFound):
                    await self._calls.remove_tariff(partner, key)
        except Refused as error:
            if error.code not in {"not_offered", "not_agreed"}:
                raise

    async def _push_status(self, partner: Partner, key: ObjectKey) -> None:
        site_id, _, evse_uid = key.id.partition("/")
        site_key = key.model_copy(update={"id": site_id})
        held = self._load("sites", site_key)
        evse = next((one for one in held.value.equipment if one.uid == evse_uid), None) if held else None
        if held is None or evse is None:
            return
        try:
            await self._calls.patch_evse_status(partner, site_key, evse_uid, evse.status, evse.last_updated)
        except NotFound:
            await self._calls.put_site(partner, held)
