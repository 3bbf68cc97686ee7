"""Under which words a site is found, and the form in which EVSE ids are compared."""

from functools import lru_cache

from core.catalogue.folding import compact, index_words
from core.errors import InvalidInput
from core.model.identifiers import EvseId, Scheme
from core.model.sites import Site


@lru_cache(maxsize=4096)
def _parsed(evse_id: str) -> EvseId | None:
    try:
        return EvseId.parse(evse_id)
    except InvalidInput:
        return None


def evse_key(evse_id: str) -> str:
    """What is compared of an EVSE id (`EvseId.key`); of one that is not well formed, its letters and digits."""
    parsed = _parsed(evse_id)
    return parsed.key if parsed else compact(evse_id).upper()


def site_words(value: Site) -> list[str]:
    """The folded words of a site: name, address, place, postal code, operator, its own id, and its EVSE ids.

    An EVSE id stands as one word, with its party and without, as people type the part that differs.
    """
    texts = [value.name or "", value.address, value.city, value.postal_code or "", value.state or "", value.id]
    texts += [business.name for business in (value.operator, value.suboperator, value.owner) if business is not None]
    words = index_words(texts)
    for one in value.equipment:
        if one.evse_id:
            words.update(_evse_words(one.evse_id))
    return sorted(words)


def _evse_words(evse_id: str) -> set[str]:
    parsed = _parsed(evse_id)
    if parsed is None:
        return {compact(evse_id)}
    local = compact(parsed.local)
    return {compact(evse_id), local} | ({parsed.letter.lower() + local} if parsed.scheme is Scheme.ISO else set())
