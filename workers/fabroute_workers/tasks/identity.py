"""Tasks of the identity room."""

from fabroute.database import database_engine
from fabroute_workers import forgetting
from fabroute_workers.app import app
from fabroute_workers.doorbell import ring_again
from fabroute_workers.subscriptions import PURGE_ANSWERS, Errand


@app.task(name=PURGE_ANSWERS)
def purge_answers(**_: object) -> None:
    """Forget the answers to requests under an Idempotency-Key that are older than thirty days, and old tokens."""
    if forgetting.forget_answers(database_engine()).more:
        ring_again(app, Errand(task=PURGE_ANSWERS))
