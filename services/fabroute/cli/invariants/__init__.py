"""What must hold in the database at every moment, by room: each is a query that finds the rows where it doesn't."""

from collections.abc import Sequence

from sqlalchemy import Engine, text

from fabroute.cli.invariants import (
    audit,
    builds,
    claims,
    credentials,
    evidence,
    files,
    gates,
    learning,
    licences,
    lots,
    orders,
    people,
    phases,
    planning,
    prints,
    quotes,
    rerouting,
    shipping,
    stock,
    tenancy,
    webhooks,
)
from fabroute.cli.invariants.rule import Finding, Invariant

__all__ = ["INVARIANTS", "Finding", "Invariant", "check_invariants"]

INVARIANTS: Sequence[Invariant] = (
    *orders.RULES,
    *stock.RULES,
    *gates.RULES,
    *planning.RULES,
    *files.RULES,
    *licences.RULES,
    *prints.RULES,
    *quotes.RULES,
    *learning.RULES,
    *claims.RULES,
    *phases.RULES,
    *builds.RULES,
    *evidence.RULES,
    *lots.RULES,
    *shipping.RULES,
    *rerouting.RULES,
    *tenancy.RULES,
    *webhooks.RULES,
    *credentials.RULES,
    *audit.RULES,
    *people.RULES,
)


def check_invariants(engine: Engine, *, examples: int = 3) -> tuple[Finding, ...]:
    """Return one finding for each invariant, in order; ``broken`` is 0 where it holds. All see the same instant."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return tuple(_check(connection.execute(text(rule.query)).all(), rule, examples) for rule in INVARIANTS)


def _check(rows: Sequence[Sequence[object]], rule: Invariant, examples: int) -> Finding:
    shown = tuple(" · ".join(str(cell) for cell in row) for row in rows[:examples])
    return Finding(invariant=rule, broken=len(rows), examples=shown)
