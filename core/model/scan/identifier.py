"""Judging a text that should be an EVSE id, and is sometimes another identifier."""

import re

from core.model.display import last_four
from core.model.identifiers import ContractId, EquipmentId, EvseId, PoolId, Reading, RfidUid, Scheme, StationId, read
from core.model.scan.verdict import Catalogue, RefusalCode, Verdict, accept, refuse

# Two letters or a calling code, then the separator of EVSE ids: what follows is wrong, but an EVSE id was meant.
_MEANT_AS_EVSE_ID = re.compile(r"[A-Za-z]{2}\*|\+?[0-9]{1,3}\*[0-9]")


def judge_identifier(text: str, catalogue: Catalogue, *, from_link: bool = False) -> Verdict:
    """The verdict on an identifier as scanned or typed, or (from_link) as it stood in a trusted link."""
    readings = [reading for reading in read(text) if reading.as_printed and not (from_link and " " in text)]
    for reading in readings:
        verdict = _judge_reading(reading, text, catalogue)
        if verdict and verdict.code is RefusalCode.UNKNOWN_EVSE and any(_is_uid(other) for other in readings):
            continue
        if verdict and not (from_link and _is_uid(reading)):
            return verdict
    if from_link or _MEANT_AS_EVSE_ID.match(text) or any(_is_loosely_written(reading) for reading in read(text)):
        return refuse(RefusalCode.MALFORMED_EVSE_ID)
    return refuse(RefusalCode.NOT_AN_EVSE_CODE)


def evse_ids_with_separators(text: str) -> set[str]:
    """The EVSE id that a text is, as its comparison key; empty if it is none or has no separators to be sure by."""
    if "*" not in text:
        return set()
    return {reading.identifier.key for reading in read(text) if isinstance(reading.identifier, EvseId)}


def same_id_key(text: str | None) -> str:
    """What two spellings of one id in a link have in common: the comparison key, or without one the text itself."""
    written = text or ""
    keys = [reading.identifier.key for reading in read(written) if isinstance(reading.identifier, EvseId)]
    return keys[0] if keys else written.upper()


def _judge_reading(reading: Reading, text: str, catalogue: Catalogue) -> Verdict | None:
    """The verdict that this reading calls for, None if the text is more likely to be something else."""
    identifier = reading.identifier
    if isinstance(identifier, EquipmentId):
        return _judge_equipment(reading, identifier, text, catalogue)
    if isinstance(identifier, ContractId) and _is_plausible(reading, identifier, text):
        return refuse(RefusalCode.CONTRACT_ID_NOT_EVSE, f"It ends in {last_four(str(identifier))}.")
    if isinstance(identifier, RfidUid):
        return refuse(RefusalCode.RFID_UID, f"It ends in {last_four(str(identifier))}.")
    return None


def _judge_equipment(reading: Reading, identifier: EquipmentId, text: str, catalogue: Catalogue) -> Verdict | None:
    if reading.problem and reading.problem.code == "unknown_country":
        # Without separators many a word has the form of an id; one in which no digit stands is a word.
        looks_meant = "*" in text or any(character.isdigit() for character in identifier.local)
        return refuse(RefusalCode.UNKNOWN_COUNTRY) if looks_meant else None
    if reading.problem or identifier.is_extended:
        return refuse(RefusalCode.MALFORMED_EVSE_ID)
    match identifier:
        case EvseId():
            return accept(identifier) if catalogue.has_evse(identifier) else refuse(RefusalCode.UNKNOWN_EVSE)
        case StationId():
            return refuse(RefusalCode.STATION_ID_NOT_EVSE, choices=catalogue.evses_of(identifier))
        case PoolId():
            return refuse(RefusalCode.POOL_ID_NOT_EVSE)
    return None


def _is_plausible(reading: Reading, contract: ContractId, text: str) -> bool:
    """Whether a text with the form of a contract id is one: nine letters after a prefix alone are no proof."""
    if "-" in text:
        return True
    has_right_check = reading.valid and contract.check is not None
    if contract.scheme is Scheme.DIN:
        return has_right_check and ("*" in text or contract.instance.isdigit())
    is_country = reading.problem is None or reading.problem.code != "unknown_country"
    # eMI3 begins the instance with C; the older ISO form has digits only.
    return is_country and (has_right_check or contract.instance.startswith("C") or contract.instance.isdigit())


def _is_loosely_written(reading: Reading) -> bool:
    """Whether it is valid equipment but for hyphens or spaces where the grammar has `*`."""
    return not reading.as_printed and reading.valid and isinstance(reading.identifier, EquipmentId)


def _is_uid(reading: Reading) -> bool:
    return isinstance(reading.identifier, RfidUid)
