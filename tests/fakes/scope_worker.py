"""A worker of given scopes: ``python -m tests.fakes.scope_worker SCOPE…``.

It says ready when everything is imported, waits for a line, drains the scopes, and says done with the seconds of CPU.
"""

import sys
import time

from fabroute.database import database_engine, unit_of_work
from fabroute.settings import get_settings
from fabroute_workers import work


def main(scopes: list[str]) -> None:
    """Drain the scopes one after the other, as a worker's tasks do."""
    engine, settings = database_engine(), get_settings()
    with unit_of_work(engine) as session:
        session.connection().exec_driver_sql("SELECT 1")
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    for scope in scopes:
        while work.drain(engine, settings, scope=scope):
            continue
    print(f"done {time.process_time() - began:.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
