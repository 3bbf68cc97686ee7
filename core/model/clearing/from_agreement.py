"""Terms of clearing from the agreement of a pair (5.4.6): what both signed is what the clearing house judges by."""

from collections.abc import Sequence

from core.model.agreement_terms import Terms
from core.model.clearing.terms import ClearingTerms
from core.model.parties import Party


def clearing_terms(
    terms: Terms, creditor: Party, debtor: Party, *, id: str, currencies: Sequence[str] = ()
) -> ClearingTerms:
    """The terms of clearing of a visited-CSO (creditor) and a home-CSP (debtor) that agree on these terms.

    currencies: those of the operator's tariffs, where the agreement names none and thereby means any. Cut-off and time
    zone stand in no agreement yet: they are the defaults of clearing.
    """
    settled = terms.currencies or tuple(sorted(set(currencies)))
    return ClearingTerms(
        id=id,
        creditor=creditor,
        debtor=debtor,
        **({"currencies": settled} if settled else {}),
        tolerances=terms.tolerances,
        windows=terms.windows,
        pricing=terms.pricing,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
    )
