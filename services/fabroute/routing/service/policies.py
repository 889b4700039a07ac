"""Policies of organisations: state a new version, read those that hold and those that held."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, number_in, page_of
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.network.service import list_nodes
from fabroute.outbox.service import record
from fabroute.routing.events import policy_stated
from fabroute.routing.models import RoutingPolicy
from fabroute.routing.repository import policies as repository
from fabroute.routing.rules.contradictions import policy_problems
from fabroute.routing.rules.policies import (
    DEFAULT_POLICY,
    MinimumShare,
    PolicyView,
    ShareCap,
    document_of,
    policy_for,
    policy_of,
)

__all__ = [
    "DEFAULT_POLICY",
    "ContradictoryPolicy",
    "MinimumShare",
    "PolicyVersion",
    "PolicyView",
    "ShareCap",
    "StatedPolicy",
    "UnknownPolicy",
    "document_of",
    "get_policy",
    "list_policies",
    "policy_document",
    "policy_for",
    "policy_of",
    "read_policies",
    "require_consistent",
    "set_policy",
]


_ALL_NODES = 1_000_000


class ContradictoryPolicy(DomainError):
    """Rules of the policy contradict each other or the network, so that no plan could keep them."""

    code = "contradictory_policy"
    status = 422


class UnknownPolicy(DomainError):
    """The organisation has stated no such version."""

    code = "unknown_policy"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """A policy as it was stated, by which key and when."""

    policy: PolicyView
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPolicy:
    """The version that now holds, and whether it is new: the same content again makes none."""

    version: PolicyVersion
    is_new: bool


def read_policies(session: Session, *, organisation_ids: Collection[str]) -> Mapping[str, PolicyView]:
    """Return by organisation the policy that holds now, by one query; those that have stated none are left out."""
    return repository.read_policies(session, organisation_ids)


def set_policy(session: Session, *, policy: PolicyView, actor: str, now: datetime) -> StatedPolicy:
    """State an organisation's policy: it holds for every line that is decided from now on.

    The same content as the newest version's changes nothing. Lines without a route are looked at again. Raises
    ``ContradictoryPolicy`` with each contradiction.
    """
    require_consistent(session, policy=policy)
    repository.lock_policies(session, policy.organisation_id)
    newest = repository.newest_policies(session, [policy.organisation_id])
    if newest and newest[0].document == document_of(policy):
        return StatedPolicy(version=_version(newest[0]), is_new=False)
    row = RoutingPolicy(
        id=new_id("pol"),
        organisation_id=policy.organisation_id,
        version=newest[0].version + 1 if newest else 1,
        document=document_of(policy),
        created_by=actor,
        created_at=now,
    )
    repository.insert_policy(session, row.model_dump())
    record_audit(session, entry=_audit(row))
    record(session, policy_stated(policy_id=row.id, organisation_id=row.organisation_id, now=now))
    return StatedPolicy(version=_version(row), is_new=True)


def get_policy(session: Session, *, organisation_id: str, version: int | None = None) -> PolicyVersion:
    """Return one version of an organisation's policy, the newest without a number; ``UnknownPolicy``."""
    if version is None:
        found = next(iter(repository.newest_policies(session, [organisation_id])), None)
    else:
        found = repository.find_policy(session, organisation_id=organisation_id, version=version)
    if found is None:
        which = "no policy" if version is None else f"no version {version} of your policy"
        raise UnknownPolicy(f"there is {which}: GET /v1/routing-policies lists what you have stated")
    return _version(found)


def list_policies(
    session: Session, *, organisation_id: str, cursor: str | None = None, limit: int = 50
) -> Page[PolicyVersion]:
    """Return a page of the versions of an organisation's policy, the newest first, after the version ``cursor``."""
    before = number_in(cursor)
    rows = repository.read_versions(session, organisation_id=organisation_id, before=before, limit=limit + 1)
    return page_of([_version(row) for row in rows], limit=limit, cursor_of=lambda it: str(it.policy.version))


def policy_document(policy: PolicyView) -> dict[str, object]:
    """Return what a decision says about the policy that it was made under."""
    rules = [*(it.rule for it in policy.caps), *(it.rule for it in policy.minimum_shares)]
    return {"version": policy.version, "rules": [*rules, *(f"weights:{it}" for it in sorted(policy.weights))]}


def require_consistent(session: Session, *, policy: PolicyView) -> None:
    """Raise ``ContradictoryPolicy`` with each contradiction of a policy, without stating it."""
    kinds = {node.node_id: node.kind for node in list_nodes(session, limit=_ALL_NODES).items}
    problems = policy_problems(policy, kinds=kinds)
    if problems:
        words = "; ".join(f"{problem.pointer.lstrip('/')} {problem.message}" for problem in problems)
        raise ContradictoryPolicy(words, problems=problems)


def _policy(row: RoutingPolicy) -> PolicyView:
    return policy_of(row.document, organisation_id=row.organisation_id, version=row.version)


def _version(row: RoutingPolicy) -> PolicyVersion:
    return PolicyVersion(policy=_policy(row), created_by=row.created_by, created_at=row.created_at)


def _audit(row: RoutingPolicy) -> AuditRecord:
    return AuditRecord(
        organisation_id=row.organisation_id,
        occurred_at=row.created_at,
        actor=row.created_by,
        action="routing_policy.stated",
        subject_type="routing_policy",
        subject_id=row.id,
        data={"version": row.version, "caps": len(row.document["caps"])},
    )
