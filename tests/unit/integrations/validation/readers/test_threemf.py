"""lib3mf's reading against arithmetic by hand, trimesh, and the 3MF Consortium's own verdicts."""

from dataclasses import replace
from pathlib import Path

import lib3mf
import numpy as np
import pytest
import trimesh

from fabroute.integrations.validation.guard import guard_3mf
from fabroute.integrations.validation.readers.threemf import library_version, read_3mf
from fabroute.integrations.validation.types import GuardFacts, Limits, Mesh, Reading, Refusal
from tests.factories.meshes import REAL_PRINTS, needs_real_prints
from tests.factories.threemf import TETRAHEDRON, assembly, mesh, model, package, solid

DISPUTED = "MUSTPASS_Chapter3.4.2_MetaData_Resources_Build.3mf"
"""Its multiproperties point to a texture2d instead of a texture2dgroup; lib3mf refuses it, too."""
VOLUME = 1000 / 6


def read(path: Path) -> Reading:
    return read_3mf(path, guard_3mf(path, Limits()))


def read_model(folder: Path, content: str) -> Reading:
    path = folder / "part.3mf"
    path.write_bytes(package(content=content))
    return read(path)


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.triangles[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def placed(transform: str, *, unit: str = "millimeter") -> str:
    return model(attributes=f' unit="{unit}"', build=f'<item objectid="1" transform="{transform}"/>')


def test_a_mesh_comes_as_arrays_with_its_name(tmp_path: Path) -> None:
    reading = read_model(tmp_path, model(objects=solid(attributes=' name="Größe 1"')))
    (found,) = reading.meshes
    assert found.vertices.tolist() == [list(map(float, row)) for row in TETRAHEDRON[0]]
    assert found.triangles.tolist() == [list(row) for row in TETRAHEDRON[1]]
    assert (found.vertices.dtype.str, found.triangles.dtype.str) == ("<f8", "<i8")
    assert (found.name, reading.unit, reading.format) == ("Größe 1", "millimeter", "3mf")
    assert reading.readers == (library_version(),)


def test_the_library_is_named_with_its_version() -> None:
    assert library_version() == "lib3mf {}.{}.{}".format(*lib3mf.get_wrapper().GetLibraryVersion())
    assert library_version().count(".") == 2


@pytest.mark.parametrize(
    ("unit", "millimetres"),
    [("micron", 0.01), ("millimeter", 10.0), ("centimeter", 100.0), ("inch", 254.0), ("foot", 3048.0), ("meter", 1e4)],
)
def test_every_unit_becomes_millimetres(unit: str, millimetres: float, tmp_path: Path) -> None:
    reading = read_model(tmp_path, model(attributes=f' unit="{unit}"'))
    assert reading.meshes[0].vertices.max(axis=0).tolist() == pytest.approx([millimetres] * 3)
    assert reading.unit == unit


def test_transforms_multiply_rows_from_the_left(tmp_path: Path) -> None:
    # A quarter turn about z that takes x to y, then (5, 6, 7).
    (found,) = read_model(tmp_path, placed("0 1 0 -1 0 0 0 0 1 5 6 7")).meshes
    assert found.vertices.tolist() == [[5, 6, 7], [5, 16, 7], [-5, 6, 7], [5, 6, 17]]
    assert volume(found) == pytest.approx(VOLUME)


def test_shifts_are_in_the_unit_of_the_file(tmp_path: Path) -> None:
    (found,) = read_model(tmp_path, placed("1 0 0 0 1 0 0 0 1 2 0 0", unit="inch")).meshes
    assert found.vertices.min(axis=0).tolist() == pytest.approx([50.8, 0, 0])
    assert found.vertices.max(axis=0).tolist() == pytest.approx([304.8, 254, 254])


def test_components_are_placed_by_their_assembly_and_then_by_the_build(tmp_path: Path) -> None:
    moved = '<component objectid="1" transform="1 0 0 0 1 0 0 0 1 20 0 0"/>'
    objects = solid() + f'<object id="2"><components><component objectid="1"/>{moved}</components></object>'
    content = model(objects=objects, build='<item objectid="2" transform="2 0 0 0 2 0 0 0 2 1 1 1"/>')
    first, second = read_model(tmp_path, content).meshes
    assert first.vertices.max(axis=0).tolist() == [21, 21, 21]
    assert second.vertices.tolist() == [[41, 1, 1], [61, 1, 1], [41, 21, 1], [41, 1, 21]]
    assert [volume(it) for it in (first, second)] == pytest.approx([VOLUME * 8] * 2)


def test_mirrored_parts_keep_their_inside_inside(tmp_path: Path) -> None:
    reading = read_model(tmp_path, placed("-1 0 0 0 1 0 0 0 1 0 0 0"))
    (found,) = reading.meshes
    assert found.vertices[1].tolist() == [-10, 0, 0]
    assert volume(found) == pytest.approx(VOLUME)
    assert [finding.code for finding in reading.findings] == ["MIRRORED"]


def test_mirroring_twice_is_not_mirroring(tmp_path: Path) -> None:
    mirror = ' transform="-1 0 0 0 1 0 0 0 1 0 0 0"'
    objects = solid() + f'<object id="2"><components><component objectid="1"{mirror}/></components></object>'
    (found,) = read_model(tmp_path, model(objects=objects, build=f'<item objectid="2"{mirror}/>')).meshes
    assert found.vertices[1].tolist() == [10, 0, 0]
    assert found.triangles.tolist() == [list(row) for row in TETRAHEDRON[1]]


def test_supports_and_surfaces_are_left_out_and_told(tmp_path: Path) -> None:
    kinds = ["model", "support", "solidsupport", "surface", "support"]
    objects = "".join(solid(place, attributes=f' type="{kind}"') for place, kind in enumerate(kinds, start=1))
    reading = read_model(
        tmp_path, model(objects=objects, build="".join(f'<item objectid="{n}"/>' for n in range(1, 6)))
    )
    assert [len(it.triangles) for it in reading.meshes] == [4]
    assert [(finding.code, finding.message) for finding in reading.findings] == [
        ("SUPPORT_LEFT_OUT", "2 supports of the file are left out."),
        ("SUPPORT_LEFT_OUT", "1 solid supports of the file are left out."),
        ("SURFACE_LEFT_OUT", "1 surfaces without thickness of the file are left out."),
    ]
    assert {finding.severity for finding in reading.findings} == {"warning"}


def test_objects_that_nobody_builds_are_not_returned(tmp_path: Path) -> None:
    unused = solid(2, shape=mesh(points=[(9, 9, 9)] * 4))
    reading = read_model(tmp_path, model(objects=solid() + unused + assembly(3, 2)))
    assert len(reading.meshes) == 1
    assert reading.findings == ()


def with_mesh(facts: GuardFacts, **changes: object) -> GuardFacts:
    return replace(facts, meshes=(replace(facts.meshes[0], **changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"vertices": 5}, "vertices and triangles"),
        ({"triangles": 5}, "vertices and triangles"),
        ({"index_sums": (1, 8, 10)}, "corners of the triangles"),
        ({"low": (0.0, 0.0, -0.001)}, "places of the vertices"),
        ({"high": (10.0001, 10.0, 10.0)}, "places of the vertices"),
        ({"object_id": 2}, "meshes"),
        ({"part": "/3D/other.model"}, "meshes"),
    ],
)
def test_a_library_that_reads_another_mesh_than_the_guard_is_not_believed(
    changes: dict[str, object], what: str, tmp_path: Path
) -> None:
    path = tmp_path / "part.3mf"
    path.write_bytes(package())
    facts = guard_3mf(path, Limits())
    with pytest.raises(Refusal, match=f"Two readers disagree about the {what}") as caught:
        read_3mf(path, with_mesh(facts, **changes))
    assert caught.value.findings[0].code == "DIFFERENT_READING"
    assert len(read_3mf(path, facts).meshes) == 1


