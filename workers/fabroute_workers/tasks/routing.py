"""Tasks of the routing room."""

import time

from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute_workers import forgetting, work
from fabroute_workers.app import app
from fabroute_workers.doorbell import ring_again
from fabroute_workers.subscriptions import IMPROVE_PROMISED, PURGE_ARCHIVES, REQUEUE_UNROUTABLE, ROUTE_PENDING, Errand


@app.task(name=ROUTE_PENDING)
def route_pending(*, scope: str, **_: object) -> None:
    """Decide all pending lines of a planning scope; what is left after a while waits in the queue behind others."""
    began = time.monotonic()
    work.drain(database_engine(), get_settings(), scope=scope)
    if time.monotonic() - began >= work.SCOPE_SECONDS:
        ring_again(app, Errand(task=ROUTE_PENDING, scope=scope))


@app.task(name=IMPROVE_PROMISED)
def improve_promised(*, scope: str, **_: object) -> None:
    """Move promised lines of a planning scope to better places, as long as no node has accepted their jobs."""
    work.improve(database_engine(), get_settings(), scope=scope)


@app.task(name=REQUEUE_UNROUTABLE)
def requeue_unroutable(*, scope: str | None = None, **_: object) -> None:
    """Look again at every line without a route, of one planning scope or of all: the network has changed."""
    work.requeue(database_engine(), get_settings(), scope=scope)


@app.task(name=PURGE_ARCHIVES)
def purge_archives(**_: object) -> None:
    """Remove the archives of runs that are older than this installation keeps them."""
    if forgetting.forget_archives(database_engine(), get_settings()).more:
        ring_again(app, Errand(task=PURGE_ARCHIVES))
