"""`evroam agreement`: under which terms a running platform exchanges with its partners (5.4.6)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, PlatformOption, with_platform
from core.admin_messages import AgreementVersionView, AgreementView, EndRequest, TermsRequest
from core.errors import InvalidInput, NotFound
from core.model.agreement_terms import Terms

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Show, propose, sign, set or end agreements with roaming partners of a running platform.",
)

PartnerArgument = Annotated[str, typer.Argument(metavar="PARTNER", help="Its name, its party (DE*ABC) or its id.")]
TermsArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Terms as JSON; see evroam agreement terms.")]

_MOST_BYTES = 2_000_000


@app.command("list")
def list_agreements(data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False) -> None:
    """List what holds with each partner."""
    found = with_platform(data, platform, lambda client: client.agreements())
    if as_json:
        say_json(json.loads(found.model_dump_json())["agreements"])
    else:
        say(
            "\n".join(map(agreement_line, found.agreements)) or "There are no partners yet: evroam partner invite NAME."
        )


@app.command("show")
def show(
    partner: PartnerArgument,
    version: Annotated[int | None, typer.Option(min=0, help="A version other than the one that holds.")] = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what holds with a partner, the versions there were, and the terms."""
    found = with_platform(data, platform, lambda client: client.agreement(partner))
    if as_json and version is None:
        say_json(json.loads(found.model_dump_json()))
        return
    terms = found.terms if version is None else _version(found, version).terms
    if as_json:
        say_json(json.loads(terms.model_dump_json()))
    else:
        say("\n".join([agreement_line(found), *map(version_line, found.versions), _written(terms)]))


@app.command("terms")
def print_terms(
    partner: Annotated[str | None, typer.Argument(metavar="[PARTNER]", help="Those that hold with it.")] = None,
    data: DataOption = None,
    platform: PlatformOption = None,
) -> None:
    """Print terms to be written to a file and changed: those of a partner, or the defaults."""
    if partner is None:
        say(_written(Terms()))
    else:
        say(_written(with_platform(data, platform, lambda client: client.agreement(partner)).terms))


@app.command("propose")
def propose(
    partner: PartnerArgument,
    terms: TermsArgument,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign new terms and send them to the partner; they hold once it has signed them, too."""
    request = TermsRequest(terms=read_terms(terms))
    _tell(with_platform(data, platform, lambda client: client.propose_agreement(partner, request)), as_json)


@app.command("sign")
def sign(
    partner: PartnerArgument, data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False
) -> None:
    """Sign what the partner has proposed: it holds from now on."""
    _tell(with_platform(data, platform, lambda client: client.sign_agreement(partner)), as_json)


@app.command("set")
def set_terms(
    partner: PartnerArgument,
    terms: TermsArgument,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set terms on this side alone, signed by nobody: for a partner on plain OCPI."""
    request = TermsRequest(terms=read_terms(terms))
    _tell(with_platform(data, platform, lambda client: client.set_agreement(partner, request)), as_json)


@app.command("end")
def end(
    partner: PartnerArgument,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Like 2026-12-31T23:00:00Z; by default now.")] = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let nothing new begin with a partner; what is charging goes on and is settled."""
    request = EndRequest(at=_moment(at))
    _tell(with_platform(data, platform, lambda client: client.end_agreement(partner, request)), as_json)


def read_terms(file: Path) -> Terms:
    """Terms out of a file. Raises InvalidInput, which names what is wrong with it."""
    try:
        with file.open("rb") as stream:
            return Terms.model_validate_json(stream.read(_MOST_BYTES))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", code="terms_file") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InvalidInput(
            f"{file} holds no terms: {where}: {first['msg']}.",
            code="terms_file",
            next_step="Begin with what `evroam agreement terms` prints.",
        ) from error


def agreement_line(one: AgreementView) -> str:
    """What holds with a partner, in one line."""
    signed = f"version {one.version} signed by both ({(one.hash or '')[:12]})" if one.signed else "signed by nobody"
    stands = "holds" if one.holds else "nothing new may begin"
    ends = f", ends {_shown(one.ends_at)}" if one.ends_at is not None else ""
    waits = [
        *(["a proposal waits for our signature: evroam agreement sign"] if one.waits_for_us else []),
        *(["our proposal waits for theirs"] if one.waits_for_them else []),
    ]
    return "; ".join([f"{one.partner}: {signed}, {stands}{ends}, {len(one.terms.services)} services", *waits])


def version_line(one: AgreementVersionView) -> str:
    """A version in one line."""
    by = " and ".join([*(["us"] if one.signed_by_us else []), *(["them"] if one.signed_by_them else [])])
    said = f", they said: {one.remark}" if one.remark else ""
    when = f"{_shown(one.proposed_at)}, {one.hash[:12]}"
    return f"  version {one.number}: {one.state}, signed by {by or 'nobody'}, {when}{said}"


def _version(found: AgreementView, number: int) -> AgreementVersionView:
    version = next((one for one in found.versions if one.number == number), None)
    if version is None:
        known = ", ".join(str(one.number) for one in found.versions) or "none"
        raise NotFound(f"There is no version {number}.", code="unknown_version", next_step=f"Versions are: {known}.")
    return version


def _tell(one: AgreementView, as_json: bool) -> None:
    if as_json:
        say_json(json.loads(one.model_dump_json()))
    else:
        say("\n".join([agreement_line(one), *map(version_line, one.versions)]))


def _written(terms: Terms) -> str:
    return json.dumps(json.loads(terms.model_dump_json()), indent=2)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise InvalidInput(
            f"“{text[:40]}” is no moment.",
            code="moment",
            next_step="Write it with its zone, like 2026-12-31T23:00:00Z.",
        )
    return read.astimezone(UTC)


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
