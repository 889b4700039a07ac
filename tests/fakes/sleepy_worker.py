"""A Celery app as fabroute's, with one task that does nothing but last."""

import os
import time
from pathlib import Path

from fabroute_workers.app import create_app

app = create_app(os.environ["FABROUTE_BROKER_URL"])
app.conf.include = []


@app.task(name="routing.sleep")
def sleep(*, seconds: float, marks: str) -> None:
    """Last so long, then leave a mark."""
    time.sleep(seconds)
    with Path(marks).open("a") as file:
        file.write("done\n")
