"""The tokens by which platforms know one another: made, sent, read and kept as keyed hashes (never in clear)."""

import base64
import binascii
import hmac
import secrets


def new_token() -> str:
    """A token of 256 random bits, printable."""
    return secrets.token_urlsafe(32)


def token_hash(key: bytes, token: str) -> str:
    """HMAC-SHA256 (hex) of a token under the platform's secret."""
    return hmac.digest(key, token.encode("utf-8", "surrogatepass"), "sha256").hex()


def authorization(token: str) -> str:
    """The Authorization header: always Base64, without a newline inside."""
    return "Token " + base64.b64encode(token.encode()).decode("ascii")


def tokens_in(header: str | None) -> tuple[str, ...]:
    """What an Authorization header may mean, likeliest first.

    Base64 as it has to be; with a newline inside, as the specification's own example has it; and bare, as old
    partners send it. Empty where it is no such header.
    """
    scheme, _, given = (header or "").strip().partition(" ")
    given = given.strip()
    if scheme.lower() != "token" or not 0 < len(given) <= 512:
        return ()
    try:
        decoded = base64.b64decode(given, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return (given,)
    return tuple(dict.fromkeys(one for one in (decoded, decoded.rstrip("\r\n"), given) if one))