@pytest.mark.parametrize(("changes", "what"), [({"unit": "inch"}, "unit"), ({"built_triangles": 8}, "triangles to be")])
def test_a_library_that_reads_another_build_is_not_believed(
    changes: dict[str, object], what: str, tmp_path: Path
) -> None:
    path = tmp_path / "part.3mf"
    path.write_bytes(package())
    facts = replace(guard_3mf(path, Limits()), **changes)  # type: ignore[arg-type]
    with pytest.raises(Refusal, match=f"Two readers disagree about the {what}") as caught:
        read_3mf(path, facts)
    assert caught.value.findings[0].advice.startswith("Export the part again")


def test_single_precision_is_no_disagreement(tmp_path: Path) -> None:
    points = [("0.1234567890123", 0, 0), (10, 0, 0), (0, "9999999.9", 0), (0, 0, "1e-7")]
    (found,) = read_model(tmp_path, model(objects=solid(shape=mesh(points=points)))).meshes
    assert found.vertices[0, 0] == float(np.float32(0.1234567890123))
    assert found.vertices[2, 1] == 1e7


def test_what_lib3mf_only_warns_of_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "part.3mf"
    path.write_bytes(package(content=model().replace('x="10"', 'x="1e-400"', 1)))
    with pytest.raises(Refusal, match="does not follow the 3MF specification: Wanted to convert") as caught:
        read(path)
    assert caught.value.findings[0].code == "NOT_CONFORMING"


