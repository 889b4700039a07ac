"""Thumbnails and models of parts: what they show, and that the same part gives the same bytes."""

import hashlib
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import trimesh
from manifold3d import Manifold
from PIL import Image

from fabroute.integrations.validation.previews import models, write_glb, write_png
from fabroute.integrations.validation.previews.pictures import SIZE
from fabroute.integrations.validation.previews.views import camera, view_of
from fabroute.integrations.validation.solids import solid_of
from fabroute.integrations.validation.types import Mesh
from tests.factories.meshes import (
    REAL_PRINTS,
    a_cube,
    a_mesh,
    a_reading,
    an_empty_reading,
    as_trimesh,
    moved,
    needs_real_prints,
    real_part,
    shuffled,
)


def a_bracket() -> Manifold:
    return Manifold.cube((40, 20, 4)) + Manifold.cube((4, 20, 30))


Pixels = npt.NDArray[np.uint8]


def picture_of(path: Path, *meshes: Mesh) -> Pixels:
    write_png(a_reading(*meshes), path)
    with Image.open(path) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (512, 512), "RGBA")
        return np.asarray(image)


def model_of(path: Path, *meshes: Mesh) -> tuple[dict[str, Any], bytes]:
    """Return the JSON and the binary chunk of a GLB, with its structure checked by the standard's rules."""
    write_glb(a_reading(*meshes) if meshes else an_empty_reading(), path)
    content = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", content)
    assert (magic, version, length) == (b"glTF", 2, len(content))
    chunks, at = {}, 12
    while at < len(content):
        size, kind = struct.unpack_from("<I4s", content, at)
        assert size % 4 == 0
        chunks[kind] = content[at + 8 : at + 8 + size]
        at += 8 + size
    assert list(chunks) in ([b"JSON", b"BIN\0"], [b"JSON"])
    document: dict[str, Any] = json.loads(chunks[b"JSON"])
    return document, chunks.get(b"BIN\0", b"")


def test_a_part_stands_in_the_middle_on_a_transparent_ground(tmp_path: Path) -> None:
    opacity = picture_of(tmp_path / "part.png", a_mesh(a_bracket()))[..., 3]
    rows, columns = (np.flatnonzero(opacity.any(axis=axis)) for axis in (1, 0))
    assert [int(opacity[at]) for at in ((0, 0), (0, 511), (511, 0), (511, 511))] == [0, 0, 0, 0]
    assert rows[0] + rows[-1] == pytest.approx(SIZE - 1, abs=2)
    assert columns[0] + columns[-1] == pytest.approx(SIZE - 1, abs=2)
    assert max(np.ptp(rows), np.ptp(columns)) == pytest.approx(0.86 * SIZE, abs=3)


def test_a_ball_covers_a_disc(tmp_path: Path) -> None:
    cover = picture_of(tmp_path / "part.png", a_mesh(Manifold.sphere(30, 128)))[..., 3] / 255
    assert cover.sum() == pytest.approx(math.pi * (0.43 * SIZE) ** 2, rel=2e-3)
    assert set(np.unique(cover[200:300, 200:300])) == {1.0}


def test_a_cubes_outline_has_the_area_of_its_three_faces(tmp_path: Path) -> None:
    cover = picture_of(tmp_path / "part.png", a_mesh(a_cube()))[..., 3] / 255
    turn, tilt = math.radians(32), math.radians(28)
    faces = math.sin(tilt) + math.cos(tilt) * (math.cos(turn) + math.sin(turn))
    height = math.cos(tilt) + math.sin(tilt) * (math.cos(turn) + math.sin(turn))
    width = math.cos(turn) + math.sin(turn)
    assert cover.sum() == pytest.approx(faces * (0.86 * SIZE / max(height, width)) ** 2, rel=2e-3)


def test_edges_are_smooth(tmp_path: Path) -> None:
    opacity = picture_of(tmp_path / "part.png", a_mesh(a_cube()))[..., 3]
    levels, counts = np.unique(opacity, return_counts=True)
    assert levels.tolist() == [0, 64, 128, 191, 255]
    assert counts[1:4].sum() == pytest.approx(1_500, rel=0.5)


def test_light_comes_from_above(tmp_path: Path) -> None:
    pixels = picture_of(tmp_path / "part.png", a_mesh(Manifold.sphere(30, 128)))
    grey = pixels[..., :3].mean(axis=2)
    assert grey[120, 220] > grey[256, 256] > grey[440, 300]
    assert grey[100:200, 200:260].mean() > 170
    assert np.all(pixels[256, 256, :3] >= 80)


