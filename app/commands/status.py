"""`evroam status`: how the platforms that run from a data folder are."""

import json
from datetime import datetime

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, PlatformOption, at_platform
from app.commands.partner import partner_line
from core.admin_messages import LoggedMessage, ModuleState, PartnerView, PlatformStatus, RevocationState
from core.data_folder import data_folder


def status_command(data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False) -> None:
    """Show the platforms that run: health, store, partners with their last synchronisation, backlog, last messages.

    Without --platform all of them.
    """
    from core.running_platforms import running_platform, running_platforms

    folder = data_folder(data)
    meant = running_platforms(folder) if platform is None else []
    found = [
        at_platform(folder, one, lambda client: client.status())
        for one in meant or [running_platform(folder, platform)]
    ]
    if as_json:
        say_json([json.loads(one.model_dump_json()) for one in found])
    else:
        say("\n\n".join("\n".join(_lines(one)) for one in found))


def _lines(one: PlatformStatus) -> list[str]:
    running = f"running since {_moment(one.started_at)} as process {one.pid}, version {one.version}"
    store = f"store: {one.store.place}, schema {one.store.schema_revision or 'unknown'}"
    return [
        f"{one.platform}: {one.role.name}, {one.role.party} {one.role.role}",
        f"  {'healthy' if one.healthy else 'NOT HEALTHY'}, {running}",
        f"  {store}{f', {one.store.problem}' if one.store.problem else ''}",
        f"  partners register at {one.versions_url}",
        *([f"  its clock runs {one.demo_speed:g} times as fast"] if one.demo_speed != 1 else []),
        f"  {len(one.partners)} partners",
        *(f"    {line}" for partner in one.partners for line in _partner(partner)),
        "  last messages",
        *(f"    {_message(message)}" for message in one.messages),
    ]


def _partner(partner: PartnerView) -> list[str]:
    waiting = partner.backlog
    backlog = f"{waiting.objects} objects wait since {_moment(waiting.since)}" if waiting.objects else "nothing waits"
    trouble = f": {waiting.last_error}" if waiting.last_error else ""
    pulled = [f"  {_module(one)}" for one in partner.modules]
    if partner.credentials_read_at is not None:
        pulled.append(f"  our credentials last asked for {_moment(partner.credentials_read_at)}")
    if partner.revocations is not None:
        pulled.append(f"  {_revocations(partner.revocations)}")
    return [partner_line(partner), f"  last seen {_moment(partner.last_seen_at)}; {backlog}{trouble}", *pulled]


def _revocations(one: RevocationState) -> str:
    took = (one.in_force_at - one.issued_at).total_seconds()
    return (
        f"last revocation of {_moment(one.issued_at)} in force after {max(took, 0):.1f} s, "
        f"the slowest after {one.slowest.total_seconds():.1f} s"
    )


def _module(one: ModuleState) -> str:
    failed = f", then failed: {one.last_error}" if one.last_error else ""
    known = f", as of {_moment(one.pulled_until)}" if one.pulled_until else ""
    return f"{one.module} pulled {_moment(one.succeeded_at)}{known}{failed}"


def _message(one: LoggedMessage) -> str:
    way = "from" if one.direction == "in" else "to"
    answer = "no answer" if one.http_status is None else f"{one.http_status} {one.status_code or ''}".strip()
    return f"{_moment(one.at)} {way} {one.partner or 'nobody known'}: {one.method} {one.path} → {answer}"


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}Z"
