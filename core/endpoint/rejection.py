"""What an error becomes on the wire: an HTTP status, a status code and a sentence.

HTTP errors stand only for what cannot be read, is not authorised or is not there; all else is HTTP 200 with a status
code of its own (status codes, 2.2.1).
"""

from collections.abc import Mapping

from core.endpoint.exchange import Answer
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.ocpi.reading import Unreadable
from core.errors import EvroamError, InvalidInput, NotAllowed, NotFound, Refused
from core.model.display import printable

_NOT_THERE = {"unknown_site": StatusCode.UNKNOWN_LOCATION, "unknown_credential": StatusCode.UNKNOWN_TOKEN}


class Rejection(EvroamError):
    """A request that the endpoint itself turns away, with the answer that it gets."""

    code = "rejected"

    def __init__(
        self,
        message: str,
        http_status: int = 200,
        status_code: int = StatusCode.CLIENT_ERROR,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.status_code = status_code
        self.headers = dict(headers or {})


TELLABLE = (InvalidInput, NotFound, NotAllowed, Refused, Rejection)
"""Errors whose message is for the partner; what else goes wrong is our own affair."""


def answer_to(error: EvroamError) -> Answer:
    """The answer that tells a partner of an error that is one of `TELLABLE`."""
    http_status, status_code = _statuses(error)
    headers = error.headers if isinstance(error, Rejection) else {}
    return Answer(None, status_code, printable(error.message)[:500], http_status, headers)


def _statuses(error: EvroamError) -> tuple[int, int]:
    match error:
        case Rejection():
            return error.http_status, error.status_code
        case Unreadable(code="too_large"):
            return 413, StatusCode.INVALID_PARAMETERS
        case Unreadable():
            return 400, StatusCode.INVALID_PARAMETERS
        case InvalidInput():
            return 200, StatusCode.INVALID_PARAMETERS
        case NotFound():
            return 404, _NOT_THERE.get(error.code, StatusCode.CLIENT_ERROR)
        case NotAllowed():
            return 403, StatusCode.CLIENT_ERROR
    return 200, StatusCode.CLIENT_ERROR
