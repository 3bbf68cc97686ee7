"""Versions and version details (UC1-1)."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from core.endpoint.ocpi.kinds import Address, CiString, Closed, Text
from core.endpoint.ocpi.reading import Json, JsonObject
from core.endpoint.ocpi.shape import AtLeastOne, Fault, InvalidMember, Shape, written
from core.endpoint.partner import PartnerEndpoint

INTERFACE_ROLE = ("RECEIVER", "SENDER")


class Version(Shape):
    """A version that a platform speaks; versions that we do not know are read, too."""

    version: Annotated[str, Text(10)]
    url: Address


class Endpoint(Shape):
    """One interface of one module; custom modules have names of their own."""

    identifier: Annotated[str, CiString(255)]
    role: Annotated[str, Closed(INTERFACE_ROLE)]
    url: Address


class VersionDetails(Shape):
    """What a platform offers in one version (class Data)."""

    version: Annotated[str, Text(10)]
    endpoints: Annotated[tuple[Endpoint, ...], AtLeastOne()]


def versions_of(value: Json) -> dict[str, str]:
    """The URL of each version's details."""
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise InvalidMember([Fault("versions", "expected a list")])
    return {shape.version: shape.url for shape in map(Version.read, value)}


def versions(urls: Mapping[str, str]) -> list[Json]:
    """The versions that we speak."""
    return [written(Version.model_construct(version=version, url=url)) for version, url in urls.items()]


def endpoints_of(value: Json) -> tuple[PartnerEndpoint, ...]:
    """What a platform offers."""
    shape = VersionDetails.read(value)
    return tuple(PartnerEndpoint(module=one.identifier, interface=one.role, url=one.url) for one in shape.endpoints)


def version_details(version: str, endpoints: Iterable[PartnerEndpoint]) -> JsonObject:
    """What we offer."""
    offered = (Endpoint.model_construct(identifier=one.module, role=one.interface, url=one.url) for one in endpoints)
    return written(VersionDetails.model_construct(version=version, endpoints=tuple(offered)))
