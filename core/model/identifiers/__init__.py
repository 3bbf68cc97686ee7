"""Global identifiers (IEC 63119-2 clause 5.5): reading, checking, printing and comparing them."""

from core.model.identifiers.check import din_check_digit, emaid_check_character
from core.model.identifiers.reading import Problem, Reading, read
from core.model.identifiers.types import (
    MAX_LENGTH,
    ContractId,
    EquipmentId,
    EvseId,
    Identifier,
    Kind,
    PartyId,
    PoolId,
    RfidUid,
    Scheme,
    StationId,
)

__all__ = [
    "MAX_LENGTH",
    "ContractId",
    "EquipmentId",
    "EvseId",
    "Identifier",
    "Kind",
    "PartyId",
    "PoolId",
    "Problem",
    "Reading",
    "RfidUid",
    "Scheme",
    "StationId",
    "din_check_digit",
    "emaid_check_character",
    "read",
]
