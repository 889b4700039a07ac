"""Maps: nodes by what became of them, the destination, and the lanes between."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from fabroute.console.drawing.labels import Box, Label, LegendEntry, Marked, place_labels
from fabroute.console.drawing.land import ground_of
from fabroute.console.drawing.lanes import lane_lines
from fabroute.console.drawing.markup import Attribute, Caption, Svg, element, number, ornament, picture
from fabroute.console.drawing.projection import Place, Point, View, central_angle, great_circle, view_of
from fabroute.console.drawing.text import isolated

MarkState = Literal["chosen", "destination", "candidate", "down", "ruled_out"]
WIDTH, HEIGHT = 360, 264
"""Of a map in a panel: on a phone its writing keeps its size."""
SIZE = 11.5
_RADII: Mapping[MarkState, float] = MappingProxyType(
    {"chosen": 7.0, "destination": 6.5, "candidate": 4.5, "down": 4.5, "ruled_out": 4.0}
)
_RANKS: tuple[MarkState, ...] = ("chosen", "destination", "candidate", "down", "ruled_out")
_FRAMED = frozenset({"chosen", "destination"})
_NUMBERED = _FRAMED | {"candidate"}
_REGION, _SURROUNDINGS = math.radians(62), math.radians(34)
"""A picture grows to a region for the sake of candidates, to the surroundings for nodes that can't take the line …"""
_SMALLER = 0.5
"""… and to so much of its zoom, up to a region."""
_ALL_NUMBERED = 16
_EDGE = 2.0
_LANE_ROOM = 3.0
_WORLD_SHAPE = 0.5
"""The height of a map of the whole world by its width: ice around the poles needs no room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapMark:
    """A node or a destination; ``note`` is what pointing at it tells beside its name."""

    name: str
    place: Place
    state: MarkState
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A way from a node to a destination: the chosen one, or one that could have been."""

    start: Place
    end: Place
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A map, what its numbers stand for, and which marks are not in the picture or have no label in it."""

    svg: Svg
    legend: tuple[LegendEntry, ...]
    outside: tuple[MapMark, ...]
    unnamed: tuple[MapMark, ...]


def draw_map(
    marks: Sequence[MapMark],
    lanes: Sequence[Lane] = (),
    *,
    caption: Caption,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Map:
    """Return a map that holds the chosen node, the destination and the lane between, and what is near to them.

    Candidates and other nodes that are so far that the picture would be of a continent and more are left outside.
    Without chosen node and destination it holds all marks.
    """
    view = _framed(marks, lanes, width, height)
    seen = [view.holds(view.point(mark.place)) for mark in marks]
    inside = [mark for mark, is_seen in zip(marks, seen, strict=True) if is_seen]
    lines = [(lane, line) for lane in lanes for line in lane_lines(view, lane.start, lane.end)]
    labels = place_labels(
        [_marked(mark, view, numbered=mark.state in _NUMBERED or len(inside) <= _ALL_NUMBERED) for mark in inside],
        area=Box(_EDGE, _EDGE, view.width - 2 * _EDGE, view.height - 2 * _EDGE),
        size=SIZE,
        lines=[box for lane, line in lines if lane.chosen for box in _kept_free(line)],
    )
    content = [
        *_ground(view),
        *(_lane(lane, line) for lane, line in sorted(lines, key=lambda it: it[0].chosen)),
        *(_mark(mark, view) for mark in sorted(inside, key=lambda it: -_RANKS.index(it.state))),
        *(_label(label, inside[label.index]) for label in labels.placed),
    ]
    return Map(
        svg=picture(caption, css="map", width=view.width, height=view.height, content="".join(content)),
        legend=labels.legend,
        outside=tuple(mark for mark, is_seen in zip(marks, seen, strict=True) if not is_seen),
        unnamed=tuple(inside[index] for index in labels.left_out),
    )


def mark_sample(state: MarkState) -> Svg:
    """Return a mark by itself, for the key of a map."""
    return ornament(css="map-key", width=18, height=18, content=_shape(state, (9.0, 9.0)))


def _framed(marks: Sequence[MapMark], lanes: Iterable[Lane], width: int, height: int) -> View:
    framed = [mark.place for mark in marks if mark.state in _FRAMED]
    ways = [place for lane in lanes if lane.chosen for place in great_circle(lane.start, lane.end, steps=8)]
    places = [*framed, *ways] or [mark.place for mark in marks]
    if framed:
        able = [mark.place for mark in marks if mark.state == "candidate"]
        places = _joined_by(places, able, least=width / _REGION, size=(width, height))
        zoom = view_of(places, width=width, height=height).scale
        least = max(width / _REGION, min(zoom * _SMALLER, width / _SURROUNDINGS))
        places = _joined_by(places, [mark.place for mark in marks], least=least, size=(width, height))
    view = view_of(places, width=width, height=height)
    flat = view_of(places, width=width, height=round(width * _WORLD_SHAPE))
    whole = view.period <= view.width + _EDGE and flat.height < view.height
    return flat if whole and all(_well_inside(flat, place) for place in places) else view


def _joined_by(places: list[Place], others: Sequence[Place], *, least: float, size: tuple[int, int]) -> list[Place]:
    """Return the places, and of the others the nearest ones, as long as all together keep the least zoom."""
    found = list(places)
    for other in sorted(others, key=lambda it: min((central_angle(it, place) for place in places), default=0.0)):
        if view_of([*found, other], width=size[0], height=size[1]).scale < least:
            break
        found.append(other)
    return found


def _well_inside(view: View, place: Place) -> bool:
    return SIZE <= view.height_of(place.latitude) <= view.height - SIZE


def _marked(mark: MapMark, view: View, *, numbered: bool) -> Marked:
    x, y = view.point(mark.place)
    return Marked(
        x=x,
        y=y,
        radius=_RADII[mark.state],
        name=mark.name,
        rank=_RANKS.index(mark.state),
        bold=mark.state == "chosen",
        numbered=numbered,
    )


def _kept_free(line: Sequence[Point]) -> Iterator[Box]:
    """Yield small boxes along a lane, near enough to each other that no label slips between."""
    for (start_x, start_y), (end_x, end_y) in itertools.pairwise(line):
        steps = max(1, round(max(abs(end_x - start_x), abs(end_y - start_y)) / (2 * _LANE_ROOM)))
        for step in range(steps):
            x = start_x + (end_x - start_x) * step / steps
            y = start_y + (end_y - start_y) * step / steps
            yield Box(x - _LANE_ROOM, y - _LANE_ROOM, 2 * _LANE_ROOM, 2 * _LANE_ROOM)


def _ground(view: View) -> Iterator[Svg]:
    ground = ground_of(view)
    yield element("rect", {"class": "map-sea", "width": view.width, "height": view.height})
    yield element("path", {"class": "map-land", "fill-rule": "evenodd", "d": ground.land})
    if ground.borders:
        yield element("path", {"class": "map-border", "fill": "none", "d": ground.borders})


def _lane(lane: Lane, line: Sequence[Point]) -> Svg:
    path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in line)
    return element("path", {"class": f"map-lane{' is-chosen' if lane.chosen else ''}", "fill": "none", "d": path})


def _mark(mark: MapMark, view: View) -> Svg:
    told = f"{mark.name}: {mark.note}" if mark.note else mark.name
    return element("g", None, element("title", None, told), _shape(mark.state, view.point(mark.place)))


def _shape(state: MarkState, point: Point) -> Svg:
    """Return a mark that is told from the others by its form, not by its colour alone."""
    (x, y), radius = point, _RADII[state]
    css = f"map-mark is-{state.replace('_', '-')}"
    if state == "destination":
        return element("path", {"class": css, "d": f"M{_corners(x, y, radius)}z"})
    if state == "down":
        return element("path", {"class": css, "d": _cross(x, y, radius - 0.5)})
    circle: dict[str, Attribute] = {"class": css, "cx": x, "cy": y, "r": radius}
    if state == "chosen":
        core: dict[str, Attribute] = {"class": "map-core", "cx": x, "cy": y, "r": radius / 2.5}
        return Svg(element("circle", circle) + element("circle", core))
    return element("circle", circle)


def _corners(x: float, y: float, radius: float) -> str:
    corners = ((x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y))
    return "L".join(f"{number(a)} {number(b)}" for a, b in corners)


def _cross(x: float, y: float, arm: float) -> str:
    start, end = f"{number(x - arm)} {number(y - arm)}", f"{number(x + arm)} {number(y + arm)}"
    return f"M{start}L{end}M{number(x - arm)} {number(y + arm)}L{number(x + arm)} {number(y - arm)}"


def _label(label: Label, mark: MapMark) -> Svg:
    kind = " is-number" if label.number else f" is-{mark.state.replace('_', '-')}"
    attributes: dict[str, Attribute] = {
        "class": f"map-label{kind}",
        "x": label.x,
        "y": label.baseline,
        "text-anchor": label.anchor,
        "font-size": SIZE,
    }
    return element("text", attributes, isolated(label.text))
