"""What alembic runs: migrate one PostgreSQL, with all contexts' tables in view."""

from alembic import context
from sqlalchemy import Connection, Engine, text
from sqlmodel import SQLModel

import fabroute.advice.models
import fabroute.identity.models
import fabroute.inventory.models
import fabroute.logistics.models
import fabroute.network.models
import fabroute.orders.models
import fabroute.outbox.models
import fabroute.production.models
import fabroute.qualification.models
import fabroute.routing.models
import fabroute.webhooks.models  # noqa: F401
from fabroute.database.schema import serving_note


def _migrate(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET lock_timeout = '5s'"))
        context.configure(connection=connection, target_metadata=SQLModel.metadata)
        with context.begin_transaction():
            context.run_migrations()
        _say_whom_it_serves(connection)
    engine.dispose()


def _say_whom_it_serves(connection: Connection) -> None:
    """Note beside the revision the oldest one whose code works on this schema, too."""
    revision = context.get_context().get_current_revision()
    if revision is None:
        return
    oldest = getattr(context.script.get_revision(revision).module, "serves", revision)
    connection.execute(text(f"COMMENT ON TABLE alembic_version IS '{serving_note(oldest)}'"))


_migrate(context.config.attributes["engine"])
