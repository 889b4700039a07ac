"""A revision in which somebody found a fault is put on hold: nobody prints it until its owner lets it go on."""

from datetime import datetime

from sqlmodel import Session

from fabroute.inventory.events import network_changed
from fabroute.inventory.models import PartRevision
from fabroute.inventory.service.moves import Mover, locked, note, require_reason
from fabroute.inventory.states import RevisionStateConflict
from fabroute.outbox.service import record

_IN_USE = ("released", "superseded")


def hold_revision(
    session: Session, *, revision_id: str, actor: str, reason: str, now: datetime, organisation_id: str | None = None
) -> bool:
    """Let nobody print a revision for now; return whether it was in use until now. Audited and told.

    Raises ``UnknownRevision`` (also for another's, where an organisation is given), ``ReasonMissing``, and
    ``RevisionStateConflict`` where it is not in use.
    """
    why = require_reason(reason)
    revision, part = locked(session, revision_id, organisation_id=organisation_id)
    if revision.state not in _IN_USE:
        raise RevisionStateConflict(f"revision {revision_id} is {revision.state}: only what can be printed is held")
    if revision.on_hold_since is not None:
        return False
    _set(session, revision, since=now, why=why)
    note(session, revision, part, "revision.held", by=Mover(actor=actor, now=now, reason=why))
    record(session, network_changed(revision_id=revision_id, reason="revision_held", now=now))
    return True


def release_hold(
    session: Session, *, revision_id: str, actor: str, reason: str, now: datetime, organisation_id: str | None = None
) -> bool:
    """Let a revision be printed again; return whether it was on hold until now. Audited and told.

    Raises ``UnknownRevision`` (also for another's, where an organisation is given) and ``ReasonMissing``.
    """
    why = require_reason(reason)
    revision, part = locked(session, revision_id, organisation_id=organisation_id)
    if revision.on_hold_since is None:
        return False
    _set(session, revision, since=None, why="")
    note(session, revision, part, "revision.hold_released", by=Mover(actor=actor, now=now, reason=why))
    record(session, network_changed(revision_id=revision_id, reason="revision_hold_released", now=now))
    return True


def _set(session: Session, revision: PartRevision, *, since: datetime | None, why: str) -> None:
    revision.on_hold_since, revision.on_hold_reason = since, why
    revision.version += 1
    session.flush()
