"""How much CPU an instant quote takes: many different questions to a wide network, in one warm process, no solver.

``python -m tests.benchmarks.bench_quote NODES=300 QUANTITIES=5 ASKS=400 SEED=4``: the reference network repeated, with
other places, rates, evidence and work on the machines. CPU of this process, not wall time. Beside it the scalar finder
that routes orders, on some of the same questions; both must answer the same. Exits with 1 where the promise is broken:
p50 of 10 ms and p99 of 30 ms for 300 nodes and five quantities.
"""

import argparse
import gc
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from fabroute.routing.service.quoted import Currency, quote_document
from fabroute.routing.service.quoting import QuoteAsked, QuoteBook, QuoteResult, quote
from fabroute.routing.service.quoting.scalar import quote_one_by_one
from tests.benchmarks.bench_files import processor
from tests.factories.wide_network import a_wide_snapshot, part_numbers, random_asks

PROMISED_P50_MS, PROMISED_P99_MS = 10.0, 30.0
SLOW_ASKS = 20
WARM_UP_ASKS_PER_PART = 4
_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


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
    _, cold = _measured(lambda asked: quote(book, asked), warm_up)
    answers, quick = _measured(lambda asked: quote(book, asked), asks)
    _, writing = _measured(_document, answers)
    slow_answers, slow = _measured(lambda asked: quote_one_by_one(book, asked), asks[:SLOW_ASKS])
    _print_times(
        {
            "first questions, parts cold": cold,
            "quote": quick,
            "quote with its JSON document": [sum(both) for both in zip(quick, writing, strict=True)],
            "scalar finder": slow,
        }
    )
    _print_answers(answers)
    print(f"the scalar finder takes {sum(slow) / sum(quick[: len(slow)]):.0f} times as long on the same questions")
    different = sum(_without_advice(one) != other for one, other in zip(answers, slow_answers, strict=False))
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
    (book,), (building,) = _measured(lambda seen: QuoteBook(snapshot=seen).warm(), [snapshot])
    offers, machines = len(snapshot.network.offers), len(snapshot.network.machines)
    print(f"{sizes.nodes} nodes, {machines:,} machines, {offers:,} offers; arrays built in {building:.0f} ms")
    # As in a server that has started: the collector does not look again through what is there for good.
    gc.collect()
    gc.freeze()
    return book


def _measured(answer: Callable[[_Asked], _Answer], asks: Sequence[_Asked]) -> tuple[list[_Answer], list[float]]:
    """Return the answers, and the milliseconds of CPU that each took."""
    answers, times = [], []
    for asked in asks:
        began = time.process_time()
        answers.append(answer(asked))
        times.append((time.process_time() - began) * 1000)
    return answers, times


def _document(result: QuoteResult) -> str:
    return json.dumps(quote_document(result, quote_id="qte_bench", currency=Currency()))


def _print_times(rows: dict[str, list[float]]) -> None:
    print(f"{'ms of CPU':<30}{'n':>6}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    for name, times in rows.items():
        shown = "".join(f"{quantile(times, share):>9.2f}" for share in (0.5, 0.9, 0.99, 1.0))
        print(f"{name:<30}{len(times):>6}{shown}")


def _print_answers(answers: Sequence[QuoteResult]) -> None:
    quotes = [each for answer in answers for each in answer.quotes]
    offers, able = sum(len(each.offers) for each in quotes), sum(bool(each.offers) for each in quotes)
    excluded = sum(len(each.exclusions) for each in quotes) / len(answers)
    points = sum(len(each.pareto) for each in quotes)
    size = sum(len(_document(answer)) for answer in answers[:SLOW_ASKS]) / min(len(answers), SLOW_ASKS) / 1000
    print(
        f"{able:,} of {len(quotes):,} quantities have offers: {offers:,} offers, {points:,} Pareto-optimal options; "
        f"{excluded:.0f} exclusions and {size:.0f} kB of JSON an answer"
    )


def _without_advice(result: QuoteResult) -> QuoteResult:
    return replace(result, quotes=tuple(replace(each, routable_if=()) for each in result.quotes))


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
