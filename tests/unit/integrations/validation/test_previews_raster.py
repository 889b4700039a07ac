"""The z-buffer and the light, against brute force and by eye of simple solids."""

import numpy as np
import numpy.typing as npt
import pytest
from manifold3d import Manifold

from fabroute.integrations.validation.previews import raster
from fabroute.integrations.validation.previews.raster import planes_of, visible
from fabroute.integrations.validation.previews.shading import brightness
from fabroute.integrations.validation.previews.views import View, camera, view_of
from fabroute.integrations.validation.solids import solid_of
from tests.factories.meshes import a_cube, a_mesh, as_trimesh

Floats = npt.NDArray[np.float64]


def view_from(body: Manifold, *, margin: float = 0.1) -> View:
    return view_of(solid_of([a_mesh(body)]), margin=margin)


def covered(corners: Floats, depths: Floats, size: int) -> set[int]:
    """Return the samples that show something, counted row by row."""
    return set(np.flatnonzero(visible(corners, depths, size).triangles >= 0).tolist())


def _brute_force(corners: Floats, depths: Floats, size: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the nearest triangle by testing each sample against each triangle, and how clear the answer is."""
    image, clear = np.full((size, size), -1), np.ones((size, size))
    for row in range(size):
        for column in range(size):
            nearest = -1.0
            for number, (a, b, c) in enumerate(corners):
                at = np.array([column + 0.5, row + 0.5])
                area = _cross(b - a, c - a)
                shares = np.array([_cross(c - b, at - b), _cross(a - c, at - c), _cross(b - a, at - a)]) / area
                clear[row, column] = min(clear[row, column], np.abs(shares).min())
                depth = float(shares @ depths[number])
                if shares.min() >= 0 and depth > nearest:
                    clear[row, column] = min(clear[row, column], depth - nearest)
                    image[row, column], nearest = number, depth
    return image, clear


def _cross(one: Floats, other: Floats) -> float:
    return float(one[0] * other[1] - one[1] * other[0])


def _random_triangles(count: int, size: int, seed: int) -> tuple[Floats, Floats]:
    chance = np.random.default_rng(seed)
    corners = chance.uniform(-0.3 * size, 1.3 * size, (count, 3, 2))
    backwards = np.array([_cross(b - a, c - a) < 0 for a, b, c in corners])
    corners[backwards] = corners[backwards][:, [0, 2, 1]]
    return corners, chance.uniform(0, 1, (count, 3))


@pytest.mark.parametrize("seed", range(5))
def test_each_sample_shows_the_nearest_triangle(seed: int) -> None:
    corners, depths = _random_triangles(7, 24, seed)
    expected, clear = _brute_force(corners, depths, 24)
    found = visible(corners, depths, 24).triangles
    certain = clear > 1e-4
    assert certain.mean() > 0.9
    assert np.array_equal(found[certain], expected[certain])


def test_depths_are_those_of_the_plane() -> None:
    corners = np.array([[[0.0, 0.0], [16.0, 0.0], [0.0, 16.0]]])
    seen = visible(corners, np.array([[0.0, 1.0, 0.0]]), 16)
    rows, columns = np.nonzero(seen.triangles == 0)
    assert seen.depths[rows, columns] == pytest.approx((columns + 0.5) / 16, abs=1e-6)
    assert len(rows) == pytest.approx(16 * 16 / 2, abs=8)
    assert seen.depths[seen.triangles < 0].max() < 0


def test_triangles_that_share_an_edge_cover_each_sample_once() -> None:
    corners = np.array([[[2.0, 3.0], [20.0, 5.0], [17.0, 22.0]], [[2.0, 3.0], [17.0, 22.0], [1.0, 15.0]]])
    alone = [covered(corners[[one]], np.ones((1, 3)), 24) for one in (0, 1)]
    together = covered(corners, np.ones((2, 3)), 24)
    assert alone[0] & alone[1] == set()
    assert alone[0] | alone[1] == together


def test_what_lies_outside_of_the_picture_is_not_drawn() -> None:
    around = np.array([[[-50.0, -50.0], [80.0, -50.0], [-50.0, 80.0]]])
    beside = around + 500
    assert len(covered(around, np.zeros((1, 3)), 8)) == 64
    assert covered(beside, np.zeros((1, 3)), 8) == set()
    assert covered(np.empty((0, 3, 2)), np.empty((0, 3)), 8) == set()


def test_splitting_the_work_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    corners, depths = _random_triangles(60, 48, 11)
    whole = visible(corners, depths, 48)
    monkeypatch.setattr(raster, "_SAMPLES_AT_ONCE", 37)
    parts = visible(corners, depths, 48)
    assert np.array_equal(whole.depths, parts.depths)
    assert np.array_equal(whole.triangles, parts.triangles)


def test_too_much_work_leaves_out_the_farthest(monkeypatch: pytest.MonkeyPatch) -> None:
    square = np.array([[[0.0, 0.0], [32.0, 0.0], [0.0, 32.0]]])
    corners, depths = np.repeat(square, 500, axis=0), np.repeat(np.linspace(0, 1, 500)[:, None], 3, axis=1)
    everything = visible(corners, depths, 32)
    monkeypatch.setattr(raster, "_MOST_SAMPLES", 5_000)
    some = visible(corners, depths, 32)
    assert np.unique(everything.triangles).tolist() == np.unique(some.triangles).tolist() == [-1, 499]
    assert np.array_equal(some.depths, everything.depths)


def test_planes_go_through_their_corners() -> None:
    corners, values = _random_triangles(20, 10, 3)
    planes = planes_of(corners, values)
    for corner in range(3):
        columns, rows = corners[:, corner].astype(np.float32).T
        assert planes.at(np.arange(20), columns, rows) == pytest.approx(values[:, corner], abs=1e-3)


def test_the_camera_looks_from_the_front_and_above() -> None:
    right, up, towards = camera()
    assert camera() @ camera().T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.cross(right, up) == pytest.approx(towards)
    assert (right[2], up[2] > 0.8, towards[1] < -0.7, towards[2] > 0.4) == (0.0, True, True, True)


def test_three_sides_of_a_cube_are_seen() -> None:
    view = view_from(a_cube())
    assert len(view.triangles) == 6
    assert len(np.unique(np.round(view.normals, 6), axis=0)) == 3
    assert view.areas == pytest.approx([50.0] * 6)
    assert view.normals[:, 2].min() > 0


def test_the_part_fills_the_picture_up_to_the_margin() -> None:
    for body in (a_cube(), Manifold.cube((200, 3, 3)), Manifold.cube((1, 1, 80)).translate((1000, 500, 0))):
        view = view_from(body, margin=0.1)
        placed = view.placed(view.points, 100)
        assert placed.min() == pytest.approx(10)
        assert placed.max() == pytest.approx(90)
        assert (placed.min(axis=0) + placed.max(axis=0)) / 2 == pytest.approx([50, 50])


def test_depths_run_from_the_farthest_to_the_nearest_vertex() -> None:
    depths = view_from(a_cube()).depths()
    assert (depths.min(), depths.max()) == (0.0, 1.0)
    nearest = a_mesh(a_cube()).vertices[depths.argmax()]
    assert nearest.tolist() == [0.0, 0.0, 10.0]


def test_a_cubes_top_is_brightest_and_its_sides_differ() -> None:
    view = view_from(a_cube())
    light = brightness(view)
    levels = {round(float(level), 6) for level in light.reshape(-1)}
    top = light[view.normals[:, 1] > 0.8]
    assert len(levels) == 3
    assert top.min() == pytest.approx(light.max(), rel=1e-12)
    assert max(levels) - min(levels) > 0.3


def test_curved_surfaces_are_smooth_and_edges_sharp() -> None:
    view = view_from(Manifold.cylinder(20, 10, circular_segments=36))
    light = brightness(view)
    barrel = np.abs(view.normals @ camera()[:, 2]) < 1e-9
    shared: dict[int, set[float]] = {}
    for corners, levels in zip(view.triangles[barrel], light[barrel], strict=True):
        for vertex, level in zip(corners.tolist(), levels.tolist(), strict=True):
            shared.setdefault(vertex, set()).add(round(level, 9))
    assert max(len(levels) for levels in shared.values()) == 1
    lid = light[~barrel]
    assert np.ptp(lid) == pytest.approx(0, abs=1e-9)
    assert len({next(iter(levels)) for levels in shared.values()}) > 10


def test_smoothed_normals_agree_with_a_second_library_on_a_ball() -> None:
    mesh = a_mesh(Manifold.sphere(10, 64))
    view = view_of(solid_of([mesh]), margin=0.1)
    normals = as_trimesh(mesh).vertex_normals @ camera().T
    inner = np.all(normals[view.triangles][:, :, 2] > 0.3, axis=1)
    flat = View(
        points=view.points, triangles=view.triangles, normals=view.normals, areas=view.areas, middle=view.middle,
        scale=view.scale,
    )  # fmt: skip
    light = brightness(flat)[inner]
    single = View(
        points=view.points,
        triangles=np.arange(3 * inner.sum()).reshape(-1, 3),
        normals=normals[view.triangles[inner]][:, 0],
        areas=view.areas[inner],
        middle=view.middle,
        scale=view.scale,
    )
    assert light[:, 0] == pytest.approx(brightness(single)[:, 0], abs=0.02)
    assert inner.sum() > 500
