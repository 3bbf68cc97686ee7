"""Putting sites into the catalogue: by import, and whenever a partner tells of a site or a status (UC1-2, UC1-3)."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    RowMapping,
    Table,
    and_,
    bindparam,
    case,
    delete,
    exists,
    insert,
    select,
    update,
)

from core.catalogue.grid import cell_of
from core.catalogue.keys import SiteKey, key_table, same_site
from core.catalogue.site_words import evse_key, site_words
from core.errors import InvalidInput
from core.model.sites import Connector, PowerType, Site, Status
from core.store.prepared import Prepared
from core.store.search_index import site_text
from core.store.tables import connector, evse, site

_LONGEST = {"country": 3, "time_zone": 64}
"""Characters that the columns hold, as SQLite does not watch them."""


class Outcome(StrEnum):
    """What writing a site came to."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    OLDER = "older"
    UNDER_AGREEMENT = "under_agreement"


class EvseKey(NamedTuple):
    """The key of EV supply equipment; uid as its party writes it."""

    country_code: str
    party_id: str
    site_id: str
    uid: str


class Told(NamedTuple):
    """A site as it was told, and the JSON text it came as."""

    site: Site
    body: str


class ToldStatus(NamedTuple):
    """The status of one piece of equipment since `at`, and the site's JSON text with it.

    site_updated: the moment of its last change that the text names.
    """

    status: Status
    at: datetime
    body: str
    site_updated: datetime


def write_site(
    connection: Connection,
    value: Site,
    body: str,
    *,
    partner_id: str | None,
    source: str,
    heard_at: datetime | None = None,
) -> Outcome:
    """Write one site, as `write_sites` does."""
    return write_sites(connection, [Told(value, body)], partner_id=partner_id, source=source, heard_at=heard_at)[0]


def write_sites(
    connection: Connection,
    sites: Sequence[Told],
    *,
    partner_id: str | None,
    source: str,
    heard_at: datetime | None = None,
) -> list[Outcome]:
    """Write sites with their equipment and connectors, and make them searchable; what each came to, in order.

    partner_id: whose agreement covers them, None for none. heard_at: when their statuses were told, where that is later
    than the equipment's own last_updated (a fresh answer about an old status). What is older than the stored site
    changes nothing, nor does an older status; a site under an agreement is not replaced by one without, and replaces
    any that is without. Raises InvalidInput where two pieces of equipment, or two connectors of one, have the same key.
    """
    outcomes: list[Outcome] = []
    for batch in _without_repetition(sites):
        outcomes += _write_batch(connection, batch, partner_id, source, heard_at)
    return outcomes


def set_evse_status(connection: Connection, key: EvseKey, status: Status, at: datetime) -> bool:
    """Set the status of one piece of equipment as told at a moment (aware).

    False where the equipment is unknown or a later word stands. The JSON text of the site is not touched; who changes
    it writes the site.
    """
    told = connection.execute(_SET_STATUS, _bound_evse(key) | {"told_status": status.value, "told_at": at})
    if not told.rowcount:
        return False
    connection.execute(_SET_REMOVED, _bound_evse(key))
    return True


def write_status(connection: Connection, key: EvseKey, told: ToldStatus, *, heard_at: datetime) -> None:
    """Write a status of equipment that is known, and nothing else, into its site; in far fewer steps than `write_site`.

    What is older than the stored site changes nothing, nor does an older status. heard_at: as in `write_sites`.
    """
    site_updated = {"told_updated": told.site_updated}
    status = {"told_status": told.status.value, "told_at": told.at, "heard_at": max(told.at, heard_at)}
    _TELL_STATUS.execute(connection, _bound_evse(key) | site_updated | status)
    _TELL_SITE.execute(connection, _bound_site(key) | site_updated | {"told_body": told.body})


def connector_power_w(one: Connector) -> int:
    """What a connector can give at most, in watts: as it says, else by its voltage and current.

    The voltage of three phases is line to neutral, so three phases give three times that of one; two phases twice [J].
    """
    if one.max_power is not None:
        return one.max_power
    phases = {PowerType.AC_3_PHASE: 3, PowerType.AC_2_PHASE: 2}.get(one.power_type, 1)
    return one.max_voltage * one.max_current * phases


def _key(value: Site) -> SiteKey:
    """The key at rest: the party in upper case, as parties compare without case."""
    return SiteKey(value.country_code.upper(), value.party_id.upper(), value.id)


def _without_repetition(sites: Sequence[Told]) -> Iterator[list[Told]]:
    """Batches in order, none of which has the same site twice."""
    batch: dict[SiteKey, Told] = {}
    for one in sites:
        if _key(one.site) in batch:
            yield list(batch.values())
            batch = {}
        batch[_key(one.site)] = one
    yield list(batch.values())