def test_a_hole_is_seen_through(tmp_path: Path) -> None:
    plate = Manifold.cube((60, 60, 2)) - Manifold.cube((40, 40, 10)).translate((10, 10, -2))
    opacity = picture_of(tmp_path / "part.png", a_mesh(plate))[..., 3]
    assert opacity[256, 256] == 0
    assert (opacity > 0).mean() == pytest.approx(0.13, abs=0.05)


def test_what_lies_behind_something_nearer_is_darker(tmp_path: Path) -> None:
    mesh = a_mesh(Manifold.cube((90, 90, 20)) - Manifold.cube((84, 84, 30)).translate((3, 3, 3)))
    grey = picture_of(tmp_path / "part.png", mesh)[..., :3].mean(axis=2)
    solid = solid_of([mesh])
    view = view_of(solid, margin=0.07)
    along = [(45.0, y, 3.0) for y in np.linspace(31, 65, 35)]
    places = (np.array([*along, (45.0, 88.5, 20.0)]) - solid.centre) @ camera().T
    *floor, rim = (grey[row, column] for column, row in view.placed(places, SIZE).astype(int))
    assert floor[0] < floor[-1] - 5
    assert floor == sorted(floor)
    assert floor[-1] == pytest.approx(rim, abs=12)


def test_pictures_are_the_same_every_time_and_wherever_the_part_lies(tmp_path: Path) -> None:
    write_png(a_reading(a_mesh(a_bracket())), tmp_path / "one.png")
    write_png(a_reading(a_mesh(a_bracket())), tmp_path / "again.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    one = picture_of(tmp_path / "one.png", a_mesh(a_bracket()))
    far = picture_of(tmp_path / "far.png", moved(a_mesh(a_bracket()), 1024, -512, 64))
    assert np.abs(one.astype(int) - far).max() <= 2


def test_the_order_of_the_file_hardly_shows(tmp_path: Path) -> None:
    one = picture_of(tmp_path / "one.png", a_mesh(a_bracket()))
    other = picture_of(tmp_path / "other.png", shuffled(a_mesh(a_bracket()), seed=2))
    assert np.array_equal(one[..., 3], other[..., 3])
    assert (np.abs(one.astype(int) - other).max(axis=2) > 8).mean() < 1e-3


def test_nothing_gives_an_empty_picture(tmp_path: Path) -> None:
    write_png(an_empty_reading(), tmp_path / "part.png")
    with Image.open(tmp_path / "part.png") as image:
        assert image.getextrema() == ((0, 0), (0, 0), (0, 0), (0, 0))
        assert image.size == (512, 512)


@pytest.mark.parametrize("sides", [(100, 0.6, 0.6), (1e-4, 1e-4, 1e-4), (3000, 2000, 1)])
def test_extreme_parts_are_drawn_too(sides: tuple[float, float, float], tmp_path: Path) -> None:
    opacity = picture_of(tmp_path / "part.png", a_mesh(Manifold.cube((1, 1, 1)).scale(sides)))[..., 3]
    assert opacity.shape == (512, 512)
    assert max(np.ptp(np.flatnonzero(opacity.any(axis=axis))) for axis in (0, 1)) == pytest.approx(0.86 * SIZE, abs=4)


def test_thumbnails_are_small(tmp_path: Path) -> None:
    for body in (a_cube(), a_bracket(), Manifold.sphere(30, 128)):
        write_png(a_reading(a_mesh(body)), tmp_path / "part.png")
        assert (tmp_path / "part.png").stat().st_size < 100_000
    assert [entry.name for entry in tmp_path.iterdir()] == ["part.png"]


def test_a_model_follows_the_standard(tmp_path: Path) -> None:
    document, binary = model_of(tmp_path / "part.glb", a_mesh(a_bracket()))
    positions, indices = document["accessors"]
    views = document["bufferViews"]
    assert document["asset"] == {"version": "2.0", "generator": "fabroute"}
    assert (positions["componentType"], positions["type"]) == (5126, "VEC3")
    assert (indices["componentType"], indices["type"], indices["count"]) == (5123, "SCALAR", 3 * a_bracket().num_tri())
    assert [view["target"] for view in views] == [34962, 34963]
    assert views[1]["byteOffset"] == views[0]["byteLength"] == 12 * positions["count"]
    assert document["buffers"] == [{"byteLength": views[0]["byteLength"] + views[1]["byteLength"]}]
    assert 0 <= len(binary) - document["buffers"][0]["byteLength"] < 4


def test_bounds_are_those_of_the_positions_to_the_last_bit(tmp_path: Path) -> None:
    mesh = a_mesh(a_bracket().rotate((17, 43, -71)))
    document, binary = model_of(tmp_path / "part.glb", mesh)
    accessor = document["accessors"][0]
    positions = np.frombuffer(binary, dtype="<f4", count=3 * accessor["count"]).reshape(-1, 3)
    assert accessor["min"] == positions.min(axis=0).tolist()
    assert accessor["max"] == positions.max(axis=0).tolist()
    assert positions.min(axis=0) + positions.max(axis=0) == pytest.approx([0, 0, 0], abs=1e-7)


def test_a_model_is_in_metres_with_y_upwards(tmp_path: Path) -> None:
    document, _ = model_of(tmp_path / "part.glb", moved(a_mesh(a_bracket()), 500, 500, 500))
    assert document["accessors"][0]["max"] == pytest.approx([0.020, 0.015, 0.010])
    assert document["accessors"][0]["min"] == pytest.approx([-0.020, -0.015, -0.010])


def test_another_library_reads_the_same_solid(tmp_path: Path) -> None:
    mesh = a_mesh(a_bracket() - Manifold.cylinder(20, 3, circular_segments=48).translate((25, 10, -5)))
    write_glb(a_reading(mesh), tmp_path / "part.glb")
    other = trimesh.load_mesh(tmp_path / "part.glb", process=False)
    assert other.is_watertight
    assert other.volume * 1e9 == pytest.approx(as_trimesh(mesh).volume, rel=1e-6)
    assert other.area * 1e6 == pytest.approx(as_trimesh(mesh).area, rel=1e-6)
    assert len(other.faces) == len(mesh.triangles)


def test_the_material_is_no_metal_and_a_little_rough(tmp_path: Path) -> None:
    document, _ = model_of(tmp_path / "part.glb", a_mesh())
    (material,) = document["materials"]
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0.0
    assert document["meshes"][0]["primitives"] == [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]
    assert all(0 <= share <= 1 for share in material["pbrMetallicRoughness"]["baseColorFactor"])


def test_many_vertices_get_wide_indices(tmp_path: Path) -> None:
    mesh = a_mesh(Manifold.sphere(30, 520))
    document, _ = model_of(tmp_path / "part.glb", mesh)
    assert document["accessors"][0]["count"] == len(mesh.vertices) > 65_535
    assert document["accessors"][1]["componentType"] == 5125
    other = trimesh.load_mesh(tmp_path / "part.glb", process=False)
    assert other.volume * 1e9 == pytest.approx(as_trimesh(mesh).volume, rel=1e-6)


def test_very_fine_parts_are_simplified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "MOST_TRIANGLES", 5_000)
    mesh = a_mesh(Manifold.sphere(30, 256))
    write_glb(a_reading(mesh), tmp_path / "part.glb")
    other = trimesh.load_mesh(tmp_path / "part.glb", process=False)
    assert len(mesh.triangles) == 32_768
    assert 2_500 <= len(other.faces) <= 5_000
    assert abs(other.volume) * 1e9 == pytest.approx(4 / 3 * math.pi * 27_000, rel=0.01)
    assert tuple(other.extents) == pytest.approx((0.06,) * 3, rel=0.02)


