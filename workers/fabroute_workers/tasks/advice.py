"""Tasks of advice."""

from fabroute.database import database_engine
from fabroute.settings import get_settings
from fabroute_workers import work
from fabroute_workers.app import app
from fabroute_workers.subscriptions import ASK_READINESS, JUDGE_SCREENINGS, MAKE_READINESS, RUN_SHADOWS


@app.task(name=JUDGE_SCREENINGS)
def judge_screenings(**_: object) -> None:
    """Judge the spare-part lists that wait, a few seconds at a time."""
    work.screen(database_engine())


@app.task(name=RUN_SHADOWS)
def run_shadows(**_: object) -> None:
    """Decide archived runs again for the shadow runs and replays that wait, a few seconds at a time."""
    work.shadow(database_engine())


@app.task(name=ASK_READINESS)
def ask_readiness(**_: object) -> None:
    """Ask for the readiness reports of the day."""
    work.ask_readiness(database_engine())


@app.task(name=MAKE_READINESS)
def make_readiness(**_: object) -> None:
    """Work out the readiness reports that are asked for, a few seconds at a time."""
    work.report_readiness(database_engine(), get_settings())
