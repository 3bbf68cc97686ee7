"""The verdict on a scanned code, the reasons of a refusal, and what the judge asks the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from core.model.identifiers import EvseId, StationId
from core.model.scan.one_time_password import PasswordCheck


class RefusalCode(StrEnum):
    """Why a code was refused."""

    UNTRUSTED_HOST = "untrusted_host"
    USERINFO_IN_URL = "userinfo_in_url"
    NON_ASCII_HOST = "non_ascii_host"
    UNSUPPORTED_SCHEME = "unsupported_scheme"
    PAYMENT_CODE = "payment_code"
    CONTROL_CHARACTERS = "control_characters"
    TOO_LONG = "too_long"
    AMBIGUOUS = "ambiguous"
    MALFORMED_EVSE_ID = "malformed_evse_id"
    UNKNOWN_COUNTRY = "unknown_country"
    UNKNOWN_EVSE = "unknown_evse"
    STATION_ID_NOT_EVSE = "station_id_not_evse"
    POOL_ID_NOT_EVSE = "pool_id_not_evse"
    CONTRACT_ID_NOT_EVSE = "contract_id_not_evse"
    RFID_UID = "rfid_uid"
    METER_RECORD = "meter_record"
    METER_PUBLIC_KEY = "meter_public_key"
    NEEDS_OPERATOR_LOOKUP = "needs_operator_lookup"
    INVALID_TOTP = "invalid_totp"
    MISSING_PARAMETER = "missing_parameter"
    UNSUPPORTED_VERSION = "unsupported_version"
    SCANNER_LAYOUT = "scanner_layout"
    OWN_HANDOVER_LINK = "own_handover_link"
    NOT_AN_EVSE_CODE = "not_an_evse_code"


_SCAN_OR_TYPE = "Scan the code on the post, or type the EVSE id that is printed beside it."
_TYPE = "Type the EVSE id that is printed on the post."
_REPORT = "Do not open it on your phone. Type the EVSE id that is printed on the post, and report the sticker."

WORDS: dict[RefusalCode, tuple[str, str]] = {
    RefusalCode.UNTRUSTED_HOST: ("The code leads to a website that is not on the list of trusted operators.", _REPORT),
    RefusalCode.USERINFO_IN_URL: (
        "The code hides where it leads: a name stands before an @ in front of the host.",
        _REPORT,
    ),
    RefusalCode.NON_ASCII_HOST: ("The website's name has letters that only look like those of a known one.", _REPORT),
    RefusalCode.UNSUPPORTED_SCHEME: (
        "The code is not for charging: it opens something else than a web link.",
        _SCAN_OR_TYPE,
    ),
    RefusalCode.PAYMENT_CODE: ("The code asks for a payment; charging here never starts with one.", _REPORT),
    RefusalCode.CONTROL_CHARACTERS: ("The code has invisible control characters in it.", _REPORT),
    RefusalCode.TOO_LONG: ("The code is longer than any EVSE code.", _SCAN_OR_TYPE),
    RefusalCode.AMBIGUOUS: ("The code names more than one EVSE.", _TYPE),
    RefusalCode.MALFORMED_EVSE_ID: ("The EVSE id in the code is not written as the standard wants it.", _TYPE),
    RefusalCode.UNKNOWN_COUNTRY: ("The id begins with a code that is no country.", _TYPE),
    RefusalCode.UNKNOWN_EVSE: (
        "The EVSE id is well formed, but it is not available here.",
        "Compare it with the print on the post; if they agree, this operator is not a roaming partner.",
    ),
    RefusalCode.STATION_ID_NOT_EVSE: ("The id names a whole station.", "Choose which of its EVSEs you stand at."),
    RefusalCode.POOL_ID_NOT_EVSE: ("The id names a whole site.", "Open the site and choose the EVSE you stand at."),
    RefusalCode.CONTRACT_ID_NOT_EVSE: (
        "This is a contract id, not an EVSE.",
        "Keep it for identifying yourself; scan the post first.",
    ),
    RefusalCode.RFID_UID: (
        "This is the number of a card, not an EVSE.",
        "Use the card to identify yourself; scan the post first.",
    ),
    RefusalCode.METER_RECORD: ("This is a signed meter record.", "Verify it with the receipt of its session."),
    RefusalCode.METER_PUBLIC_KEY: (
        "This is the public key of a meter.",
        "Use it to verify the meter record of a receipt.",
    ),
    RefusalCode.NEEDS_OPERATOR_LOOKUP: (
        "Only the operator knows which EVSE its code means, and links are not followed.",
        _TYPE,
    ),
    RefusalCode.INVALID_TOTP: (
        "The code on the screen has expired or is not genuine.",
        "Scan the station's screen again.",
    ),
    RefusalCode.MISSING_PARAMETER: ("The link is incomplete: it does not say which EVSE.", _SCAN_OR_TYPE),
    RefusalCode.UNSUPPORTED_VERSION: ("The code is of a version that is not supported here.", _TYPE),
    RefusalCode.SCANNER_LAYOUT: (
        "The scanner types with another keyboard layout than this machine expects.",
        "Type the EVSE id; the scanner's country setting must be corrected by a technician.",
    ),
    RefusalCode.OWN_HANDOVER_LINK: ("This is this machine's own hand-over code.", "Open it with your phone's camera."),
    RefusalCode.NOT_AN_EVSE_CODE: ("This is not the code of an EVSE.", _SCAN_OR_TYPE),
}
"""What is wrong, and what to do, for each refusal."""


@dataclass(frozen=True)
class ScannedHost:
    """The host of a scanned link taken apart for display, all of it printable ASCII (xn-- is never decoded).

    scheme: empty where none was written. imitates: a trusted host whose name stands in an untrusted one.
    """

    scheme: str
    text: str
    labels: tuple[str, ...]
    trusted: bool
    imitates: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Trusted, with the EVSE; or refused, with a code.

    reason and next_step: sentences; nothing of the payload is in them but an EVSE id, or the last four characters of a
    personal identifier. choices: the EVSEs of a scanned station, for the driver to pick from.
    """

    code: RefusalCode | None
    reason: str
    next_step: str
    evse_id: EvseId | None = None
    host: ScannedHost | None = None
    password: PasswordCheck = PasswordCheck.NONE
    choices: tuple[EvseId, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether the EVSE may be used."""
        return self.code is None


class Catalogue(Protocol):
    """What the judge asks about the sites that the home-CSP offers."""

    def has_evse(self, evse_id: EvseId) -> bool:
        """Whether the EVSE is offered."""
        ...

    def evses_of(self, station_id: StationId) -> Sequence[EvseId]:
        """The EVSEs of a station, none if it is not offered."""
        ...

    def evse_at(self, host: str, station: str, evse: str) -> EvseId | None:
        """The EVSE by its operator's own names for station and EVSE, the operator known by the host of its codes."""
        ...

    def evse_of_alias(self, host: str, alias: str) -> EvseId | None:
        """The EVSE that the operator's code (the path of its link) stands for."""
        ...


class EveryEvse:
    """A catalogue that has every well-formed EVSE id and knows nothing else."""

    def has_evse(self, evse_id: EvseId) -> bool:
        """Always."""
        return True

    def evses_of(self, station_id: StationId) -> Sequence[EvseId]:
        """None is known."""
        return ()

    def evse_at(self, host: str, station: str, evse: str) -> EvseId | None:
        """None is known."""
        return None

    def evse_of_alias(self, host: str, alias: str) -> EvseId | None:
        """None is known."""
        return None


def refuse(code: RefusalCode, detail: str = "", *, choices: Sequence[EvseId] = ()) -> Verdict:
    """A refusal in the words of its code; detail: one more sentence, printable, without anything personal."""
    reason, next_step = WORDS[code]
    return Verdict(code, f"{reason} {detail}".rstrip(), next_step, choices=tuple(choices))


def accept(evse_id: EvseId, password: PasswordCheck = PasswordCheck.NONE) -> Verdict:
    """The EVSE may be used."""
    unverified = " Its one-time password was not verified here." if password is PasswordCheck.NOT_VERIFIED_HERE else ""
    reason = f"The code names the EVSE {evse_id}.{unverified}"
    return Verdict(None, reason, f"Check that the post says {evse_id}.", evse_id=evse_id, password=password)
