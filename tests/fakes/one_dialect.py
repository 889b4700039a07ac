"""One cache of compiled statements for all engines of a test process: every test makes engines of its own."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.util import LRUCache

_STATEMENTS: LRUCache[Any, Any] = LRUCache(5_000)


class OneDialect(PGDialect_psycopg):
    """The same dialect as the product's; two of them are equal, since they compile a statement to the same SQL."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OneDialect)

    def __hash__(self) -> int:
        return hash(OneDialect)

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """Let a new engine find what others compiled."""
        engine._compiled_cache = _STATEMENTS


def compile_once() -> None:
    """Make every engine of this process that is created from now on one of these."""
    registry.register("postgresql.psycopg", __name__, OneDialect.__name__)
