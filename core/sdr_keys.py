"""SDRs as people name them."""

from core.errors import InvalidInput
from core.model.parties import ObjectKey, Party


def key_in(text: str) -> ObjectKey:
    """The key of an SDR as it is listed, `DE*KPF/id`. Raises InvalidInput."""
    party, slash, id = text.partition("/")
    if not slash or not id:
        raise InvalidInput(
            "This names no SDR.", code="sdr_key", next_step="Write it as `evroam sdr list` shows it: DE*KPF/…"
        )
    named = Party.parse(party)
    return ObjectKey(country_code=named.country_code, party_id=named.party_id, id=id)
