"""OCPI 2.3.0 as the endpoint uses it."""

from functools import partial

from core.endpoint.binding import Binding
from core.endpoint.ocpi.commands import command_reply, command_response, command_result, command_result_body
from core.endpoint.ocpi.tokens import authorisation_request, location_references
from core.endpoint.ocpi.types import credential_kind_of, token_type
from core.endpoint.ocpi.v2_3_0.commands import COMMANDS
from core.endpoint.ocpi.v2_3_0.credentials import CREDENTIALS
from core.endpoint.ocpi.v2_3_0.hubclientinfo import CLIENT_INFO
from core.endpoint.ocpi.v2_3_0.sdrs import CDR
from core.endpoint.ocpi.v2_3_0.sessions import SESSION
from core.endpoint.ocpi.v2_3_0.sites import CONNECTOR, EVSE, LOCATION
from core.endpoint.ocpi.v2_3_0.tariffs import TARIFF
from core.endpoint.ocpi.v2_3_0.tokens import AUTHORISATIONS, TOKEN, Token
from core.endpoint.ocpi.versions import endpoints_of, version_details

BINDING = Binding(
    version="2.3.0",
    registration=CREDENTIALS,
    version_details=version_details,
    endpoints_of=endpoints_of,
    client_info=CLIENT_INFO,
    site=LOCATION,
    equipment=EVSE,
    connector=CONNECTOR,
    tariff=TARIFF,
    credential=TOKEN,
    session=SESSION,
    sdr=CDR,
    credential_kind=credential_kind_of,
    credential_word=partial(token_type, Token),
    authorisation_request=authorisation_request,
    authorisation_request_body=location_references,
    authorisation=AUTHORISATIONS.read,
    authorisation_body=AUTHORISATIONS.write,
    command=COMMANDS.read,
    command_body=COMMANDS.write,
    command_reply=command_reply,
    command_reply_body=command_response,
    command_result=command_result,
    command_result_body=command_result_body,
)
