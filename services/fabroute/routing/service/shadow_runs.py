"""Shadow runs: what another policy or network had made of a past time. Asked for here, worked on by a worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.network.service import existing_nodes
from fabroute.outbox.service import record
from fabroute.routing.events import shadow_run_told
from fabroute.routing.models import ShadowRun
from fabroute.routing.repository import archives
from fabroute.routing.repository import shadow_runs as repository
from fabroute.routing.rules.policies import PolicyView, document_of
from fabroute.routing.service.policies import get_policy, require_consistent
from fabroute.routing.service.shadow_lines import ComparedLine, line_of

PREFIX = "shd"
LONGEST_DAYS = 92
MOST_RUNS = 20_000
HIGHEST_FACTOR = 10.0


class InvalidShadowRun(DomainError):
    """A period or a change of the network that can't be looked at."""

    code = "invalid_shadow_run"
    status = 422


class NothingArchived(DomainError):
    """No run of the period has an archive that could be decided again."""

    code = "nothing_archived"
    status = 422


class UnknownShadowRun(DomainError):
    """There is no such shadow run, or it is someone else's."""

    code = "unknown_shadow_run"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowQuestion:
    """What is supposed of a past time: a policy, a changed network, or both. Nothing of it is ever done."""

    organisation_id: str
    """Who asks."""
    whole: bool
    """Whether the asker sees the lines of all owners, and may suppose another network: the operator."""
    since: datetime
    until: datetime
    policy: PolicyView | None = None
    policy_version: int | None = None
    """Instead of ``policy``: a version that was stated."""
    policy_owner: str | None = None
    """Whose lines the policy is supposed for; ``None``: the asker's own, or those of every owner by itself."""
    without_nodes: tuple[str, ...] = ()
    capacity_factor: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRunView:
    """A shadow run with what is known of it so far."""

    id: str
    state: str
    """``waiting``, ``running``, ``done`` or ``failed``."""
    request: Mapping[str, Any]
    report: Mapping[str, Any]
    """Figures as they were and as they would have been, in total, by run and by node."""
    runs_done: int
    runs_total: int
    created_by: str
    created_at: datetime
    finished_at: datetime | None


def ask_shadow_run(session: Session, *, question: ShadowQuestion, actor: str, now: datetime) -> ShadowRunView:
    """Have the archived runs of a time decided again, as supposed.

    Raises ``InvalidShadowRun``, ``ContradictoryPolicy``, ``UnknownPolicy``, and ``NothingArchived`` where no run of the
    time has an archive.
    """
    _require_sensible(session, question, now)
    policy = _supposed_policy(session, question)
    run_ids = _archived(session, question)
    row = ShadowRun(
        id=new_id(PREFIX),
        organisation_id=question.organisation_id,
        state="waiting",
        request=_request(question, policy),
        report={"state": {"queue": run_ids}},
        runs_total=len(run_ids),
        created_by=actor,
        created_at=now,
    )
    repository.add_shadow_run(session, row)
    record(session, shadow_run_told("asked", shadow_run_id=row.id, organisation_id=row.organisation_id, now=now))
    record_audit(session, entry=_audit(row))
    return view_of(row)


def get_shadow_run(session: Session, *, organisation_id: str, shadow_run_id: str) -> ShadowRunView:
    """Return an organisation's shadow run with what is known so far; ``UnknownShadowRun``."""
    row = repository.find_shadow_run(session, shadow_run_id, organisation_id=organisation_id)
    if row is None or not row.id.startswith(f"{PREFIX}_"):
        raise UnknownShadowRun(f"you have no shadow run {shadow_run_id}: GET /v1/shadow-runs lists yours")
    return view_of(row)


def list_shadow_runs(
    session: Session, *, organisation_id: str, cursor: str | None = None, limit: int = 50
) -> Page[ShadowRunView]:
    """Return a page of an organisation's shadow runs, the newest first, after the id ``cursor``."""
    rows = repository.read_shadow_runs(
        session, organisation_id=organisation_id, prefix=f"{PREFIX}_", before=cursor, limit=limit + 1
    )
    return page_of([view_of(row) for row in rows], limit=limit, cursor_of=lambda view: view.id)


def due_shadow_runs(session: Session) -> bool:
    """Return whether a shadow run or a replay waits for a worker, or its worker went away."""
    return repository.any_due(session)


def lines_of(run: ShadowRunView) -> tuple[ComparedLine, ...]:
    """Return the lines that would have gone another way and change most, as far as they are known."""
    return tuple(line_of(line) for line in run.report.get("lines", ()))


