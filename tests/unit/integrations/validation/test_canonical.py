"""The file written anew: the same geometry, nothing else, and the same bytes every time."""

import hashlib
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import lib3mf
import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifold3d import Manifold

from fabroute.integrations.print_files.threemf import METADATA_NAMESPACE
from fabroute.integrations.validation.canonical import read_meshes, write_canonical
from fabroute.integrations.validation.geometry import Geometry, measure
from fabroute.integrations.validation.guard import guard_3mf
from fabroute.integrations.validation.readers.threemf import read_3mf
from fabroute.integrations.validation.types import Limits, Mesh, Refusal
from tests.factories.meshes import (
    REAL_PRINTS,
    a_cube,
    a_mesh,
    a_reading,
    a_request,
    as_trimesh,
    mesh_from,
    moved,
    needs_real_prints,
    real_part,
    shuffled,
    with_triangles,
)

CORE = "{http://schemas.microsoft.com/3dmanufacturing/core/2015/02}"
PRODUCTION = "{http://schemas.microsoft.com/3dmanufacturing/production/2015/06}"


def a_bracket() -> Manifold:
    return Manifold.cube((40, 20, 4)) + Manifold.cube((4, 20, 30))


def written(path: Path, *meshes: Mesh) -> str:
    return write_canonical(a_reading(*meshes), a_request(), path)


def read_again(path: Path) -> Geometry:
    """Return what our own guard and reader make of the file."""
    reading = read_3mf(path, guard_3mf(path, Limits()))
    assert reading.findings == ()
    return measure(reading, a_request())


def model_of(path: Path) -> ElementTree.Element:
    with zipfile.ZipFile(path) as archive:
        return ElementTree.fromstring(archive.read("3D/3dmodel.model"))


def coordinates_of(path: Path) -> np.ndarray:
    vertices = model_of(path).iter(f"{CORE}vertex")
    return np.array([[float(vertex.attrib[axis]) for axis in "xyz"] for vertex in vertices])


def test_the_hash_is_the_files(tmp_path: Path) -> None:
    sha256 = written(tmp_path / "part.3mf")
    assert sha256 == hashlib.sha256((tmp_path / "part.3mf").read_bytes()).hexdigest()
    assert [entry.name for entry in tmp_path.iterdir()] == ["part.3mf"]


def test_another_reader_finds_the_same_solid(tmp_path: Path) -> None:
    mesh = a_mesh(a_bracket() - Manifold.cylinder(20, 3, circular_segments=48).translate((25, 10, -5)))
    written(tmp_path / "part.3mf", mesh)
    other = trimesh.load_mesh(tmp_path / "part.3mf")
    assert other.is_watertight
    assert other.volume == pytest.approx(as_trimesh(mesh).volume, rel=1e-5)
    assert tuple(other.extents) == pytest.approx((40.0, 20.0, 30.0), abs=1e-4)
    assert len(other.faces) == len(mesh.triangles)


def test_it_passes_the_way_that_every_file_goes(tmp_path: Path) -> None:
    written(tmp_path / "part.3mf", a_mesh(a_bracket()))
    geometry = read_again(tmp_path / "part.3mf")
    assert geometry.measures.box_mm == pytest.approx((40.0, 20.0, 30.0), abs=1e-4)
    assert geometry.measures.volume_cm3 == pytest.approx(a_bracket().volume() / 1000, rel=1e-6)
    assert (geometry.measures.bodies, geometry.findings) == (1, ())


def test_the_package_holds_a_model_and_nothing_else(tmp_path: Path) -> None:
    written(tmp_path / "part.3mf")
    with zipfile.ZipFile(tmp_path / "part.3mf") as archive:
        parts = archive.infolist()
    assert sorted(part.filename for part in parts) == ["3D/3dmodel.model", "[Content_Types].xml", "_rels/.rels"]
    assert {part.date_time[0] for part in parts} == {1980}
    model = model_of(tmp_path / "part.3mf")
    assert model.attrib["unit"] == "millimeter"
    assert {child.tag for child in model} == {f"{CORE}metadata", f"{CORE}resources", f"{CORE}build"}
    assert {child.tag for child in model[-2]} == {f"{CORE}object"}


