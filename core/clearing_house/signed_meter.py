"""Signed meter readings of an SDR: what they read, and whether the meter's key signed them (OCMF).

OCMF is `OCMF|payload|signature`, two JSON objects; signed is the payload's text, with ECDSA over SHA-256, on the curve
that the signature names (secp256r1 by default). Other encodings are kept and cannot be judged here.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from core.model.sdr import SignedMeterData

_PER_KWH = {"kWh": Decimal(1), "Wh": Decimal(1000)}
_LONGEST = 100_000


@dataclass(frozen=True)
class MeterEvidence:
    """Readings in kWh of the meter at start and end (None: not told). problem: why it proves nothing; "" where it does.

    readable: whether the encoding is one that can be judged.
    """

    start: Decimal | None = None
    end: Decimal | None = None
    problem: str = ""
    readable: bool = True


def evidence_of(data: SignedMeterData | None) -> MeterEvidence:
    """What signed readings prove; never raises, whatever they hold."""
    if data is None or not data.values:
        return MeterEvidence(problem="there is no signed meter reading")
    if data.encoding.upper() != "OCMF":
        return MeterEvidence(problem=f"the encoding {data.encoding[:30]} cannot be judged", readable=False)
    readings: list[Decimal] = []
    problem = ""
    for value in data.values:
        try:
            payload, signature = _parts(value.signed)
            readings += _readings(json.loads(payload, parse_float=Decimal))
            if not _signed(payload, json.loads(signature), data.public_key):
                problem = problem or "a signature does not verify with the meter's key"
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidOperation):
            problem = problem or "a signed reading cannot be read"
    start, end = (readings[0], readings[-1]) if len(readings) > 1 else (None, None)
    return MeterEvidence(start, end, problem)


def _parts(text: str) -> tuple[str, str]:
    kind, payload, signature = text[:_LONGEST].split("|", 2)
    if kind != "OCMF":
        raise ValueError("no OCMF")
    return payload, signature


def _readings(payload: Mapping[str, Any]) -> list[Decimal]:
    """The energy registers in their order."""
    found = []
    for one in payload["RD"]:
        value, unit = Decimal(str(one["RV"])), _PER_KWH[one.get("RU", "kWh")]
        if not value.is_finite() or abs(value) > 10**9:
            raise ValueError("no reading of a meter")
        found.append(value / unit)
    return found


def _signed(payload: str, signature: Mapping[str, Any], key_text: str | None) -> bool:
    encoded = str(signature["SD"])
    in_base64 = signature.get("SE", "hex") == "base64"
    given = base64.b64decode(encoded, validate=True) if in_base64 else bytes.fromhex(encoded)
    algorithm = str(signature.get("SA", "ECDSA-secp256r1-SHA256"))
    key = _key(key_text)
    if (
        key is None
        or not algorithm.endswith("SHA256")
        or key.curve.name.replace("brainpoolP", "brainpool") not in algorithm
    ):
        return False
    try:
        key.verify(given, payload.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _key(text: str | None) -> ec.EllipticCurvePublicKey | None:
    """A public key as SubjectPublicKeyInfo in hexadecimal or base64."""
    for decode in (bytes.fromhex, base64.b64decode):
        try:
            key = load_der_public_key(decode((text or "").strip()))
        except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
            continue
        if isinstance(key, ec.EllipticCurvePublicKey):
            return key
    return None
