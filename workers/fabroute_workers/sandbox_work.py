"""What the task of sandboxes does."""

import structlog
from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute.sandbox.service import play
from fabroute.settings import Settings

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.sandbox_work")


def play_sandboxes(engine: Engine, settings: Settings) -> int:
    """Let the nodes of all sandboxes do what is due; return how many steps were done."""
    done = play(engine, pace_seconds=settings.sandbox_step_seconds, now=utc_now())
    for step in done:
        _log.info("sandbox.played", job_id=step.job_id, step=step.step, refusal=step.refusal)
    return sum(not step.refusal for step in done)
