"""What the choice costs: every candidate by its price and its arrival, and which of them are the best of their kind."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from fabroute.console.drawing.labels import Box, Label, LegendEntry, Marked, place_labels
from fabroute.console.drawing.markup import Attribute, Caption, Svg, element, number, picture
from fabroute.console.drawing.text import isolated, text_width
from fabroute.console.drawing.ticks import money_ticks, time_ticks

WIDTH, HEIGHT = 360, 280
SIZE = 11.5
_TOP, _RIGHT, _BOTTOM = 26.0, 14.0, 42.0
_SMALLEST, _LARGEST = 4.0, 9.0
_FARTHEST = 3.0
"""So many times the price or the time of the dearest and slowest of the best, and no more, is in the picture."""
_ALL_NAMED = 12
"""Of more offers only the chosen one and the frontier are named."""
_DEADLINE_ROOM = 0.75
"""A deadline farther off than this share of the spread is told at the edge."""
_DAY, _SHORTEST_DAY = timedelta(days=1), timedelta(hours=23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A candidate: what it costs, when half and when nine in ten of its deliveries are there, and its carbon."""

    name: str
    cost_minor: int
    median_at: datetime
    promised_at: datetime
    co2e_g: int = 0
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """How figures are written on the axes, and in whose zone days begin."""

    money: Callable[[int], str]
    day: Callable[[datetime], str]
    hour: Callable[[datetime], str]
    zone: tzinfo
    cost_title: str = "landed cost"
    time_title: str = "there by, nine times in ten"
    deadline_title: str = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoPlot:
    """A plot, what its numbers stand for, and offers that are too far off to be in it or have no label in it."""

    svg: Svg
    legend: tuple[LegendEntry, ...]
    outside: tuple[Offer, ...]
    unnamed: tuple[Offer, ...]


def frontier(offers: Sequence[Offer]) -> list[Offer]:
    """Return the offers that no other one beats in price and promised day alike, the cheapest first."""
    best: list[Offer] = []
    for offer in sorted(offers, key=lambda it: (it.cost_minor, it.promised_at)):
        if not best or offer.promised_at < best[-1].promised_at or _equals(offer, best[-1]):
            best.append(offer)
    return best


