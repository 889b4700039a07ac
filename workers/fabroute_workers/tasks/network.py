"""Tasks of the network room."""

from fabroute_workers import runtime
from fabroute_workers.app import app
from fabroute_workers.subscriptions import EXTEND_CAPACITY


@app.task(name=EXTEND_CAPACITY)
def extend_capacity(**_: object) -> None:
    """Keep the capacity calendar as long as the planning horizon."""
    runtime.extend_capacity()