def _write_batch(
    connection: Connection, sites: Sequence[Told], partner_id: str | None, source: str, heard_at: datetime | None
) -> list[Outcome]:
    for one in sites:
        _check(one.site)
    stored = _stored(connection, [_key(one.site) for one in sites])
    outcomes = [_outcome(stored.get(_key(one.site)), one, partner_id, source) for one in sites]
    added = [one for one, outcome in zip(sites, outcomes, strict=True) if outcome is Outcome.ADDED]
    changed = [one for one, outcome in zip(sites, outcomes, strict=True) if outcome is Outcome.CHANGED]
    told = _told_statuses(connection, [_key(one.site) for one in changed])
    _execute(connection, insert(site), [_site_values(one, partner_id, source) for one in added])
    _execute(connection, _CHANGE_SITE, [_bound(one) | _site_values(one, partner_id, source) for one in changed])
    _execute(connection, _DELETE_CONNECTORS, [_bound(one) for one in changed])
    _execute(connection, _DELETE_EQUIPMENT, [_bound(one) for one in changed])
    written = [one.site for one in (*added, *changed)]
    _execute(connection, insert(evse), [row for one in written for row in _evses(one, heard_at, told)])
    _execute(connection, insert(connector), [row for one in written for row in _connectors(one)])
    _execute(connection, insert(site_text), [_place(one.site) | {"words": _words(one.site)} for one in added])
    _execute(connection, _CHANGE_WORDS, [_bound(one) | {"words": _words(one.site)} for one in changed])
    if heard_at is not None:
        for one, outcome in zip(sites, outcomes, strict=True):
            if outcome is Outcome.UNCHANGED:
                _hear_again(connection, one.site, heard_at)
    return outcomes


def _bound_to(table: Table) -> ColumnElement[bool]:
    """The row of the site that `_bound` names; for statements that run once for each of many sites."""
    return and_(*(table.c[name] == bindparam(f"bound_{name}") for name in ("country_code", "party_id"))) & (
        (table.c.id if table is site else table.c.site_id) == bindparam("bound_id")
    )


def _bound(one: Told) -> dict[str, object]:
    key = _key(one.site)
    return {"bound_country_code": key.country_code, "bound_party_id": key.party_id, "bound_id": key.id}


def _place(value: Site) -> dict[str, object]:
    key = _key(value)
    return {"country_code": key.country_code, "party_id": key.party_id, "site_id": key.id}


_CHANGE_SITE = update(site).where(_bound_to(site))
_CHANGE_WORDS = update(site_text).where(_bound_to(site_text))
_DELETE_EQUIPMENT = delete(evse).where(_bound_to(evse))
_DELETE_CONNECTORS = delete(connector).where(_bound_to(connector))


def _bound_site(key: EvseKey) -> dict[str, object]:
    return {"bound_country_code": key.country_code, "bound_party_id": key.party_id, "bound_id": key.site_id}


def _bound_evse(key: EvseKey) -> dict[str, object]:
    return _bound_site(key) | {"bound_uid": key.uid}


# Run with every status that comes: built once, as building a statement takes longer than running it.
_THIS_EVSE = _bound_to(evse) & (evse.c.uid == bindparam("bound_uid"))
_SET_STATUS = (
    update(evse)
    .where(_THIS_EVSE, evse.c.status_at <= bindparam("told_at"))
    .values(status=bindparam("told_status"), status_at=bindparam("told_at"))
)
# As in _all_removed: the equipment whose status this follows is there, so the site has some.
_REMOVED = ~exists().where(_bound_to(evse), evse.c.status != Status.REMOVED.value)
_SET_REMOVED = update(site).where(_bound_to(site)).values(removed=_REMOVED)
_NOT_OLDER = _bound_to(site) & (site.c.last_updated <= bindparam("told_updated"))
_NEWS = evse.c.status_at <= bindparam("heard_at")
_TELL_STATUS = Prepared(
    update(evse)
    .where(_THIS_EVSE, exists().where(_NOT_OLDER))
    .values(
        status=case((_NEWS, bindparam("told_status", type_=evse.c.status.type)), else_=evse.c.status),
        status_at=case((_NEWS, bindparam("heard_at", type_=evse.c.status_at.type)), else_=evse.c.status_at),
        last_updated=bindparam("told_at"),
    )
)
_TELL_SITE = Prepared(
    update(site)
    .where(_NOT_OLDER)
    .values(last_updated=bindparam("told_updated"), body=bindparam("told_body"), removed=_REMOVED)
)


