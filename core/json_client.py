"""How the clients of our own HTTP APIs ask: pydantic bodies in and out, problem bodies raised as errors."""

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from core.driver_messages import Problem
from core.errors import EvroamError, InvalidInput, NotAllowed, NotFound, Refused, Unreachable
from core.http import AddressGuard, HttpClient, Network, ServerEvent

M = TypeVar("M", bound=BaseModel)

_ERRORS: Mapping[int, type[EvroamError]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Refused,
    422: InvalidInput,
    502: Unreachable,
}


class JsonClient:
    """Asks one API below a base URL. Raises the EvroamError that it answered, or Unreachable.

    token: the bearer's, which may change; None asks as nobody. timeout: seconds for an answer.
    """

    def __init__(
        self,
        base_url: str,
        context: ssl.SSLContext,
        token: str | None,
        networks: Sequence[Network],
        *,
        timeout: float = 120.0,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._http = HttpClient(context, AddressGuard(networks))
        self._timeout = timeout
        self.token = token

    async def get(self, path: str, kind: type[M]) -> M:
        """What is there."""
        return _read(kind, await self.send("GET", path))

    async def post(self, path: str, body: BaseModel | None, kind: type[M]) -> M:
        """Ask for something to be done; what came of it."""
        return _read(kind, await self.send("POST", path, body))

    async def send(self, method: str, path: str, body: BaseModel | None = None, timeout: float | None = None) -> bytes:
        """Any request; the body of the answer."""
        sent = None if body is None else body.model_dump_json().encode()
        headers = self._headers() | ({} if sent is None else {"Content-Type": "application/json"})
        answer = await self._http.send(
            method, self._base + path, headers=headers, body=sent, timeout=timeout or self._timeout
        )
        if answer.status < 300:
            return answer.body
        raise _error(answer.status, answer.body)

    def events(self, path: str, after: int | None) -> AbstractAsyncContextManager[AsyncIterator[ServerEvent]]:
        """The server-sent events that follow one, or all that come. Raises as `HttpClient.events`."""
        headers = self._headers() | ({} if after is None else {"Last-Event-ID": str(after)})
        return self._http.events(self._base + path, headers=headers)

    def _headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()


def _read(kind: type[M], body: bytes) -> M:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise Unreachable(
            "The platform answered with something this program cannot read.",
            code="unreadable_answer",
            next_step="Use the same version of evroam on both sides.",
        ) from error


def _error(status: int, body: bytes) -> EvroamError:
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        return Unreachable(f"The platform answers HTTP {status}.", code="unreadable_answer")
    kind = _ERRORS.get(status, EvroamError)
    return kind(problem.message, code=problem.code, next_step=problem.next_step)
