"""`evroam id`: what an identifier is, whether it is valid, and what else it can be (IEC 63119-2 clause 5.5)."""

from typing import Annotated

import typer

from app.commands import say, say_json
from core.model.identifiers import ContractId, EquipmentId, Identifier, PartyId, Reading, RfidUid, Scheme, read

NO_READING = "this is no EVSE, station, pool, contract or party id, and no card UID"


def identify_text(
    text: Annotated[str, typer.Argument(help="An identifier in any written form.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what an identifier is, its canonical form, whether it is valid, and its other readings."""
    readings = read(text)
    if as_json:
        say_json(_as_json(readings))
    else:
        say("\n".join(_lines(readings)))


def _as_json(readings: tuple[Reading, ...]) -> dict[str, object]:
    if not readings:
        return {"kind": None, "canonical": None, "valid": False, "reason": NO_READING, "readings": []}
    described = [_describe(reading) for reading in readings]
    return {**described[0], "readings": described}


def _describe(reading: Reading) -> dict[str, object]:
    identifier, problem = reading.identifier, reading.problem
    return {
        "kind": identifier.kind.value,
        "canonical": str(identifier),
        "valid": reading.valid,
        "reason": problem.reason if problem else None,
        "code": problem.code if problem else None,
        **_parts(identifier),
    }


def _parts(identifier: Identifier) -> dict[str, object]:
    """What the identifier consists of, by its kind."""
    match identifier:
        case EquipmentId():
            return {
                "scheme": identifier.scheme.value,
                "extended": identifier.is_extended,
                "party": str(identifier.party_id),
            }
        case ContractId():
            check = {"check": identifier.check, "expected_check": identifier.expected_check}
            scheme = {"scheme": identifier.scheme.value, "extended": identifier.is_extended}
            iso = {"iso": str(identifier.to_iso())} if identifier.scheme is Scheme.DIN else {}
            return {**scheme, "party": str(identifier.party_id), **check, **iso}
        case PartyId():
            return {"scheme": identifier.scheme.value}
        case RfidUid():
            return {"spellings": list(identifier.spellings)}
    return {}


def _lines(readings: tuple[Reading, ...]) -> list[str]:
    if not readings:
        return [f"not an identifier: {NO_READING}"]
    return [_line(readings[0]), *(f"can also be: {_line(reading)}" for reading in readings[1:])]


def _line(reading: Reading) -> str:
    verdict = "valid" if reading.problem is None else f"not valid: {reading.problem.reason}"
    profile = ", longer than the ISO 15118-2 profile" if reading.identifier.is_extended else ""
    return f"{reading.identifier.expected} {reading.identifier}{profile}, {verdict}"
