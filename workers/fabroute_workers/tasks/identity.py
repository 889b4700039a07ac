"""Tasks of the identity room."""

from fabroute.database import database_engine
from fabroute_workers import work
from fabroute_workers.app import app
from fabroute_workers.subscriptions import PURGE_ANSWERS


@app.task(name=PURGE_ANSWERS)
def purge_answers(**_: object) -> None:
    """Forget the answers to requests under an Idempotency-Key that are older than thirty days, and old tokens."""
    work.forget_answers(database_engine())
    work.forget_tokens(database_engine())
