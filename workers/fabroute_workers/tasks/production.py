"""Tasks of production."""

from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute_workers import work
from fabroute_workers.app import app
from fabroute_workers.subscriptions import (
    DISPATCH_PLANNED,
    FOLLOW_REROUTES,
    HOLD_UNQUALIFIED,
    LEARN_CALIBRATIONS,
    SYNC_CARRIERS,
    TAKE_BACK_HELD,
    WATCH_LEASES,
)


@app.task(name=HOLD_UNQUALIFIED)
def hold_unqualified(**_: object) -> None:
    """Hold the jobs to which a gate has closed: a proof lapsed or was revoked, a revision or licence is frozen."""
    work.hold(database_engine())


@app.task(name=TAKE_BACK_HELD)
def take_back_held(**_: object) -> None:
    """Send the lines of held jobs that nobody has started to other nodes."""
    work.take_back(database_engine())


@app.task(name=DISPATCH_PLANNED)
def dispatch_planned(**_: object) -> None:
    """Offer planned jobs whose wait for others is over to their nodes."""
    work.dispatch(database_engine())


@app.task(name=WATCH_LEASES)
def watch_leases(**_: object) -> None:
    """Remind silent nodes, let offers and claims lapse, and suspect jobs whose lease is over."""
    work.watch(database_engine())


@app.task(name=FOLLOW_REROUTES)
def follow_reroutes(**_: object) -> None:
    """Tell owners what became of re-routed lines, and take jobs from nodes that went down while they were decided."""
    work.follow_reroutes(database_engine())


@app.task(name=LEARN_CALIBRATIONS)
def learn_calibrations(*, node_id: str | None = None, **_: object) -> None:
    """Let the machines of a node, or of all nodes, learn from all builds and prints of their jobs."""
    work.learn(database_engine(), node_id=node_id)


@app.task(name=SYNC_CARRIERS)
def sync_carriers(**_: object) -> None:
    """Tell the carriers that have a folder of new shipments, and take what they say."""
    work.sync_carriers(database_engine(), get_settings())
