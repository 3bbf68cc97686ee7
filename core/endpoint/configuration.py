"""The configuration modules of the wire: versions, version details and credentials (UC1-1)."""

from collections.abc import Mapping

from core.endpoint.binding import Binding
from core.endpoint.exchange import Answer
from core.endpoint.ocpi.reading import to_text
from core.endpoint.ocpi.versions import versions
from core.endpoint.partner import Partner, PartnerEndpoint
from core.endpoint.partners import Invitation
from core.endpoint.registration import Registrar
from core.endpoint.rejection import Rejection
from core.endpoint.server import ConfigurationHandler, ConfigurationRequest
from core.endpoint.tokens import tokens_in
from core.model.services import Service

Handlers = dict[str, Mapping[str, ConfigurationHandler]]


def configuration(
    base_url: str,
    bindings: Mapping[str, Binding],
    offered: Mapping[str, tuple[PartnerEndpoint, ...]],
    services: Mapping[str, Service],
    registrar: Registrar,
) -> Handlers:
    """Handlers by path and method.

    offered: the functional modules that we have in each version. services: what an agreement has to name, by extension
    module; who has not agreed to it does not see the module.
    """
    handlers: Handlers = {"/ocpi/versions": {"GET": _versions(base_url, bindings)}}
    for version, binding in bindings.items():
        path = f"/ocpi/{version}/credentials"
        own = PartnerEndpoint(module="credentials", interface="SENDER", url=base_url + path)
        handlers[f"/ocpi/{version}"] = {"GET": _details(binding, (own, *offered[version]), services)}
        handlers[path] = _credentials(version, registrar)
    return handlers


def _versions(base_url: str, bindings: Mapping[str, Binding]) -> ConfigurationHandler:
    text = to_text(versions({version: f"{base_url}/ocpi/{version}" for version in bindings}))

    async def get(_request: ConfigurationRequest) -> Answer:
        return Answer(text)

    return get


def _details(
    binding: Binding, endpoints: tuple[PartnerEndpoint, ...], services: Mapping[str, Service]
) -> ConfigurationHandler:
    async def get(request: ConfigurationRequest) -> Answer:
        agreed = request.caller.agreement.services
        open_to = (one for one in endpoints if one.module not in services or services[one.module] in agreed)
        return Answer(to_text(binding.version_details(binding.version, open_to)))

    return get


def _credentials(version: str, registrar: Registrar) -> dict[str, ConfigurationHandler]:
    async def get(request: ConfigurationRequest) -> Answer:
        token = next(iter(tokens_in(request.token_header)), "").strip()
        return Answer(registrar.credentials_for(token, version))

    async def post(request: ConfigurationRequest) -> Answer:
        if not isinstance(request.caller, Invitation) or request.caller.versions_only:
            raise _not_now("This platform is registered already; it changes with PUT.", "GET, PUT, DELETE")
        return Answer(await registrar.accept(request.caller, request.body, request.certificate, version))

    async def put(request: ConfigurationRequest) -> Answer:
        partner = _registered(request)
        return Answer(await registrar.update(partner, request.body, request.certificate, version))

    async def delete(request: ConfigurationRequest) -> Answer:
        await registrar.leave(_registered(request))
        return Answer()

    return {"GET": get, "POST": post, "PUT": put, "DELETE": delete}


def _registered(request: ConfigurationRequest) -> Partner:
    if not isinstance(request.caller, Partner):
        raise _not_now("This platform is not registered yet; it registers with POST.", "GET, POST")
    return request.caller


def _not_now(why: str, allowed: str) -> Rejection:
    return Rejection(why, 405, headers={"Allow": allowed})
