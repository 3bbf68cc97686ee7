"""A mobility PKI for demonstrations and tests: a root, a home-CSP's sub-authority, contract certificates, revocation.

What it makes is real X.509 of the kind that ISO 15118 asks for (ECDSA on P-256, SHA-256); only its root is trusted by
nobody but who reads this folder.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.endpoint.contract_certificates import TrustAnchors, fingerprint, pem_certificates
from core.model.plug_and_charge import ContractEvidence

CONTRACT_LASTS = timedelta(days=2 * 365)
_AUTHORITY_LASTS = timedelta(days=20 * 365)
_LIST_LASTS = timedelta(days=30)
_BEFORE = timedelta(days=1)
"""Certificates begin a day before they are made, as clocks differ."""


@dataclass(frozen=True)
class ContractCertificate:
    """A contract certificate as a vehicle carries it: its chain as PEM, leaf first; the private key stays with us."""

    emaid: str
    chain: tuple[str, ...]
    fingerprint: str
    not_after: datetime

    @property
    def evidence(self) -> ContractEvidence:
        """What its vehicle shows at a station."""
        return ContractEvidence(emaid=self.emaid, chain=self.chain)


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class MobilityPki:
    """The authorities of one folder, and what they have revoked."""

    def __init__(self, folder: Path, sub: _Authority) -> None:
        self.folder = folder
        self._sub = sub

    @classmethod
    def open(cls, folder: Path, now: datetime) -> "MobilityPki":
        """The PKI of this folder, made on first use with certificates that begin at `now`."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / "sub.pem").exists():
            root_key, sub_key = _key(), _key()
            root = _certificate("Mobility test root", root_key, None, now, _AUTHORITY_LASTS, authority=True)
            made = _Authority(root, root_key)
            sub = _certificate("Mobility test contracts", sub_key, made, now, _AUTHORITY_LASTS, authority=True)
            _write(folder / "root.key", _private(root_key))
            _write(folder / "root.pem", _pem(root))
            _write(folder / "sub.key", _private(sub_key))
            _write(folder / "sub.pem", _pem(sub))
        pki = cls(folder, _load(folder, "sub"))
        pki.publish(now)
        return pki

    def issue(
        self, emaid: str, now: datetime, *, begin: datetime | None = None, lasts: timedelta = CONTRACT_LASTS
    ) -> ContractCertificate:
        """A contract certificate for this EMAID, which becomes its common name without separators."""
        name = _common_name(emaid)
        leaf = _certificate(name, _key(), self._sub, begin or now, lasts, authority=False)
        chain = (_pem(leaf).decode("ascii"), _pem(self._sub.certificate).decode("ascii"))
        return ContractCertificate(name, chain, fingerprint(leaf), leaf.not_valid_after_utc)

    def keep(self, certificate: ContractCertificate) -> None:
        """Leave a certificate where a vehicle of its contract finds it."""
        _write(self.folder / f"{certificate.emaid}.vehicle", "".join(certificate.chain).encode("ascii"))

    def vehicle(self, emaid: str) -> ContractEvidence | None:
        """What a vehicle of this contract shows at a station; None where it has no certificate."""
        name = _common_name(emaid)
        file = self.folder / f"{name}.vehicle"
        if not file.exists():
            return None
        return ContractEvidence(emaid=name, chain=pem_certificates(file.read_text("ascii")))

    def revoke(self, certificate: ContractCertificate, now: datetime) -> None:
        """Revoke a certificate and publish the list anew."""
        leaf = x509.load_pem_x509_certificate(certificate.chain[0].encode("ascii"))
        with (self.folder / "revoked.txt").open("a", encoding="ascii") as revoked:
            revoked.write(f"{leaf.serial_number} {now.isoformat()}\n")
        self.publish(now)

    def publish(self, now: datetime) -> None:
        """Publish the revocation list, good for a month from now."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._sub.certificate.subject)
        builder = builder.last_update(now).next_update(now + _LIST_LASTS)
        for serial, at in self._revoked():
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
            builder = builder.add_revoked_certificate(one)
        signed = builder.sign(self._sub.key, hashes.SHA256())
        _write(self.folder / "revoked.crl", signed.public_bytes(serialization.Encoding.PEM))

    def _revoked(self) -> list[tuple[int, datetime]]:
        file = self.folder / "revoked.txt"
        lines = file.read_text("ascii").splitlines() if file.exists() else []
        return [(int(serial), datetime.fromisoformat(at)) for serial, at in (line.split(" ", 1) for line in lines)]


def _common_name(emaid: str) -> str:
    return "".join(one for one in emaid.upper() if one.isalnum())


def anchors_in(folder: Path) -> TrustAnchors:
    """What a platform trusts that reads a PKI's folder; nothing where there is none."""
    root, revoked = folder / "root.pem", folder / "revoked.crl"
    if not root.exists():
        return TrustAnchors()
    return TrustAnchors.read(root.read_bytes(), [revoked.read_bytes()] if revoked.exists() else [])


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: _Authority | None,
    now: datetime,
    lasts: timedelta,
    *,
    authority: bool,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + lasts)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return builder.sign(issuer.key if issuer else key, hashes.SHA256())


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load(folder: Path, name: str) -> _Authority:
    key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # we have written it
    return _Authority(x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes()), key)


def _write(file: Path, content: bytes) -> None:
    new = file.with_name(file.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    new.replace(file)
