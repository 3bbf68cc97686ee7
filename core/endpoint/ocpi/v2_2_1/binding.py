"""OCPI 2.2.1 as the endpoint uses it."""

from functools import partial

from core.endpoint.binding import Binding
from core.endpoint.ocpi.commands import command_reply, command_response, command_result, command_result_body
from core.endpoint.ocpi.tokens import authorisation_request, location_references
from core.endpoint.ocpi.types import token_type
from core.endpoint.ocpi.v2_2_1.commands import COMMANDS
from core.endpoint.ocpi.v2_2_1.credentials import CREDENTIALS
from core.endpoint.ocpi.v2_2_1.hubclientinfo import CLIENT_INFO
from core.endpoint.ocpi.v2_2_1.sdrs import CDR
from core.endpoint.ocpi.v2_2_1.sessions import SESSION
from core.endpoint.ocpi.v2_2_1.sites import CONNECTOR, EVSE, LOCATION
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF
from core.endpoint.ocpi.v2_2_1.tokens import AUTHORISATIONS, TOKEN, Token
from core.endpoint.ocpi.v2_2_1.types import TOKEN_TYPE
from core.endpoint.ocpi.versions import endpoints_of, version_details
from core.errors import InvalidInput
from core.model.credentials import CredentialKind


def _credential_kind(word: str) -> CredentialKind:
    """Raises InvalidInput for a word that is not in the table."""
    if word not in TOKEN_TYPE:
        raise InvalidInput("type is no type of token.")
    return CredentialKind(word)


BINDING = Binding(
    version="2.2.1",
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
    credential_kind=_credential_kind,
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
