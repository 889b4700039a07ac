"""Write the console's atlas from the npm package world-atlas 2.0.2. Run it by hand; nothing needs it to run.

npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz && python infra/atlas/build_atlas.py package

The borders of Natural Earth's 1:50m countries, in the public domain; made into TopoJSON by Mike Bostock, whose package
is under the ISC licence. What is written is TopoJSON too: coordinates in fiftieths of a degree, the arcs simplified to
that, the land as it is and the arcs that two countries have in common as borders.
"""

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fabroute.console.drawing.land import simplified

TARGET = Path(__file__).parents[2] / "services" / "fabroute" / "console" / "drawing" / "atlas.json"
STEP_DEGREES = 0.02
NOTE = "Made with Natural Earth (public domain), 1:50m, by way of world-atlas 2.0.2 (ISC, Copyright Michael Bostock)."

Steps = list[list[int]]


def main() -> None:
    """Read the package's countries and write what the console draws."""
    source = json.loads((Path(sys.argv[1]) / "countries-50m.json").read_text(encoding="utf-8"))
    objects = source["objects"]
    topology = {
        "type": "Topology",
        "note": NOTE,
        "transform": {"scale": [STEP_DEGREES, STEP_DEGREES], "translate": [0, 0]},
        "objects": {
            "land": {"type": "MultiPolygon", "arcs": objects["land"]["geometries"][0]["arcs"]},
            "borders": {"type": "MultiLineString", "arcs": [[arc] for arc in _shared(objects["countries"])]},
        },
        "arcs": [_coarse(arc, source["transform"]) for arc in source["arcs"]],
    }
    TARGET.write_text(json.dumps(topology, separators=(",", ":")).replace("]],[[", "]],\n[[") + "\n", encoding="utf-8")


def _shared(countries: dict[str, Any]) -> list[int]:
    """Return the arcs that are in the outlines of two countries."""
    counts = Counter(arc if arc >= 0 else ~arc for ring in _rings(countries) for arc in ring)
    return sorted(arc for arc, count in counts.items() if count == 2)


def _rings(countries: dict[str, Any]) -> Iterator[list[int]]:
    for country in countries["geometries"]:
        for polygon in country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]:
            yield from polygon


def _coarse(arc: Sequence[Sequence[int]], transform: dict[str, Any]) -> Steps:
    """Return an arc with as few points as its new step needs, each as the difference to the one before."""
    points = [
        (round(x / STEP_DEGREES), round(y / STEP_DEGREES))
        for x, y in simplified(_degrees(arc, transform), STEP_DEGREES)
    ]
    kept = [points[0], *(after for before, after in itertools.pairwise(points) if before != after)]
    return [[*kept[0]], *([x - w, y - v] for (w, v), (x, y) in itertools.pairwise(kept))]


def _degrees(arc: Sequence[Sequence[int]], transform: dict[str, Any]) -> list[tuple[float, float]]:
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    x = y = 0
    found = []
    for step_x, step_y in arc:
        x, y = x + step_x, y + step_y
        found.append((x * scale_x + left, y * scale_y + bottom))
    return found


if __name__ == "__main__":
    main()
