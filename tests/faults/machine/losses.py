"""The model of what the network loses, what owners and operators decide, and what workers do by the clock."""

from tests.faults.machine.jobs import CONFLICT, OK, UNQUALIFIED
from tests.faults.machine.state import OFFER, SILENCEABLE, UNSTARTED, Job, Lot, World


def pass_watch(world: World) -> str:
    """Look after silent nodes: offers lapse, claims go back once, silent jobs turn suspect, nodes are reminded."""
    for job in [job for job in world.live_jobs() if _has_lapsed(world, job)]:
        world.leave(job, "lapsed", cause="lapsed", exclude=job.state != "countered")
    for job in [job for job in world.live_jobs() if _claim_is_over(world, job)]:
        _return(world, job)
    for job in [job for job in world.live_jobs() if job.state in SILENCEABLE and _is_silent(world, job)]:
        job.suspect_from, job.suspect_at = job.state, world.now
        job.move("suspect", same_hands=True)
    for job in [job for job in world.live_jobs() if _may_be_nudged(world, job)]:
        job.nudged = True
        job.version += 1
    return OK


def revoke(world: World, node: str) -> str:
    """Take a node's certificate back, and hold the jobs that stand on it."""
    if node in world.certified:
        world.revoked.add(world.certified.pop(node))
    return hold_unqualified(world, node)


def certify(world: World, node: str, certificate_id: str) -> str:
    """Give a node a certificate that counts."""
    world.certified[node] = certificate_id
    return OK


def hold_unqualified(world: World, node: str | None = None) -> str:
    """Hold the jobs to which a gate is closed, of all nodes or of one."""
    for job in world.live_jobs():
        if node in (None, job.plan.node) and world.closed(job):
            world.hold(job)
    return OK


def set_lot_state(world: World, lot_id: str, state: str) -> str:
    """Quarantine, block or release a lot; the jobs that draw from it are held."""
    lot = world.lots[lot_id]
    if lot.state == state:
        return OK
    if lot.state == "blocked":
        return "lot_is_blocked"
    lot.state = state
    if state != "available":
        for job in world.live_jobs():
            if job.plan.lot == lot_id:
                world.hold(job)
    return OK


def receive(world: World, lot_id: str, *, node: str, grams: int) -> str:
    """Put another lot into a node's store."""
    world.lots[lot_id] = Lot(node=node, grams=grams)
    return OK


def resume(world: World, job_id: str) -> str:
    """Put a held job back to where it was held; its deadlines are put off by that time."""
    job = world.jobs[job_id]
    if job.state != "held" or job.held_at is None:
        return CONFLICT
    if world.closed(job):
        return UNQUALIFIED
    waited = world.now - job.held_at
    job.offer_until += waited
    job.until = None if job.until is None else job.until + waited
    job.move(job.held_from or "")
    job.held_from = job.held_at = None
    return OK


def node_down(world: World, node: str) -> str:
    """Take a node down: unstarted jobs leave, the nodes of the others are asked to stop."""
    for job in _at(world, node):
        if job.state in UNSTARTED and not job.started:
            world.leave(job, "cancelled", cause="node_down", exclude=False)
        elif job.state in UNSTARTED or job.state == "in_production":
            world.ask_to_stop(job, "node_down")
    world.nodes[node] = "down"
    return OK


def node_up(world: World, node: str) -> str:
    """Take a node up again: what nobody has answered is not asked any more."""
    for job in world.live_jobs():
        if job.plan.node == node and job.asked == "node_down":
            job.asked = None
            job.version += 1
    world.nodes[node] = "up"
    return OK


def leave_down_nodes(world: World) -> str:
    """Take unstarted jobs from nodes that are down."""
    for job in world.live_jobs():
        if world.nodes[job.plan.node] != "up" and job.state in UNSTARTED and not job.started:
            world.leave(job, "cancelled", cause="node_down", exclude=False)
    return OK


def take_back_held(world: World) -> str:
    """Take held jobs that nobody has started from their nodes."""
    for job in [job for job in world.live_jobs() if job.state == "held" and not job.started]:
        cause = "lot_blocked" if job.held_for_lot else "gate_closed"
        world.leave(job, "cancelled", cause=cause, exclude=False)
    return OK


def take_back(world: World, job_id: str) -> str:
    """Let the operator take a job from its node, started or not."""
    job = world.jobs[job_id]
    if job.state not in ("countered", "held", "accepted", "in_production", "suspect"):
        return CONFLICT
    if job.made:
        return "job_finished"
    world.leave(job, "cancelled", cause="operator", exclude=False)
    return OK


def decide_suspicion(world: World, job_id: str, *, reroute: bool) -> str:
    """Wait on for a silent node, or let another one make it."""
    job = world.jobs[job_id]
    if job.state != "suspect":
        return CONFLICT
    if reroute:
        world.leave(job, "failed", cause="suspect", exclude=True)
    return OK


def cancel_order(world: World, order_id: str) -> str:
    """Cancel an order: what nobody has started ends, the nodes of the rest are asked to stop."""
    jobs = [job for job in world.live_jobs() if job.order_id == order_id]
    waiting = {job.line_id for job in jobs if job.started}
    for job in jobs:
        if job.line_id in waiting:
            world.ask_to_stop(job, "")
        else:
            world.end(job, "cancelled")
    for line in world.lines.values():
        if line.order_id == order_id and line.state != "cancelled" and line.id not in waiting:
            line.state, line.until = "cancelled", None
            line.fence += 1
    return OK


def _at(world: World, node: str) -> list[Job]:
    return [job for job in world.live_jobs() if job.plan.node == node and not job.made]


def _is_silent(world: World, job: Job) -> bool:
    return job.until is not None and job.until <= world.now


def _claim_is_over(world: World, job: Job) -> bool:
    return job.state == "offered" and job.lease_id is not None and _is_silent(world, job)


def _has_lapsed(world: World, job: Job) -> bool:
    over = job.offer_until <= world.now
    if job.state == "countered":
        return over
    if job.state == "offered" and job.lease_id is None:
        return over
    return _claim_is_over(world, job) and job.rounds > 0


def _return(world: World, job: Job) -> None:
    job.rounds, job.nudged = 1, True
    job.lease_id = job.until = job.claimed_by = None
    job.kind = ""
    job.offer_until = world.now + OFFER
    job.move("offered")


def _may_be_nudged(world: World, job: Job) -> bool:
    half = job.offer_until - (job.offer_until - job.offered_at) / 2
    unclaimed = job.state == "offered" and job.lease_id is None and not job.nudged
    return unclaimed and half <= world.now < job.offer_until
