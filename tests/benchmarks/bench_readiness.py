"""How long a readiness report takes: parts by regions on a wide network, now and in 30 days, in one process.

``python -m tests.benchmarks.bench_readiness NODES=300 PARTS=1000 REGIONS=2 SEED=4``: the reference network repeated;
the reference parts, each in its own size. Wall and CPU seconds of working it out, without reading and writing.
"""

import argparse
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from fabroute.inventory.service import RevisionSize
from fabroute.logistics.rules import Location
from fabroute.logistics.rules.regions import REGIONS, region_of
from fabroute.routing.rules.readiness import LOOKAHEAD_DAYS
from fabroute.routing.service.quoting import PartAsked, QuoteAsked, QuoteBook
from fabroute.routing.service.readiness_asks import ReadinessAsk, Wanted
from fabroute.routing.service.readiness_books import Books
from fabroute.routing.service.readiness_making import readiness_of
from fabroute.routing.service.readiness_sources import ShortEntry, ranked_sources
from tests.factories.wide_network import a_wide_snapshot, part_numbers, reference_part, some_places


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large the network and how many the questions are."""

    nodes: int = 300
    parts: int = 1000
    regions: int = 2
    seed: int = 4


def main(arguments: Sequence[str] = ()) -> int:
    """Print how long it took and what came of it."""
    sizes = sizes_of(arguments)
    books = books_of(sizes)
    asks = asks_of(books, sizes)
    began, cpu = time.perf_counter(), time.process_time()
    found = [readiness_of(books, ask) for ask in asks]
    short = (each for each in found if each.state != "ready")
    sources = ranked_sources(
        ShortEntry(
            part_no=each.ask.revision.part_no,
            region=each.ask.wanted.region,
            second_sources=each.document["second_sources"],
        )
        for each in short
    )
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{sizes}: {len(asks)} questions, each now and in {LOOKAHEAD_DAYS} days: {wall:.1f} s wall, {used:.1f} s CPU")
    print(f"{1000 * used / max(1, len(asks)):.1f} ms CPU a question; peak memory {peak} MB")
    print(", ".join(f"{count} {state}" for state, count in Counter(each.state for each in found).items()))
    for source in sources[:5]:
        print(f"  {source['what']}: {source['parts']} parts, {source['extra_minor']} minor more")
    return 0


def sizes_of(arguments: Sequence[str]) -> Sizes:
    """Return the sizes that ``NODES=300``-like arguments name, the usual ones for the others."""
    parser = argparse.ArgumentParser(prog="bench_readiness", description="Time of a readiness report.")
    parser.add_argument("sizes", nargs="*", metavar="NAME=NUMBER", help="NODES, PARTS, REGIONS or SEED")
    named = dict(each.lower().split("=", 1) for each in parser.parse_args(list(arguments)).sizes)
    return Sizes(**{name: int(value) for name, value in named.items()})


def books_of(sizes: Sizes) -> Books:
    """Return the network now, and the same in 30 days."""
    snapshot = a_wide_snapshot(nodes=sizes.nodes, seed=sizes.seed)
    then = snapshot.now + timedelta(days=LOOKAHEAD_DAYS)
    later = replace(snapshot, now=then, network=replace(snapshot.network, first_day=then.date()))
    return Books(now=QuoteBook(snapshot=snapshot).warm(), later=QuoteBook(snapshot=later).warm())


def asks_of(books: Books, sizes: Sizes) -> list[ReadinessAsk]:
    """Return the reference parts again and again, each a little larger or smaller, in some regions."""
    chance = random.Random(sizes.seed)
    known = [reference_part(number, snapshot=books.now.snapshot) for number in part_numbers()]
    places: dict[str, Location] = {}
    for place in some_places():
        places.setdefault(region_of(place.country), place)
    asks = []
    for number in range(sizes.parts):
        part = _scaled(known[number % len(known)], number, chance.uniform(0.8, 1.05))
        for region in [region for region in REGIONS if region in places][: sizes.regions]:
            quantity = chance.choice((1, 2, 5, 10, 25))
            wanted = Wanted(region=region, city=region, location=places[region], quantity=quantity, ordered=True)
            question = QuoteAsked(part=part, quantities=(quantity,), destination=places[region])
            asks.append(ReadinessAsk(revision=part.revision, wanted=wanted, question=question))
    return asks


def _scaled(part: PartAsked, number: int, scale: float) -> PartAsked:
    size = part.revision.measured
    scaled = RevisionSize(
        box_x_mm=size.box_x_mm * scale,
        box_y_mm=size.box_y_mm * scale,
        box_z_mm=size.box_z_mm * scale,
        volume_cm3=size.volume_cm3 * scale**3,
    )
    name = f"{part.revision.part_no}-{number:04}"
    return replace(part, revision=replace(part.revision, part_id=f"part_{name}", part_no=name, size=scaled))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
