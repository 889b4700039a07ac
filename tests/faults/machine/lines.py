"""The model of orders and routing: what a run may take, and what it may make of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tests.faults.machine.state import (
    ATTEMPT_CAP,
    BROKEN_RUNS_LEFT,
    GRAMS,
    OFFER,
    PATIENT_ATTEMPTS,
    ROUTING_LEASE,
    SCOPE_LEASE,
    SUSPECTS,
    SUSPECTS_TOGETHER,
    Illegal,
    Job,
    Line,
    PausedRun,
    Plan,
    Scope,
    World,
)

RETURNED_LINES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job that a run has made, as it was handed to the queues."""

    job_id: str
    quantity: int
    price: int
    produce_by: date
    plan: Plan


def place(world: World, order_id: str, lines: Mapping[str, int], *, licensed: bool) -> str:
    """Place an order with lines of so many pieces each."""
    for line_id, quantity in lines.items():
        world.lines[line_id] = Line(id=line_id, order_id=order_id, quantity=quantity, licensed=licensed, due=world.now)
    return "ok"


def order_state(world: World, order_id: str) -> str:
    """Return what the states of its lines make of an order."""
    states = [line.state for line in world.lines.values() if line.order_id == order_id and line.state != "cancelled"]
    if not states:
        return "cancelled"
    if "pending" in states or "routing" in states:
        return "pending"
    if "routed" in states:
        return "routed" if set(states) == {"routed"} else "partly_routed"
    return "parked" if "parked" in states else "no_route"


def claim(world: World, scope: str, most: int) -> tuple[str, ...] | None:
    """Take a scope and its due lines, the longest due first; None where another has it or nothing is due."""
    known = world.scopes.setdefault(scope, Scope())
    if known.until is not None and known.until > world.now:
        return None
    if known.until is not None and scope != SUSPECTS:
        _suspect_left_behind(world, scope)
    known.fence += 1
    claimed = [line.id for line in _due(world, scope, most) if _take(world, line)]
    known.until = world.now + SCOPE_LEASE if claimed else None
    return tuple(claimed) or None


def decided(world: World, scope: str, claimed: Sequence[str], jobs: Sequence[NewJob]) -> None:
    """Take in what a run made of the lines that it claimed, at once: every line that could be made is made."""
    by_line = {job.plan.line_id: job for job in jobs}
    _only_claimed(by_line, claimed)
    for line_id in claimed:
        if line_id in by_line:
            _require_place(world, world.lines[line_id], by_line[line_id].plan)
            _offer(world, by_line[line_id])
    for line_id in set(claimed) - by_line.keys():
        line = world.lines[line_id]
        if places := _places(world, line):
            others = [(world.lines[it].licensed, world.lines[it].quantity, it in by_line) for it in claimed]
            raise Illegal(f"{line_id} of {line.quantity} has no route, but {places} could make it; beside {others}")
        line.done("no_route")
    world.scopes[scope].until = None


def written(world: World, run: PausedRun, jobs: Sequence[NewJob]) -> str:
    """Take in what a run wrote that had read its snapshot before: what its fences still let it write, and what fits."""
    if run.scope_fence != world.scopes[run.scope].fence:
        return "scope_lost"
    world.scopes[run.scope].until = None
    held = [world.lines[it] for it, fence in run.fences.items() if _is_held(world.lines[it], fence)]
    by_line = {job.plan.line_id: job for job in jobs}
    _only_claimed(by_line, [line.id for line in held])
    short = _short(world, [plan for line in held if (plan := run.plans[line.id]) is not None])
    _require_stock(world, jobs)
    if any(plan is not None and line_id not in by_line for line_id, plan in run.plans.items()):
        short |= run.outbid  # what they had to yield to may be free again
    for line in held:
        _write(world, run, line, by_line.get(line.id), short=short)
    return "ok"


def requeue(world: World) -> str:
    """Send the lines without a route back, since the network changed."""
    for line in world.lines.values():
        if line.state == "no_route":
            line.back(world.now)
    return "ok"


def retry(world: World, line_id: str) -> str:
    """Let a person send a line on its way again: every node may have it."""
    line = world.lines[line_id]
    line.excluded.clear()
    if line.state in ("parked", "no_route"):
        line.back(world.now)
        line.broken = min(line.broken, BROKEN_RUNS_LEFT)
        line.fence += 1
    return "ok"


def settle(world: World) -> str:
    """Settle the re-routes whose lines have come to an outcome."""
    for job_id, (cause, _) in list(world.reroutes.items()):
        if world.lines[world.jobs[job_id].line_id].state in ("routed", "no_route", "parked", "cancelled"):
            world.reroutes[job_id] = (cause, True)
    return "ok"


