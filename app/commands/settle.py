"""`evroam settle`: cut, calculate, net and pay what was approved, at a running clearing house (6.4.3)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, with_platform
from app.commands.reconcile import CLEARING_HOUSE, HouseOption, read_amount, read_day
from core.clearing_messages import FailedRequest, FundsRequest, SettleReport, SettleRequest
from core.errors import EvroamError
from core.model.clearing.batches import BatchState
from core.model.clearing.minor_units import from_minor
from core.model.clearing.statement import NettedPayment, Statement
from core.model.parties import Party

if TYPE_CHECKING:
    from core.admin_client import AdminClient

_STATES = {
    BatchState.OPEN: "open until its cut-off",
    BatchState.CUT: "cut",
    BatchState.CALCULATED: "calculated, both sides may confirm it",
    BatchState.CONFIRMED: "confirmed",
    BatchState.INSTRUCTED: "instructed, payments are awaited",
    BatchState.PAID: "paid",
    BatchState.PARTIAL: "paid in part",
    BatchState.FAILED: "not paid",
    BatchState.CLOSED: "closed",
}


def settle_command(
    data: DataOption = None,
    platform: HouseOption = CLEARING_HOUSE,
    cut: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Cut-offs after the beginning of this local day wait.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the statements there, as CSV and PDF.")] = None,
    received: Annotated[
        tuple[str, str, str, str] | None,
        typer.Option(metavar="NETTING PARTY AMOUNT REFERENCE", help="First book a debtor's payment."),
    ] = None,
    failed: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="NETTING PARTY", help="First give up waiting for a debtor; the rest is divided."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take every step of settlement that is due, and say how batches, payments and accounts stand."""
    request = SettleRequest(cut_off=read_day(cut))
    funds = None if received is None else _funds(received)
    given_up = None if failed is None else FailedRequest(netting_id=failed[0], party=Party.parse(failed[1]))

    async def work(client: "AdminClient") -> tuple[SettleReport, list[Statement]]:
        if funds is not None:
            await client.funds_received(funds)
        if given_up is not None:
            await client.funds_failed(given_up)
        report = await client.settle(request)
        cut_ones = [one for one in report.batches if one.state is not BatchState.OPEN] if out else []
        return report, [await client.statement(one.batch_id) for one in cut_ones]

    report, statements = with_platform(data, platform, work)
    files = [] if out is None else write_statements(statements, out)
    if as_json:
        say_json({**json.loads(report.model_dump_json()), "files": [str(file) for file in files]})
    else:
        say("\n".join([*_lines(report), *(f"Written: {file}" for file in files)]))


def _funds(given: tuple[str, str, str, str]) -> FundsRequest:
    netting, party, amount, reference = given
    units = read_amount(amount)
    assert units is not None  # it was given
    return FundsRequest(
        netting_id=netting[:64], party=Party.parse(party), amount=units, reference=reference[:100] or "-"
    )


def write_statements(statements: list[Statement], folder: Path) -> list[Path]:
    """Each as CSV and PDF; one that was written before is written anew as it stands. Raises EvroamError."""
    from core.clearing_house.statement_pdf import statement_pdf
    from core.clearing_house.statements import statement_csv

    files: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in statements:
            stem = folder / one.batch_id.replace("*", "").replace("/", "-")
            for file, content in (
                (stem.with_name(f"{stem.name}.csv"), statement_csv(one).encode()),
                (stem.with_name(f"{stem.name}.pdf"), statement_pdf(one)),
            ):
                file.write_bytes(content)
                files.append(file)
    except OSError as error:
        raise EvroamError(
            f"The statements cannot be written: {error.strerror or error}.",
            code="not_written",
            next_step="Name another folder with --out.",
        ) from error
    return files


def _lines(report: SettleReport) -> list[str]:
    moved = {step.batch for step in report.moved}
    return [
        *([f"{len(report.approved)} SDRs approved, as their payers said nothing in time."] if report.approved else []),
        *(f"The dispute about {sdr} was decided by its deadline." for sdr in report.decided),
        *(line for one in report.batches for line in batch_lines(one, one.batch_id in moved)),
        *([] if report.batches else ["No batch is open, and nothing is to be settled."]),
        *map(_payment, report.payments),
        *(
            f"Account {one.account}: {from_minor(one.units, one.currency)} {one.currency}"
            for one in report.balances
            if one.units
        ),
    ]


def batch_lines(one: Statement, moved: bool = False) -> list[str]:
    """How a batch stands, its sums and its taxes."""
    net, gross = from_minor(one.net, one.currency), from_minor(one.gross, one.currency)
    state = f"{'now ' if moved else ''}{_STATES[one.state]}"
    held = f"; held back as disputed: {', '.join(one.held_back)}" if one.held_back else ""
    if one.state is BatchState.OPEN:
        return [f"Batch {one.batch_id}: {state}{held}"]
    confirm = (
        f"; counts as confirmed from {one.confirm_by:%Y-%m-%d %H:%M}Z" if one.state is BatchState.CALCULATED else ""
    )
    return [
        f"Batch {one.batch_id}: {state}{confirm}",
        f"  {one.debtor} owes {one.creditor} for {one.line_count} SDRs: "
        f"{net} net, {gross} {one.currency} with taxes{held}",
        *(
            f"  taxes in {vat.country}{'' if vat.rate is None else f' at {vat.rate} %'}: "
            f"{from_minor(vat.tax, vat.currency)} on {from_minor(vat.base, vat.currency)} {vat.currency}"
            for vat in one.vat
        ),
    ]


def _payment(one: NettedPayment) -> str:
    word = "pays" if one.units < 0 else "is paid"
    amount, done = (from_minor(units, one.currency) for units in (abs(one.units), one.settled_units))
    return f"Netting {one.netting_id}: {one.party} {word} {amount} {one.currency}, {done} of it done ({one.state})"
