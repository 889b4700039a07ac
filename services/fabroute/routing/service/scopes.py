"""Planning scopes: who decides which lines together, and that only one does at a time.

A scope is claimed under a new fence with a lease by the database's clock. Its holder makes the lease longer while it
works, so that a killed one is replaced within seconds and a long run keeps what it has. Only the holder of the newest
fence commits: ``require_scope`` locks the scope in the transaction that writes. Locks are taken in one order: scope,
lines, licences, lots, slots, nodes, orders.

Different scopes run side by side and meet only through committed reservations.
"""

import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from fabroute.database import once_reachable, unit_of_work
from fabroute.kernel.errors import DomainError
from fabroute.orders.service import waiting_lines
from fabroute.routing.repository import scopes

RENEWALS_PER_LEASE = 3
_NO_COUNT = (0, None)

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.routing")


class ScopeLost(DomainError):
    """Another worker has the scope by now: nothing that was decided under the old fence may be written."""

    code = "scope_lost"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeLease:
    """A scope that the caller may decide; a later claim has a higher ``fence``, and only the highest may write."""

    name: str
    fence: int
    taken_over: bool = field(default=False, compare=False)
    """Whether whoever had it before let it lapse: that one has gone, perhaps because of what it was deciding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeView:
    """A planning scope: what waits in it, who works on it, and what its last run came to."""

    name: str
    waiting: int
    """Lines without an outcome, being routed or not."""
    oldest_at: datetime | None
    """When the order of the oldest of them was placed."""
    fence: int
    holder: str | None
    """Host and process; ``None`` where nobody works on it."""
    lease_until: datetime | None
    last_run_id: str | None
    last_run_at: datetime | None
    last_routed: int | None
    last_no_route: int | None
    last_deferred: int | None


def claim_scope(session: Session, *, name: str, lease_seconds: float, holder: str | None = None) -> ScopeLease | None:
    """Take a scope for ``lease_seconds``, unless someone's lease on it runs; ``None`` then.

    Whoever had it before can't write any more. The scope stays locked until the transaction ends.
    """
    claimed = scopes.claim(session, name=name, holder=holder or _this_process(), lease_seconds=lease_seconds)
    return None if claimed is None else ScopeLease(name=name, fence=claimed[0], taken_over=claimed[1])


def require_scope(session: Session, lease: ScopeLease) -> None:
    """Keep a scope for this transaction, before anything else is locked; ``ScopeLost`` if its fence is a newer one."""
    if not scopes.hold(session, name=lease.name, fence=lease.fence):
        raise ScopeLost(f"scope {lease.name} was taken over: what was decided under fence {lease.fence} is not written")


def release_scope(session: Session, lease: ScopeLease) -> None:
    """Give a scope back; nothing where someone else has it by now."""
    scopes.release(session, name=lease.name, fence=lease.fence)


def lapsed_scopes(session: Session) -> tuple[str, ...]:
    """Return the scopes whose holder has gone: what it had claimed is due, whatever the leases of its lines say."""
    return tuple(scopes.lapsed(session))


def list_scopes(session: Session) -> tuple[ScopeView, ...]:
    """Return all scopes that were ever worked on or have lines to route, by name."""
    known, waiting = scopes.read_scopes(session), waiting_lines(session)
    return tuple(_view(name, known.get(name, {}), waiting.get(name)) for name in sorted({*known, *waiting}))


class KeptScope:
    """A scope that is held while the block lasts: its lease is made longer by a thread, and given back at the end.

    A run that hangs loses its scope after ``most_seconds``. ``lost`` tells whether someone else has it.
    """

    def __init__(self, engine: Engine, lease: ScopeLease, *, lease_seconds: float, most_seconds: float) -> None:
        self.lease = lease
        self._engine = engine
        self._seconds = lease_seconds
        self._renewals = int(most_seconds * RENEWALS_PER_LEASE / lease_seconds)
        self._over = threading.Event()
        self._lost = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"keeper of {lease.name}", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether the last renewal found a newer fence."""
        return self._lost.is_set()

    def __enter__(self) -> "KeptScope":
        """Begin to keep it."""
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back, and wait for a database that is away: what had it would seem to have gone."""
        self._over.set()
        self._keeper.join()
        once_reachable(self._release, seconds=self._seconds)

    def _release(self) -> None:
        with unit_of_work(self._engine) as session:
            release_scope(session, self.lease)

    def _keep(self) -> None:
        for _ in range(self._renewals):
            if self._over.wait(self._seconds / RENEWALS_PER_LEASE):
                return
            if not self._renewed():
                self._lost.set()
                return

    def _renewed(self) -> bool:
        """Tell whether the scope is still ours; a database that does not answer says nothing about that."""
        try:
            with unit_of_work(self._engine) as session:
                return scopes.renew(session, name=self.lease.name, fence=self.lease.fence, lease_seconds=self._seconds)
        except SQLAlchemyError as error:
            _log.warning("routing.scope_not_renewed", scope=self.lease.name, error=str(error).strip())
            return True


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _view(name: str, row: Mapping[str, Any], waiting: tuple[int, datetime | None] | None) -> ScopeView:
    lines, oldest_at = waiting or _NO_COUNT
    return ScopeView(
        name=name,
        waiting=lines,
        oldest_at=oldest_at,
        fence=row.get("fence", 0),
        holder=row.get("holder"),
        lease_until=row.get("lease_until") if row.get("holder") else None,
        last_run_id=row.get("run_id"),
        last_run_at=row.get("finished_at"),
        last_routed=row.get("routed"),
        last_no_route=row.get("no_route"),
        last_deferred=row.get("deferred"),
    )