def test_an_empty_reading_gives_a_scene_with_nothing_in_it(tmp_path: Path) -> None:
    document, binary = model_of(tmp_path / "part.glb")
    assert document == {"asset": {"version": "2.0", "generator": "fabroute"}, "scene": 0, "scenes": [{}]}
    assert binary == b""


def test_models_are_the_same_every_time(tmp_path: Path) -> None:
    hashes = set()
    for name in ("one", "again"):
        write_glb(a_reading(a_mesh(a_bracket())), tmp_path / f"{name}.glb")
        hashes.add(hashlib.sha256((tmp_path / f"{name}.glb").read_bytes()).hexdigest())
    assert len(hashes) == 1
    write_glb(a_reading(a_mesh(a_cube())), tmp_path / "other.glb")
    assert hashlib.sha256((tmp_path / "other.glb").read_bytes()).hexdigest() not in hashes


@needs_real_prints
@pytest.mark.parametrize("name", ["ti_stack_support", "linear_bearing_cover", "so_arm101_camera_wrist_mount"])
def test_real_parts_are_shown_whole(name: str, tmp_path: Path) -> None:
    mesh = real_part(REAL_PRINTS / "parts" / f"{name}.stl")
    opacity = picture_of(tmp_path / "part.png", mesh)[..., 3]
    write_glb(a_reading(mesh), tmp_path / "part.glb")
    other = trimesh.load_mesh(tmp_path / "part.glb", process=False)
    assert max(np.ptp(np.flatnonzero(opacity.any(axis=axis))) for axis in (0, 1)) == pytest.approx(440, abs=4)
    assert other.volume * 1e9 == pytest.approx(as_trimesh(mesh).volume, rel=1e-5)
    assert sorted(other.extents * 1000) == pytest.approx(sorted(as_trimesh(mesh).extents), rel=1e-5)
