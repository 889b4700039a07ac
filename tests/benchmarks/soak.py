"""Whether memory stays flat: a whole installation at a moderate rate, for half an hour, looked at every minute.

``python -m tests.benchmarks.soak [MINUTES=30] [RATE=5] [WARM=5] [APIS=1] [ROUTERS=2]``: as ``bench_e2e``, and every
job is made, shipped and delivered, so that nothing piles up but history. Told is what each stage's processes hold of
their own (``RssAnon``: neither files nor what PostgreSQL's processes share), and of how many processes. Before the
first look the API's connections are all opened, as a crowd would open them some time later. After WARM minutes a line
is laid through the rest by least squares: returns 1 where a stage grows along it by more than 5 %, and by more than
4 MiB.
"""

import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.bench_files import processor
from tests.benchmarks.flow_run import Flow, Flowed, Look, let_flow
from tests.benchmarks.whole_installation import Size, keep_logs, whole_installation

MINUTES, RATE, WARM = 30.0, 5.0, 5.0
_MOST_SHARE, _MOST_MIB = 0.05, 4.0
"""Up to the greater of both a stage counts as flat: a heap moves by some MiB without growing."""
_LOOKS_A_MINUTE = 4
_FEWEST_LOOKS = 4
_KEPT_LOGS = Path("build/soak")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """The memory of a stage, after the warm-up, in MiB."""

    name: str
    begin: float
    end: float
    slope: float
    """In an hour, of the line through all."""
    along: float
    """How much more the line has at its end than at its begin."""

    @property
    def is_flat(self) -> bool:
        """Whether it did not grow, or by no more than a heap moves."""
        return self.along <= max(_MOST_MIB, _MOST_SHARE * self.begin)


def main(*arguments: str) -> int:
    """Print the memory of each stage every minute, and what came of it; return 1 where one grows."""
    given = dict(argument.split("=", 1) for argument in arguments)
    minutes, rate = float(given.get("MINUTES", MINUTES)), float(given.get("RATE", RATE))
    warm = float(given.get("WARM", min(WARM, minutes / 3)))
    size = Size(apis=int(given.get("APIS", 1)), routers=int(given.get("ROUTERS", 2)))
    print(
        f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {rate:g} orders/s, {minutes:g} min"
    )
    flow = Flow(rate=rate, seconds=minutes * 60, look_seconds=60 / _LOOKS_A_MINUTE, makes=True)
    flowed = run(flow, size)
    grown = growth(flowed.looks, warm_seconds=warm * 60, until=flow.seconds)
    print(report(flowed, grown, warm=warm))
    return int(not all(it.is_flat for it in grown))


def run(flow: Flow, size: Size) -> Flowed:
    """Return what came of a flow through an installation of its own; its logs are kept."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with whole_installation(folder, size, orders=1_000) as installation:
                return let_flow(installation, flow, tell=_tell, tells=memory_line)
        finally:
            keep_logs(folder, _KEPT_LOGS)


def _tell(line: str) -> None:
    if line:
        print(line, flush=True)


def memory_line(before: Look, now: Look) -> str:
    """Return in a line what each stage holds, and what waits; nothing but once a minute."""
    if before.at // 60 == now.at // 60:
        return ""
    held = ", ".join(f"{name} {it.own_mib:.0f} ({it.processes})" for name, it in now.taken.items())
    waiting = now.backlog.undecided + now.backlog.unclaimed
    return f"{now.at / 60:6.1f} min  {now.backlog.placed:8,} orders, {waiting:,} wait; own MiB (processes): {held}"


def growth(looks: Sequence[Look], *, warm_seconds: float, until: float) -> list[Grown]:
    """Return how the memory of each stage went from the end of the warm-up on."""
    after = [look for look in looks if warm_seconds <= look.at <= until + 1]
    if len(after) < _FEWEST_LOOKS:
        raise RuntimeError(f"only {len(after)} looks after the warm-up: take more MINUTES")
    return [_grown(name, [(look.at, look.taken[name].own_mib) for look in after]) for name in after[0].taken]


def _grown(name: str, points: Sequence[tuple[float, float]]) -> Grown:
    times, held = zip(*points, strict=True)
    slope = statistics.linear_regression(times, held).slope
    return Grown(name=name, begin=held[0], end=held[-1], slope=slope * 3600, along=slope * (times[-1] - times[0]))


def report(flowed: Flowed, grown: Sequence[Grown], *, warm: float) -> str:
    """Return the table of all stages."""
    lines = ["", f"{'after the warm-up':20}{'begin MiB':>11}{'end MiB':>10}{'MiB/hour':>10}{'grew by':>10}"]
    lines += [
        f"{it.name:20}{it.begin:11.1f}{it.end:10.1f}{it.slope:10.1f}{it.along / max(it.begin, 1):10.1%}"
        f"{'' if it.is_flat else '  GROWS'}"
        for it in grown
    ]
    made = f"{len(flowed.ways):,} orders, {flowed.bureaus.delivered:,} jobs delivered, {warm:g} min of warm-up left out"
    refused = ", ".join(f"{count} x {name}" for name, count in sorted(flowed.bureaus.refused.items())) or "nothing"
    flat = "memory is flat" if all(it.is_flat for it in grown) else "MEMORY GROWS"
    return "\n".join([*lines, f"{made}; bureaus were refused {refused}", flat])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
