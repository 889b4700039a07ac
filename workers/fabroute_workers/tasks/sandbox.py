"""Tasks of sandboxes."""

from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute_workers import sandbox_work
from fabroute_workers.app import app
from fabroute_workers.subscriptions import PLAY_SANDBOXES


@app.task(name=PLAY_SANDBOXES)
def play_sandboxes(**_: object) -> None:
    """Let the nodes of sandboxes answer, print, inspect and ship what is due."""
    sandbox_work.play_sandboxes(database_engine(), get_settings())
