"""What a session at a station begins with: a credential as presented, and the grant that a home-CSP stands for."""

from dataclasses import dataclass

from core.errors import InvalidInput
from core.model.credentials import CredentialKind, CredentialReference, IdentificationMethod
from core.model.identification import RULES, IdentificationMethodType, MethodRules
from core.model.identifiers import RfidUid


@dataclass(frozen=True)
class Presented:
    """A credential as a station read it: `uid` as it was read, and by what means."""

    uid: str
    means: IdentificationMethodType = IdentificationMethodType.RFID_CARD

    @property
    def rules(self) -> MethodRules:
        """What follows from the means."""
        return RULES[self.means]

    @property
    def kind(self) -> CredentialKind:
        """What home-CSPs are told that it is."""
        return self.rules.kind

    @property
    def spellings(self) -> tuple[str, ...]:
        """The uids that it can stand for, upper case, the likeliest first. Raises InvalidInput."""
        if self.kind is CredentialKind.RFID:
            return RfidUid.parse(self.uid).spellings
        uid = self.uid.strip().upper()
        if not uid or len(uid) > 36 or not uid.isprintable():
            raise InvalidInput("This is no code", code="unreadable_code", next_step="Type it again.")
        return (uid,)

    def is_of(self, credential_uid: str, credential_kind: str) -> bool:
        """Whether it is this credential."""
        try:
            return credential_kind == self.kind and credential_uid.upper() in self.spellings
        except InvalidInput:
            return False


@dataclass(frozen=True)
class Grant:
    """Leave to charge: who pays, and on whose word.

    partner_id: the home-CSP's connection. payer: the credential that session and SDR name. group_id: whose other
    credentials may stop the session. method: how the credential was accepted. reference: of the home-CSP, to be
    repeated in session and SDR. offline: the home-CSP did not answer and its list decided. evse_uids: where it holds;
    empty where the home-CSP named no place.
    """

    partner_id: str
    payer: CredentialReference
    means: IdentificationMethodType
    method: IdentificationMethod
    group_id: str | None = None
    reference: str | None = None
    offline: bool = False
    evse_uids: tuple[str, ...] = ()

    def holds_at(self, evse_uid: str) -> bool:
        """Whether the EVSE is among those that the home-CSP named, if it named any."""
        return not self.evse_uids or evse_uid.casefold() in {one.casefold() for one in self.evse_uids}
