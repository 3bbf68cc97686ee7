"""Rows of agreement versions: how they are read, and the changes to them, each inside one transaction of the store."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import rfc8785
from pydantic import ValidationError
from sqlalchemy import Connection, Row, insert, select, update

from core.endpoint.ocpi.reading import Json, parse
from core.errors import InvalidInput, Refused
from core.model.agreement_terms import AgreementDocument, VersionState
from core.store.agreement_tables import agreement_version as table


class Side(StrEnum):
    """Who did something."""

    US = "us"
    THEM = "them"


@dataclass(frozen=True)
class Text:
    """A document as it was written, in canonical form (RFC 8785): what is hashed, signed and kept."""

    document: AgreementDocument
    canonical: str

    @property
    def hash(self) -> str:
        """SHA-256 (hex)."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @property
    def value(self) -> Json:
        """Its JSON."""
        return parse(self.canonical)

    @classmethod
    def of(cls, document: AgreementDocument) -> "Text":
        """A document of ours."""
        return cls.read(parse(document.model_dump_json()))

    @classmethod
    def read(cls, value: Json) -> "Text":
        """A document as somebody wrote it. Raises InvalidInput for what is none, and for terms that we do not know."""
        try:
            given: Any = value  # rfc8785 has no name for its input, and refuses what it cannot write
            canonical = rfc8785.dumps(given).decode()
            return cls(AgreementDocument.model_validate_json(canonical), canonical)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InvalidInput(f"This agreement cannot be read: {where}: {first['msg']}", code="agreement") from error
        except (rfc8785.CanonicalizationError, ValueError) as error:
            raise InvalidInput("This agreement has no canonical form", code="agreement") from error


@dataclass(frozen=True)
class Version:
    """A version as it is kept. remark: what the partner said against it, empty where nothing."""

    partner_id: str
    text: Text
    state: VersionState
    our_signature: str | None
    their_signature: str | None
    created_at: datetime
    in_force_at: datetime | None = None
    ends_at: datetime | None = None
    ended_by: Side | None = None
    end_signature: str | None = None
    remark: str = ""

    @property
    def hash(self) -> str:
        """The document's."""
        return self.text.hash

    @property
    def number(self) -> int:
        """0: set on our side alone."""
        return self.text.document.version

    @property
    def waits_for(self) -> Side | None:
        """Who has still to sign a proposal."""
        if self.state is not VersionState.PROPOSED:
            return None
        return Side.US if self.our_signature is None else Side.THEM


def versions(connection: Connection, partner_id: str) -> tuple[Version, ...]:
    """All versions of an agreement, the newest first."""
    rows = connection.execute(
        select(table)
        .where(table.c.partner_id == partner_id)
        .order_by(table.c.version.desc(), table.c.created_at.desc(), table.c.hash)
    )
    return tuple(map(_version_of, rows))


def find(connection: Connection, partner_id: str, hash: str) -> Version | None:
    """The version of this hash."""
    query = select(table).where(table.c.partner_id == partner_id, table.c.hash == hash)
    row = connection.execute(query).first()
    return None if row is None else _version_of(row)


def in_force(connection: Connection, partner_id: str) -> Version | None:
    """The version that holds, None where none was ever put down: then the terms of the invitation hold."""
    row = connection.execute(
        select(table).where(table.c.partner_id == partner_id, table.c.state == VersionState.IN_FORCE)
    ).first()
    return None if row is None else _version_of(row)


def keep(connection: Connection, one: Version) -> None:
    """A new version, or a known one as it is from now on."""
    values = {
        "agreement_id": one.text.document.id,
        "version": one.number,
        "state": one.state,
        "document": one.text.canonical,
        "our_signature": one.our_signature,
        "their_signature": one.their_signature,
        "created_at": one.created_at,
        "in_force_at": one.in_force_at,
        "ends_at": one.ends_at,
        "ended_by": one.ended_by,
        "end_signature": one.end_signature,
        "remark": one.remark[:500],
    }
    of = (table.c.partner_id == one.partner_id, table.c.hash == one.hash)
    if connection.execute(update(table).where(*of).values(**values)).rowcount == 0:
        connection.execute(insert(table).values(partner_id=one.partner_id, hash=one.hash, **values))


def note(connection: Connection, partner_id: str, hash: str, remark: str) -> None:
    """What the partner said against a version; nothing else of it changes."""
    of = (table.c.partner_id == partner_id, table.c.hash == hash)
    connection.execute(update(table).where(*of).values(remark=remark[:500]))


def replace_others(connection: Connection, chosen: Version) -> None:
    """Whatever held or was proposed beside a version that takes effect has been replaced by it."""
    connection.execute(
        update(table)
        .where(
            table.c.partner_id == chosen.partner_id,
            table.c.hash != chosen.hash,
            table.c.state != VersionState.REPLACED,
        )
        .values(state=VersionState.REPLACED)
    )


def require_succession(new: AgreementDocument, current: Version | None) -> None:
    """Raise Refused (agreement_stale) unless a document is the next version of what holds: no old one comes back."""
    holds = current if current is not None and current.number > 0 else None
    expected = (1, None) if holds is None else (holds.number + 1, holds.hash)
    same = holds is None or new.id == holds.text.document.id
    if (new.version, new.previous) != expected or not same:
        raise Refused(
            f"Version {new.version} of this agreement does not follow what holds; the next one is {expected[0]}",
            code="agreement_stale",
            next_step="Read the agreement that holds, and propose a change of that one.",
        )


def _version_of(row: Row[tuple[object, ...]]) -> Version:
    return Version(
        partner_id=row.partner_id,
        text=Text(AgreementDocument.model_validate_json(row.document), row.document),
        state=VersionState(row.state),
        our_signature=row.our_signature,
        their_signature=row.their_signature,
        created_at=row.created_at,
        in_force_at=row.in_force_at,
        ends_at=row.ends_at,
        ended_by=Side(row.ended_by) if row.ended_by else None,
        end_signature=row.end_signature,
        remark=row.remark or "",
    )
