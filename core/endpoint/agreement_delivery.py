"""Agreements on their way to a partner: versions that we have signed, ends, and what the partner offers since."""

from collections.abc import Awaitable, Callable

import structlog

from core.endpoint.agreement_table import Side, Version, find, note
from core.endpoint.calls import Calls
from core.endpoint.extensions.agreements import MODULE, Standing, send_end, send_version
from core.endpoint.partner import Partner
from core.endpoint.partners import Partners
from core.endpoint.registration import Registrar
from core.errors import Refused
from core.model.agreement_terms import VersionState
from core.model.parties import ObjectKey
from core.store.engine import Store

log = structlog.get_logger(__name__)

Countersigned = Callable[[Partner, Version, str], Awaitable[None]]
"""Told of the partner's signature under a version that we have proposed."""


class AgreementDelivery:
    """Sends what was written. What a partner refuses is not repeated; it stays beside the version as a remark."""

    def __init__(
        self, store: Store, partners: Partners, calls: Calls, registrar: Registrar, countersigned: Countersigned
    ) -> None:
        self._store = store
        self._partners = partners
        self._calls = calls
        self._registrar = registrar
        self._countersigned = countersigned

    async def send(self, partner: Partner, version: Version) -> None:
        """Send a version with our signature, and take the partner's if it answers with one. Raises as the calls do."""
        try:
            standing = await self._sent(await self._offering(partner), version)
        except Refused as error:
            said = error.message
            await self._store.write(lambda connection: note(connection, partner.id, version.hash, said))
            raise
        if version.state is VersionState.PROPOSED and standing.signature is not None:
            await self._countersigned(partner, version, standing.signature)

    async def push(self, partner: Partner, key: ObjectKey) -> None:
        """Send the version of this hash, where it still stands for something."""
        version = self._find(partner, key)
        if version is not None and version.our_signature is not None and version.state is not VersionState.REPLACED:
            try:
                await self.send(partner, version)
            except Refused as error:
                log.warning("agreement_refused", partner=partner.id, hash=version.hash, code=error.code)

    async def push_end(self, partner: Partner, key: ObjectKey) -> None:
        """Tell from when on nothing new begins under the version of this hash."""
        version = self._find(partner, key)
        if version is None or version.ends_at is None or version.end_signature is None or version.ended_by is Side.THEM:
            return
        id, number = version.text.document.id, version.number
        try:
            offering = await self._offering(partner)
            await send_end(self._calls, offering, id, number, version.hash, version.ends_at, version.end_signature)
        except Refused as error:
            log.warning("agreement_end_refused", partner=partner.id, hash=version.hash, code=error.code)

    async def refresh(self, partner: Partner, key: ObjectKey) -> None:
        """Read again what the partner offers: under another agreement it shows other modules."""
        await self._registrar.refresh(partner.id)

    async def _sent(self, partner: Partner, version: Version) -> Standing:
        assert version.our_signature is not None  # what we have not signed is not sent
        id, number = version.text.document.id, version.number
        return await send_version(self._calls, partner, id, number, version.text.canonical, version.our_signature)

    async def _offering(self, partner: Partner) -> Partner:
        """The partner, asked again what it offers where it did not show the module: it may have agreed on it since."""
        if partner.endpoint(MODULE, "RECEIVER") is not None:
            return partner
        await self._registrar.refresh(partner.id)
        return self._partners.get(partner.id)

    def _find(self, partner: Partner, key: ObjectKey) -> Version | None:
        with self._store.read() as connection:
            return find(connection, partner.id, key.id)
