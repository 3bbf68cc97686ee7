"""Tokens of OCPI 2.3.0."""

from functools import partial

from core.endpoint.ocpi import tokens
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.v2_3_0.types import TokenType


class Token(tokens.Token):
    """A credential."""

    type: TokenType


class AuthorizationInfo(tokens.AuthorizationInfo):
    """The answer to an identification request."""

    token: Token


TOKEN = Codec(Token, tokens.credential_of, partial(tokens.token, Token), version="2.3.0")
AUTHORISATIONS = tokens.Authorisations(AuthorizationInfo, TOKEN)
