"""`evroam notice`: maintenance and outages that a running visited-CSO announces (UC5-1)."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, PlatformOption, with_platform
from core.admin_messages import NoticeRequest
from core.errors import InvalidInput
from core.model.notices import Notice, NoticeCause, NoticeKind

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Announce, list or end maintenance and outages of a running visited-CSO.",
)

_FORMATS = ["%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"]
_KINDS = {
    "maintenance": NoticeKind.PLANNED_MAINTENANCE,
    "outage": NoticeKind.UNPLANNED_OUTAGE,
    "restriction": NoticeKind.RESTRICTION,
}


@app.command("post")
def post(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="maintenance, outage or restriction.")],
    site: Annotated[str | None, typer.Option(metavar="ID", help="The site; without one, all that we operate.")] = None,
    evse: Annotated[list[str] | None, typer.Option(metavar="UID", help="An EVSE of the site; repeatable.")] = None,
    connector: Annotated[str | None, typer.Option(metavar="ID", help="One connector of the only EVSE.")] = None,
    begin: Annotated[datetime | None, typer.Option("--from", formats=_FORMATS, help="In UTC; now by default.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="When it should be over, in UTC.")] = None,
    cause: Annotated[NoticeCause, typer.Option(case_sensitive=False)] = NoticeCause.OTHER,
    text: Annotated[list[str] | None, typer.Option(metavar="LANGUAGE=TEXT", help="For drivers; repeatable.")] = None,
    cancel_reservations: Annotated[bool, typer.Option("--cancel-reservations")] = False,
    notice: Annotated[str | None, typer.Option("--id", help="Of an announcement that changes.")] = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Announce maintenance, an outage or a restriction; statuses follow, home-CSPs that agreed are told."""
    request = NoticeRequest(
        id=notice,
        kind=_kind(kind),
        site=site,
        evses=tuple(evse or ()),
        connector=connector,
        begin=None if begin is None else begin.replace(tzinfo=UTC),
        expected_end=None if until is None else until.replace(tzinfo=UTC),
        cause=cause,
        cancels_reservations=cancel_reservations,
        texts=dict(map(_text, text or ())),
    )
    _tell(with_platform(data, platform, lambda client: client.announce(request)), as_json)


@app.command("list")
def list_notices(data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False) -> None:
    """List what is announced and not ended, by its begin."""
    found = with_platform(data, platform, lambda client: client.notices())
    if as_json:
        say_json(json.loads(found.model_dump_json())["notices"])
    else:
        say("\n".join(map(_line, found.notices)) or "Nothing is announced: evroam notice post KIND --site ID.")


@app.command("end")
def end(
    notice: Annotated[str, typer.Argument(metavar="ID", help="As `evroam notice list` shows it.")],
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that what was announced is over."""
    _tell(with_platform(data, platform, lambda client: client.end_notice(notice)), as_json)


def _tell(notice: Notice, as_json: bool) -> None:
    if as_json:
        say_json(json.loads(notice.model_dump_json()))
    else:
        say(_line(notice))


def _line(notice: Notice) -> str:
    until = "until further notice" if notice.expected_end is None else f"until {notice.expected_end:%Y-%m-%d %H:%M} UTC"
    where = notice.site_id or "all sites"
    posts = f" {', '.join(notice.evse_uids)}" if notice.evse_uids else ""
    what = notice.kind.lower().replace("_", " ")
    return f"{notice.id}  version {notice.version}  {what}  {where}{posts}  {notice.begin:%Y-%m-%d %H:%M} {until}"


def _kind(text: str) -> NoticeKind:
    kind = _KINDS.get(text.strip().lower())
    if kind is None:
        raise InvalidInput(
            f"“{text[:40]}” is no kind of announcement.",
            code="notice_kind",
            next_step=f"Write one of: {', '.join(_KINDS)}.",
        )
    return kind


def _text(given: str) -> tuple[str, str]:
    language, equals, text = given.partition("=")
    if not equals or len(language) != 2 or not language.isalpha() or not 0 < len(text) <= 512:
        raise InvalidInput(
            "A text for drivers needs its language.", code="notice_text", next_step='Write it like --text "en=Repairs".'
        )
    return language.lower(), text
