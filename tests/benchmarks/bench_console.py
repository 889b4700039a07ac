"""What a page of the console takes with ten thousand orders: server time, statements, bytes.

``python -m tests.benchmarks.bench_console [ORDERS=10000] [TIMES=100]``: real PostgreSQL from the wheel, durable; orders
with decisions that ruled nodes out, jobs at a node, lines without a route. Somebody signs in over HTTP; each page is
asked for TIMES times, one after the other, from the same machine. The time is that until the last byte; statements are
counted in the first of the requests that are not measured; bytes are those on the wire of the page with its styles,
scripts and fonts, compressed as a browser asks for them. Returns 1 where a page misses a goal.
"""

import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from fabroute import migrations
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.console.browsing import surfing
from tests.factories.console import ServedConsole, Who, served_console
from tests.factories.many_decisions import Filled, given_many_decisions
from tests.factories.statements import statements_sent

ORDERS, TIMES = 10_000, 100
GOAL_MS, GOAL_BYTES = 100.0, 200_000
_WARM = 3
_LOADED = re.compile(r'(?:src|href)="(/console/static/[^"]+\.(?:css|js|woff2))"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a page took."""

    name: str
    p50_ms: float
    p95_ms: float
    statements: int
    page_bytes: int
    all_bytes: int

    @property
    def is_kept(self) -> bool:
        """Whether it is as quick and as light as was promised."""
        return self.p95_ms <= GOAL_MS and self.all_bytes <= GOAL_BYTES


def main(orders: int = ORDERS, times: int = TIMES) -> int:
    """Print the figures of all pages; return 1 where one misses a goal."""
    print(
        f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {orders:,} orders, {times} times"
    )
    print(f"goals: p95 {GOAL_MS:.0f} ms, {GOAL_BYTES / 1000:.0f} kB\n")
    print(f"{'page':24}{'p50 ms':>9}{'p95 ms':>9}{'statements':>12}{'page kB':>9}{'all kB':>9}")
    with _served(orders) as (console, filled):
        kept = [_report(it) for who, pages in _pages(filled).items() for it in _measured(console, who, pages, times)]
    return int(not all(kept))


@contextmanager
def _served(orders: int) -> Iterator[tuple[ServedConsole, Filled]]:
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with served_console(urls.url) as console:
            yield console, given_many_decisions(console, orders)


def _pages(filled: Filled) -> Mapping[Who, Mapping[str, str]]:
    """Return the pages by who asks for them: name and path."""
    return {
        "owner": {
            "start": "/console/",
            "orders": "/console/orders",
            "order": f"/console/orders/{filled.order_id}",
            "order without a route": f"/console/orders/{filled.unrouted_order_id}",
            "order a part": "/console/order-a-part",
            "order a part: found": f"/console/order-a-part?text={filled.part_no}",
            "parts": "/console/parts",
            "part": f"/console/parts/{filled.part_no}",
            "decisions": "/console/decisions",
            "decisions by reason": "/console/decisions?code=BUILD_VOLUME",
            "what if": "/console/decisions/what-if",
        },
        "operator": {
            "start, operator": "/console/",
            "network": "/console/network",
            "node": f"/console/network/{filled.node_id}",
            "decisions, operator": "/console/decisions",
        },
        "bureau": {"jobs": "/console/jobs", "job": f"/console/jobs/{filled.job_id}"},
    }


def _measured(console: ServedConsole, who: Who, pages: Mapping[str, str], times: int) -> Iterator[Figures | str]:
    with surfing(console, who) as client:
        client.headers["Accept-Encoding"] = "gzip"
        for name, path in pages.items():
            answer = client.get(path)
            if answer.status_code != 200:
                yield f"{name:24}{answer.status_code} {path}"
                continue
            yield _figures(console, client, name, path, times)


def _figures(console: ServedConsole, client: httpx.Client, name: str, path: str, times: int) -> Figures:
    with statements_sent(console.resources.engine) as plain, statements_sent(console.resources.tenants) as tenants:
        answer = client.get(path)
    for _ in range(_WARM):
        client.get(path)
    found = sorted(_milliseconds(client, path) for _ in range(times))
    page = _bytes(answer)
    loaded = [_bytes(client.get(url)) for url in dict.fromkeys(_LOADED.findall(answer.text))]
    return Figures(
        name=name,
        p50_ms=statistics.median(found),
        p95_ms=found[min(times - 1, int(times * 0.95))],
        statements=len(plain) + len(tenants),
        page_bytes=page,
        all_bytes=page + sum(loaded),
    )


def _milliseconds(client: httpx.Client, path: str) -> float:
    started = time.perf_counter()
    client.get(path)
    return (time.perf_counter() - started) * 1000


def _bytes(answer: httpx.Response) -> int:
    """Return how much of a body went over the wire."""
    return answer.num_bytes_downloaded


def _report(found: Figures | str) -> bool:
    if isinstance(found, str):
        print(f"{found}  MISSING")
        return False
    missed = "" if found.is_kept else "  MISSED"
    sizes = f"{found.page_bytes / 1000:9.1f}{found.all_bytes / 1000:9.1f}"
    print(f"{found.name:24}{found.p50_ms:9.1f}{found.p95_ms:9.1f}{found.statements:12}{sizes}{missed}")
    return found.is_kept


def _stated(arguments: Sequence[str]) -> dict[str, int]:
    """Return what is stated as ``ORDERS=100``."""
    return {name.lower(): int(value) for name, _, value in (it.partition("=") for it in arguments)}


if __name__ == "__main__":
    sys.exit(main(**_stated(sys.argv[1:])))
