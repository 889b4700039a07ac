"""``python -m tests.faults.hosts SECONDS=20 RATE=4 SEED=7``, also REST, CANCELLED, HOSTS, FOLDER; exit code 1: red."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import NoReturn

from rich.console import Console

from tests.faults.hosts.hosts import HOSTS
from tests.faults.hosts.lan import LanRefused, require_lan
from tests.faults.hosts.outages import outages
from tests.faults.hosts.run import HostsSize, run_hosts
from tests.faults.hosts.table import print_report

_DEFAULTS = {
    **{"SECONDS": "20", "REST": "10", "RATE": "4", "SEED": "7", "CANCELLED": "0.8"},
    **{"HOSTS": " ".join(HOSTS), "FOLDER": ""},
}


def main(arguments: Sequence[str]) -> int:
    """Strike one host after the other, print what went on without it; where that can't be done, say why."""
    given = _DEFAULTS | dict(argument.split("=", 1) for argument in arguments)
    if unknown := given.keys() - _DEFAULTS.keys():
        print(f"hosts knows {', '.join(_DEFAULTS)}; not {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    try:
        require_lan()
    except LanRefused as refused:
        print(f"passed by: no hosts can be made of network namespaces here: {refused}", file=sys.stderr)
        return 0
    wanted = given["HOSTS"].replace(",", " ").split()
    size = HostsSize(
        outages=[it for it in outages(seconds=float(given["SECONDS"])) if it.host in wanted],
        rate=float(given["RATE"]),
        seed=int(given["SEED"]),
        rest_seconds=float(given["REST"]),
        cancelled=float(given["CANCELLED"]),
    )
    folder = Path(given["FOLDER"] or mkdtemp(prefix="hosts-"))
    print(f"logs of all processes: {folder}", file=sys.stderr)
    report = run_hosts(size, folder=folder, tell=_tell)
    print_report(report, Console(width=150))
    return int(bool(report.problems))


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _end(_sign: int, _frame: object) -> NoReturn:
    """End in good order when told to: nothing that was started stays."""
    raise SystemExit("stopped")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main(sys.argv[1:]))
