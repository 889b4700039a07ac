"""From an order to its bureau at a rate: how long each step takes, what waits, what each stage takes, what gives first.

``python -m tests.benchmarks.bench_e2e [RATE=1000] [SECONDS=60] [DRAIN=60] [APIS=1] [ROUTERS=2] [RELAYS=1] [SEED=1]``:
API processes, workers by queue and relays as an installation runs them, durable PostgreSQL and Redis; owners who send
orders at random instants of a fixed rate, ready or not; a bureau at each of twelve nodes that waits for jobs, claims up
to ten and accepts them one by one. Times are those of commits in PostgreSQL, and of the bureaus' clock (the same
machine's). Clients and bureaus share the machine: what they take is told, too.
"""

import os
import platform
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.bench_files import processor
from tests.benchmarks.bench_overload import percentile
from tests.benchmarks.flow_run import Flow, Flowed, let_flow
from tests.benchmarks.order_flow import STEPS, seconds_of
from tests.benchmarks.whole_installation import Size, keep_logs, whole_installation

RATE, SECONDS, DRAIN = 1_000.0, 60.0, 60.0
_BUSY = 0.85
"""A stage whose processes are at work for more than this share of the time can't take more."""
_KEPT_LOGS = Path("build/e2e")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a stage took while orders came."""

    name: str
    cores: float
    processes: int
    """That work at the same time: more cores than that it can't take."""

    @property
    def busy(self) -> float:
        """Which share of what it can take."""
        return self.cores / self.processes


def main(*arguments: str) -> int:
    """Print the figures; return 1 where an order was lost on the way."""
    given = dict(argument.split("=", 1) for argument in arguments)
    flow = Flow(
        rate=float(given.get("RATE", RATE)),
        seconds=float(given.get("SECONDS", SECONDS)),
        drain_seconds=float(given.get("DRAIN", DRAIN)),
        seed=int(given.get("SEED", 1)),
    )
    size = Size(
        apis=int(given.get("APIS", 1)), routers=int(given.get("ROUTERS", 2)), relays=int(given.get("RELAYS", 1))
    )
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {flow.rate:g} orders/s wanted")
    print(f"{size.apis} API, {size.routers} routing, {size.relays} relay process(es); clients share the machine\n")
    flowed = run(flow, size)
    print(report(flowed, size))
    return int(_lost(flowed) > 0)


