import re

import pytest

from fabroute.console.drawing.atlas import decoded, world
from fabroute.console.drawing.land import clipped_ring, ground_of, simplified
from fabroute.console.drawing.projection import Place, View, view_of

EUROPE = view_of([Place(38, -9), Place(60, 25), Place(51, 5)], width=460, height=320)
WORLD = view_of([], width=460, height=320)
SQUARE = [(0, 0), (10, 0), (0, 10), (-10, 0)]


def topology(arcs: list[list[tuple[int, int]]], land: list[list[int]], borders: list[list[int]]) -> dict[str, object]:
    return {
        "transform": {"scale": [1, 1], "translate": [0, 0]},
        "arcs": arcs,
        "objects": {"land": {"arcs": [land]}, "borders": {"arcs": borders}},
    }


def inside(path: str, x: float, y: float) -> bool:
    """Whether a point is in a path, by the even-odd rule, read from its text alone."""
    crossings = 0
    for part in path.split("M")[1:]:
        numbers = [float(it) for it in re.findall(r"-?(?:\d+\.\d+|\.\d+|\d+)", part)]
        points: list[tuple[float, float]] = []
        at = (0.0, 0.0)
        for step in zip(numbers[::2], numbers[1::2], strict=True):
            at = (at[0] + step[0], at[1] + step[1])
            points.append(at)
        for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True):
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                crossings += 1
    return crossings % 2 == 1


def is_land(view: View, latitude: float, longitude: float) -> bool:
    return inside(ground_of(view).land, *view.point(Place(latitude, longitude)))


def test_arcs_are_decoded_from_differences_forwards_and_backwards() -> None:
    forwards, backwards = [(0, 0), (10, 0), (0, 10)], [(0, 0), (0, 10), (10, 0)]
    atlas = decoded(topology([forwards, backwards], [[0, ~1]], [[0]]))
    assert list(atlas.land[0].points) == [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]
    assert list(atlas.land[0].box) == [0, 0, 10, 10]
    assert list(atlas.borders[0].points) == [(0, 0), (10, 0), (10, 10)]


def test_a_ring_over_the_antimeridian_goes_on_over_180() -> None:
    atlas = decoded(topology([[(170, 0), (19, 0), (-359, 0), (0, 10), (340, 0), (0, -10)]], [[0]], []))
    assert atlas.land[0].points == ((170, 0), (189, 0), (190, 0), (190, 10), (170, 10), (170, 0))


def test_a_ring_around_a_pole_is_closed_along_it() -> None:
    atlas = decoded(topology([[(-180, -80), (90, 0), (90, 0), (90, 0), (90, 0)]], [[0]], []))
    assert atlas.land[0].points[-3:] == ((180, -90), (-180, -90), (-180, -80))


def test_the_packaged_world_is_there_whole() -> None:
    atlas = world()
    assert len(atlas.borders) == 362
    assert 1_400 < len(atlas.land) < 1_500
    assert min(line.box[1] for line in atlas.land) == -90


@pytest.mark.parametrize(
    ("latitude", "longitude", "dry"),
    [
        (48.86, 2.35, True),
        (52.52, 13.40, True),
        (40.42, -3.70, True),
        (56.0, 3.0, False),
        (45.0, -5.0, False),
        (40.0, 6.0, False),
        (50.2, -1.0, False),
        (52.5, -1.5, True),
        (39.8, 9.2, True),
    ],
)
def test_europe_is_dry_where_it_is_and_wet_where_not(latitude: float, longitude: float, dry: bool) -> None:
    assert is_land(EUROPE, latitude, longitude) is dry


@pytest.mark.parametrize(
    ("latitude", "longitude", "dry"),
    [
        (0, 20, True),
        (0, -30, False),
        (-25, 134, True),
        (65, 179, True),
        (66.5, -173, True),
        (-85, 90, True),
        (40, -100, True),
    ],
)
def test_the_world_is_dry_where_it_is_also_at_its_edges(latitude: float, longitude: float, dry: bool) -> None:
    assert is_land(WORLD, latitude, longitude) is dry


def test_chukotka_is_one_piece_over_the_antimeridian() -> None:
    view = view_of([Place(66, 170), Place(66, -170)], width=460, height=320)
    assert [is_land(view, 67, longitude) for longitude in (176, 179, 180, -179, -176)] == [True] * 5


def test_a_european_land_is_a_small_path_and_the_world_too() -> None:
    assert len(ground_of(EUROPE).land) + len(ground_of(EUROPE).borders) < 40_000
    assert len(ground_of(WORLD).land) + len(ground_of(WORLD).borders) < 60_000


def test_land_is_worked_out_once_for_a_view() -> None:
    assert ground_of(EUROPE) is ground_of(EUROPE)


def test_a_ring_is_cut_to_the_picture_and_its_bleed() -> None:
    around = [(-50.0, -50.0), (150.0, -50.0), (150.0, 150.0), (-50.0, 150.0)]
    assert sorted(clipped_ring(around, width=100, height=80)) == [(-4, -4), (-4, 84), (104, -4), (104, 84)]
    assert clipped_ring([(200, 0), (300, 0), (300, 10)], width=100, height=80) == []
    half = clipped_ring([(50, 10), (150, 10), (150, 20), (50, 20)], width=100, height=80)
    assert sorted(half) == [(50, 10), (50, 20), (104, 10), (104, 20)]


def test_a_line_keeps_what_its_tolerance_asks_for() -> None:
    line = [(0.0, 0.0), (1.0, 0.1), (2.0, 0.0), (3.0, 2.0), (4.0, 0.0)]
    assert simplified(line, 0.2) == [(0, 0), (2, 0), (3, 2), (4, 0)]
    assert simplified(line, 0.05) == line
    assert simplified([(1, 1), (1, 1)], 1) == [(1, 1), (1, 1)]
