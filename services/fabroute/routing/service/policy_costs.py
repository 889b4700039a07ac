"""What the rules of policies have cost: kept with each run, added up over a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.routing.repository import policies as repository_of_policies
from fabroute.routing.repository import policy_costs as repository
from fabroute.routing.rules.policies import DEFAULT_POLICY, PolicyView, policy_of


class InvalidPeriod(DomainError):
    """A time without any length, or one that has not begun."""

    code = "invalid_period"
    status = 422


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
    words: str
    """The whole in one sentence, such as "the 40 % cap on lines at any single node cost 312.40 EUR in 12 runs"."""


def require_past(*, since: datetime, until: datetime, now: datetime) -> None:
    """Raise ``InvalidPeriod`` where ``until`` is not after ``since``, or all of it is in the future."""
    message = ""
    if until <= since:
        message = "parameter until: must be after since"
    elif since >= now:
        message = "parameter since: is in the future, nothing has been decided then"
    if message:
        raise InvalidPeriod(message, problems=(FieldProblem(pointer="", message=message),))


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
    versions = {row["policy_version"] for row in found}
    policies = {
        version: repository_of_policies.find_policy(session, organisation_id=organisation_id, version=version)
        for version in versions
    }
    views = {
        version: policy_of(row.document, organisation_id=organisation_id, version=version)
        for version, row in policies.items()
        if row is not None
    }
    return tuple(_cost(row, views.get(row["policy_version"], DEFAULT_POLICY)) for row in found)


def rule_in_words(policy: PolicyView, rule: str) -> str:
    """Return a rule of a policy as people call it; its name where the policy doesn't have it."""
    for cap in policy.caps:
        if cap.rule == rule:
            return f"the {cap.share:.0%} cap on {cap.unit} at {cap.node_id or 'any single node'}"
    for minimum in policy.minimum_shares:
        if minimum.rule == rule:
            return f"the minimum of {minimum.share:.0%} of the {minimum.unit} at {minimum.node_id or minimum.kind}"
    kind, _, subject = rule.partition(":")
    named = {"weights": f"the weights for {subject}", "ip": f"the share cap of revision {subject}"}
    return named.get(kind, rule)


def _cost(row: RowMapping, policy: PolicyView) -> CostOfRule:
    runs, lines, landed, millis = (int(row[name]) for name in ("runs", "lines", "landed_minor", "cost_millis"))
    return CostOfRule(
        rule=row["rule"],
        policy_version=row["policy_version"],
        runs=runs,
        lines=lines,
        landed_minor=landed,
        cost_millis=millis,
        proven=row["proven"],
        words=_words(rule_in_words(policy, row["rule"]), runs=runs, lines=lines, landed_minor=landed, millis=millis),
    )


def _words(rule: str, *, runs: int, lines: int, landed_minor: int, millis: int) -> str:
    of_runs = "1 run" if runs == 1 else f"{runs} runs"
    if not lines:
        return f"{rule} cost nothing in {of_runs}"
    of_lines = "1 line" if lines == 1 else f"{lines} lines"
    money = f"{abs(landed_minor) / 100:,.2f} EUR {'less' if landed_minor < 0 else 'more'} to pay"
    weighed = f"{millis / 100_000:,.2f} EUR with time, carbon and lines left out"
    return f"{rule} cost {weighed} in {of_runs}: {money}, {of_lines} moved by it"


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
