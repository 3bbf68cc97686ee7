"""Signatures of platforms over what they promise: JSON Web Signatures (RFC 7515), ES256, with the certificate in them.

A signature names its kind (`typ`), so that one over an agreement is none over anything else.
"""

import base64
import binascii
import json
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from core.endpoint.tls import CertificateAuthority, Identity, PeerCertificate
from core.errors import Refused

_ES256 = ec.ECDSA(hashes.SHA256())
_COORDINATE_BYTES = 32
LONGEST = 8_000


def signed(identity: Identity, kind: str, payload: str) -> str:
    """A compact signature of a platform over a text, by the key of its certificate."""
    key = serialization.load_pem_private_key(identity.key.read_bytes(), password=None)
    certificate = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # identities have no other keys
    der = certificate.public_bytes(serialization.Encoding.DER)
    header = {"alg": "ES256", "typ": kind, "x5c": [base64.b64encode(der).decode()]}
    message = f"{_encoded(json.dumps(header, separators=(',', ':')).encode())}.{_encoded(payload.encode())}"
    r, s = decode_dss_signature(key.sign(message.encode(), _ES256))
    signature = r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
    return f"{message}.{_encoded(signature)}"


def signer(authority: CertificateAuthority, kind: str, payload: str, signature: str) -> PeerCertificate:
    """Who signed this text. Raises Refused (signature_invalid).

    The certificate has to be valid now and issued by an authority that is trusted here; whose it is, the caller judges.
    """
    try:
        head, body, tail = signature.encode("ascii")[: LONGEST + 1].split(b".")
        header: Any = json.loads(_decoded(head))  # Any: JSON of a stranger, looked at member by member
        der = base64.b64decode(header["x5c"][0], validate=True)
        certificate = x509.load_der_x509_certificate(der)
        raw = _decoded(tail)
        fits = header["alg"] == "ES256" and header["typ"] == kind and _decoded(body) == payload.encode()
        key = certificate.public_key()
    except (ValueError, TypeError, KeyError, IndexError, binascii.Error) as error:
        raise _invalid("it cannot be read") from error
    if not fits:
        raise _invalid("it is over something else")
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) != 2 * _COORDINATE_BYTES:
        raise _invalid("it is not of the kind ES256")
    if not authority.vouches_for(certificate):
        raise _invalid("its certificate is not valid here")
    r, s = (int.from_bytes(part, "big") for part in (raw[:_COORDINATE_BYTES], raw[_COORDINATE_BYTES:]))
    try:
        key.verify(encode_dss_signature(r, s), head + b"." + body, _ES256)
    except InvalidSignature as error:
        raise _invalid("it is not by the key of its certificate") from error
    return PeerCertificate.read(der)


def _invalid(why: str) -> Refused:
    return Refused(f"The signature does not hold: {why}", code="signature_invalid")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
