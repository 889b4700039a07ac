"""The world's land and borders, from Natural Earth: read once, as rings and lines of degrees."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

Degrees = tuple[float, float]
"""Longitude and latitude; a line that goes on over the antimeridian goes on over 180."""
_POLE = 90.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line on the globe, with the box that it is in: west, south, east, north."""

    points: tuple[Degrees, ...]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Atlas:
    """Coasts as closed rings (lakes too: they are holes by the even-odd rule) and borders as lines."""

    land: tuple[Line, ...]
    borders: tuple[Line, ...]


@cache
def world() -> Atlas:
    """Return the atlas that comes with the package."""
    text = resources.files(__package__).joinpath("atlas.json").read_text(encoding="utf-8")
    return decoded(json.loads(text))


def decoded(topology: dict[str, Any]) -> Atlas:
    """Return what a TopoJSON topology with the objects ``land`` and ``borders`` says, in degrees."""
    arcs = [_degrees(arc, topology["transform"]) for arc in topology["arcs"]]
    objects = topology["objects"]
    rings = [ring for polygon in objects["land"]["arcs"] for ring in polygon]
    return Atlas(
        land=tuple(_line(_closed(_unwrapped(_joined(arcs, ring)))) for ring in rings),
        borders=tuple(_line(_unwrapped(_joined(arcs, line))) for line in objects["borders"]["arcs"]),
    )


def _degrees(arc: Sequence[Sequence[int]], transform: dict[str, Any]) -> list[Degrees]:
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    x = y = 0
    found = []
    for step_x, step_y in arc:
        x, y = x + step_x, y + step_y
        found.append((x * scale_x + left, y * scale_y + bottom))
    return found


def _joined(arcs: Sequence[list[Degrees]], indexes: Iterable[int]) -> list[Degrees]:
    """Return arcs one after the other; ``~i`` is arc ``i`` backwards, and each begins where the one before ended."""
    points: list[Degrees] = []
    for index in indexes:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        points.extend(arc[1:] if points else arc)
    return points


def _unwrapped(points: Sequence[Degrees]) -> list[Degrees]:
    """Return a line without jumps from one side of the antimeridian to the other."""
    found = [points[0]]
    for longitude, latitude in points[1:]:
        turns = round((longitude - found[-1][0]) / 360)
        found.append((longitude - 360 * turns, latitude))
    return found


def _closed(ring: list[Degrees]) -> list[Degrees]:
    """Return a ring that goes around a pole closed along that pole; any other as it is."""
    (first, _), (last, latitude) = ring[0], ring[-1]
    if abs(last - first) < _POLE:
        return ring
    pole = _POLE if latitude > 0 else -_POLE
    return [*ring, (last, pole), (first, pole), ring[0]]


def _line(points: Sequence[Degrees]) -> Line:
    longitudes, latitudes = [it[0] for it in points], [it[1] for it in points]
    return Line(tuple(points), (min(longitudes), min(latitudes), max(longitudes), max(latitudes)))
