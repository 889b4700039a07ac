"""What the rules of policies have cost: kept with each run, added up over a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.routing.repository import policy_costs as repository


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCost:
    """What one rule cost one owner in one run."""

    organisation_id: str
    rule: str
    policy_version: int
    lines: int
    """Lines that would go elsewhere, or somewhere at all, without it."""
    landed_minor: int
    """More landed money because of it, over the lines that have a place both ways; under 0 where it bought time."""
    cost_millis: int
    """More generalised cost because of it, never under 0; lines without a place at their price."""
    proven: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOfRule:
    """What a rule cost its owner in all runs of a time."""

    rule: str
    policy_version: int
    """The latest that was priced."""
    runs: int
    lines: int
    landed_minor: int
    cost_millis: int
    proven: bool
    """Whether every one of the figures is."""


def store_costs(session: Session, *, run_id: str, costs: Sequence[RuleCost], now: datetime) -> None:
    """Keep what the rules of a run cost."""
    repository.insert_costs(session, [_row(run_id, cost, now) for cost in costs])


def costs_of_rules(
    session: Session, *, organisation_id: str, since: datetime, until: datetime
) -> tuple[CostOfRule, ...]:
    """Return what each rule of an organisation's policies cost in the runs from ``since`` to ``until``, dearest first.

    Rules that couldn't bite in any of them are left out.
    """
    found = repository.sum_costs(session, organisation_id=organisation_id, since=since, until=until)
    return tuple(
        CostOfRule(
            rule=row["rule"],
            policy_version=row["policy_version"],
            runs=int(row["runs"]),
            lines=int(row["lines"]),
            landed_minor=int(row["landed_minor"]),
            cost_millis=int(row["cost_millis"]),
            proven=row["proven"],
        )
        for row in found
    )


def _row(run_id: str, cost: RuleCost, now: datetime) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "organisation_id": cost.organisation_id,
        "rule": cost.rule,
        "policy_version": cost.policy_version,
        "lines": cost.lines,
        "landed_minor": cost.landed_minor,
        "cost_millis": cost.cost_millis,
        "proven": cost.proven,
        "decided_at": now,
    }