def draw_pareto(
    offers: Sequence[Offer],
    *,
    caption: Caption,
    scales: Scales,
    since: datetime,
    deadline: datetime | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> ParetoPlot:
    """Return offers by price (to the right) and arrival (upwards), with the frontier and the deadline.

    ``since`` is when the order was placed: offers that take three times as long as the slowest of the frontier, or cost
    three times as much as its dearest, are left outside the picture.
    """
    best = frontier(offers)
    inside = [offer for offer in offers if offer.chosen or _is_near(offer, best, since)]
    plane = _plane(inside, deadline, scales, since, (width, height))
    labels = place_labels(
        [_marked(offer, offer in best, plane, inside) for offer in inside],
        area=plane.area,
        size=SIZE,
        written=_written(plane),
        lines=_kept_free(inside, best, plane),
    )
    content = [
        *_grid(plane, scales),
        *_deadline(plane, scales),
        *_frontier(best, plane),
        *(_offer(offer, offer in best, plane, inside) for offer in sorted(inside, key=lambda it: it.chosen)),
        *(_label(label, inside[label.index]) for label in labels.placed),
    ]
    return ParetoPlot(
        svg=picture(caption, css="pareto", width=width, height=height, content="".join(content)),
        legend=labels.legend,
        outside=tuple(offer for offer in offers if offer not in inside),
        unnamed=tuple(inside[index] for index in labels.left_out),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    """Where amounts and instants are in the picture; ``later`` and ``sooner`` deadlines are beyond its edges."""

    costs: Sequence[int]
    times: Sequence[datetime]
    area: Box
    deadline: datetime | None
    deadline_side: str

    def x(self, cost_minor: float) -> float:
        low, high = self.costs[0], self.costs[-1]
        return self.area.x + (cost_minor - low) / (high - low) * self.area.width

    def y(self, instant: datetime) -> float:
        low, high = self.times[0], self.times[-1]
        return self.area.y + self.area.height * (1 - (instant - low) / (high - low))

    def point(self, offer: Offer) -> tuple[float, float]:
        return self.x(offer.cost_minor), self.y(offer.promised_at)

    @property
    def by_hours(self) -> bool:
        return len(self.times) > 1 and self.times[1] - self.times[0] < _SHORTEST_DAY

    @property
    def deadline_y(self) -> float:
        if self.deadline_side == "later":
            return self.area.y
        if self.deadline_side == "sooner" or self.deadline is None:
            return self.area.y + self.area.height
        return self.y(self.deadline)


def _plane(
    offers: Sequence[Offer], deadline: datetime | None, scales: Scales, since: datetime, size: tuple[int, int]
) -> _Plane:
    instants = [it for offer in offers for it in (offer.median_at, offer.promised_at)] or [since, since + _DAY]
    side = "" if deadline is None else _side(deadline, instants)
    if deadline is not None and not side:
        instants.append(deadline)
    times = _times(min(instants), max(instants), scales.zone)
    plane = _Plane(
        costs=_costs([offer.cost_minor for offer in offers]),
        times=times,
        area=Box(0, 0, 1, 1),
        deadline=deadline,
        deadline_side=side,
    )
    written = scales.hour if plane.by_hours else scales.day
    left = 10 + max(text_width(written(it), size=SIZE) for it in times)
    right = max(_RIGHT, text_width(scales.money(plane.costs[-1]), size=SIZE) / 2)
    return replace(plane, area=Box(left, _TOP, size[0] - left - right, size[1] - _TOP - _BOTTOM))


def _side(deadline: datetime, instants: Sequence[datetime]) -> str:
    """Return where a deadline is that would squeeze everything else if it were in the picture; empty if it is near."""
    low, high = min(instants), max(instants)
    room = max(high - low, _DAY) * _DEADLINE_ROOM
    if deadline > high + room:
        return "later"
    return "sooner" if deadline < low - room else ""


def _costs(costs: Sequence[int]) -> list[int]:
    if not costs:
        return money_ticks(0, 1_000)
    low, high = min(costs), max(costs)
    spread = max(high - low, high // 5, 10)
    return money_ticks(max(0, low - spread // 12), high + spread // 8)


def _times(low: datetime, high: datetime, zone: tzinfo) -> list[datetime]:
    room = max(high - low, timedelta(hours=6)) / 12
    return time_ticks(low - room, high + room, zone=zone)


def _is_near(offer: Offer, best: Sequence[Offer], since: datetime) -> bool:
    dearest = max(it.cost_minor for it in best)
    slowest = max(it.promised_at for it in best)
    return offer.cost_minor <= _FARTHEST * dearest and offer.promised_at - since <= _FARTHEST * (slowest - since)


def _equals(offer: Offer, other: Offer) -> bool:
    return (offer.cost_minor, offer.promised_at) == (other.cost_minor, other.promised_at)


def _radius(offer: Offer, offers: Sequence[Offer]) -> float:
    """Return the radius of a dot whose area grows with the carbon."""
    least, most = min(it.co2e_g for it in offers), max(it.co2e_g for it in offers)
    if most <= least:
        return (_SMALLEST + _LARGEST) / 2
    share = (offer.co2e_g - least) / (most - least)
    return math.sqrt(_SMALLEST**2 + share * (_LARGEST**2 - _SMALLEST**2))


def _marked(offer: Offer, on_frontier: bool, plane: _Plane, offers: Sequence[Offer]) -> Marked:
    x, y = plane.point(offer)
    matters = offer.chosen or on_frontier
    return Marked(
        x=x,
        y=y,
        radius=_radius(offer, offers),
        name=offer.name if matters or len(offers) <= _ALL_NAMED else "",
        rank=0 if offer.chosen else 1 if on_frontier else 2,
        bold=offer.chosen,
        numbered=matters or len(offers) <= _ALL_NAMED,
    )


def _kept_free(offers: Sequence[Offer], best: Sequence[Offer], plane: _Plane) -> Iterator[Box]:
    """Yield what labels keep off: whiskers, the steps of the frontier, the deadline."""
    for offer in offers:
        x, y = plane.point(offer)
        yield Box(x - 1, y, 2, max(0.0, plane.y(offer.median_at) - y))
    for (start_x, start_y), (end_x, end_y) in pairwise(_steps(best, plane)):
        yield Box(start_x - 1, min(start_y, end_y) - 1, end_x - start_x + 2, abs(end_y - start_y) + 2)
    if plane.deadline is not None:
        yield Box(plane.area.x, plane.deadline_y - 1, plane.area.width, 2)


def _written(plane: _Plane) -> list[Box]:
    """Return where the words of the deadline may stand."""
    if plane.deadline is None:
        return []
    return [Box(plane.area.x, _deadline_baseline(plane) - SIZE, plane.area.width, SIZE * 1.3)]


def _grid(plane: _Plane, scales: Scales) -> Iterator[Svg]:
    area, written = plane.area, scales.hour if plane.by_hours else scales.day
    bottom = area.y + area.height
    for cost in plane.costs:
        x = plane.x(cost)
        yield _line("plot-grid", x, area.y, x, bottom)
    for cost in _apart(plane, scales):
        yield _text("plot-tick", plane.x(cost), bottom + 17, scales.money(cost), "middle")
    for instant in plane.times:
        y = plane.y(instant)
        yield _line("plot-grid", area.x, y, area.x + area.width, y)
        yield _text("plot-tick", area.x - 7, y + SIZE * 0.35, written(instant), "end")
    yield _text("plot-title", area.x + area.width, bottom + 35, scales.cost_title, "end")
    yield _text("plot-title", 2, SIZE, scales.time_title, "start")


def _apart(plane: _Plane, scales: Scales) -> list[int]:
    """Return the amounts that are written under the plot: all, or every second, third … where they would touch."""
    widest = max(text_width(scales.money(cost), size=SIZE) for cost in plane.costs) + SIZE
    room = plane.area.width / (len(plane.costs) - 1)
    return list(plane.costs[:: math.ceil(widest / room)])


def _deadline(plane: _Plane, scales: Scales) -> Iterator[Svg]:
    if plane.deadline is None:
        return
    area, y = plane.area, plane.deadline_y
    arrow = {"later": " ↑", "sooner": " ↓"}.get(plane.deadline_side, "")
    when = (scales.hour if plane.by_hours and not arrow else scales.day)(plane.deadline)
    yield _line("plot-deadline", area.x, y, area.x + area.width, y)
    words = f"{scales.deadline_title} {when}{arrow}"
    yield _text("plot-deadline-label", area.x + area.width - 4, _deadline_baseline(plane), words, "end")


def _deadline_baseline(plane: _Plane) -> float:
    """Return where the words of the deadline stand: over its line, or under it at the upper edge."""
    y = plane.deadline_y
    return y - 5 if y - 5 - SIZE >= plane.area.y else y + SIZE + 2


def _frontier(best: Sequence[Offer], plane: _Plane) -> Iterator[Svg]:
    points = _steps(best, plane)
    if len(points) > 1:
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
        yield element("path", {"class": "plot-frontier", "fill": "none", "d": path})


def _steps(best: Sequence[Offer], plane: _Plane) -> list[tuple[float, float]]:
    """Return the corners of the frontier: for more money nothing comes sooner until the next offer."""
    points = [plane.point(offer) for offer in best]
    corners = [corner for (_, y), (x, after) in pairwise(points) for corner in ((x, y), (x, after))]
    return [*points[:1], *corners]


def _offer(offer: Offer, on_frontier: bool, plane: _Plane, offers: Sequence[Offer]) -> Svg:
    (x, y), median_y = plane.point(offer), plane.y(offer.median_at)
    state = "chosen" if offer.chosen else "best" if on_frontier else "beaten"
    radius = _radius(offer, offers)
    dot: dict[str, Attribute] = {"class": f"plot-dot is-{state}", "cx": x, "cy": y, "r": radius}
    whisker = [
        _line(f"plot-whisker is-{state}", x, y, x, median_y),
        _line(f"plot-whisker is-{state}", x - 3, median_y, x + 3, median_y),
    ]
    core: dict[str, Attribute] = {"class": "plot-core", "cx": x, "cy": y, "r": radius / 2.5}
    inner = [element("circle", core)] if offer.chosen else []
    return element("g", None, element("title", None, offer.name), *whisker, element("circle", dot), *inner)


def _label(label: Label, offer: Offer) -> Svg:
    kind = " is-number" if label.number else " is-chosen" if offer.chosen else ""
    return _text(f"plot-label{kind}", label.x, label.baseline, isolated(label.text), label.anchor)


def _line(css: str, x1: float, y1: float, x2: float, y2: float) -> Svg:
    return element("line", {"class": css, "x1": x1, "y1": y1, "x2": x2, "y2": y2})


def _text(css: str, x: float, y: float, words: str, anchor: str) -> Svg:
    return element("text", {"class": css, "x": x, "y": y, "text-anchor": anchor, "font-size": SIZE}, words)