# ---------------------------------------------------------------- files that nobody in this project made


def published(folder: str) -> list[Path]:
    return sorted((REAL_PRINTS / "3mf" / folder).glob("*.3mf"))


@needs_real_prints
@pytest.mark.parametrize("path", published("must_fail"), ids=lambda path: path.stem)
def test_what_the_consortium_says_must_fail_fails_in_the_guard_already(path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        guard_3mf(path, Limits())
    (finding,) = caught.value.findings
    assert finding.severity == "error"
    assert "" not in (finding.message, finding.advice)


@needs_real_prints
@pytest.mark.parametrize("path", published("must_pass"), ids=lambda path: path.stem)
def test_what_the_consortium_says_must_pass_passes_but_for_one(path: Path) -> None:
    if path.name == DISPUTED:
        with pytest.raises(Refusal, match="resource 2, a texture2d"):
            read(path)
        with pytest.raises(lib3mf.ELib3MFException, match="invalid type was passed to a MultiPropertyGroup"):
            lib3mf.get_wrapper().CreateModel().QueryReader("3mf").ReadFromFile(str(path))
        return
    reading = read(path)
    assert [volume(it) > 0 for it in reading.meshes] == [True] * len(reading.meshes)
    assert 1 <= len(reading.meshes) <= 2


@needs_real_prints
@pytest.mark.parametrize("name", ["cube_and_sphere_same_name", "featuretype", "p_xpm_0331_01"])
def test_files_of_other_programs_are_read_as_trimesh_reads_them(name: str) -> None:
    path = REAL_PRINTS / "awkward" / f"{name}.3mf"
    reading = read(path)
    other = [it for it in trimesh.load_scene(path).dump() if isinstance(it, trimesh.Trimesh)]
    factor = {"inch": 25.4}.get(reading.unit, 1.0)
    assert [len(it.triangles) for it in reading.meshes] == [len(it.faces) for it in other]
    for ours, theirs in zip(reading.meshes, other, strict=True):
        assert ours.vertices.min(axis=0) == pytest.approx(theirs.bounds[0] * factor, abs=1e-4)
        assert ours.vertices.max(axis=0) == pytest.approx(theirs.bounds[1] * factor, abs=1e-4)