def test_it_says_what_it_is(tmp_path: Path) -> None:
    request = a_request(part_no="FU-0201", revision="C", name="Fuß <\"&'> 机")
    write_canonical(a_reading(), request, tmp_path / "part.3mf")
    model = model_of(tmp_path / "part.3mf")
    entries = {entry.attrib["name"]: entry.text for entry in model.iter(f"{CORE}metadata")}
    with zipfile.ZipFile(tmp_path / "part.3mf") as archive:
        assert METADATA_NAMESPACE.encode() in archive.read("3D/3dmodel.model")
    assert [(name.split(":")[-1], text) for name, text in entries.items()] == [
        ("Title", "Fuß <\"&'> 机"),
        ("PartNumber", "FU-0201"),
        ("Revision", "C"),
    ]
    (item,) = model.iter(f"{CORE}item")
    assert item.attrib["partnumber"] == "FU-0201"


def test_signs_that_xml_can_not_hold_are_left_out(tmp_path: Path) -> None:
    write_canonical(a_reading(), a_request(name=" Door\x00\x1b\ud800 stop\n", revision=""), tmp_path / "part.3mf")
    entries = [entry.text for entry in model_of(tmp_path / "part.3mf").iter(f"{CORE}metadata")]
    assert entries == ["Door stop", "RL-0001"]
    assert read_again(tmp_path / "part.3mf").measures.bodies == 1


def test_a_sources_names_do_not_show(tmp_path: Path) -> None:
    named = replace(a_mesh(), name="secret project")
    assert written(tmp_path / "one.3mf", named) == written(tmp_path / "other.3mf", a_mesh())
    with zipfile.ZipFile(tmp_path / "one.3mf") as archive:
        assert b"secret" not in archive.read("3D/3dmodel.model")


def test_the_same_part_gives_the_same_bytes_whatever_the_sources_order(tmp_path: Path) -> None:
    mesh = a_mesh(a_bracket().refine(3))
    hashes = {written(tmp_path / f"{seed}.3mf", shuffled(mesh, seed=seed)) for seed in range(5)}
    assert hashes == {written(tmp_path / "part.3mf", mesh)}


def test_instances_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    meshes = [a_mesh(), moved(a_mesh(), 20), a_mesh(a_bracket())]
    first, again = (written(tmp_path / "part.3mf", *order) for order in (meshes, meshes[::-1]))
    assert first == again
    assert len(list(model_of(tmp_path / "part.3mf").iter(f"{CORE}object"))) == 3
    assert read_again(tmp_path / "part.3mf").measures.volume_cm3 == pytest.approx(
        2 + a_bracket().volume() / 1000, rel=1e-6
    )


