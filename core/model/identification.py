"""Identification method types (IEC 63119-2 clause 5.6): by what a driver can identify, and what follows from each.

The clause is the standard's; which types there are and their rules are ours [J], drawn from the practice of roaming
protocols and stations.
`CredentialKind` says what a platform is told, `IdentificationMethodType` what the driver did.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.model.credentials import CredentialKind, WhitelistPolicy
from core.model.identifiers import Kind


class IdentificationMethodType(StrEnum):
    """By what a driver identifies."""

    RFID_CARD = "rfid_card"
    APP = "app"
    QR_CODE = "qr_code"
    AD_HOC_PAYMENT = "ad_hoc_payment"
    PLUG_AND_CHARGE = "plug_and_charge"
    VEHICLE_ID = "vehicle_id"
    PIN = "pin"
    PHONE_NFC = "phone_nfc"
    NONE = "none"


@dataclass(frozen=True)
class MethodRules:
    """What follows from a method.

    kind: the credential that platforms are told of. names: the identifier that the medium carries, if any.
    whitelist: the most that a visited-CSO may decide by itself. note: what to mind, one sentence.
    """

    kind: CredentialKind
    names: Kind | None
    whitelist: WhitelistPolicy
    note: str

    @property
    def needs_home_csp(self) -> bool:
        """Whether no list may stand in for the home-CSP's answer."""
        return self.whitelist is WhitelistPolicy.NEVER


RULES: dict[IdentificationMethodType, MethodRules] = {
    IdentificationMethodType.RFID_CARD: MethodRules(
        CredentialKind.RFID,
        Kind.RFID_UID,
        WhitelistPolicy.ALWAYS,
        "Readers print the UID in either byte order, some in decimal: all spellings are tried, four characters shown.",
    ),
    IdentificationMethodType.APP: MethodRules(
        CredentialKind.APP_USER,
        Kind.CONTRACT,
        WhitelistPolicy.NEVER,
        "The home-CSP knows its user and starts by command.",
    ),
    IdentificationMethodType.QR_CODE: MethodRules(
        CredentialKind.APP_USER,
        Kind.EVSE,
        WhitelistPolicy.NEVER,
        "The code names the EVSE only; the home-CSP's front end that scanned it names the user.",
    ),
    IdentificationMethodType.AD_HOC_PAYMENT: MethodRules(
        CredentialKind.AD_HOC_USER,
        None,
        WhitelistPolicy.NEVER,
        "A credential for one session, good as long as its payment.",
    ),
    IdentificationMethodType.PLUG_AND_CHARGE: MethodRules(
        CredentialKind.EMAID,
        Kind.CONTRACT,
        WhitelistPolicy.ALLOWED_OFFLINE,
        "The vehicle proves the contract with its certificate (ISO 15118).",
    ),
    IdentificationMethodType.VEHICLE_ID: MethodRules(
        CredentialKind.OTHER,
        None,
        WhitelistPolicy.NEVER,
        "A MAC address or number plate proves little: by agreement only.",
    ),
    IdentificationMethodType.PIN: MethodRules(
        CredentialKind.OTHER,
        Kind.CONTRACT,
        WhitelistPolicy.NEVER,
        "Typed with a contract id; tries are limited.",
    ),
    IdentificationMethodType.PHONE_NFC: MethodRules(
        CredentialKind.RFID,
        Kind.RFID_UID,
        WhitelistPolicy.NEVER,
        "A phone may show another UID each time, so that no list can hold it.",
    ),
    IdentificationMethodType.NONE: MethodRules(
        CredentialKind.OTHER,
        None,
        WhitelistPolicy.ALWAYS,
        "Sites that serve everybody.",
    ),
}
"""The rules of each method type."""
