"""Replays: does a decision come out the same again? Asked for here, worked on by a worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.outbox.service import record
from fabroute.routing.events import shadow_run_told
from fabroute.routing.models import ShadowRun
from fabroute.routing.repository import archives
from fabroute.routing.repository import shadow_runs as repository

PREFIX = "rpl"


class UnknownDecision(DomainError):
    """There is no such decision, or it is about someone else's line."""

    code = "unknown_decision"
    status = 404


class UnknownReplay(DomainError):
    """There is no such replay, or it is someone else's."""

    code = "unknown_replay"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """A replay with what came of it, once it is done."""

    id: str
    decision_id: str
    state: str
    """``waiting``, ``running`` or ``done``."""
    report: Mapping[str, Any] | None
    created_at: datetime
    finished_at: datetime | None


def ask_replay(
    session: Session, *, organisation_id: str, decision_id: str, whole: bool, actor: str, now: datetime
) -> ReplayView:
    """Have a decision made again from its archive; ``UnknownDecision`` unless it is the asker's, or ``whole``."""
    owner = archives.owner_of_decision(session, decision_id)
    if owner is None or not (whole or owner == organisation_id):
        raise UnknownDecision(f"there is no decision {decision_id} of yours: GET /v1/orders/… names its decisions")
    row = ShadowRun(
        id=new_id(PREFIX),
        organisation_id=organisation_id,
        state="waiting",
        request={"decision_id": decision_id},
        runs_total=1,
        created_by=actor,
        created_at=now,
    )
    repository.add_shadow_run(session, row)
    record(session, shadow_run_told("asked", shadow_run_id=row.id, organisation_id=organisation_id, now=now))
    return _view(row)


def get_replay(session: Session, *, organisation_id: str, replay_id: str) -> ReplayView:
    """Return an organisation's replay; ``UnknownReplay``."""
    row = repository.find_shadow_run(session, replay_id, organisation_id=organisation_id)
    if row is None or not row.id.startswith(f"{PREFIX}_"):
        raise UnknownReplay(f"you have no replay {replay_id}: POST /v1/decisions/…/replay asks for one")
    return _view(row)


def _view(row: ShadowRun) -> ReplayView:
    return ReplayView(
        id=row.id,
        decision_id=row.request["decision_id"],
        state=row.state,
        report=row.report,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
