"""How much CPU an instant quote takes: many different questions to a wide network, in one warm process, no solver.

``python -m tests.benchmarks.bench_quote NODES=300 QUANTITIES=5 ASKS=400 SEED=4``: the reference network repeated, with
other places, rates, evidence and work on the machines. CPU of this process, not wall time. Beside it the scalar finder
that routes orders, on some of the same questions; both must answer the same. And what the pieces take. Exits with 1
where the promise is broken: p50 of 10 ms and p99 of 30 ms for 300 nodes and five quantities.
"""

import argparse
import gc
import hashlib
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from fabroute.estimation.production import estimate_production
from fabroute.logistics.rules import Service, quote_shipment
from fabroute.routing.service.quoted import Currency, quote_document
from fabroute.routing.service.quoting import QuoteAsked, QuoteBook, QuoteResult, quote
from fabroute.routing.service.quoting.scalar import quote_one_by_one
from tests.benchmarks.bench_files import processor
from tests.factories.estimation import reference_machine, reference_material, reference_part, reference_rates
from tests.factories.freight import ROTTERDAM, SINGAPORE, a_shipment, reference_book
from tests.factories.wide_network import a_wide_snapshot, part_numbers, random_asks

PROMISED_P50_MS, PROMISED_P99_MS = 10.0, 30.0
SLOW_ASKS = 20
PIECES = 2_000
WARM_UP_ASKS_PER_PART = 4
_AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large the network and how many the questions are."""

    nodes: int = 300
    quantities: int = 5
    asks: int = 400
    seed: int = 4


def main(arguments: Sequence[str] = ()) -> int:
    """Print the table; return 1 where the promise is broken."""
    sizes = sizes_of(arguments)
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {sizes}")
    book = _book(sizes)
    warm_up, asks = (
        random_asks(book.snapshot, count=count, seed=seed, quantities=sizes.quantities)
        for count, seed in ((len(part_numbers()) * WARM_UP_ASKS_PER_PART, sizes.seed + 1), (sizes.asks, sizes.seed))
    )
    _, cold, _ = _measured(lambda asked: quote(book, asked), warm_up, seen=_forgotten)
    # As in a server that has started: the collector does not look again through what is there for good.
    gc.collect()
    gc.freeze()
    seen, quick, writing = _measured(lambda asked: quote(book, asked), asks, seen=_looked_at)
    slow_seen, slow, _ = _measured(lambda asked: quote_one_by_one(book, asked), asks[:SLOW_ASKS], seen=_looked_at)
    _print_times(
        {
            "first questions, parts cold": cold,
            "quote": quick,
            "quote with its JSON document": [sum(both) for both in zip(quick, writing, strict=True)],
            "scalar finder": slow,
        }
    )
    _print_answers(seen)
    _print_pieces()
    print(f"the scalar finder takes {sum(slow) / sum(quick[: len(slow)]):.0f} times as long on the same questions")
    different = sum(one.answer != other.answer for one, other in zip(seen, slow_seen, strict=False))
    print(f"{different} of {len(slow)} answers differ from the scalar finder's; peak memory {_peak_megabytes():.0f} MB")
    broken = different > 0 or quantile(quick, 0.5) > PROMISED_P50_MS or quantile(quick, 0.99) > PROMISED_P99_MS
    print("promise broken" if broken else f"promised: p50 {PROMISED_P50_MS:g} ms, p99 {PROMISED_P99_MS:g} ms of CPU")
    return int(broken)


def sizes_of(arguments: Sequence[str]) -> Sizes:
    """Return the sizes that ``NODES=300``-like arguments name, the usual ones for the others."""
    parser = argparse.ArgumentParser(prog="bench_quote", description="CPU of instant quotes.")
    parser.add_argument("sizes", nargs="*", metavar="NAME=NUMBER", help="NODES, QUANTITIES, ASKS or SEED")
    named = dict(each.lower().split("=", 1) for each in parser.parse_args(list(arguments)).sizes)
    return replace(Sizes(), **{name: int(number) for name, number in named.items()})


def quantile(times: Sequence[float], share: float) -> float:
    """Return the time that a share of the times does not exceed."""
    ordered = sorted(times)
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)]


def _book(sizes: Sizes) -> QuoteBook:
    snapshot = a_wide_snapshot(nodes=sizes.nodes, seed=sizes.seed)
    began = time.process_time()
    book = QuoteBook(snapshot=snapshot).warm()
    building = (time.process_time() - began) * 1000
    offers, machines = len(snapshot.network.offers), len(snapshot.network.machines)
    print(f"{sizes.nodes} nodes, {machines:,} machines, {offers:,} offers; arrays built in {building:.0f} ms")
    return book


def _measured(
    answer: Callable[[QuoteAsked], QuoteResult],
    asks: Sequence[QuoteAsked],
    *,
    seen: Callable[[QuoteResult], tuple["Seen", float]],
) -> tuple[list["Seen"], list[float], list[float]]:
    """Return what was seen of each answer, and the milliseconds of CPU that answering and looking at it took.

    No answer is kept, as none is in a server.
    """
    found, times, looking = [], [], []
    for asked in asks:
        began = time.process_time()
        result = answer(asked)
        times.append((time.process_time() - began) * 1000)
        one, took = seen(result)
        found.append(one)
        looking.append(took)
    return found, times, looking


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is kept of an answer."""

    answer: str = ""
    """A hash of all but the advice, which only the quick answer has."""
    quantities: int = 0
    able: int = 0
    offers: int = 0
    points: int = 0
    excluded: int = 0
    json_bytes: int = 0


