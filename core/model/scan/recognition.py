"""Codes that are something else than an EVSE: payments, meter records and keys, mixed-up keyboards."""

import base64
import binascii
import re
import unicodedata

from core.model.scan.verdict import RefusalCode

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}

_PAYMENT_SCHEMES = {
    "alipay", "alipays", "bitcoin", "bitcoincash", "cardano", "dash", "dogecoin", "ethereum", "gpay", "lightning",
    "litecoin", "lnurl", "lnurlp", "lnurlw", "monero", "nano", "pay", "paypal", "payto", "paytmmp", "phonepe",
    "polkadot", "ripple", "solana", "stellar", "swish", "tezos", "tron", "upi", "web+cardano", "web+stellar",
    "weixin", "wxp", "xrpl", "zcash",
}  # fmt: skip

_PAYMENT_TEXTS = re.compile(
    r"""BCD\r?\n00[12]\r?\n            # EPC credit transfer
    | SPC\r?\n0[12]00\r?\n             # Swiss QR bill
    | UPNQR\r?\n | HRVHUB30\r?\n       # Slovenia, Croatia
    | SPD\*[0-9]\.[0-9]\* | SID\*1\.0\* # Czechia
    | ST0001[12]\| | K:PR\|V:01\|      # Russia, Serbia
    | 000201(?:01021[12]|(?:2[6-9]|[345][0-9])[0-9]{2}[^ ]{10}|.*6304[0-9A-F]{4}$)  # EMV, merchant presented
    | LNBC[0-9A-Z]{20} | LNURL1[0-9A-Z]{20} | BC1[0-9A-Z]{11,71}$ | 0X[0-9A-F]{40}$  # without a scheme
    """,
    re.VERBOSE | re.IGNORECASE,
)

_PEM_PUBLIC_KEY = re.compile(r"-----BEGIN (?:EC |RSA )?PUBLIC KEY-----", re.IGNORECASE)
# SEQUENCE { SEQUENCE { OBJECT IDENTIFIER: how each SubjectPublicKeyInfo (RFC 5280) begins, with short or long lengths.
_KEY_INFO = re.compile(r"30(?:[0-7].|81..|82....)30(?:[0-7].|81..|82....)06", re.IGNORECASE)
# Uncompressed and compressed points, and bare coordinates, of the 192, 256 and 384 bit curves that meters use.
_POINT = re.compile(r"04(?:.{96}|.{128}|.{192})|0[23](?:.{48}|.{64}|.{96})|.{96}|.{128}|.{192}")

# What `*`, and then `-`, becomes between US, German, French, Swiss, Nordic, Portuguese, Japanese and British keyboards.
_LOST_STAR = r'(}{|\\#"~`'
_LOST_HYPHEN = r"ß/)'+"
_LOST_SEPARATORS = re.compile(
    rf"(?:[A-Z]{{2}}([{_LOST_STAR}{_LOST_HYPHEN}])[A-Z0-9]{{3}}\1|[^A-Z]?[0-9]{{1,3}}([{_LOST_STAR}])[0-9]{{3,6}}\2)(?:[A-Z0-9]|\1|\2)+",
    re.IGNORECASE,
)
# `https://` typed through a foreign layout: one wrong character, then twice the one that should be a slash.
_LOST_SCHEME = re.compile(r"https?(?:[^A-Za-z0-9:./]|M)([^A-Za-z0-9/\s])\1.", re.IGNORECASE)


def hidden_characters(text: str) -> set[str]:
    """The control, format (zero-width, bidirectional), line-separating and surrogate characters of a text."""
    return {character for character in text if unicodedata.category(character) in _HIDDEN}


def recognise(text: str) -> RefusalCode | None:
    """What else a payload is; line ends are part of some payments and keys. None if it may be an EVSE code."""
    scheme, colon, _ = text.partition(":")
    if text[:5].upper() == "OCMF|":
        return RefusalCode.METER_RECORD
    if _is_public_key(text):
        return RefusalCode.METER_PUBLIC_KEY
    if (colon and scheme.lower() in _PAYMENT_SCHEMES) or _PAYMENT_TEXTS.match(text):
        return RefusalCode.PAYMENT_CODE
    if _LOST_SEPARATORS.fullmatch(text) or _LOST_SCHEME.match(text):
        return RefusalCode.SCANNER_LAYOUT
    return None


def _is_public_key(text: str) -> bool:
    if _PEM_PUBLIC_KEY.match(text):
        return True
    compact = re.sub(r"[\s:]", "", text)
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", compact):
        return bool(_KEY_INFO.match(compact) or _POINT.fullmatch(compact))
    if re.fullmatch(r"[A-Za-z0-9+/_-]{40,}={0,2}", compact):
        head = compact.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            decoded = base64.b64decode(head[: len(head) // 4 * 4])
        except binascii.Error:
            return False
        return bool(_KEY_INFO.match(decoded.hex()))
    return False
