"""Errors with a code and a next step.

Every error that a person or a partner may meet is an `EvroamError`: a stable code, a sentence that says what is wrong,
and what to do about it. Edges (commands, screens, HTTP) turn it into words; nothing else does.
"""


class EvroamError(Exception):
    """What went wrong, as a code, a sentence and a next step.

    code: stable, lower case with underscores, for programs and tests. message: what is wrong, for a person.
    next_step: what the person can do, empty where nothing can be done.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, next_step: str = "") -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.message = message
        self.next_step = next_step


class InvalidInput(EvroamError):
    """Input that cannot be read or breaks a rule; the message names the member or the place."""

    code = "invalid_input"


class NotFound(EvroamError):
    """What was asked for does not exist or may not be seen by the one who asks."""

    code = "not_found"


class NotAllowed(EvroamError):
    """The one who asks is known but may not do this (role, agreement, ownership)."""

    code = "not_allowed"


class Refused(EvroamError):
    """A partner or a station answered, and the answer is no; `code` is the reason."""

    code = "refused"


class Unreachable(EvroamError):
    """No usable answer. Only with the code `unreachable` is it certain that the request did not arrive: the name is
    unknown, the connection refused, the TLS handshake failed. After any other, what was asked for may have been done.
    """

    code = "unreachable"

    @property
    def never_arrived(self) -> bool:
        """Whether it is certain that nothing of the request reached the other side."""
        return self.code == Unreachable.code
