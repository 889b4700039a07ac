"""Tasks of advice."""

from fabroute.database import database_engine
from fabroute_workers import work
from fabroute_workers.app import app
from fabroute_workers.subscriptions import JUDGE_SCREENINGS, RUN_SHADOWS


@app.task(name=JUDGE_SCREENINGS)
def judge_screenings(**_: object) -> None:
    """Judge the spare-part lists that wait, a few seconds at a time."""
    work.screen(database_engine())


@app.task(name=RUN_SHADOWS)
def run_shadows(**_: object) -> None:
    """Decide archived runs again for the shadow runs and replays that wait, a few seconds at a time."""
    work.shadow(database_engine())
