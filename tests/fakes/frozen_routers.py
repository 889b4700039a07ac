"""Several workers that freeze in the middle of their runs: ``python -m tests.fakes.frozen_routers SCOPE…``.

Each is a fork that runs ``tests.fakes.frozen_router``; the exit code is how many of them did not end in order.
"""

import signal
import sys

from fabroute_workers.forks import fork_module


def main(scopes: list[str]) -> int:
    """Route scopes, each in a process of its own, and wait for them all."""
    started = [fork_module(["tests.fakes.frozen_router", scope], dies_by=signal.SIGKILL) for scope in scopes]
    for process in started:
        process.join()
    return sum(process.exitcode != 0 for process in started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
