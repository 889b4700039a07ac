"""PostgreSQL: the engine, units of work, column types and pages. The record of everything; the broker is a doorbell."""

from fabroute.database.connecting import DatabaseMissing, DatabaseUnreachable
from fabroute.database.engine import create_database_engine, database_engine, most_connections
from fabroute.database.sessions import (
    once_reachable,
    ring_after_commit,
    ring_otherwise,
    unit_of_work,
    walk_indexes,
    will_ring,
)
from fabroute.database.tenancy import ForeignTenant, act_for_everyone, is_foreign_write, reaches, require_own, tenant_of

__all__ = [
    "DatabaseMissing",
    "DatabaseUnreachable",
    "ForeignTenant",
    "act_for_everyone",
    "create_database_engine",
    "database_engine",
    "is_foreign_write",
    "most_connections",
    "once_reachable",
    "reaches",
    "require_own",
    "ring_after_commit",
    "ring_otherwise",
    "tenant_of",
    "unit_of_work",
    "walk_indexes",
    "will_ring",
]
