"""HubClientInfo of OCPI 2.2.1."""

from functools import partial
from typing import Annotated

from core.endpoint.ocpi import hubclientinfo
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import Closed
from core.endpoint.ocpi.v2_2_1.types import ROLE


class ClientInfo(hubclientinfo.ClientInfo):
    """A party behind a hub."""

    role: Annotated[str, Closed(ROLE)]


CLIENT_INFO = Codec(
    ClientInfo, hubclientinfo.reachable_party_of, partial(hubclientinfo.client_info, ClientInfo), version="2.2.1"
)
