"""Where alembic enters: it works on the connection it was given and leaves the transaction to its owner."""

from alembic import context

from core.store import (  # noqa: F401  # their tables join the metadata
    agreement_tables,
    clearing_tables,
    identification_tables,
    plan_tables,
    reporting_tables,
    service_tables,
    switch_tables,
)
from core.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
