"""What a page of the console takes with ten thousand orders: server time, processor time, statements, bytes.

``python -m tests.benchmarks.bench_console [ORDERS=10000] [TIMES=100]``: real PostgreSQL from the wheel, durable; orders
with decisions that ruled nodes out, jobs at a node, lines without a route. Somebody signs in over HTTP; each page is
asked for TIMES times, one after the other, from the same machine. The time is the server's own: from a request's first
line to the last byte of its answer; CPU is that of all threads of the server, and waited how long these were ready and
others had the processors: on a machine with other work, times are long because of it. Statements are counted in the
first of the requests that are not measured; bytes are those on the wire of the page with its styles, scripts and fonts,
compressed as a browser asks for them. Returns 1 where a page misses a goal.
"""

import os
import platform
import re
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

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
    who: Who
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    waited_ms: float
    statements: int
    page_bytes: int
    all_bytes: int

    @property
    def missed(self) -> str:
        """Which goals it misses, in words; empty where none."""
        late = f"{self.p95_ms:.0f} ms" if self.p95_ms > GOAL_MS else ""
        heavy = f"{self.all_bytes / 1000:.0f} kB" if self.all_bytes > GOAL_BYTES else ""
        return ", ".join(it for it in (late, heavy) if it)


class Timed:
    """An ASGI application that notes how long each of its answers took, in milliseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.found: list[float] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve and note."""
        started = time.perf_counter()
        await self._app(scope, receive, send)
        self.found.append((time.perf_counter() - started) * 1000)


def main(orders: int = ORDERS, times: int = TIMES) -> int:
    """Print the figures of all pages; return 1 where one misses a goal."""
    print(
        f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {orders:,} orders, {times} times"
    )
    print(f"goals: p95 {GOAL_MS:.0f} ms of server time, {GOAL_BYTES / 1000:.0f} kB with all that a page loads\n")
    times_of = f"{'p50 ms':>8}{'p95 ms':>8}{'CPU ms':>8}{'waited':>8}"
    print(f"{'page':24}{'who':>9}{times_of}{'statements':>12}{'page kB':>9}{'all kB':>8}")
    with _served(orders) as (console, clock, filled):
        missed = [
            words
            for who, pages in pages_of(filled).items()
            for it in _measured(console, clock, who, pages, times)
            if (words := _report(it))
        ]
    print("\nEvery page keeps both goals." if not missed else "\nMissed: " + "; ".join(missed))
    return int(bool(missed))


@contextmanager
def _served(orders: int) -> Iterator[tuple[ServedConsole, Timed, Filled]]:
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        clocks: list[Timed] = []

        def timed(app: ASGIApp) -> ASGIApp:
            clocks.append(Timed(app))
            return clocks[-1]

        with served_console(urls.url, around=timed) as console:
            yield console, clocks[-1], given_many_decisions(console, orders)


def pages_of(filled: Filled) -> Mapping[Who, Mapping[str, str]]:
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
            "parked, operator": "/console/parked",
            "order, operator": f"/console/orders/{filled.order_id}",
            "network": "/console/network",
            "node": f"/console/network/{filled.node_id}",
            "decisions, operator": "/console/decisions",
        },
        "bureau": {
            "jobs": "/console/jobs",
            "jobs to make": f"/console/jobs?node={filled.node_id}&stage=making",
            "job": f"/console/jobs/{filled.job_id}",
            "network, bureau": "/console/network",
            "own node": f"/console/network/{filled.node_id}",
        },
    }


def _measured(
    console: ServedConsole, clock: Timed, who: Who, pages: Mapping[str, str], times: int
) -> Iterator[Figures | str]:
    with surfing(console, who) as client:
        client.headers["Accept-Encoding"] = "gzip"
        for name, path in pages.items():
            answer = client.get(path)
            if answer.status_code != 200:
                yield f"{name}: {answer.status_code}"
                continue
            with statements_sent(console.resources.engine) as plain, statements_sent(console.resources.tenants) as own:
                answer = client.get(path)
            taken = _times(client, clock, path, times)
            loaded = [_bytes(client.get(url)) for url in dict.fromkeys(_LOADED.findall(answer.text))]
            yield Figures(
                name=name,
                who=who,
                p50_ms=statistics.median(taken.answers),
                p95_ms=taken.answers[min(len(taken.answers) - 1, int(len(taken.answers) * 0.95))],
                cpu_ms=taken.cpu_ms / times,
                waited_ms=taken.waited_ms / times,
                statements=len(plain) + len(own),
                page_bytes=_bytes(answer),
                all_bytes=_bytes(answer) + sum(loaded),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """What many requests took: each of the server's times, shortest first; all that its threads used and waited."""

    answers: list[float]
    cpu_ms: float
    waited_ms: float


def _times(client: httpx.Client, clock: Timed, path: str, times: int) -> _Taken:
    for _ in range(_WARM):
        client.get(path)
    clock.found.clear()
    used, waited = _server_cpu(), _waited()
    for _ in range(times):
        client.get(path)
    return _Taken(
        answers=sorted(clock.found), cpu_ms=(_server_cpu() - used) * 1000, waited_ms=(_waited() - waited) * 1000
    )


def _server_cpu() -> float:
    """Return the processor seconds of all threads but this one, which is the client."""
    return time.process_time() - time.thread_time()


def _waited() -> float:
    """Return how many seconds the threads but this one were ready to run and waited for a processor; 0 but on Linux."""
    own = str(threading.get_native_id())
    stats = (it / "schedstat" for it in Path("/proc/self/task").glob("*") if it.name != own)
    return sum(int(it.read_text(encoding="utf-8").split()[1]) for it in stats if it.exists()) / 1e9


def _bytes(answer: httpx.Response) -> int:
    """Return how much of a body went over the wire."""
    return answer.num_bytes_downloaded


def _report(found: Figures | str) -> str:
    """Print the figures of a page; return which page misses what, empty where none."""
    if isinstance(found, str):
        print(f"{found}  MISSING")
        return found
    times = f"{found.p50_ms:8.1f}{found.p95_ms:8.1f}{found.cpu_ms:8.1f}{found.waited_ms:8.1f}"
    sizes = f"{found.page_bytes / 1000:9.1f}{found.all_bytes / 1000:8.1f}"
    print(f"{found.name:24}{found.who:>9}{times}{found.statements:12}{sizes}{'  MISSED' if found.missed else ''}")
    return f"{found.name} ({found.missed})" if found.missed else ""


def _stated(arguments: Sequence[str]) -> dict[str, int]:
    """Return what is stated as ``ORDERS=100``."""
    return {name.lower(): int(value) for name, _, value in (it.partition("=") for it in arguments)}


if __name__ == "__main__":
    sys.exit(main(**_stated(sys.argv[1:])))
