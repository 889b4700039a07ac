"""Who may see a job, and who may act on it."""

from sqlmodel import Session

from fabroute.database import act_for_everyone, reaches
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.network import service as network
from fabroute.production.models import Job
from fabroute.production.repository import jobs as job_rows


class UnknownJob(DomainError):
    """No such job, or not one that the asking organisation may see."""

    code = "unknown_job"
    status = 404


class NotTheNode(DomainError):
    """Only the organisation whose node has the job may do this, and mostly the operator on its behalf."""

    code = "not_the_node"
    status = 403


class NotTheOwner(DomainError):
    """Only the owner of the part may do this."""

    code = "not_the_owner"
    status = 403


class JobStateConflict(DomainError):
    """The job is in a state in which this can't be done."""

    code = "job_state_conflict"
    status = 409


def find_visible(session: Session, *, principal: Principal, job_id: str) -> Job:
    """Return a job to its owner, its node (once it is told) or the operator; ``UnknownJob`` to everyone else."""
    job = job_rows.find_job(session, job_id)
    if job is None or not (_is_owner_or_operator(session, principal, job) or _is_told_node(session, principal, job)):
        raise UnknownJob(f"there is no job {job_id} that you may see")
    return job


def find_to_change(session: Session, *, principal: Principal, job_id: str) -> Job:
    """Return a job as ``find_visible`` does; from here on the transaction reaches all whom a change of it concerns."""
    job = find_visible(session, principal=principal, job_id=job_id)
    act_for_everyone(session)
    return job


def lock_at_node(session: Session, *, principal: Principal, job_id: str, operator_too: bool = True) -> Job:
    """Return a job, locked, to its node (and the operator). Raises ``UnknownJob``, and ``NotTheNode`` to its owner."""
    job = find_to_change(session, principal=principal, job_id=job_id)
    if not _is_node(session, principal, job) and not (operator_too and principal.kind == "operator"):
        who = "its own organisation, or the operator on its behalf," if operator_too else "its own organisation"
        raise NotTheNode(f"job {job_id} lies with node {job.node_id}: this is for {who} to do")
    return _locked(session, job_id)


def lock_of_owner(session: Session, *, principal: Principal, job_id: str, operator_too: bool = True) -> Job:
    """Return a job, locked, to its owner (and the operator). Raises ``UnknownJob``, and ``NotTheOwner`` to its node."""
    job = find_to_change(session, principal=principal, job_id=job_id)
    if not _is(session, principal, job.organisation_id) and not (operator_too and principal.kind == "operator"):
        raise NotTheOwner(f"job {job_id} makes a part of another organisation: this is for its owner to decide")
    return _locked(session, job_id)


def lock_visible(session: Session, *, principal: Principal, job_id: str) -> Job:
    """Return a job, locked, to whoever may see it; ``UnknownJob`` to everyone else."""
    return _locked(session, find_to_change(session, principal=principal, job_id=job_id).id)


def require_state(job: Job, *states: str, wish: str) -> None:
    """Raise ``JobStateConflict`` unless the job is in one of ``states``; ``wish`` is what can't be done otherwise."""
    if job.state not in states:
        raise conflict(job, wish=wish)


def conflict(job: Job, *, wish: str) -> JobStateConflict:
    """Return the refusal to do something with a job in its present state, with what can be done."""
    return JobStateConflict(f"job {job.id} is {job.state}, so it can't be {wish}: {_advice(job)}")


def _advice(job: Job) -> str:
    if job.state == "held":
        return f"it waits because of {job.held_reason}"
    return {
        "planned": "it waits for others that share its build, and its node is told later",
        "offered": "its node has to accept it first",
        "countered": "the owner has to answer the counter-offer of its node",
        "accepted": "its node is at work on it",
        "in_production": "its node prints it",
        "inspected": "it is ready to be shipped",
        "shipped": "it is on its way to the customer",
        "delivered": "it has arrived",
        "suspect": "its node fell silent, and a person or the node has to say what became of it",
        "declined": "its node declined it, and its line goes to another one",
        "lapsed": "its node didn't answer in time, and its line goes to another one",
        "failed": "its node could not make it, and its line goes to another one",
        "cancelled": "its order was cancelled, or its line goes to another node",
    }[job.state]


def _is_owner_or_operator(session: Session, principal: Principal, job: Job) -> bool:
    return principal.kind == "operator" or _is(session, principal, job.organisation_id)


def _is_told_node(session: Session, principal: Principal, job: Job) -> bool:
    return job.known_to_node and _is_node(session, principal, job)


def _is_node(session: Session, principal: Principal, job: Job) -> bool:
    return _is(session, principal, network.find_node(session, node_id=job.node_id).organisation_id)


def _is(session: Session, principal: Principal, organisation_id: str) -> bool:
    return principal.organisation_id == organisation_id and reaches(session, organisation_id)


def _locked(session: Session, job_id: str) -> Job:
    job = job_rows.lock_job(session, job_id)
    assert job is not None, f"jobs are never deleted, but {job_id} is gone"
    return job
