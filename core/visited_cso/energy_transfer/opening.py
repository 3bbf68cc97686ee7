"""A session as the visited-CSO opens it, whichever way it begins: commanded, at the station, or by a reservation."""

from core.model.credentials import CredentialReference, IdentificationMethod
from core.model.session import ServiceSession, SessionState
from core.model.sites import Connector, EvSupplyEquipment, Site
from core.model.tariffs import Tariff
from core.visited_cso.context import Context


def new_session(
    context: Context,
    id: str,
    payer: CredentialReference,
    identification: IdentificationMethod,
    site: Site,
    equipment: EvSupplyEquipment,
    connector: Connector,
    tariffs: tuple[Tariff, ...],
) -> ServiceSession:
    """A session at a connector of ours that waits for its authorisation, its tariffs frozen; nothing is kept yet."""
    return ServiceSession(
        id=id,
        home=payer.party,
        visited=context.party,
        visited_session_id=id,
        contract_id=payer.contract_id,
        credential_uid=payer.uid,
        credential_kind=payer.kind,
        identification=identification,
        site_id=site.id,
        evse_uid=equipment.uid,
        evse_id=equipment.evse_id or "",
        connector_id=connector.id,
        time_zone=site.time_zone,
        state=SessionState.AUTHORISING,
        opened_at=context.clock.now(),
        currency=tariffs[0].currency if tariffs else None,
        tariffs=tariffs,
    )
