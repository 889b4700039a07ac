"""Relays that die in the middle of a turn: ``python -m tests.fakes.dying_relay``, a line of its input for each.

The line says when: ``before`` the broker hears of an errand, or ``after``. Each is a process of its own, killed by
force; the line that is printed for it says whether the broker had heard, and which signal ended it.
"""

import os
import signal
import sys

from fabroute.database import create_database_engine
from fabroute.settings import get_settings
from fabroute_workers.delivery import Relay
from fabroute_workers.subscriptions import Errand


class DeadlyRinger:
    """Ends its process at the first errand; what it took before that is written to a pipe."""

    def __init__(self, *, heard: int, moment: str) -> None:
        self._heard = heard
        self._moment = moment

    def ring(self, errand: Errand) -> None:
        """Die, before or after the errand is handed over."""
        if self._moment == "after":
            os.write(self._heard, errand.task.encode())
        os.kill(os.getpid(), signal.SIGKILL)


def publish_and_die(heard: int, moment: str) -> None:
    """Publish what waits, and be killed on the way; whoever finds nothing to publish ends by itself."""
    engine = create_database_engine(get_settings().database_url, pool_size=1)
    Relay(engine, ringer=DeadlyRinger(heard=heard, moment=moment)).publish()
    os._exit(0)


def main() -> None:
    """Start a relay for each line of the input, one after the other."""
    for line in sys.stdin:
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            publish_and_die(writes, line.strip())
        os.close(writes)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reads) as heard:
            print(heard.read() or "-", os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, flush=True)


if __name__ == "__main__":
    main()
