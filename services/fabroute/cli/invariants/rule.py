"""A rule that must hold in the database at every moment: a query that finds the rows where it doesn't."""

from dataclasses import dataclass

LIVE_JOB = "state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')"
"""Whether a job holds what it needs, or has used it: it did not end without a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A rule, the query that must return no row, and what to do where it does."""

    name: str
    query: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An invariant with the number of rows that break it and some of them, as words."""

    invariant: Invariant
    broken: int
    examples: tuple[str, ...]
