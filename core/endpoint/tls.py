"""Who a platform is on the wire: a local certificate authority, identities that name party and role, TLS 1.3 contexts.

A certificate names its parties in URI entries of the subject alternative name, `urn:ev-party:DE*ABC:CSO` ([J], after
OICP's check of the operator against the client certificate). Two machines meet by exchanging their authorities.
"""

import ipaddress
import os
import secrets
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core.clock import Clock, WallClock
from core.endpoint.agreement import Transport
from core.errors import InvalidInput
from core.model.parties import PartyRole, PlatformRole

_ROLE_NAMES = {PlatformRole.HOME_CSP: "CSP", PlatformRole.VISITED_CSO: "CSO", PlatformRole.CLEARING_HOUSE: "CH"}
_PARTY_NAME = "urn:ev-party:"
_AUTHORITY_LIFE = timedelta(days=3650)
_IDENTITY_LIFE = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=90)
_SKEW = timedelta(hours=1)
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def party_name(role: PartyRole) -> str:
    """The URI by which a certificate names a party in a role."""
    return f"{_PARTY_NAME}{role.party}:{_ROLE_NAMES[role.role]}"


@dataclass(frozen=True)
class PeerCertificate:
    """What the certificate of the other side says: the parties it names, and a name to bind a partner to.

    `name` holds the parties (or, where it names none, the subject) and the key of the issuer, so that another
    authority that we trust cannot issue a certificate in a partner's name.
    """

    parties: frozenset[str]
    name: str

    @classmethod
    def read(cls, der: bytes) -> "PeerCertificate":
        """Read a certificate that the TLS layer has already verified."""
        certificate = x509.load_der_x509_certificate(der)
        parties = frozenset(uri for uri in _uris(certificate) if uri.startswith(_PARTY_NAME))
        subject = ",".join(sorted(parties)) or certificate.subject.rfc4514_string()
        return cls(parties, f"{subject} issued by {_issuer(certificate)}")

    def names(self, roles: Iterable[PartyRole]) -> bool:
        """Whether the certificate itself names all these roles."""
        return self.parties >= {party_name(role) for role in roles}

    def covers(self, roles: Iterable[PartyRole]) -> bool:
        """Whether the holder may act in all these roles. A certificate that names no party at all says nothing."""
        return not self.parties or self.names(roles)


