"""Brings an older schema to head with alembic, inside the caller's transaction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from core.store.failures import StoreError


def configuration(connection: Connection) -> Config:
    """Alembic over these revisions and this connection, without a file of settings."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Run every revision that the database has not seen. Raises StoreError where its stamp is none of ours."""
    try:
        command.upgrade(configuration(connection), "head")
    except CommandError as error:
        raise StoreError(
            f"The schema of the database cannot be brought up to date: {error}.",
            code="store_foreign",
            next_step="Choose an empty database, or restore this one from a backup.",
        ) from error
