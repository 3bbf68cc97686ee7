"""Signed meter readings in OCMF, made with a key of the test's own."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_KEY = ec.derive_private_key(63119, ec.SECP256R1())


def signed_data(begin: str, end: str, *, tampered: bool = False) -> dict[str, Any]:
    """The `signed_data` of a CDR whose meter read `begin` and `end` kWh."""
    readings = [{"RV": float(begin), "RU": "kWh"}, {"RV": float(end), "RU": "kWh"}]
    payload = json.dumps({"FV": "1.0", "RD": readings})
    signature = _KEY.sign(payload.encode(), ec.ECDSA(SHA256())).hex()
    if tampered:
        payload = payload.replace(f'"RV": {float(end)}', f'"RV": {float(end) + 1}')
    public = _KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = f"OCMF|{payload}|{json.dumps({'SD': signature})}"
    value = {"nature": "End", "plain_data": payload[:512], "signed_data": text}
    return {"encoding_method": "OCMF", "public_key": public.hex(), "signed_values": [value]}
