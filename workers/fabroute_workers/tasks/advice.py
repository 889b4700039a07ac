"""Tasks of advice."""

from fabroute.database import database_engine
from fabroute_workers import work
from fabroute_workers.app import app
from fabroute_workers.subscriptions import JUDGE_SCREENINGS


@app.task(name=JUDGE_SCREENINGS)
def judge_screenings(**_: object) -> None:
    """Judge the spare-part lists that wait, a few seconds at a time."""
    work.screen(database_engine())
