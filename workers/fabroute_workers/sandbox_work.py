"""What the task of sandboxes does."""

import time

import structlog
from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute.sandbox.service import play
from fabroute.settings import Settings

PLAYING_SECONDS = 10.0
"""Orders wait in the same worker: what is left is rung for at once."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.sandbox_work")


def play_sandboxes(engine: Engine, settings: Settings) -> int:
    """Let the nodes of all sandboxes do what is due, until nothing is; return how many steps were done."""
    started, steps = time.monotonic(), 0
    while time.monotonic() - started < PLAYING_SECONDS:
        done = play(engine, pace_seconds=settings.sandbox_step_seconds, now=utc_now())
        for step in done:
            _log.info("sandbox.played", job_id=step.job_id, step=step.step, refusal=step.refusal)
        good = sum(not step.refusal for step in done)
        steps += good
        if not good:
            break
    return steps
