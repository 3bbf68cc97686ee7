"""`evroam scan`: whether a scanned code is to be trusted, and which EVSE it names."""

import asyncio
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from app.commands import EXIT_REFUSED, say, say_json
from core.clock import WallClock
from core.data_folder import HOME_CSP, data_folder, store_path, store_url
from core.errors import InvalidInput, NotFound
from core.model.scan import EveryEvse, TrustedHosts, Verdict, scan

scan_command = typer.Typer(add_completion=False, rich_markup_mode=None)


# A payload may begin with a hyphen, as a key in PEM does: what is no option is the payload.
@scan_command.command(context_settings={"ignore_unknown_options": True})
def scan_payload(
    payload: Annotated[str, typer.Argument(help="What the scanner delivered.")],
    trust: Annotated[Path | None, typer.Option(help="Trusted hosts as JSON, instead of the list shipped.")] = None,
    at: Annotated[str | None, typer.Option(help="The moment: ISO 8601, or seconds since 1970; now by default.")] = None,
    no_catalogue: Annotated[bool, typer.Option("--no-catalogue", help="Take every well-formed id as known.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder; otherwise EVROAM_DATA or the user's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge a scanned code: trusted or refused, and why. It is parsed, never opened. Exit code 3 if it is refused."""
    moment = read_moment(at) if at is not None else WallClock().now()
    hosts = load_trust(trust)
    if no_catalogue:
        verdict = scan(payload, trust=hosts, catalogue=EveryEvse(), at=moment)
    else:
        verdict = asyncio.run(_judge_by_catalogue(payload, hosts, moment, data_folder(data)))
    if as_json:
        say_json(_as_json(verdict))
    else:
        say("\n".join(_lines(verdict)))
    if not verdict.trusted:
        raise typer.Exit(EXIT_REFUSED)


def load_trust(path: Path | None) -> TrustedHosts:
    """The trusted hosts of a file, or those shipped with the application; `InvalidInput` if the file cannot be used."""
    if path is None:
        return TrustedHosts.from_json(files("assets").joinpath("trusted_hosts.json").read_text(encoding="utf-8"))
    try:
        return TrustedHosts.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"trust file {path}: {error.strerror}", next_step="Name a readable JSON file.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"trust file {path}: not UTF-8 text", next_step="Name a readable JSON file.") from error


def read_moment(text: str) -> datetime:
    """A moment in UTC, from ISO 8601 (UTC where it names no offset) or seconds since 1970; `InvalidInput` otherwise."""
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(f"{text} is not a moment", next_step="Write it as 2026-01-31T12:00:00Z.") from error


async def _judge_by_catalogue(payload: str, trust: TrustedHosts, moment: datetime, folder: Path) -> Verdict:
    from core.catalogue.posts import KnownPosts
    from core.store.engine import Store

    if not store_path(folder, HOME_CSP).exists():
        raise NotFound(
            f"There is no catalogue in {folder} to look the EVSE up in.",
            code="no_catalogue",
            next_step="Fill one: evroam import FILE. Or judge the code alone: --no-catalogue.",
        )
    store = await Store.open(store_url(folder, HOME_CSP))
    try:
        with store.read() as connection:
            return scan(payload, trust=trust, catalogue=KnownPosts(connection), at=moment)
    finally:
        await store.close()


def _as_json(verdict: Verdict) -> dict[str, object]:
    host = verdict.host
    return {
        "verdict": "trusted" if verdict.trusted else "refused",
        "evse_id": str(verdict.evse_id) if verdict.evse_id else None,
        "code": verdict.code.value if verdict.code else None,
        "reason": verdict.reason,
        "next_step": verdict.next_step,
        "one_time_password": verdict.password.value,
        "host": host
        and {"text": host.text, "labels": list(host.labels), "trusted": host.trusted, "imitates": host.imitates},
        "choices": [str(evse_id) for evse_id in verdict.choices],
    }


def _lines(verdict: Verdict) -> list[str]:
    lines = ["trusted" if verdict.trusted else f"refused: {verdict.code}", verdict.reason]
    if verdict.host:
        imitated = f", imitating {verdict.host.imitates}" if verdict.host.imitates else ""
        lines.append(f"Host: {verdict.host.text} ({'' if verdict.host.trusted else 'not '}trusted{imitated})")
    lines += [f"Its EVSE: {evse_id}" for evse_id in verdict.choices]
    return [*lines, verdict.next_step]
