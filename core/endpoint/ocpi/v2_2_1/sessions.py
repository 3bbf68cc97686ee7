"""Sessions of OCPI 2.2.1."""

from functools import partial

from core.endpoint.ocpi import sessions
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.v2_2_1.types import Price, TokenType


class CdrToken(sessions.CdrToken):
    """The part of a token that sessions and CDRs repeat."""

    type: TokenType


class Session(sessions.Session):
    """A session as its operator reports it."""

    cdr_token: CdrToken
    total_cost: Price | None = None


SESSION = Codec(Session, sessions.report_of, partial(sessions.session, Session), sessions.APPENDED, version="2.2.1")
