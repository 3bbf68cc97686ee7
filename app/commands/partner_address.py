"""A partner's versions URL and the token that it made for us, as a person gives them to a command."""

import sys

from core.errors import InvalidInput

_LONGEST_TOKEN = 512
_LONGEST_URL = 2000
_STANDARD_INPUT = "-"


def checked_token(text: str) -> str:
    """A token; `-` reads it from the standard input. Raises InvalidInput."""
    secret = (sys.stdin.readline() if text == _STANDARD_INPUT else text).strip()
    if not 0 < len(secret) <= _LONGEST_TOKEN or not secret.isprintable():
        raise InvalidInput(
            "The token is missing or cannot be one.", code="token", next_step="Give the token that the partner made."
        )
    return secret


def checked_versions_url(text: str) -> str:
    """An https URL. Raises InvalidInput."""
    if not text.lower().startswith("https://") or len(text) > _LONGEST_URL:
        raise InvalidInput(
            f"“{text[:80]}” is not an https address.",
            code="versions_url",
            next_step="Give the versions URL of the partner, like https://roaming.example.com/ocpi/versions.",
        )
    return text
