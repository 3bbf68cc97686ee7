"""Meeting a partner for the first time, with what usually helps where that does not come about (UC1-1)."""

from core.endpoint.agreement import Agreement
from core.endpoint.partner import Partner
from core.endpoint.registration import Registrar
from core.errors import EvroamError, NotAllowed, Unreachable

_NETWORK = "Check the address; a partner in a private network needs --allow-network CIDR."
_CERTIFICATES = (
    "Check the address, and that each side has imported the other's certificates: "
    "evroam certificates export FILE, evroam certificates import FILE."
)
_TOKEN = "Ask the partner for a new token: each registers one platform, once."  # noqa: S105  # no secret


async def meet(registrar: Registrar, url: str, token: str, agreement: Agreement, name: str = "") -> Partner:
    """As `Registrar.connect`; what it raises tells the next step."""
    try:
        return await registrar.connect(url, token, agreement, name)
    except EvroamError as error:
        error.next_step = error.next_step or _what_helps(error)
        raise


def _what_helps(error: EvroamError) -> str:
    if isinstance(error, NotAllowed):
        return _NETWORK
    if isinstance(error, Unreachable):
        return _CERTIFICATES
    return _TOKEN if error.code == "not_authorised" else ""
