"""What alembic runs: migrate one PostgreSQL, with all contexts' tables in view."""

from alembic import context
from sqlalchemy import Engine, text
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


def _migrate(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET lock_timeout = '5s'"))
        context.configure(connection=connection, target_metadata=SQLModel.metadata)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


_migrate(context.config.attributes["engine"])