def test_very_many_instances_become_one_object(tmp_path: Path) -> None:
    meshes = [moved(a_mesh(), 12.0 * (number % 12), 12.0 * (number // 12)) for number in range(101)]
    first, again = (written(tmp_path / "part.3mf", *order) for order in (meshes, meshes[::-1]))
    geometry = read_again(tmp_path / "part.3mf")
    assert first == again
    assert len(list(model_of(tmp_path / "part.3mf").iter(f"{CORE}object"))) == 1
    assert (geometry.measures.bodies, geometry.measures.triangles) == (101, 1212)
    assert geometry.measures.volume_cm3 == pytest.approx(101.0, rel=1e-6)
    written(tmp_path / "fewer.3mf", *meshes[:100])
    assert len(list(model_of(tmp_path / "fewer.3mf").iter(f"{CORE}item"))) == 100


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from tests.factories.meshes import a_reading, a_request;"
        "from fabroute.integrations.validation.canonical import write_canonical;"
        f"print(write_canonical(a_reading(), a_request(), Path({str(tmp_path / 'other.3mf')!r})))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        encoding="utf-8",
        check=True,
        cwd=Path(__file__).parents[4],
        env={"PYTHONHASHSEED": "77", "PYTHONPATH": "services:."},
        timeout=60,
    )
    assert run.stdout.strip() == written(tmp_path / "part.3mf")
    assert (tmp_path / "other.3mf").read_bytes() == (tmp_path / "part.3mf").read_bytes()


def test_another_label_or_geometry_gives_other_bytes(tmp_path: Path) -> None:
    requests = [a_request(), a_request(revision="B"), a_request(part_no="RL-0002"), a_request(name="Stop")]
    hashes = [write_canonical(a_reading(), request, tmp_path / "part.3mf") for request in requests]
    hashes.append(written(tmp_path / "part.3mf", moved(a_mesh(), 0.001)))
    hashes.append(written(tmp_path / "part.3mf", a_mesh(a_cube().refine(2))))
    assert len(set(hashes)) == len(hashes) == 6


def _uuids(path: Path) -> list[str]:
    return [value for it in model_of(path).iter() for key, value in it.attrib.items() if key == f"{PRODUCTION}UUID"]


def test_uuids_come_from_the_content(tmp_path: Path) -> None:
    for name, revision in (("one", "A"), ("again", "A"), ("other", "B")):
        write_canonical(a_reading(), a_request(revision=revision), tmp_path / f"{name}.3mf")
    one, again, other = (_uuids(tmp_path / f"{name}.3mf") for name in ("one", "again", "other"))
    assert one == again
    assert len(set(one) | set(other)) == 6
    assert {uuid.UUID(text).version for text in one + other} == {5}


def test_coordinates_are_rounded_to_a_tenth_of_a_micrometre(tmp_path: Path) -> None:
    mesh = a_mesh(Manifold.sphere(30, 24).translate((0.00002, -100.3, 200)))
    written(tmp_path / "part.3mf", mesh)
    found = coordinates_of(tmp_path / "part.3mf")
    expected = np.round(mesh.vertices, 4) + 0.0
    assert np.array_equal(found, expected[np.lexsort(expected.T[::-1])])
    assert len(found) == len(mesh.vertices)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(x=st.floats(-400, 400), y=st.floats(-400, 400), z=st.floats(-1, 1))
def test_any_coordinate_comes_out_rounded_and_not_cut_off(tmp_path: Path, x: float, y: float, z: float) -> None:
    mesh = moved(a_mesh(Manifold.tetrahedron().scale((5, 5, 5))), x, y, z)
    written(tmp_path / "part.3mf", mesh)
    expected = np.round(mesh.vertices, 4) + 0.0
    assert coordinates_of(tmp_path / "part.3mf").tolist() == expected[np.lexsort(expected.T[::-1])].tolist()


def test_vertices_that_lie_closer_than_that_stay_apart(tmp_path: Path) -> None:
    close = mesh_from(
        [(0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10), (2e-5, 0, 0)],
        [(0, 2, 4), (4, 2, 1), (0, 4, 3), (4, 1, 3), (1, 2, 3), (2, 0, 3)],
    )
    written(tmp_path / "part.3mf", close)
    found = coordinates_of(tmp_path / "part.3mf")
    assert len(np.unique(found, axis=0)) == 5
    assert sorted(found[:, 0].tolist())[3] == pytest.approx(2e-5, rel=0.1)
    written(tmp_path / "part.3mf", close, moved(a_mesh(), 50))
    both = coordinates_of(tmp_path / "part.3mf")
    assert {50.0, 60.0} <= set(both[:, 0].tolist())
    assert len(np.unique(both, axis=0)) == 5 + 8


def test_vertices_that_lie_on_each_other_stay_two(tmp_path: Path) -> None:
    touching = [a_mesh(), moved(a_mesh(), 10, 10)]
    both = Mesh(
        name="",
        vertices=np.concatenate([mesh.vertices for mesh in touching]),
        triangles=np.concatenate([touching[0].triangles, touching[1].triangles + 8]),
    )
    written(tmp_path / "part.3mf", both)
    found = coordinates_of(tmp_path / "part.3mf")
    assert (len(found), len(np.unique(found, axis=0))) == (16, 14)
    assert read_again(tmp_path / "part.3mf").measures.bodies == 2


def test_large_parts_keep_what_single_precision_holds(tmp_path: Path) -> None:
    mesh = a_mesh(Manifold.sphere(1300, 48).translate((1500, 0, 0)))
    written(tmp_path / "part.3mf", mesh)
    other = trimesh.load_mesh(tmp_path / "part.3mf")
    assert other.volume == pytest.approx(as_trimesh(mesh).volume, rel=1e-6)
    assert tuple(other.extents) == pytest.approx((2600.0,) * 3, abs=1e-3)


def test_what_is_no_triangle_and_what_no_triangle_uses_is_left_out(tmp_path: Path) -> None:
    cube = a_mesh()
    littered = with_triangles(
        replace(cube, vertices=np.vstack([cube.vertices, [[99.0, 99.0, 99.0]]])),
        [*cube.triangles.tolist(), (0, 0, 1), (8, 8, 8)],
    )
    empty = mesh_from([(0, 0, 0)], [])
    assert written(tmp_path / "one.3mf", littered, empty) == written(tmp_path / "other.3mf", cube)
    assert len(coordinates_of(tmp_path / "one.3mf")) == 8


def test_triangles_begin_with_their_lowest_corner_and_are_sorted(tmp_path: Path) -> None:
    written(tmp_path / "part.3mf", shuffled(a_mesh(a_bracket()), seed=9))
    triangles = [
        [int(it.attrib[corner]) for corner in ("v1", "v2", "v3")]
        for it in model_of(tmp_path / "part.3mf").iter(f"{CORE}triangle")
    ]
    assert triangles == sorted(triangles)
    assert all(corners[0] == min(corners) for corners in triangles)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([], "0 objects came out of 1"),
        ([a_mesh(Manifold.tetrahedron())], "its triangles came out otherwise"),
        ([with_triangles(a_mesh(), a_mesh().triangles[::-1])], "its triangles came out otherwise"),
    ],
)
def test_a_file_that_reads_otherwise_is_refused_and_removed(found: Sequence[Mesh], reason: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        write_canonical(a_reading(), a_request(), tmp_path / "part.3mf", read=lambda path: found)
    (finding,) = refusal.value.findings
    assert (finding.code, finding.severity) == ("CANONICAL_DIFFERS", "error")
    assert finding.message == f"Written anew the file is not the same: {reason}."
    assert list(tmp_path.iterdir()) == []


def _with_a_corner_moved(path: Path) -> list[Mesh]:
    (mesh,) = read_meshes(path)
    vertices = mesh.vertices.copy()
    vertices[3, 1] += 0.01
    return [replace(mesh, vertices=vertices)]


def test_a_moved_corner_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"a corner moved by more than 0\.0001"):
        write_canonical(a_reading(), a_request(), tmp_path / "part.3mf", read=_with_a_corner_moved)
    assert list(tmp_path.iterdir()) == []


