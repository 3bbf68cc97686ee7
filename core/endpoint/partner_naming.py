"""Which partner a person means."""

from collections.abc import Sequence

from core.endpoint.partner import Partner
from core.errors import InvalidInput, NotFound
from core.model.parties import Party


def find_partner(partners: Sequence[Partner], text: str) -> Partner:
    """The partner that a person means by an id, a name in any letter case, or a party such as DE*ABC.

    Raises NotFound, and InvalidInput where several are meant.
    """
    party = _party(text)
    wanted = text.strip().casefold()
    found = [one for one in partners if one.id == text]
    found = found or [one for one in partners if one.name.casefold() == wanted]
    found = found or [one for one in partners if party is not None and one.speaks_for(party)]
    if not found:
        known = ", ".join(one.name for one in partners[:10]) or "none"
        raise NotFound(
            f"There is no partner “{text[:80]}”.", code="unknown_partner", next_step=f"Partners are: {known}."
        )
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise InvalidInput(
            f"“{text[:80]}” names several partners.", code="ambiguous_partner", next_step=f"Name one by its id: {ids}."
        )
    return found[0]


def _party(text: str) -> Party | None:
    try:
        return Party.parse(text)
    except InvalidInput:
        return None
