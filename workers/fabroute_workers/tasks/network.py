"""Tasks of the network room."""

from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute_workers import work
from fabroute_workers.app import app
from fabroute_workers.subscriptions import EXTEND_CAPACITY


@app.task(name=EXTEND_CAPACITY)
def extend_capacity(**_: object) -> None:
    """Keep the capacity calendar as long as the planning horizon."""
    work.extend_capacity(database_engine(), get_settings())
