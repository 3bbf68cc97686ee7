"""How our own HTTP APIs answer: pydantic bodies in and out, every error as a problem body with the fitting status."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from core.driver_messages import Problem
from core.errors import EvroamError, InvalidInput, NotAllowed, NotFound, Refused

log = structlog.get_logger(__name__)

MAX_BODY = 64 * 1024
_BODY_WITHIN_SECONDS = 30
_LONGEST_ID = 255
_CONTROL = re.compile(rb"\\u00(?:[01][0-9a-f]|7f)", re.IGNORECASE)
"""A control character as JSON writes it; unescaped ones are no JSON. No id has one, and PostgreSQL keeps no NUL."""

M = TypeVar("M", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Response]]

_STATUS: tuple[tuple[type[EvroamError], int], ...] = (
    (InvalidInput, 422),
    (NotFound, 404),
    (NotAllowed, 403),
    (Refused, 409),
)
_STATUS_OF_CODE = {"not_identified": 401, "too_large": 413, "too_slow": 408}


def answered(handler: Handler) -> Handler:
    """The handler with every EvroamError turned into a problem body; what nobody foresaw is logged and told as such."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except EvroamError as error:
            by_kind = next((code for kind, code in _STATUS if isinstance(error, kind)), 502)
            status = _STATUS_OF_CODE.get(error.code, by_kind)
            return json_answer(Problem(code=error.code, message=error.message, next_step=error.next_step), status)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        except Exception:  # the last edge: a person reads a sentence, the log file keeps the traceback
            log.exception("request_failed", path=request.url.path)
            problem = Problem(code="internal", message="Something went wrong in the platform.", next_step="Try again.")
            return json_answer(problem, 500)

    return answer


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # it is registered for no other
    if error.status_code == 405:
        problem = Problem(code="wrong_method", message="This address does not take this method")
    else:
        problem = Problem(code="no_such_address", message="There is nothing at this address")
    answer = json_answer(problem, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


NOT_ROUTED: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {HTTPException: _not_routed}
"""Exception handlers of an app: requests that no route takes are answered with a problem body as well."""


def path_id(request: Request, name: str = "id") -> str:
    """An id in the path. Raises NotFound where nothing can have it: control characters, or too long."""
    text: str = request.path_params[name]
    if not text.isprintable() or len(text) > _LONGEST_ID:
        raise NotFound("There is nothing of this id")
    return text


async def read_body(request: Request, kind: type[M]) -> M:
    """The body of a request. Raises InvalidInput where it is too long or breaks a rule; the message names the place."""
    body = await _read(request)
    if _CONTROL.search(body):
        raise InvalidInput("The request has control characters in it")
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the request"
        raise InvalidInput(f"{place}: {first['msg']}") from None


async def _read(request: Request) -> bytes:
    too_large = InvalidInput("The request is too long", code="too_large")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_WITHIN_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise too_large
    except TimeoutError:
        raise InvalidInput("The request did not arrive in time", code="too_slow") from None
    return bytes(body)


def json_answer(body: BaseModel, status: int = 200) -> Response:
    """A body as an answer."""
    return Response(body.model_dump_json(), status_code=status, media_type="application/json")


def program_version() -> str:
    """The version of this program."""
    try:
        return version("evroam")
    except PackageNotFoundError:
        return "unpackaged"
