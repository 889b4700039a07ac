"""PostgreSQL: the engine, units of work, column types and pages. The record of everything; the broker is a doorbell."""

from fabroute.database.engine import DatabaseMissing, DatabaseUnreachable, create_database_engine, database_engine
from fabroute.database.sessions import ring_after_commit, ring_otherwise, unit_of_work, will_ring

__all__ = [
    "DatabaseMissing",
    "DatabaseUnreachable",
    "create_database_engine",
    "database_engine",
    "ring_after_commit",
    "ring_otherwise",
    "unit_of_work",
    "will_ring",
]
