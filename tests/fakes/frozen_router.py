"""A worker that freezes between its look at the network and its commit: ``python -m tests.fakes.frozen_router SCOPE``.

It stops itself, as a machine that swaps or a paused container does; who continues it finds out whether it still writes.
However slow the machine: no other thread of it has a transaction open when it stops, so it holds no lock meanwhile; and
only its lease of the scope runs out, neither that of its lines nor its time to decide.

With ``keeper`` behind the scope it freezes at the worst instant: its keeper has just made the lease longer, and not yet
committed that.
"""

import signal
import sys
import threading
from collections.abc import Callable

from sqlalchemy import Connection, Engine, event

from fabroute.database import database_engine
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.factories.organisations import NOW

LEASE_SECONDS = 0.5
HOUR_SECONDS = 3600.0
_RENEWAL = "UPDATE planning_scopes SET lease_until"


def main(scope: str, instant: str = "look") -> None:
    """Route a scope, frozen in the middle, and print how many lines got an outcome."""
    engine = database_engine()
    if instant == "keeper":
        after_look(engine, freeze_in_renewal(engine))
    else:
        one_thread_at_a_time(engine)
        after_look(engine, freeze)
    limits = RoutingLimits(
        scope_lease_seconds=LEASE_SECONDS,
        lease_seconds=HOUR_SECONDS,
        wall_seconds=HOUR_SECONDS,
        deterministic_seconds=1.0,
    )
    report = route_pending(engine, scope=scope, now=NOW, dispatch=offer_jobs, limits=limits)
    print("no run" if report is None else f"routed {report.routed}, open {report.open}", flush=True)


def freeze() -> None:
    """Stand still until somebody lets this process go on; here, and not when some other thread has noticed."""
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def after_look(engine: Engine, act: Callable[[], object]) -> None:
    """Act when the look at the network is over."""

    @event.listens_for(engine, "commit")
    def looked(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") == "REPEATABLE READ":
            act()


def freeze_in_renewal(engine: Engine) -> Callable[[], object]:
    """Freeze when the lease was made longer for the first time; returns how to wait for that."""
    was_frozen = threading.Event()

    @event.listens_for(engine, "after_cursor_execute")
    def renewed(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.strip().startswith(_RENEWAL) and not was_frozen.is_set():
            freeze()
            was_frozen.set()

    return was_frozen.wait


def one_thread_at_a_time(engine: Engine) -> None:
    """Let a thread have a connection only while no other has one."""
    turn = threading.RLock()

    @event.listens_for(engine, "checkout")
    def begin(*_: object) -> None:
        turn.acquire()

    @event.listens_for(engine, "checkin")
    def end(*_: object) -> None:
        turn.release()


if __name__ == "__main__":
    main(*sys.argv[1:])