def run(flow: Flow, size: Size) -> Flowed:
    """Return what came of a flow through an installation of its own; its logs are kept."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with whole_installation(folder, size, orders=1_000) as installation:
                return let_flow(installation, flow, tell=lambda line: print(line, flush=True))
        finally:
            keep_logs(folder, _KEPT_LOGS)


def report(flowed: Flowed, size: Size) -> str:
    """Return the figures in words."""
    parts = (_intake(flowed), _times(flowed), _reached(flowed), _stages(flowed, size), bottleneck(flowed, size))
    return "\n" + "\n\n".join(parts)


def bottleneck(flowed: Flowed, size: Size) -> str:
    """Return what gave first: where most waited when the last order had come, and whether that had work to do."""
    stages, backlog = stages_of(flowed, size), flowed.loaded.backlog
    waiting = {
        "routing": backlog.undecided,
        "API": backlog.unclaimed,
        "relay": max(backlog.unsequenced - backlog.undecided, 0),
    }
    refused = sum(it.statuses.total() - it.statuses[201] for it in flowed.offered)
    second = max(1.0, flowed.flow.rate)
    cores = sum(it.cores for it in stages.values())
    machine = f"all stages together took {cores:.2f} of {os.cpu_count()} cores beside clients and bureaus"
    name, most = max(waiting.items(), key=lambda it: it[1])
    if most < second and refused < second:
        return f"first bottleneck: none at this rate (under a second's orders waited anywhere); {machine}"
    if refused > most:
        return f"first bottleneck: intake: the API refused {refused:,} orders; {_of(stages['API'])}; {machine}"
    what = {"routing": "lines undecided", "API": "offered jobs unclaimed", "relay": "events in no feed"}[name]
    return f"first bottleneck: {name}: {most:,} {what} when the last order came; {_of(stages[name])}; {machine}"


def stages_of(flowed: Flowed, size: Size) -> dict[str, Stage]:
    """Return what each stage took from the first order to the last."""
    first, last = flowed.looks[0], flowed.loaded
    able = {"API": size.apis, "routing": size.routers, "PostgreSQL": os.cpu_count() or 1}
    return {
        name: Stage(
            name=name,
            cores=(last.taken[name].cpu_seconds - first.taken[name].cpu_seconds) / (last.at - first.at),
            processes=able.get(name, 1),
        )
        for name in last.taken
    }


def _of(stage: Stage) -> str:
    words = "that is all they can" if stage.busy >= _BUSY else "they waited for others most of the time"
    return f"its {stage.processes} process(es) took {stage.cores:.2f} cores: {words}"


def _intake(flowed: Flowed) -> str:
    statuses = sum((it.statuses for it in flowed.offered), Counter[int]())
    accepted = [second for it in flowed.offered for second in it.accepted]
    late = percentile([second for it in flowed.offered for second in it.late], 0.99)
    answers = ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))
    return (
        f"intake: {answers}; {statuses[201] / flowed.flow.seconds:,.1f} orders/s taken; due to answer"
        f" p50 {percentile(accepted, 0.5):.1f}, p99 {percentile(accepted, 0.99):.1f} ms;"
        f" sent late by p99 {late:.1f} ms"
    )


def _times(flowed: Flowed) -> str:
    """Return a line for each step: of how many orders, and the milliseconds."""
    lines = [f"{'ms':24}{'orders':>9}{'p50':>10}{'p99':>10}{'max':>10}"]
    for step in STEPS:
        found = seconds_of(flowed.ways, step)
        figures = "".join(f"{percentile(found, share):10.1f}" for share in (0.5, 0.99, 1.0))
        lines.append(f"{step[0]:24}{len(found):9,}{figures}")
    return "\n".join(lines)


def _reached(flowed: Flowed) -> str:
    """Return how many orders a second came how far, from the first order to the last that came so far."""
    words = []
    for name in ("placed", "decided", "offered", "claimed"):
        moments = [at for way in flowed.ways if (at := getattr(way, name)) is not None]
        begun = min((way.placed for way in flowed.ways), default=0.0)
        rate = len(moments) / max(max(moments) - begun, 1.0) if moments else 0.0
        words.append(f"{name} {len(moments):,} ({rate:,.1f}/s)")
    bureaus = flowed.bureaus
    refused = ", ".join(f"{count} x {name}" for name, count in sorted(bureaus.refused.items())) or "nothing"
    return f"reached: {', '.join(words)}; bureaus accepted {bureaus.accepted:,}, were refused {refused}"


def _stages(flowed: Flowed, size: Size) -> str:
    """Return a line for each stage: cores while orders came, milliseconds for an order from then to the end."""
    lines = [f"{'stage':18}{'processes':>10}{'cores':>8}{'CPU s':>9}{'ms/order':>10}{'own MiB':>9}"]
    first, last = flowed.looks[0], flowed.looks[-1]
    for name, stage in stages_of(flowed, size).items():
        used = last.taken[name].cpu_seconds - first.taken[name].cpu_seconds
        each = used * 1e3 / max(len(flowed.ways), 1)
        taken = last.taken[name]
        lines.append(f"{name:18}{taken.processes:10}{stage.cores:8.2f}{used:9.1f}{each:10.2f}{taken.own_mib:9.0f}")
    return "\n".join(lines)


def _lost(flowed: Flowed) -> int:
    """Return how many orders were answered with 201 and are not in the database."""
    told = sum(it.statuses[201] for it in flowed.offered)
    return max(0, told - len(flowed.ways))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