def _forgotten(result: QuoteResult) -> tuple[Seen, float]:
    return Seen(), 0.0


def _looked_at(result: QuoteResult) -> tuple[Seen, float]:
    began = time.process_time()
    written = json.dumps(
        quote_document(result, quote_id="qte_bench", currency=Currency(), valid_until=result.as_of + _AN_HOUR)
    )
    took = (time.process_time() - began) * 1000
    plain = repr(tuple(replace(each, routable_if=()) for each in result.quotes))
    seen = Seen(
        answer=hashlib.sha256(plain.encode()).hexdigest(),
        quantities=len(result.quotes),
        able=sum(bool(each.offers) for each in result.quotes),
        offers=sum(len(each.offers) for each in result.quotes),
        points=sum(len(each.pareto) for each in result.quotes),
        excluded=sum(len(each.exclusions) for each in result.quotes),
        json_bytes=len(written),
    )
    return seen, took


def _print_times(rows: dict[str, list[float]]) -> None:
    print(f"{'ms of CPU':<30}{'n':>6}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    for name, times in rows.items():
        shown = "".join(f"{quantile(times, share):>9.2f}" for share in (0.5, 0.9, 0.99, 1.0))
        print(f"{name:<30}{len(times):>6}{shown}")


def _print_pieces() -> None:
    book, shipment = reference_book(), a_shipment(origin=ROTTERDAM, destination=SINGAPORE)
    estimate = partial(
        estimate_production,
        part=reference_part("FU-0201"),
        machine=reference_machine("HP MJF 5200"),
        material=reference_material("PA12-MJF"),
        rates=reference_rates("N016"),
    )
    pieces: dict[str, Callable[[int], object]] = {
        "quote for a shipment": lambda _: quote_shipment(book, shipment, service=Service.EXPRESS),
        "estimate of a production": lambda quantity: estimate(quantity=quantity),
    }
    for name, make in pieces.items():
        make(PIECES + 1)
        began = time.process_time()
        for number in range(1, PIECES + 1):
            make(number)
        print(f"one {name} takes {(time.process_time() - began) / PIECES * 1e6:.0f} µs of CPU")


def _print_answers(seen: Sequence[Seen]) -> None:
    able, asked, offers, points = (
        sum(getattr(each, name) for each in seen) for name in ("able", "quantities", "offers", "points")
    )
    excluded, size = (sum(getattr(each, name) for each in seen) / len(seen) for name in ("excluded", "json_bytes"))
    print(
        f"{able:,} of {asked:,} quantities have offers: {offers:,} offers, {points:,} Pareto-optimal options; "
        f"{excluded:.0f} exclusions and {size / 1000:.0f} kB of JSON an answer"
    )


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