def _execute(connection: Connection, statement: Executable, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _stored(connection: Connection, keys: Sequence[SiteKey]) -> dict[SiteKey, RowMapping]:
    wanted = key_table(connection, keys)
    columns = (site.c.country_code, site.c.party_id, site.c.id, site.c.partner_id, site.c.source, site.c.last_updated)
    query = select(*columns, site.c.body).join_from(wanted, site, same_site(site, wanted))
    rows = connection.execute(query).mappings()
    return {SiteKey(row["country_code"], row["party_id"], row["id"]): row for row in rows}


def _told_statuses(connection: Connection, keys: Sequence[SiteKey]) -> dict[EvseKey, tuple[str, datetime]]:
    """What each piece of equipment was last told to be, and when."""
    if not keys:
        return {}
    wanted = key_table(connection, keys)
    columns = (evse.c.country_code, evse.c.party_id, evse.c.site_id, evse.c.uid, evse.c.status, evse.c.status_at)
    rows = connection.execute(select(*columns).join_from(wanted, evse, same_site(evse, wanted)))
    return {EvseKey(*key): (status, at) for *key, status, at in rows}


def _check(value: Site) -> None:
    for name, text in (("country", value.country), ("time_zone", value.time_zone)):
        if len(text) > _LONGEST[name]:
            raise InvalidInput(
                f"{name} has {len(text)} characters; {_LONGEST[name]} are the most", code="invalid_length"
            )
    _check_once((one.uid for one in value.equipment), "EVSE uid")
    for one in value.equipment:
        _check_once((plug.id for plug in one.connectors), f"connector id of EVSE {one.uid}:")


def _check_once(keys: Iterable[str], what: str) -> None:
    twice = [key for key, count in Counter(keys).items() if count > 1]
    if twice:
        raise InvalidInput(f"{what} {twice[0]} occurs twice", code="duplicate_key")


def _outcome(stored: RowMapping | None, one: Told, partner_id: str | None, source: str) -> Outcome:
    if stored is None:
        return Outcome.ADDED
    if stored["partner_id"] is None and partner_id is not None:
        return Outcome.CHANGED
    if stored["partner_id"] is not None and partner_id is None:
        return Outcome.UNDER_AGREEMENT
    if one.site.last_updated < stored["last_updated"]:
        return Outcome.OLDER
    held = (stored["last_updated"], stored["partner_id"], stored["source"], stored["body"])
    same = held == (one.site.last_updated, partner_id, source, one.body)
    return Outcome.UNCHANGED if same else Outcome.CHANGED


def _site_values(one: Told, partner_id: str | None, source: str) -> dict[str, object]:
    value = one.site
    return {
        **_key(value)._asdict(),
        "partner_id": partner_id,
        "source": source,
        "published": value.publish,
        "name": value.name or value.address,
        "address": value.address,
        "city": value.city,
        "postal_code": value.postal_code or "",
        "country": value.country,
        "operator": _operator(value),
        "time_zone": value.time_zone,
        "latitude": value.point.latitude,
        "longitude": value.point.longitude,
        "cell": cell_of(value.point.latitude, value.point.longitude),
        "opening_times": None if value.opening_times is None else value.opening_times.model_dump_json(),
        "removed": _all_removed([one.status for one in value.equipment]),
        "last_updated": value.last_updated,
        "body": one.body,
    }


def _operator(value: Site) -> str:
    return value.operator.name if value.operator is not None else f"{value.country_code}*{value.party_id}".upper()


def _all_removed(statuses: Sequence[str]) -> bool:
    """A site is removed with the last of its equipment; one that never had any is still being built [J]."""
    return bool(statuses) and all(status == Status.REMOVED for status in statuses)


def _evses(
    value: Site, heard_at: datetime | None, told: Mapping[EvseKey, tuple[str, datetime]]
) -> Iterator[dict[str, object]]:
    for one in value.equipment:
        status, status_at = one.status.value, max(one.last_updated, heard_at or one.last_updated)
        earlier = told.get(EvseKey(*_key(value), one.uid))
        if earlier is not None and earlier[1] > status_at:
            status, status_at = earlier
        yield _place(value) | {
            "uid": one.uid,
            "evse_id": one.evse_id or "",
            "evse_key": evse_key(one.evse_id or ""),
            "status": status,
            "status_at": status_at,
            "last_updated": one.last_updated,
        }


def _connectors(value: Site) -> Iterator[dict[str, object]]:
    for one in value.equipment:
        for plug in one.connectors:
            yield _place(value) | {
                "evse_uid": one.uid,
                "id": plug.id,
                "standard": plug.standard.value,
                "max_power_w": connector_power_w(plug),
                "tariff_ids": json.dumps(plug.tariff_ids),
            }


def _words(value: Site) -> str:
    return "".join(f" {word}" for word in site_words(value))


def _hear_again(connection: Connection, value: Site, heard_at: datetime) -> None:
    for one in value.equipment:
        set_evse_status(connection, EvseKey(*_key(value), one.uid), one.status, heard_at)