def _due(world: World, scope: str, most: int) -> list[Line]:
    here = [line for line in world.lines.values() if line.scope == scope]
    back = sum(line.is_due(world.now) and line.attempts == 0 and line.decided for line in here)
    limit = max(most, min(back, RETURNED_LINES))
    due = [line for line in here if line.is_due(world.now) or line.state == "routing"]
    if scope == SUSPECTS:
        fewest = min((line.broken for line in due), default=0)
        due = [line for line in due if line.broken == fewest]
        limit = min(limit, SUSPECTS_TOGETHER if fewest <= 1 else 1)
    return sorted(due, key=lambda line: (line.due is None, line.due or world.now, line.id))[:limit]


def _take(world: World, line: Line) -> bool:
    """Return whether a line was claimed; one that had all its attempts is parked."""
    line.fence += 1
    if line.attempts >= ATTEMPT_CAP:
        line.state, line.until = "parked", None
        return False
    line.state, line.until = "routing", world.now + ROUTING_LEASE
    line.attempts += 1
    return True


def _suspect_left_behind(world: World, scope: str) -> None:
    for line in world.lines.values():
        if line.scope == scope and line.state == "routing":
            line.state, line.until, line.due = "pending", None, world.now
            line.fence += 1
            line.broken = max(line.broken, 1)
            line.scope = SUSPECTS


def _is_held(line: Line, fence: int) -> bool:
    return line.state == "routing" and line.fence == fence


def _only_claimed(jobs: Mapping[str, NewJob], claimed: Sequence[str]) -> None:
    strange = jobs.keys() - set(claimed)
    if strange:
        raise Illegal(f"jobs were made for lines that the run does not hold: {sorted(strange)}")


def _write(world: World, run: PausedRun, line: Line, job: NewJob | None, *, short: set[str]) -> None:
    plan = run.plans[line.id]
    if job is not None:
        if plan is None or plan.node != job.plan.node or plan.lot != job.plan.lot:
            raise Illegal(f"line {line.id} was planned as {plan} and made as {job.plan}")
        _offer(world, job, at=run)
    elif plan is None and line.id not in short:
        line.done("no_route")
    elif line.id not in short:
        raise Illegal(f"line {line.id} did not get {plan}, though all of it is there")
    else:
        line.state, line.until = "pending", None
        line.due = run.began_at + timedelta(seconds=max(0, line.attempts - PATIENT_ATTEMPTS))


def _short(world: World, plans: Sequence[Plan]) -> set[str]:
    """Return the lines that may be refused: of all that is planned together there is not enough, or it is lost."""
    grams: Counter[str] = Counter()
    for plan in plans:
        grams[plan.lot] += plan.grams
    prints = sum(world.lines[plan.line_id].quantity for plan in plans if world.lines[plan.line_id].licensed)
    return {
        plan.line_id
        for plan in plans
        if grams[plan.lot] > world.lots[plan.lot].grams
        or world.lots[plan.lot].state != "available"
        or world.nodes[plan.node] != "up"
        or (world.lines[plan.line_id].licensed and prints > world.licence.free)
    }


def _require_stock(world: World, jobs: Sequence[NewJob]) -> None:
    grams: Counter[str] = Counter()
    for job in jobs:
        grams[job.plan.lot] += job.plan.grams
        if world.nodes[job.plan.node] != "up" or world.lots[job.plan.lot].state != "available":
            raise Illegal(f"a job was written at {job.plan.node} of {job.plan.lot}, which is lost")
    for lot, wanted in grams.items():
        if wanted > world.lots[lot].grams:
            raise Illegal(f"{wanted} g were taken of {lot}, which has {world.lots[lot].grams}")
    prints = sum(job.quantity for job in jobs if world.lines[job.plan.line_id].licensed)
    if prints > world.licence.free:
        raise Illegal(f"{prints} prints were taken of a licence that has {world.licence.free}")


def _places(world: World, line: Line) -> list[str]:
    """Return the lots of which a line could be made."""
    if line.licensed and world.licence.free < line.quantity:
        return []
    return sorted(
        lot_id
        for lot_id, lot in world.lots.items()
        if lot.state == "available" and lot.grams >= GRAMS[line.quantity] and _may_make(world, line, lot.node)
    )


def _may_make(world: World, line: Line, node: str) -> bool:
    return world.nodes[node] == "up" and node in world.certified and node not in line.excluded


def _require_place(world: World, line: Line, plan: Plan) -> None:
    places = _places(world, line)
    if plan.lot not in places or world.lots[plan.lot].node != plan.node or plan.grams != GRAMS[line.quantity]:
        raise Illegal(f"line {line.id} of {line.quantity} went to {plan}; {places} could make it")


def _offer(world: World, job: NewJob, at: PausedRun | None = None) -> None:
    line = world.lines[job.plan.line_id]
    line.done("routed")
    world.lots[job.plan.lot].grams -= job.plan.grams
    if line.licensed:
        world.licence.leased += job.quantity
    now = world.now if at is None else at.began_at
    world.jobs[job.job_id] = Job(
        id=job.job_id,
        line_id=line.id,
        order_id=line.order_id,
        quantity=job.quantity,
        licensed=line.licensed,
        plan=job.plan,
        price=job.price,
        produce_by=job.produce_by,
        offered_at=now,
        offer_until=now + OFFER,
    )