def _cut_short(path: Path) -> list[Mesh]:
    path.write_bytes(path.read_bytes()[:-40])
    return read_meshes(path)


def test_a_file_that_lib3mf_does_not_read_again_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="lib3mf does not read it again") as refusal:
        write_canonical(a_reading(), a_request(), tmp_path / "part.3mf", read=_cut_short)
    assert isinstance(refusal.value.__cause__, lib3mf.ELib3MFException)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_can_not_be_written_is_nothing_wrong_with_the_part(tmp_path: Path) -> None:
    with pytest.raises(lib3mf.ELib3MFException):
        written(tmp_path / "missing" / "part.3mf")
    assert list(tmp_path.iterdir()) == []


@needs_real_prints
@pytest.mark.parametrize(
    "name",
    [
        "structure_side_plate_left",
        "neo_pixel_cover",
        "motor_holder_so101_base",
        "print_follower_so_arm100_08k_up_prusa_base_08q_4",
    ],
)
def test_real_parts_come_out_as_they_went_in(name: str, tmp_path: Path) -> None:
    mesh = real_part(REAL_PRINTS / "parts" / f"{name}.stl")
    sha256 = written(tmp_path / "part.3mf", mesh)
    assert sha256 == written(tmp_path / "again.3mf", shuffled(mesh, seed=4))
    other = trimesh.load_mesh(tmp_path / "part.3mf", process=False)
    assert other.volume == pytest.approx(as_trimesh(mesh).volume, rel=1e-5)
    assert len(other.faces) == len(mesh.triangles)
    assert tuple(other.extents) == pytest.approx(tuple(as_trimesh(mesh).extents), abs=2e-4)
