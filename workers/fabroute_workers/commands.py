"""The two programs that work on orders, the Celery worker and the relay: ``python -m`` and what these return."""

from collections.abc import Sequence

from fabroute_workers.app import QUEUES


def worker_module(concurrency: int, *, queues: Sequence[str] = QUEUES, log_level: str = "INFO") -> list[str]:
    """Return module and arguments of a Celery worker with ``concurrency`` child processes on ``queues``."""
    flags = ["--without-gossip", "--without-mingle", "--loglevel", log_level, "--queues", ",".join(queues)]
    pool = ["--pool", "prefork", "--concurrency", str(concurrency)]
    return ["celery", "--quiet", "--app", "fabroute_workers.app", "worker", *pool, *flags]


def measures_module() -> list[str]:
    """Return the module that serves what workers and relay count."""
    return ["fabroute_workers.measures"]


def relay_module() -> list[str]:
    """Return the module of a relay: any number of them may run."""
    return ["fabroute_workers.relay"]
