"""The demo's order stream: spare-part demand on the reference inventory, the same for the same seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fabroute.cli.mapping import OrderBody

_DESTINATIONS = (
    ("Hamburg", "DE"), ("Munich", "DE"), ("Berlin", "DE"), ("Paris", "FR"), ("Lyon", "FR"), ("London", "GB"),
    ("Glasgow", "GB"), ("Madrid", "ES"), ("Barcelona", "ES"), ("Rome", "IT"), ("Milan", "IT"), ("Amsterdam", "NL"),
    ("Brussels", "BE"), ("Copenhagen", "DK"), ("Stockholm", "SE"), ("Oslo", "NO"), ("Helsinki", "FI"),
    ("Warsaw", "PL"), ("Prague", "CZ"), ("Vienna", "AT"), ("Bern", "CH"), ("Lisbon", "PT"), ("Dublin", "IE"),
    ("Boston", "US"), ("Austin", "US"), ("Toronto", "CA"), ("Singapore", "SG"), ("Dubai", "AE"), ("Tokyo", "JP"),
    ("Sydney", "AU"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPart:
    """A part that the stream may order, and how urgent its orders usually are."""

    part_no: str
    criticality: str
    annual_demand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """What an order of one criticality asks for: an objective, and a need-by some days ahead."""

    objectives: tuple[str, ...]
    days: tuple[int, int]


_URGENCY = {
    "aog": Urgency(objectives=("fastest",), days=(5, 9)),
    "line_down": Urgency(objectives=("fastest", "balanced"), days=(8, 14)),
    "routine": Urgency(objectives=("cheapest", "cheapest", "greenest"), days=(16, 30)),
    "consumer": Urgency(objectives=("balanced", "cheapest", "greenest"), days=(9, 18)),
    "patient": Urgency(objectives=("balanced",), days=(9, 16)),
    "safety": Urgency(objectives=("cheapest", "balanced"), days=(20, 32)),
}


def order_stream(*, parts: Sequence[StreamPart], count: int, seed: int, now: datetime) -> Iterator[OrderBody]:
    """Yield ``count`` order bodies: every part at least once, then by demand; quantities mostly one to three.

    The quantity shape is an assumption: 70 % 1-3, 20 % 4-20, 10 % 21-60 (large lots are left to bulk orders).
    """
    chooser = random.Random(seed)
    weights = [part.annual_demand**0.5 for part in parts]
    for number in range(count):
        part = parts[number] if number < len(parts) else chooser.choices(parts, weights)[0]
        yield _order(part, number, chooser, now)


def _order(part: StreamPart, number: int, chooser: random.Random, now: datetime) -> OrderBody:
    urgency = _URGENCY[part.criticality]
    city, country = chooser.choice(_DESTINATIONS)
    need_by = (now + timedelta(days=chooser.randint(*urgency.days))).replace(hour=17, minute=0, second=0, microsecond=0)
    return {
        "reference": f"demo-{number + 1:04d}",
        "batch": "demo",
        "objective": chooser.choice(urgency.objectives),
        "criticality": part.criticality,
        "packaging": "brand" if part.criticality == "consumer" and chooser.random() < 0.3 else "plain",
        "need_by": need_by.isoformat(),
        "ship_to": {"city": city, "country": country},
        "lines": [{"part": part.part_no, "quantity": _quantity(chooser)}],
    }


def _quantity(chooser: random.Random) -> int:
    shape = chooser.random()
    if shape < 0.7:
        return chooser.randint(1, 3)
    return chooser.randint(4, 20) if shape < 0.9 else chooser.randint(21, 60)
