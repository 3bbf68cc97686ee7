"""From payload to verdict."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from core.model.identifiers import read
from core.model.scan.identifier import evse_ids_with_separators, judge_identifier, same_id_key
from core.model.scan.one_time_password import PasswordCheck, check_password
from core.model.scan.recognition import hidden_characters, recognise
from core.model.scan.trust import IdPlace, OperatorTemplate, TrustedHost, TrustedHosts
from core.model.scan.url import ScannedUrl, decoded, scheme_of, take_apart
from core.model.scan.verdict import Catalogue, RefusalCode, ScannedHost, Verdict, accept, refuse

MAX_PAYLOAD = 512
"""Characters of a payload that are judged: no EVSE code is longer."""

_TERMINATORS = "\r\n\t "


def scan(payload: str, *, trust: TrustedHosts, catalogue: Catalogue, at: datetime) -> Verdict:
    """Judge what a scanner delivered (or a person typed) at a moment. Never raises, whatever the payload is."""
    text = payload.rstrip(_TERMINATORS).lstrip(" ")
    hidden = hidden_characters(text[:MAX_PAYLOAD])
    if len(text) > MAX_PAYLOAD and text[:5].upper() != "OCMF|":
        return refuse(RefusalCode.TOO_LONG)
    if hidden <= {"\r", "\n"} and (code := recognise(text)):
        return refuse(code)
    if hidden:
        return refuse(RefusalCode.CONTROL_CHARACTERS)
    if _names_several(text):
        return refuse(RefusalCode.AMBIGUOUS)
    if not read(text):
        if url := take_apart(text):
            return _judge_url(url, trust, catalogue, at)
        if scheme_of(text) is not None:
            return refuse(RefusalCode.UNSUPPORTED_SCHEME)
    return judge_identifier(text, catalogue)


def _names_several(text: str) -> bool:
    tokens = re.split(r"[\s,;|]+", text)
    return len({evse_id for token in tokens for evse_id in evse_ids_with_separators(token)}) > 1


def _judge_url(url: ScannedUrl, trust: TrustedHosts, catalogue: Catalogue, at: datetime) -> Verdict:
    verdict = _judge_host(url, trust) or _judge_trusted(url, trust, catalogue, at)
    if verdict.evse_id and _ids_anywhere(url) - {verdict.evse_id.key}:
        verdict = refuse(RefusalCode.AMBIGUOUS)
    return replace(verdict, host=_for_display(url, trust))


def _judge_host(url: ScannedUrl, trust: TrustedHosts) -> Verdict | None:
    """The refusal that the host alone calls for, None if it is trusted."""
    if "@" in url.authority:
        return refuse(RefusalCode.USERINFO_IN_URL)
    if not url.authority.isascii():
        return refuse(RefusalCode.NON_ASCII_HOST)
    if trust.is_own_handover(url.host):
        return refuse(RefusalCode.OWN_HANDOVER_LINK)
    if not trust.templates_of(url.host) and not trust.host_of(url.host):
        return refuse(RefusalCode.UNTRUSTED_HOST)
    return None


def _judge_trusted(url: ScannedUrl, trust: TrustedHosts, catalogue: Catalogue, at: datetime) -> Verdict:
    if templates := trust.templates_of(url.host):
        return _judge_template(url, templates, catalogue, at)
    entry = trust.host_of(url.host)
    if entry is None or entry.id_in is IdPlace.OPERATOR_LOOKUP:
        evse_id = catalogue.evse_of_alias(url.host, "/".join(url.segments))
        return accept(evse_id) if evse_id else refuse(RefusalCode.NEEDS_OPERATOR_LOOKUP)
    return _judge_link(url, entry, catalogue)


def _judge_link(url: ScannedUrl, entry: TrustedHost, catalogue: Catalogue) -> Verdict:
    """A link with the EVSE id in it, where its host keeps it and nowhere else."""
    if entry.id_in is IdPlace.QUERY:
        written = [value for name, value in url.members if name.lower() == entry.member.lower() and value]
    else:
        written = list(url.segments)
    ids = [decoded(text) for text in written]
    if any(hidden_characters(text) for text in ids if text):
        return refuse(RefusalCode.CONTROL_CHARACTERS)
    is_longer_path = entry.id_in is IdPlace.PATH and len(ids) > 1
    claimed = set() if is_longer_path else {same_id_key(text) for text in ids}
    if len(claimed | _ids_anywhere(url)) > 1:
        return refuse(RefusalCode.AMBIGUOUS)
    if not ids:
        return refuse(RefusalCode.MISSING_PARAMETER)
    if ids[0] is None or is_longer_path:
        return refuse(RefusalCode.MALFORMED_EVSE_ID)
    return judge_identifier(ids[0], catalogue, from_link=True)


def _ids_anywhere(url: ScannedUrl) -> set[str]:
    """The distinct EVSE ids that stand, with separators, in any segment or member: one link names one EVSE."""
    written: Iterable[str] = (*url.segments, *(value for _, value in url.members))
    return {key for text in written for key in evse_ids_with_separators(decoded(text) or "")}


def _judge_template(
    url: ScannedUrl, templates: tuple[OperatorTemplate, ...], catalogue: Catalogue, at: datetime
) -> Verdict:
    members = {name: decoded(value) for name, value in url.members}
    if len(members) != len({(name, value) for name, value in url.members}):
        return refuse(RefusalCode.AMBIGUOUS)
    template = next((template for template in templates if _is_version(template, members)), None)
    if template is None:
        return refuse(RefusalCode.UNSUPPORTED_VERSION)
    segments = [decoded(segment) for segment in url.segments]
    if any(hidden_characters(text) for text in (*segments, *members.values()) if text):
        return refuse(RefusalCode.CONTROL_CHARACTERS)
    pairs = [
        *zip(template.segments, segments, strict=False),
        *((wanted, members.get(name)) for name, wanted in template.members.items()),
    ]
    if len(segments) < len(template.segments) or any(not value for _, value in pairs):
        return refuse(RefusalCode.MISSING_PARAMETER)
    if len(segments) > len(template.segments) or any(
        not _is_placeholder(name) and name != value for name, value in pairs
    ):
        return refuse(RefusalCode.MALFORMED_EVSE_ID)
    values = {name.strip("{}"): value or "" for name, value in pairs if _is_placeholder(name)}
    return _judge_dynamic_code(url.host, template, values, catalogue, at)


def _judge_dynamic_code(
    host: str, template: OperatorTemplate, values: dict[str, str], catalogue: Catalogue, at: datetime
) -> Verdict:
    password = PasswordCheck.NONE
    if "totp" in values:
        password = check_password(values["totp"], template.one_time_password, at)
    if password is PasswordCheck.INVALID:
        return replace(refuse(RefusalCode.INVALID_TOTP), password=password)
    if "evse_id" in values:
        verdict = judge_identifier(values["evse_id"], catalogue, from_link=True)
        return accept(verdict.evse_id, password) if verdict.evse_id else replace(verdict, password=password)
    station, evse = values.get("station", ""), values["evse"]
    evse_id = template.stations.get(station, {}).get(evse) or catalogue.evse_at(host, station, evse)
    if evse_id is None or not catalogue.has_evse(evse_id):
        return replace(refuse(RefusalCode.UNKNOWN_EVSE), password=password)
    return accept(evse_id, password)


def _is_version(template: OperatorTemplate, members: dict[str, str | None]) -> bool:
    fixed = {name: value for name, value in template.members.items() if not _is_placeholder(value)}
    return all(members.get(name, value) == value for name, value in fixed.items())


def _is_placeholder(text: str) -> bool:
    return text.startswith("{") and text.endswith("}")


def _for_display(url: ScannedUrl, trust: TrustedHosts) -> ScannedHost:
    text = url.authority.encode("ascii", "backslashreplace").decode().lower()
    trusted = _judge_host(url, trust) is None
    known = [entry.host for entry in trust.hosts] + [template.host for template in trust.templates]
    imitated = None if trusted else next((host for host in known if host in text), None)
    name = text.rpartition("@")[2]
    return ScannedHost(url.scheme, text, tuple(name.split(".")), trusted, imitated)
