"""Make a decision again from its archive, and say whether it comes out the same, or what is gone or different."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session

from fabroute.routing.repository import archives
from fabroute.routing.repository.archives import DecidedLine
from fabroute.routing.service.archive import ArchiveDamaged, ArchivedRun, load_archive, versions
from fabroute.solver.engines import solve
from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan
from fabroute.solver.verify import verify_plan

SAME, DIFFERS, GONE = "same", "differs", "gone"

_BY_ITSELF = "it promised an order by itself (a quote, a promise at once), without a joint plan"
_NOT_ARCHIVED = {
    "improve": "runs that move promised lines are not archived; its moved_from names the decision before",
    "online": _BY_ITSELF,
    "quote": _BY_ITSELF,
}
"""By kind of run: why it never had an archive."""

Report = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayable:
    """A decision with the run that it was made in."""

    decision: DecidedLine
    run: ArchivedRun


def read_replayable(session: Session, *, decision_id: str) -> Replayable | Report:
    """Return what a decision was made from; a report of what is gone, if that can't be had."""
    decision = archives.find_decided(session, decision_id)
    if decision is None:
        return _gone("DECISION_GONE", f"there is no decision {decision_id} any more")
    try:
        run = load_archive(session, run_id=decision.run_id)
    except ArchiveDamaged as damage:
        return _gone("ARCHIVE_DAMAGED", damage.message)
    if run is None:
        why = _NOT_ARCHIVED.get(decision.run_kind, "it is older than archives are kept")
        return _gone("ARCHIVE_GONE", f"run {decision.run_id} has no archive: {why}")
    return Replayable(decision=decision, run=run)


def replayed(found: Replayable, *, wall_seconds: float) -> Report:
    """Return what comes of making a decision again, with the same seed and limits and at most so many seconds.

    ``outcome`` is ``same``, ``differs`` or ``gone`` (there is nothing to make it from); ``reasons`` say why.
    """
    run, decision = found.run, found.decision
    line = next((place for place, it in enumerate(run.lines) if it.line_id == decision.order_line_id), None)
    if line is None:
        return _without_options(run, decision)
    plan = solve(run.problem, replace(run.limits, wall_seconds=wall_seconds))
    return _compared(run, decision, line, plan)


def _compared(run: ArchivedRun, decision: DecidedLine, line: int, plan: RoutingPlan) -> Report:
    changed = [place for place, (then, now) in enumerate(zip(run.chosen, plan.chosen, strict=True)) if then != now]
    broken = [f"{violation.rule}: {violation.message}" for violation in verify_plan(run.problem, plan)]
    is_same = not changed and plan.cost == run.cost_millis and not broken and _is_of(run, decision)
    reasons = _differences(run, decision, plan, broken)
    if not is_same and not reasons:
        reasons = [_reason("UNEXPLAINED", "nothing that is known has changed: please tell whoever runs fabroute")]
    return {
        "outcome": SAME if is_same else DIFFERS,
        "reasons": reasons,
        "line": {"then": _option(run, run.chosen, line), "now": _option(run, plan.chosen, line)},
        "plan": {
            "lines": len(run.lines),
            "lines_that_differ": len(changed),
            "cost_millis_then": run.cost_millis,
            "cost_millis_now": plan.cost,
            "verified": not broken,
            "engine": plan.engine,
            "status": plan.status.value,
        },
        **_inputs(run),
    }


def _without_options(run: ArchivedRun, decision: DecidedLine) -> Report:
    """A line without a single option was in no plan: it has no place, whatever the solver does."""
    is_same = decision.outcome == "no_route" and _is_of(run, decision)
    nowhere = {"option": None, "node_id": None}
    reason = _reason("SNAPSHOT_DIFFERS", "the archive is of another snapshot than the decision")
    return {
        "outcome": SAME if is_same else DIFFERS,
        "reasons": [] if is_same else [reason],
        "line": {"then": nowhere, "now": nowhere},
        "plan": None,
        **_inputs(run),
    }


def _differences(run: ArchivedRun, decision: DecidedLine, plan: RoutingPlan, broken: Sequence[str]) -> list[Report]:
    reasons = [
        _reason("VERSION_DIFFERS", f"{package} was {then}, is {versions().get(package, 'not here')}")
        for package, then in run.versions.items()
        if versions().get(package) != then
    ]
    if run.status is PlanStatus.WALL_GUARD:
        reasons.append(_reason("WALL_GUARD_THEN", "the wall clock stopped the run then: it can't be repeated exactly"))
    if plan.status is PlanStatus.WALL_GUARD:
        reasons.append(_reason("WALL_GUARD_NOW", "the wall clock stopped it now: try again when less is going on"))
    if not _is_of(run, decision):
        reasons.append(_reason("SNAPSHOT_DIFFERS", "the archive is of another snapshot than the decision"))
    return [*reasons, *(_reason("PLAN_REFUSED", message) for message in broken)]


def _is_of(run: ArchivedRun, decision: DecidedLine) -> bool:
    return decision.snapshot_sha256 == run.snapshot_sha256


def _option(run: ArchivedRun, chosen: Sequence[int], line: int) -> Report:
    option = chosen[line]
    if option == UNROUTED:
        return {"option": None, "node_id": None}
    return {
        "option": option - int(run.problem.line_start()[line]),
        "node_id": run.node_of(option),
        "machine_id": run.machines[int(run.problem.option_pool[option])],
        "landed_minor": int(run.landed_minor[option]),
        "cost_millis": int(run.problem.option_cost[option]),
    }


def _inputs(run: ArchivedRun) -> Report:
    return {
        "seed": run.limits.seed,
        "deterministic_seconds": run.limits.deterministic_seconds,
        "problem_sha256": run.problem.snapshot_sha256(),
        "snapshot_sha256": run.snapshot_sha256,
        "versions_then": dict(run.versions),
        "versions_now": dict(versions()),
    }


def _gone(code: str, message: str) -> Report:
    return {"outcome": GONE, "reasons": [_reason(code, message)], "line": None, "plan": None}


def _reason(code: str, message: str) -> Report:
    return {"code": code, "message": message}
