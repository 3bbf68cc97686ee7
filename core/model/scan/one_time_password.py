"""One-time passwords of dynamic QR codes, after OCPP 2.1 and the paper on secure dynamic QR codes."""

import hashlib
import hmac
import re
import string
from datetime import datetime
from enum import StrEnum

from core.model.scan.trust import OneTimePassword

_ALPHABET = string.digits + string.ascii_lowercase + string.ascii_uppercase


class PasswordCheck(StrEnum):
    """What is known about the one-time password of a code."""

    NONE = "none"
    """The code has none."""
    VERIFIED = "verified"
    NOT_VERIFIED_HERE = "not_verified_here"
    """Only the operator holds the secret: it checks the password when it is passed on."""
    INVALID = "invalid"


def one_time_password(secret: str, interval: int, length: int) -> str:
    """The password of one interval, counted from the Unix epoch in steps of the validity."""
    digest = hmac.new(secret.encode(), interval.to_bytes(8, "big"), hashlib.sha256).digest()
    offset = digest[-1] & 0x0F
    return "".join(_ALPHABET[digest[(offset + place) % len(digest)] % len(_ALPHABET)] for place in range(length))


def check_password(password: str, rules: OneTimePassword, at: datetime) -> PasswordCheck:
    """Judge a password at a moment; the interval before and the one after are good too."""
    if not re.fullmatch(rf"[0-9a-zA-Z]{{{rules.length}}}", password):
        return PasswordCheck.INVALID
    if rules.secret is None:
        return PasswordCheck.NOT_VERIFIED_HERE
    now = int(at.timestamp()) // rules.validity_seconds
    secret = rules.secret.get_secret_value()
    good = [one_time_password(secret, interval, rules.length) for interval in range(max(now - 1, 0), now + 2)]
    matches = [hmac.compare_digest(password, candidate) for candidate in good]
    return PasswordCheck.VERIFIED if any(matches) else PasswordCheck.INVALID
