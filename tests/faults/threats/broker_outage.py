"""The broker goes silent while orders come in: all are taken as fast as before, and decided soon after it is back.

Processes as in chaos; a proxy swallows what goes to the broker. ``make broker-outage`` sends 2,000 orders meanwhile.
"""

import os
import platform
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from fabroute.kernel.time import utc_now
from tests.factories.databases import in_transaction, rows
from tests.factories.processes import wait_until
from tests.faults.chaos.installation import Installation, running_installation
from tests.faults.chaos.network import ChaosNetwork, given_network
from tests.faults.chaos.orders import Wish, wishes
from tests.faults.chaos.wire import Wire

_CLIENTS = 4
_PATIENCE_SECONDS = 600.0
_UNDECIDED = "SELECT count(*) FROM order_lines WHERE state IN ('pending', 'routing')"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOutage:
    """What clients saw, and how long it took afterwards."""

    orders: int
    """Sent while the broker was silent."""
    created: int
    """Of them answered 201."""
    p50_ms_before: float
    p99_ms_before: float
    p50_ms: float
    p99_ms: float
    waiting: int
    """Lines without a decision when the broker was back."""
    undecided: int
    """Those of them that never got one."""
    drained_seconds: float


def silence_the_broker(folder: Path, *, requests: int, orders: int, seed: int) -> BrokerOutage:
    """Send orders with the broker there, then with a silent one, and wait until all are decided."""
    with running_installation(folder=folder, seed=seed) as installation:
        storage_url = installation.environment["FABROUTE_STORAGE_URL"]
        network = given_network(installation.engine, utc_now(), storage_url=storage_url, orders=orders + requests)
        wanted = _plain_wishes(network, seed=seed, count=requests + orders)
        _placed(installation, wanted[:20])
        before = _placed(installation, wanted[20:requests])
        assert _drained(installation), "orders were not decided with everything running"
        installation.broker_link.black_hole()
        during = _placed(installation, wanted[requests:])
        waiting = _undecided(installation)
        back = time.monotonic()
        installation.broker_link.passing()
        _drained(installation)
        return BrokerOutage(
            orders=len(during),
            created=sum(status == 201 for status, _ in during),
            p50_ms_before=_percentile(before, 50),
            p99_ms_before=_percentile(before, 99),
            p50_ms=_percentile(during, 50),
            p99_ms=_percentile(during, 99),
            waiting=waiting,
            undecided=_undecided(installation),
            drained_seconds=time.monotonic() - back,
        )


def _plain_wishes(network: ChaosNetwork, *, seed: int, count: int) -> list[Wish]:
    """Return orders that are decided by workers only."""
    found = wishes(network, count=4 * count, seed=seed, now=utc_now(), cancelled=0.0)
    return list(islice((wish for wish in found if "promise" not in wish.body), count))


def _placed(installation: Installation, wanted: list[Wish]) -> list[tuple[int, float]]:
    """Send orders by a few clients at once; return status and milliseconds of each."""
    with ThreadPoolExecutor(_CLIENTS) as pool:
        shares = pool.map(lambda at: _sent(installation, wanted[at::_CLIENTS], process=at), range(_CLIENTS))
        return [answer for share in shares for answer in share]


def _sent(installation: Installation, wanted: list[Wish], *, process: int) -> list[tuple[int, float]]:
    wires: dict[str, Wire] = {}
    answers = []
    for wish in wanted:
        wire = wires.setdefault(wish.owner.token, Wire(installation.api_urls, wish.owner.token, first=process))
        began = time.perf_counter()
        answer = wire.ask("POST", "/v1/orders", wish.body, headers={"Idempotency-Key": wish.key})
        answers.append((answer.status, 1_000 * (time.perf_counter() - began)))
    for wire in wires.values():
        wire.close()
    return answers


def _drained(installation: Installation) -> bool:
    return wait_until(lambda: _undecided(installation) == 0, seconds=_PATIENCE_SECONDS)


def _undecided(installation: Installation) -> int:
    ((count,),) = in_transaction(installation.engine, lambda session: rows(session, _UNDECIDED))
    return int(str(count))


def _percentile(answers: list[tuple[int, float]], share: int) -> float:
    return statistics.quantiles((milliseconds for _, milliseconds in answers), n=100)[share - 1]


def main(arguments: list[str]) -> int:
    """Print what clients saw; 1 where an order was not taken or not decided."""
    asked = dict(argument.split("=") for argument in arguments)
    orders, requests, seed = (
        int(asked.get(name, most)) for name, most in (("ORDERS", 2_000), ("REQUESTS", 1_000), ("SEED", 7))
    )
    print(f"{os.cpu_count()} cores; Python {platform.python_version()}; {orders:,} orders, seed {seed}", flush=True)
    with TemporaryDirectory() as folder:
        seen = silence_the_broker(Path(folder), requests=requests, orders=orders, seed=seed)
    for name, figure in asdict(seen).items():
        print(f"{name:>15}: {figure:,.1f}" if isinstance(figure, float) else f"{name:>15}: {figure:,}")
    return int(seen.created != seen.orders or seen.undecided > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
