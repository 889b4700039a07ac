"""Tasks of webhooks."""

from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute_workers import telling
from fabroute_workers.app import app
from fabroute_workers.subscriptions import DELIVER_DUE, PURGE_EVENTS


@app.task(name=DELIVER_DUE)
def deliver_due(**_: object) -> None:
    """Send the webhooks that are due, many at once, for some seconds."""
    telling.deliver(database_engine(), get_settings())


@app.task(name=PURGE_EVENTS)
def purge_events(**_: object) -> None:
    """Remove events that are older than the feed goes back, with their deliveries."""
    telling.purge(database_engine(), get_settings())
