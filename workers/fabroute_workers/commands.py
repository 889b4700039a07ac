"""The command lines of the two processes that work on orders: the Celery worker and the relay."""

import sys
from collections.abc import Sequence

from fabroute_workers.app import QUEUES


def worker_command(concurrency: int, *, queues: Sequence[str] = QUEUES, log_level: str = "INFO") -> list[str]:
    """Return the command that runs a Celery worker with ``concurrency`` child processes on ``queues``."""
    flags = ["--without-gossip", "--without-mingle", "--loglevel", log_level, "--queues", ",".join(queues)]
    pool = ["--pool", "prefork", "--concurrency", str(concurrency)]
    return [sys.executable, "-m", "celery", "--quiet", "--app", "fabroute_workers.app", "worker", *pool, *flags]


def relay_command() -> list[str]:
    """Return the command that runs a relay: any number of them may run."""
    return [sys.executable, "-m", "fabroute_workers.relay"]
