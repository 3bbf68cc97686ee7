"""Contract certificates of ISO 15118 as X.509: read, and judged against trusted roots and revocation lists.

The EMAID is the common name of the leaf. A chain has the leaf first, its sub-authorities after it, and ends below a
root that is trusted; the root itself need not be sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from core.errors import InvalidInput
from core.model.identifiers import ContractId
from core.model.plug_and_charge import CertificateStatus, ContractEvidence

LONGEST_CHAIN = 4
_LONGEST_PEM = 8_000
REVOCATION_KNOWN_FOR = timedelta(hours=24)
"""How long after a revocation list was due a certificate is still believed, where no newer one has come [J]."""


@dataclass(frozen=True)
class TrustAnchors:
    """Roots that are trusted, and the revocation lists that their authorities have published."""

    roots: tuple[x509.Certificate, ...] = ()
    revocations: tuple[x509.CertificateRevocationList, ...] = ()

    @classmethod
    def read(cls, roots: bytes, revocations: Iterable[bytes] = ()) -> "TrustAnchors":
        """From PEM: certificates one after the other, and lists. Raises InvalidInput."""
        try:
            found = x509.load_pem_x509_certificates(roots) if roots.strip() else []
            lists = [x509.load_pem_x509_crl(one) for one in revocations]
        except ValueError as error:
            raise InvalidInput("The trusted roots or revocation lists cannot be read.", code="trust_anchors") from error
        return cls(tuple(found), tuple(lists))


@dataclass(frozen=True)
class ContractChain:
    """A chain that could be read: leaf first."""

    certificates: tuple[x509.Certificate, ...]
    emaid: str
    fingerprint: str = field(default="")

    @property
    def leaf(self) -> x509.Certificate:
        """The contract certificate itself."""
        return self.certificates[0]


def read_chain(chain: Sequence[str]) -> ContractChain:
    """The certificates of a chain. Raises InvalidInput (malformed_chain)."""
    malformed = InvalidInput("The contract certificate cannot be read.", code="malformed_chain")
    if not 0 < len(chain) <= LONGEST_CHAIN or any(len(one) > _LONGEST_PEM for one in chain):
        raise malformed
    try:
        certificates = tuple(x509.load_pem_x509_certificate(one.encode("ascii")) for one in chain)
        [name] = certificates[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, UnicodeError) as error:
        raise malformed from error
    return ContractChain(certificates, str(name.value), fingerprint(certificates[0]))


def pem_certificates(text: str) -> tuple[str, ...]:
    """The certificates in a text of PEM, each by itself, in their order."""
    end = "-----END CERTIFICATE-----"
    return tuple(part.lstrip() + end + "\n" for part in text.split(end)[:-1])


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 (hex) of a certificate, by which its issuer knows it again."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def judge(evidence: ContractEvidence, anchors: TrustAnchors, at: datetime) -> CertificateStatus:
    """What the evidence is worth at this moment: the first thing that is wrong with it, else GOOD."""
    try:
        chain = read_chain(evidence.chain)
    except InvalidInput:
        return CertificateStatus.MALFORMED
    if not _names(chain, evidence.emaid):
        return CertificateStatus.WRONG_EMAID
    path = _path(chain.certificates, anchors.roots)
    if path is None:
        return CertificateStatus.UNTRUSTED
    if any(not one.not_valid_before_utc <= at < one.not_valid_after_utc for one in path):
        return CertificateStatus.EXPIRED
    return _revocation(path, anchors.revocations, at)


def _names(chain: ContractChain, emaid: str) -> bool:
    """Whether the certificate names this EMAID, and rightly: a check character that is there has to be right."""
    try:
        asked, named = ContractId.parse(emaid), ContractId.parse(chain.emaid)
    except InvalidInput:
        return False
    return asked.key == named.key


def _path(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...] | None:
    """The chain up to a trusted root, the root last; None where it leads to none."""
    for below, above in pairwise(chain):
        if not _issued(below, above):
            return None
    top = chain[-1]
    if any(fingerprint(top) == fingerprint(root) for root in roots):
        return tuple(chain) if len(chain) > 1 else None
    root = next((one for one in roots if _issued(top, one)), None)
    return None if root is None else (*chain, root)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    return constraints.ca


def _revocation(
    path: Sequence[x509.Certificate], lists: Sequence[x509.CertificateRevocationList], at: datetime
) -> CertificateStatus:
    """Whether one of the path is revoked; the newest list of each issuer counts, and a leaf needs one."""
    for certificate, issuer in pairwise(path):
        newest = max(
            (one for one in lists if one.issuer == issuer.subject and _signed(one, issuer)),
            key=lambda one: one.last_update_utc,
            default=None,
        )
        if newest is None:
            if certificate is path[0]:
                return CertificateStatus.STALE
            continue
        if newest.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            return CertificateStatus.REVOKED
        due = newest.next_update_utc
        if due is None or at > due + REVOCATION_KNOWN_FOR:
            return CertificateStatus.STALE
    return CertificateStatus.GOOD


def _signed(revocations: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    try:
        return revocations.is_signature_valid(key)  # type: ignore[arg-type]  # other keys are refused right here
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False
