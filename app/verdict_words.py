"""A verdict on a scanned code in the driver's words; nothing of the code is shown but what is escaped and short."""

from datetime import datetime

from textual.content import Content

from app.text import Text, printable
from app.widgets.cells import shown
from core.driver_messages import EvseFound, EvseView
from core.errors import InvalidInput
from core.model.identifiers import EvseId
from core.model.scan import EveryEvse, PasswordCheck, RefusalCode, ScannedHost, TrustedHosts, Verdict, refuse, scan

SHOWN = 60
"""Characters of a payload that are ever shown."""


def judge(payload: str, too_long: bool, trust: TrustedHosts, at: datetime) -> Verdict:
    """The verdict on what a scanner delivered; the home platform is asked afterwards whether it knows the EVSE."""
    return refuse(RefusalCode.TOO_LONG) if too_long else scan(payload, trust=trust, catalogue=EveryEvse(), at=at)


def verdict_lines(verdict: Verdict, payload: str, text: Text) -> list[Content]:
    """Trusted or refused and why, where the code leads, and for a refusal what to do."""
    if verdict.trusted:
        lines = [Content.styled(shown(f"✓ {text.say('scan.trusted', id=str(verdict.evse_id))}"), "bold $success")]
        if verdict.password is PasswordCheck.NOT_VERIFIED_HERE:
            lines.append(Content.styled(text.say("scan.not_verified_here"), "$warning"))
        return lines + _host(verdict.host, text)
    values = {"id": _id(verdict, payload), "host": verdict.host.text if verdict.host else "?"}
    why = text.say(f"scan.{verdict.code}.why", **values)
    step = text.say(f"scan.{verdict.code}.next", **values)
    return [
        Content.styled(f"✕ {text.say('scan.refused')}", "bold $error"),
        Content(shown(why)),
        *_host(verdict.host, text),
        Content(""),
        Content.styled(shown(step), "bold"),
    ]


def _host(host: ScannedHost | None, text: Text) -> list[Content]:
    """The host taken apart: what stands last is who is asked, whatever stands before it."""
    if host is None:
        return []
    scheme = f"{host.scheme}://" if host.scheme else ""
    before, owner = ".".join(host.labels[:-2]), ".".join(host.labels[-2:])
    hidden = host.text.rpartition("@")[0]
    listed = "scan.host_trusted" if host.trusted else "scan.host_untrusted"
    lines = [
        Content.assemble(
            (f"{text.say('scan.host')} ", "$text-muted"),
            (shown(scheme + (f"{hidden}@" if hidden else "") + (f"{before}." if before else "")), "$text-muted"),
            (shown(owner), "bold $success" if host.trusted else "bold $error"),
            (f" · {text.say(listed)}", "$text-muted"),
        )
    ]
    if host.imitates:
        lines.append(Content.styled(shown(text.say("scan.imitates", host=host.imitates)), "bold $warning"))
    return lines


def _id(verdict: Verdict, payload: str) -> str:
    if verdict.evse_id is not None:
        return str(verdict.evse_id)
    short = printable(payload.strip())
    return short if len(short) <= SHOWN else short[: SHOWN - 1] + "…"


def near_misses(next_step: str) -> tuple[str, ...]:
    """The EVSE ids that a next step names: the driver API tells near misses in its sentence only."""
    found = []
    for word in next_step.replace("?", " ").replace(",", " ").split():
        try:
            if "*" in word:
                found.append(str(EvseId.parse(word)))
        except InvalidInput:
            continue
    return tuple(dict.fromkeys(found))


def found_evse(found: EvseFound) -> EvseView | None:
    """The equipment that the id named, at its site."""
    return next((one for one in found.site.evses if one.uid == found.evse_uid), None)