@dataclass(frozen=True)
class Identity:
    """The files of one platform: certificate and key, trusted authorities, the secret that keys token hashes."""

    certificate: Path
    key: Path
    secret: Path
    authority: "CertificateAuthority"

    @cached_property
    def token_key(self) -> bytes:
        """The pepper under which tokens are hashed."""
        return self.secret.read_bytes()

    def server_context(self, certificates: ssl.VerifyMode = ssl.CERT_REQUIRED) -> ssl.SSLContext:
        """TLS 1.3 only. CERT_OPTIONAL where some agreements have server-side TLS only, CERT_NONE for browsers."""
        context = self._server_side(certificates)
        self.authority.admit_to(context)
        return context

    def front_end_context(self) -> ssl.SSLContext:
        """For a server of our front ends: only our own authority issues their certificates, no partner's does."""
        context = self._server_side(ssl.CERT_REQUIRED)
        context.load_verify_locations(cadata=self.authority.export().decode("ascii"))
        return context

    def client_context(self, transport: Transport = Transport.MUTUAL_TLS) -> ssl.SSLContext:
        """TLS 1.3 only; mutual: our certificate, authorities trusted here; else also the public ones."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.authority.admit_to(context)
        if transport is Transport.MUTUAL_TLS:
            context.load_cert_chain(self.certificate, self.key)
        else:
            context.load_default_certs()
        return context

    def _server_side(self, certificates: ssl.VerifyMode) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.certificate, self.key)
        context.verify_mode = certificates
        return context


class CertificateAuthority:
    """The local authority of a data folder, and the foreign ones that it was told to trust."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._trusted = folder / "trusted"
        self._contexts: list[ssl.SSLContext] = []

    @classmethod
    def open(cls, folder: Path, clock: Clock | None = None) -> "CertificateAuthority":
        """The authority kept in this folder, made on first use."""
        authority = cls(folder, clock or WallClock())
        authority._trusted.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not authority._certificate_file.exists():
            authority._create()
        return authority

    def export(self) -> bytes:
        """The bundle for a partner: our authority's certificate as PEM, no secret in it."""
        return self._certificate_file.read_bytes()

    def trust(self, bundle: bytes) -> str:
        """Trust a foreign authority from now on, in running servers too; returns its SHA-256 fingerprint.

        Raises InvalidInput where it is no authority, or pretends to be one that is trusted already.
        """
        try:
            certificate = x509.load_pem_x509_certificate(bundle)
            is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except (ValueError, x509.ExtensionNotFound) as error:
            raise _no_authority() from error
        if not is_authority:
            raise _no_authority()
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        for known in self._authorities():
            if _key_name(known) == _key_name(certificate) and known.public_key() != certificate.public_key():
                raise InvalidInput("This certificate authority carries the key name of another one that is trusted.")
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        _write(self._trusted / f"{fingerprint}.pem", pem)
        for context in self._contexts:
            context.load_verify_locations(cadata=pem.decode())
        return fingerprint

    def trusted(self) -> tuple[str, ...]:
        """Fingerprints of the foreign authorities."""
        return tuple(sorted(file.stem for file in self._trusted.glob("*.pem")))

    def identity(self, folder: Path, roles: Sequence[PartyRole], hosts: Sequence[str] = LOOPBACK_HOSTS) -> Identity:
        """The identity of a platform kept in this folder; issued anew when roles or hosts changed or it ends soon."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        identity = Identity(folder / "platform.pem", folder / "platform.key", folder / "token.secret", self)
        if not identity.secret.exists():
            _write(identity.secret, secrets.token_bytes(32))
        names = [*map(party_name, roles), *hosts]
        if not (identity.certificate.exists() and identity.key.exists() and self._still_good(identity, names)):
            self._issue(identity, roles, hosts)
        return identity

    def vouches_for(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is valid now and was issued by this authority or one that it was told to trust."""
        if not certificate.not_valid_before_utc <= self._clock.now() <= certificate.not_valid_after_utc:
            return False
        return any(_has_issued(authority, certificate) for authority in self._authorities())

    def admit_to(self, context: ssl.SSLContext) -> None:
        """Let a context trust these authorities, and those that are imported later."""
        for certificate in self._authorities():
            context.load_verify_locations(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
        self._contexts.append(context)

    @property
    def _certificate_file(self) -> Path:
        return self._folder / "authority.pem"

    @property
    def _key_file(self) -> Path:
        return self._folder / "authority.key"

    def _authorities(self) -> list[x509.Certificate]:
        files = [self._certificate_file, *sorted(self._trusted.glob("*.pem"))]
        return [x509.load_pem_x509_certificate(file.read_bytes()) for file in files]

    def _create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"evroam {secrets.token_hex(4)}")])
        usage = {"key_cert_sign": True, "crl_sign": True}
        certificate = (
            self._builder(name, name, key.public_key(), key.public_key(), _AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(**usage), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write(self._key_file, _private_pem(key))
        _write(self._certificate_file, certificate.public_bytes(serialization.Encoding.PEM))

    def _issue(self, identity: Identity, roles: Sequence[PartyRole], hosts: Sequence[str]) -> None:
        authority_key = serialization.load_pem_private_key(self._key_file.read_bytes(), password=None)
        if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
            raise InvalidInput("The key of the certificate authority is not an elliptic curve key.")
        authority = x509.load_pem_x509_certificate(self.export())
        key = ec.generate_private_key(ec.SECP256R1())
        common_name = roles[0].name[:64] if roles else hosts[0]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        names = [*(x509.UniformResourceIdentifier(party_name(role)) for role in roles), *map(_host_name, hosts)]
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            self._builder(subject, authority.subject, key.public_key(), authority_key.public_key(), _IDENTITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .sign(authority_key, hashes.SHA256())
        )
        _write(identity.key, _private_pem(key))
        _write(identity.certificate, certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePublicKey,
        issuer_key: ec.EllipticCurvePublicKey,
        life: timedelta,
    ) -> x509.CertificateBuilder:
        now = self._clock.now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + life)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        )

    def _still_good(self, identity: Identity, names: Sequence[str]) -> bool:
        certificate = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
        if not _has_issued(x509.load_pem_x509_certificate(self.export()), certificate):
            return False
        named = {*_uris(certificate), *_hosts(certificate)}
        return named == set(names) and certificate.not_valid_after_utc - self._clock.now() > _RENEW_BEFORE


def _has_issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _no_authority() -> InvalidInput:
    return InvalidInput(
        "This is not the certificate of a certificate authority.",
        next_step="Ask the partner for the file that its own platform exports.",
    )


def _write(file: Path, content: bytes) -> None:
    # Written beside and moved, so that a crash leaves no half key; the mode stands before the content.
    beside = file.with_suffix(f".{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    beside.replace(file)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _key_usage(digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _uris(certificate: x509.Certificate) -> list[str]:
    names = _alternative_names(certificate)
    return names.get_values_for_type(x509.UniformResourceIdentifier) if names else []


def _hosts(certificate: x509.Certificate) -> list[str]:
    names = _alternative_names(certificate)
    if names is None:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def _issuer(certificate: x509.Certificate) -> str:
    try:
        identifier = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        identifier = None
    return identifier.hex() if identifier else certificate.issuer.rfc4514_string()


def _key_name(certificate: x509.Certificate) -> str:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    except x509.ExtensionNotFound:
        return certificate.subject.rfc4514_string()
