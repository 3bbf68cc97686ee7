"""Terms of clearing from the agreement of a pair (5.4.6): what both signed is what the clearing house judges by."""

from core.model.agreement_terms import Terms
from core.model.clearing.terms import ClearingTerms
from core.model.parties import Party


def clearing_terms(
    terms: Terms, creditor: Party, debtor: Party, *, id: str, version: int | None = None, hash: str | None = None
) -> ClearingTerms:
    """The terms of clearing of a visited-CSO (creditor) and a home-CSP (debtor) that agree on these terms."""
    return ClearingTerms(
        id=id,
        creditor=creditor,
        debtor=debtor,
        version=version,
        hash=hash,
        currencies=terms.currencies,
        time_zone=terms.settlement.time_zone,
        cut_off=terms.settlement.cut_off,
        signed_meter=terms.settlement.signed_meter,
        tolerances=terms.tolerances,
        windows=terms.windows,
        pricing=terms.pricing,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
    )