def view_of(row: ShadowRun) -> ShadowRunView:
    """Return a row without what only its worker needs."""
    report = {name: value for name, value in (row.report or {}).items() if name != "state"}
    return ShadowRunView(
        id=row.id,
        state=row.state,
        request=row.request,
        report=report,
        runs_done=row.runs_done,
        runs_total=row.runs_total,
        created_by=row.created_by,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _require_sensible(session: Session, question: ShadowQuestion, now: datetime) -> None:
    problems = [*_period_problems(question, now), *_network_problems(session, question)]
    if question.policy is not None and question.policy_version is not None:
        problems.append(FieldProblem(pointer="/policy_version", message="state either a policy or a version, not both"))
    if not problems and question.policy is None and question.policy_version is None and not _changes_network(question):
        message = "nothing is supposed: state a policy, a policy_version, or a change of the network"
        problems.append(FieldProblem(pointer="", message=message))
    if problems:
        words = "; ".join(f"{problem.pointer.lstrip('/')} {problem.message}".strip() for problem in problems)
        raise InvalidShadowRun(words, problems=tuple(problems))


def _period_problems(question: ShadowQuestion, now: datetime) -> list[FieldProblem]:
    if question.until <= question.since:
        return [FieldProblem(pointer="/until", message="must be after since")]
    if question.since >= now:
        return [FieldProblem(pointer="/since", message="is in the future: a shadow run looks back")]
    if question.until - question.since > timedelta(days=LONGEST_DAYS):
        return [FieldProblem(pointer="/since", message=f"is more than {LONGEST_DAYS} days before until: take a part")]
    return []


def _network_problems(session: Session, question: ShadowQuestion) -> list[FieldProblem]:
    named = dict.fromkeys(question.without_nodes, "/network/without_nodes")
    named |= {node_id: f"/network/capacity_factor/{node_id}" for node_id in question.capacity_factor}
    known = existing_nodes(session, node_ids=named)
    problems = [
        FieldProblem(pointer=pointer, message=f"names {node_id}, which is no node: GET /v1/nodes lists them")
        for node_id, pointer in named.items()
        if node_id not in known
    ]
    return problems + [
        FieldProblem(pointer=f"/network/capacity_factor/{node_id}", message=f"must be from 0 to {HIGHEST_FACTOR:g}")
        for node_id, factor in question.capacity_factor.items()
        if not (isfinite(factor) and 0 <= factor <= HIGHEST_FACTOR)
    ]


def _changes_network(question: ShadowQuestion) -> bool:
    return bool(question.without_nodes or question.capacity_factor)


def _supposed_policy(session: Session, question: ShadowQuestion) -> PolicyView | None:
    if question.policy_version is not None:
        owner = question.policy_owner or question.organisation_id
        return get_policy(session, organisation_id=owner, version=question.policy_version).policy
    if question.policy is not None:
        require_consistent(session, policy=question.policy)
    return question.policy


def _archived(session: Session, question: ShadowQuestion) -> list[str]:
    owner = None if question.whole else question.organisation_id
    found = archives.archived_runs(session, since=question.since, until=question.until, organisation_id=owner)
    if not found:
        whose = "run" if question.whole else "run with lines of yours"
        raise NothingArchived(
            f"no {whose} from {question.since:%Y-%m-%d %H:%M} to {question.until:%Y-%m-%d %H:%M} has an archive: "
            "choose a later time; archives are kept for the days of FABROUTE_ARCHIVE_DAYS"
        )
    if len(found) > MOST_RUNS:
        message = f"is the time of {len(found):,} runs: take a part with {MOST_RUNS:,} at most"
        raise InvalidShadowRun(f"since {message}", problems=(FieldProblem(pointer="/since", message=message),))
    return list(found)


def _request(question: ShadowQuestion, policy: PolicyView | None) -> dict[str, Any]:
    return {
        "since": question.since.isoformat(),
        "until": question.until.isoformat(),
        "policy": None if policy is None else document_of(policy),
        "policy_version": question.policy_version,
        "policy_owner": question.policy_owner,
        "whole": question.whole,
        "without_nodes": sorted(question.without_nodes),
        "capacity_factor": dict(question.capacity_factor),
    }


def _audit(row: ShadowRun) -> AuditRecord:
    return AuditRecord(
        organisation_id=row.organisation_id,
        occurred_at=row.created_at,
        actor=row.created_by,
        action="shadow_run.asked",
        subject_type="shadow_run",
        subject_id=row.id,
        data={"runs": row.runs_total, "whole": row.request["whole"]},
    )
