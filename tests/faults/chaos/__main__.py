"""``python -m tests.faults.chaos ORDERS=10000 FAULTS=100 SEED=7``; exit code 1: red.

Also RATE, CANCELLED, BROKER (redis or rabbitmq) and FOLDER.
"""

import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import NoReturn

from rich.console import Console

from fabroute_workers.broker import BrokerKind
from tests.factories.rabbitmq import MISSING, is_installed
from tests.faults.chaos.judge import Limits
from tests.faults.chaos.run import ChaosSize, run_chaos
from tests.faults.chaos.table import is_green, print_report

_DEFAULTS = {
    **{"ORDERS": "500", "FAULTS": "15", "SEED": "7", "RATE": "50", "CANCELLED": "0.06"},
    **{"BROKER": "redis", "FOLDER": ""},
}
_BROKERS: Mapping[str, BrokerKind] = {"redis": "redis", "rabbitmq": "rabbitmq"}


def main(arguments: Sequence[str]) -> int:
    """Run chaos of the size that is asked for, print the tables, and say by the exit code whether all was well."""
    given = _DEFAULTS | dict(argument.split("=", 1) for argument in arguments)
    if unknown := given.keys() - _DEFAULTS.keys():
        print(f"chaos knows {', '.join(_DEFAULTS)}; not {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    broker = _BROKERS.get(given["BROKER"])
    if broker is None or (broker == "rabbitmq" and not is_installed()):
        print(MISSING if broker else f"BROKER is one of {', '.join(_BROKERS)}", file=sys.stderr)
        return 2
    size = ChaosSize(
        orders=int(given["ORDERS"]),
        faults=int(given["FAULTS"]),
        seed=int(given["SEED"]),
        rate=float(given["RATE"]),
        cancelled=float(given["CANCELLED"]),
        limits=Limits(),
        broker=broker,
    )
    folder = Path(given["FOLDER"] or mkdtemp(prefix="chaos-"))
    print(f"logs of all processes: {folder}", file=sys.stderr)
    report = run_chaos(size, folder=folder, tell=_tell)
    print_report(report, Console(width=140))
    return 0 if is_green(report) else 1


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _end(_sign: int, _frame: object) -> NoReturn:
    """End in good order when told to: nothing that was started stays."""
    raise SystemExit("stopped")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main(sys.argv[1:]))
