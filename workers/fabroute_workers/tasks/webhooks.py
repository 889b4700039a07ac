"""Tasks of webhooks."""

from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute_workers import forgetting, telling
from fabroute_workers.app import app
from fabroute_workers.doorbell import ring_again
from fabroute_workers.subscriptions import DELIVER_DUE, PURGE_EVENTS, Errand


@app.task(name=DELIVER_DUE)
def deliver_due(**_: object) -> None:
    """Send the webhooks that are due, many at once, for some seconds."""
    telling.deliver(database_engine(), get_settings())


@app.task(name=PURGE_EVENTS)
def purge_events(**_: object) -> None:
    """Remove events that are older than the feed goes back, with their deliveries, and what the outbox has told."""
    if forgetting.forget_events(database_engine(), get_settings()).more:
        ring_again(app, Errand(task=PURGE_EVENTS))
