"""Sealing: every committed audit entry gets a place in the hash chain of its organisation, after the fact.

Nobody who writes an entry waits for a chain. The sealer follows seconds behind and takes what is visible in the order
of the ids. An entry can become visible after later ones were sealed, because ids are given before the commit; it is
found, since the sealer looks again at all ids that a running transaction may still hold back (``_moved_on``).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.repository import seals as repository
from fabroute.identity.repository.seals import INSTALLATION, Horizon, Watermark
from fabroute.identity.service.sealing.content import GENESIS, EntryContent, Link, hash_of, sealed_content

SETTLING_SECONDS = 10.0
"""An id is given microseconds before its transaction has a number; a process that stands still there has this long."""
_BATCH_ENTRIES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    sealed: int
    through: int
    more: bool


def sealing_waits(session: Session) -> bool:
    """Tell whether an entry waits for its seal, or was sealed so lately that an earlier one may still come."""
    return repository.sealing_waits(session)


def seal_audit_log(
    engine: Engine, *, seconds: float, batch: int = _BATCH_ENTRIES, settling_seconds: float = SETTLING_SECONDS
) -> int:
    """Seal what waits, for up to ``seconds``; return how many entries. Any number may call this at once."""
    started, sealed = time.monotonic(), 0
    with unit_of_work(engine) as session:
        watermark, horizon = repository.read_watermark(session), repository.read_horizon(session)
    through = watermark.sealed_through
    while time.monotonic() - started < seconds:
        done = _seal_batch(engine, after=through, limit=batch)
        if done is None:  # somebody else seals
            return sealed
        sealed, through = sealed + done.sealed, done.through
        if not done.more:
            _move_on(engine, watermark, horizon, settling=timedelta(seconds=settling_seconds))
            return sealed
    return sealed


def entry_of(row: Row[Any], *, entry_id: int) -> EntryContent:
    """Return the entry that a row of the database holds."""
    return EntryContent(
        entry_id=entry_id,
        organisation_id=row.organisation_id,
        occurred_at=row.occurred_at,
        actor=row.actor,
        action=row.action,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        data=row.data,
    )


def _seal_batch(engine: Engine, *, after: int, limit: int) -> _Batch | None:
    with unit_of_work(engine) as session:
        now = repository.lock_sealing(session)
        if now is None:
            return None
        waiting = repository.read_unsealed(session, after=after, limit=limit)
        if waiting:
            _append(session, waiting, sealed_at=now)
    through = waiting[-1].id if waiting else after
    return _Batch(sealed=len(waiting), through=through, more=len(waiting) == limit)


def _append(session: Session, waiting: Sequence[Row[Any]], *, sealed_at: datetime) -> None:
    heads = dict(repository.read_heads(session, {row.organisation_id or INSTALLATION for row in waiting}))
    rows = []
    for row in waiting:
        chain = row.organisation_id or INSTALLATION
        position, previous_hash = heads.get(chain, (0, GENESIS))
        link = Link(position=position + 1, previous_hash=previous_hash, sealed_at=sealed_at)
        sealed = hash_of(sealed_content(entry_of(row, entry_id=row.id), link))
        heads[chain] = (link.position, sealed)
        rows.append(_seal_row(chain, row.id, link, sealed))
    repository.insert_seals(session, rows)


def _seal_row(chain: str, entry_id: int, link: Link, sealed: str) -> dict[str, object]:
    return {
        "organisation_id": chain,
        "position": link.position,
        "entry_id": entry_id,
        "hash": sealed,
        "previous_hash": link.previous_hash,
        "sealed_at": link.sealed_at,
    }


def _move_on(engine: Engine, watermark: Watermark, horizon: Horizon, *, settling: timedelta) -> None:
    """Keep the new watermark, unless somebody else moved it meanwhile."""
    moved = _moved_on(watermark, horizon, settling=settling)
    if moved == watermark:
        return
    with unit_of_work(engine) as session:
        if repository.lock_sealing(session) is not None and repository.read_watermark(session) == watermark:
            repository.move_watermark(session, moved)


def _moved_on(watermark: Watermark, horizon: Horizon, *, settling: timedelta) -> Watermark:
    """Return the watermark after a whole pass that began at ``horizon``.

    Whoever was given an id up to ``next_through`` has had a transaction number below ``next_horizon``. When the oldest
    transaction that still runs is younger, those ids are all visible or void, and the pass has sealed the visible.
    A horizon that no transaction has come to yet is of the server that the database was restored from: the two passes
    begin anew.
    """
    is_foreign = watermark.next_horizon > horizon.next_writer
    if (
        watermark.next_at is not None
        and not is_foreign
        and (horizon.oldest_writer < watermark.next_horizon or horizon.now - watermark.next_at < settling)
    ):
        return watermark
    return Watermark(
        sealed_through=watermark.sealed_through if is_foreign else watermark.next_through,
        next_through=horizon.last_entry,
        next_horizon=horizon.next_writer,
        next_at=horizon.now,
    )
