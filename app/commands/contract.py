"""`evroam contract`: the contracts of a running home-CSP's drivers (5.5)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, PlatformOption, with_platform
from core.admin_messages import BlockRequest, CertificateRequest, ContractCertificateView, ContractRequest, ContractView
from core.data_folder import HOME_CSP
from core.errors import InvalidInput
from core.model.credentials import WhitelistPolicy
from core.model.identifiers import ContractId, RfidUid

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Add, list or block the contracts of a running home-CSP's drivers.",
)

ContractArgument = Annotated[str, typer.Argument(metavar="EMAID", help="The contract id, like NL-EVR-C12345678-A.")]

_LONGEST_NAME = 200
_LONGEST_CHAIN = 40_000


@app.command("add")
def add(
    contract: ContractArgument,
    name: Annotated[str, typer.Option(help="The driver's name.")] = "",
    pin: Annotated[str | None, typer.Option(help="4 to 12 digits, to identify without a card.")] = None,
    card: Annotated[list[str] | None, typer.Option(metavar="UID", help="UID of an RFID card; repeatable.")] = None,
    whitelist: Annotated[
        WhitelistPolicy | None, typer.Option(help="When operators may decide about the cards by themselves.")
    ] = None,
    code: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="6 to 36 letters and digits, typed at posts; repeatable.")
    ] = None,
    valid_until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day of the contract (UTC).")
    ] = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a contract, or change one: its name, PIN, end, further cards and codes. A blocked one is valid again.

    Without --valid-until it has no end. Cards are ALLOWED unless --whitelist says otherwise: ALWAYS and ALLOWED are
    decided by the operator's list, ALLOWED_OFFLINE by it while we do not answer, NEVER by us alone.
    """
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput("This cannot be a driver's name.", code="driver_name", next_step="Choose a shorter one.")
    if whitelist is not None and not card:
        raise InvalidInput(
            "--whitelist is said of cards, and none is named.", code="no_card", next_step="Name them with --card."
        )
    request = ContractRequest(
        id=_contract_id(contract),
        driver_name=name.strip(),
        pin=_pin(pin),
        cards=tuple(map(_card, card or ())),
        codes=tuple(code or ()),
        whitelist=whitelist or WhitelistPolicy.ALLOWED,
        valid_until=None if valid_until is None else _end(valid_until),
    )
    _tell(with_platform(data, platform or HOME_CSP, lambda client: client.add_contract(request)), as_json)


@app.command("list")
def list_contracts(data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False) -> None:
    """List the contracts, oldest first; cards by their last characters."""
    found = with_platform(data, platform or HOME_CSP, lambda client: client.contracts())
    if as_json:
        say_json(json.loads(found.model_dump_json())["contracts"])
    else:
        say("\n".join(map(_line, found.contracts)) or "There are no contracts yet: evroam contract add EMAID.")


@app.command("block")
def block(
    contract: ContractArgument,
    no_credit: Annotated[bool, typer.Option("--no-credit", help="Because its credit is used up.")] = False,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Block a contract: its credentials are revoked, nothing starts on it any more, open sessions settle."""
    id, why = _contract_id(contract), BlockRequest(no_credit=no_credit)
    _tell(with_platform(data, platform or HOME_CSP, lambda client: client.block_contract(id, why)), as_json)


@app.command("certify")
def certify(
    contract: ContractArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its vehicle's certificate chain as PEM, leaf first.")],
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a vehicle charge on this contract by being plugged in: know its contract certificate as issued by us."""
    id = _contract_id(contract)
    try:
        with file.open("rb") as stream:
            request = CertificateRequest(pem=stream.read(_LONGEST_CHAIN + 1).decode("ascii"))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{file.name} is no certificate chain.", code="malformed_chain", next_step="Give a file of PEM."
        ) from error
    kept = with_platform(data, platform or HOME_CSP, lambda client: client.certify_contract(id, request))
    _tell_certificate(kept, as_json)


@app.command("uncertify")
def uncertify(
    fingerprint: Annotated[str, typer.Argument(metavar="SHA256", help="As `evroam contract certify` showed it.")],
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Nothing is charged on a contract certificate any more, whatever revocation lists say."""
    named = fingerprint.strip().lower()
    kept = with_platform(data, platform or HOME_CSP, lambda client: client.revoke_contract_certificate(named))
    _tell_certificate(kept, as_json)


def _tell_certificate(kept: ContractCertificateView, as_json: bool) -> None:
    if as_json:
        say_json(json.loads(kept.model_dump_json()))
    else:
        state = "revoked" if kept.revoked_at else f"good until {kept.not_after:%Y-%m-%d}"
        say(f"{kept.fingerprint}: contract {kept.contract_id}, {state}")


def _contract_id(text: str) -> str:
    try:
        return str(ContractId.parse(text))
    except InvalidInput as error:
        raise InvalidInput(
            f"“{text[:80]}” is not a contract id.",
            code=error.code,
            next_step="Write country, provider and instance, like NL-EVR-C12345678-A.",
        ) from error


def _card(text: str) -> str:
    try:
        return RfidUid.parse(text).key
    except InvalidInput as error:
        raise InvalidInput(
            f"“{text[:80]}” is not the UID of a card.",
            code=error.code,
            next_step="Write its 4, 7 or 10 bytes in hexadecimal, like 04A2B3C4D5E680.",
        ) from error


def _end(last_day: datetime) -> datetime:
    """The moment after the last day."""
    try:
        return last_day.replace(tzinfo=UTC) + timedelta(days=1)
    except OverflowError:
        raise InvalidInput(
            f"No contract can end on {last_day:%Y-%m-%d}.",
            code="contract_end",
            next_step="Name an earlier day, or none: then it has no end.",
        ) from None


def _pin(pin: str | None) -> str | None:
    if pin is not None and not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 12):
        raise InvalidInput("A PIN has 4 to 12 digits.", code="invalid_pin", next_step="Choose another PIN.")
    return pin


def _tell(contract: ContractView, as_json: bool) -> None:
    if as_json:
        say_json(json.loads(contract.model_dump_json()))
    else:
        say(_line(contract))


def _line(contract: ContractView) -> str:
    cards = f", cards {' '.join(contract.cards)}" if contract.cards else ", no card"
    name = f", {contract.driver_name}" if contract.driver_name else ""
    # The end is the moment after its last day.
    until = f" until {contract.valid_until - timedelta(microseconds=1):%Y-%m-%d}" if contract.valid_until else ""
    return f"{contract.id}: {contract.status}{until}{name}{cards}"
