"""The words of sites, and the full-text index over them: FTS5 on SQLite, tsvector with GIN on PostgreSQL.

`site_text.words` holds a site's words as the catalogue folds them, each with a space before it, so that a word's
beginning can be looked for in the text as well as in the index. The index follows the table by itself: by triggers on
SQLite, as a generated column on PostgreSQL. It is not part of `tables.metadata`, as no two databases index text alike.
"""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    cast,
    column,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from core.store.tables import site

site_text = Table(
    "site_text",
    MetaData(),
    # A key of its own, since SQLite may renumber rows that have none, and the index names its rows by number.
    Column("serial", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("site_id", String(36), nullable=False),
    Column("words", Text, nullable=False),
    UniqueConstraint("country_code", "party_id", "site_id"),
    ForeignKeyConstraint(
        ["country_code", "party_id", "site_id"],
        [site.c.country_code, site.c.party_id, site.c.id],
        ondelete="CASCADE",
    ),
)

TEXT_OF_SITE = and_(
    site_text.c.country_code == site.c.country_code,
    site_text.c.party_id == site.c.party_id,
    site_text.c.site_id == site.c.id,
)

# The words are folded already; this tokenizer takes them apart at the spaces and leaves all that is not ASCII alone.
_SQLITE = (
    "CREATE VIRTUAL TABLE site_word USING fts5("
    "words, content='site_text', content_rowid='serial', tokenize='ascii', prefix='1 2 3', detail='none')",
    "CREATE TRIGGER site_text_insert AFTER INSERT ON site_text BEGIN "
    "INSERT INTO site_word(rowid, words) VALUES (new.serial, new.words); END",
    "CREATE TRIGGER site_text_delete AFTER DELETE ON site_text BEGIN "
    "INSERT INTO site_word(site_word, rowid, words) VALUES ('delete', old.serial, old.words); END",
    "CREATE TRIGGER site_text_update AFTER UPDATE OF words ON site_text BEGIN "
    "INSERT INTO site_word(site_word, rowid, words) VALUES ('delete', old.serial, old.words); "
    "INSERT INTO site_word(rowid, words) VALUES (new.serial, new.words); END",
)
_POSTGRESQL = (
    "ALTER TABLE site_text ADD COLUMN vector tsvector "
    "GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(words, ' '), ''))) STORED",
    "CREATE INDEX site_text_vector ON site_text USING gin (vector)",
)

_vector = literal_column("site_text.vector", TSVECTOR)
_site_word = table("site_word", column("rowid", Integer), column("site_word", Text))


def create_search_index(connection: Connection) -> None:
    """Make the table and its index in a database whose other tables stand; nothing where they are there already."""
    if connection.dialect.has_table(connection, site_text.name):
        return
    site_text.create(connection, checkfirst=False)
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.execute(text(statement))


def has_words(connection: Connection, alternatives: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    """The site has, for any of the alternatives, words that begin with each of its parts; asked of the index.

    The parts are folded letters and digits, nothing else.
    """
    if connection.dialect.name == "sqlite":
        expression = " OR ".join("(" + " AND ".join(f'"{part}"*' for part in parts) + ")" for parts in alternatives)
        rows = select(_site_word.c.rowid).where(_site_word.c.site_word.op("MATCH")(expression))
        return site_text.c.serial.in_(rows)
    expression = " | ".join("(" + " & ".join(f"'{part}':*" for part in parts) + ")" for parts in alternatives)
    return _vector.op("@@", is_comparison=True)(cast(expression, TSQUERY))


def contains_words(alternatives: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    """The same condition, asked of the text itself: for the few sites that something else has found."""
    return or_(*(and_(*(site_text.c.words.contains(f" {part}") for part in parts)) for parts in alternatives))
