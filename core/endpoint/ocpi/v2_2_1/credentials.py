"""Credentials of OCPI 2.2.1, in which a clearing house names no role but its own."""

from functools import partial
from typing import Annotated

from core.endpoint.ocpi import credentials
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import Closed
from core.endpoint.ocpi.shape import AtLeastOne
from core.endpoint.ocpi.v2_2_1.types import ROLE


class CredentialsRole(credentials.CredentialsRole):
    """A party in one role."""

    role: Annotated[str, Closed(ROLE)]


class Credentials(credentials.Credentials):
    """A platform's token for us, its address and its roles."""

    roles: Annotated[tuple[CredentialsRole, ...], AtLeastOne()]


CREDENTIALS = Codec(
    Credentials, credentials.registration_of, partial(credentials.credentials, Credentials), version="2.2.1"
)
