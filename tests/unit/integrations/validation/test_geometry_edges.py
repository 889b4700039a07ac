"""Whether a surface is closed: each way in which edges fail, counted and located."""

import numpy as np
import pytest

from fabroute.integrations.validation.geometry import measure
from fabroute.integrations.validation.types import Mesh
from fabroute.inventory.ports import Finding, PrintFileFormat
from tests.factories.meshes import (
    REAL_PRINTS,
    a_cube,
    a_mesh,
    a_reading,
    a_request,
    as_trimesh,
    joined,
    mesh_from,
    moved,
    needs_real_prints,
    real_part,
    shuffled,
    turned_inside_out,
    with_triangles,
)


def findings_of(*meshes: Mesh, format: PrintFileFormat = "3mf") -> tuple[Finding, ...]:
    return measure(a_reading(*meshes, format=format), a_request()).findings


def the_finding(*meshes: Mesh) -> Finding:
    (finding,) = findings_of(*meshes)
    return finding


def without_triangles(mesh: Mesh, *gone: int) -> Mesh:
    return with_triangles(mesh, np.delete(mesh.triangles, gone, axis=0))


def test_a_missing_triangle_leaves_three_open_edges() -> None:
    mesh = moved(without_triangles(a_mesh(), 0), 100)
    finding = the_finding(mesh)
    assert (finding.code, finding.severity) == ("OPEN_EDGES", "error")
    assert finding.message.startswith("3 open edges: only one triangle is there, the first from (")
    assert "Close the holes" in finding.advice


def test_an_open_edge_is_located_in_the_files_own_place() -> None:
    flag = mesh_from([(100, 0, 0), (130, 0, 0), (130, 40, 0)], [(0, 1, 2)])
    (open_edges,) = [finding for finding in findings_of(flag) if finding.code == "OPEN_EDGES"]
    assert "3 open edges" in open_edges.message
    assert "from (100.0, 0.0, 0.0) to (130.0, 0.0, 0.0) mm" in open_edges.message
    assert open_edges.where == "(115.0, 0.0, 0.0) mm"


def test_small_parts_are_located_more_finely() -> None:
    flag = mesh_from([(0, 0, 0), (0.25, 0, 0), (9, 9, 0)], [(0, 1, 2)])
    (open_edges, *_) = findings_of(flag)
    assert "from (0.000, 0.000, 0.000) to (0.250, 0.000, 0.000) mm" in open_edges.message
    assert open_edges.where == "(0.125, 0.000, 0.000) mm"


def test_a_fin_on_an_edge_makes_it_join_three_triangles() -> None:
    cube = a_mesh()
    (one, other) = cube.triangles[0][:2]
    fin = Mesh(name="", vertices=np.vstack([cube.vertices, [[30.0, 30.0, 30.0]]]), triangles=cube.triangles)
    findings = findings_of(with_triangles(fin, [*cube.triangles.tolist(), (one, other, 8)]))
    assert [(finding.code, finding.severity) for finding in findings] == [
        ("OPEN_EDGES", "error"),
        ("NON_MANIFOLD_EDGES", "error"),
    ]
    assert findings[0].message.startswith("2 open edges")
    assert findings[1].message.startswith("1 edge with more than two triangles, from (")


def test_cubes_that_share_an_edge_by_index_are_not_manifold() -> None:
    corner = np.array([[0, 0, 0], [10, 10, 0]])
    cubes = joined(*(Mesh(name="", vertices=a_mesh().vertices + at, triangles=a_mesh().triangles) for at in corner))
    vertices, welded = np.unique(cubes.vertices, axis=0, return_inverse=True)
    mesh = Mesh(name="", vertices=vertices, triangles=welded.reshape(-1)[cubes.triangles])
    finding = the_finding(mesh)
    assert finding.code == "NON_MANIFOLD_EDGES"
    assert finding.message == "1 edge with more than two triangles, from (10.0, 10.0, 0.0) to (10.0, 10.0, 10.0) mm."
    assert not as_trimesh(mesh).is_watertight


def test_the_same_cubes_are_sound_in_3mf_which_goes_by_index() -> None:
    touching = joined(a_mesh(), moved(a_mesh(), 10, 10))
    codes = [finding.code for finding in findings_of(touching)]
    assert "NON_MANIFOLD_EDGES" not in codes
    assert all(finding.severity != "error" for finding in findings_of(touching))


def test_vertices_that_only_lie_on_each_other_do_not_join_in_3mf() -> None:
    cube = a_mesh()
    soup = Mesh(name="", vertices=cube.vertices[cube.triangles.reshape(-1)], triangles=np.arange(36).reshape(-1, 3))
    finding = the_finding(soup)
    assert finding.code == "OPEN_EDGES"
    assert finding.message.startswith("36 open edges")


def test_a_turned_triangle_disagrees_with_its_three_neighbours() -> None:
    cube = a_mesh()
    triangles = cube.triangles.copy()
    triangles[4] = triangles[4][::-1]
    finding = the_finding(with_triangles(cube, triangles))
    assert (finding.code, finding.severity) == ("INCONSISTENT_ORIENTATION", "error")
    assert finding.message.startswith("3 edges whose two triangles disagree on the outside, the first from (")
    assert "Unify the normals" in finding.advice


def test_a_doubled_triangle_is_named_as_such() -> None:
    cube = a_mesh()
    findings = findings_of(with_triangles(cube, [*cube.triangles.tolist(), cube.triangles[0].tolist()]))
    assert [finding.code for finding in findings] == ["NON_MANIFOLD_EDGES", "DUPLICATE_TRIANGLES"]
    assert findings[0].message.startswith("3 edges with more than two triangles")
    assert findings[1].message == "1 triangle lies exactly on another one."


def test_a_body_exported_twice_over_the_same_vertices_is_doubled() -> None:
    cube = a_mesh()
    findings = findings_of(with_triangles(cube, np.concatenate([cube.triangles, cube.triangles])))
    assert [finding.code for finding in findings] == ["NON_MANIFOLD_EDGES", "DUPLICATE_TRIANGLES"]
    assert findings[0].message.startswith("18 edges with more than two triangles")
    assert findings[1].message == "12 triangles lie exactly on another one."


@pytest.mark.parametrize("seed", range(6))
def test_random_holes_are_counted_as_by_hand(seed: int) -> None:
    chance = np.random.default_rng(seed)
    ball = a_mesh(a_cube().refine(4))
    kept = chance.random(len(ball.triangles)) > 0.2
    mesh = shuffled(with_triangles(ball, ball.triangles[kept]), seed=seed)
    sides: dict[tuple[int, int], int] = {}
    for a, b, c in mesh.triangles.tolist():
        for one, other in ((a, b), (b, c), (c, a)):
            side = (min(one, other), max(one, other))
            sides[side] = sides.get(side, 0) + 1
    open_edges = sum(count == 1 for count in sides.values())
    (finding,) = [finding for finding in findings_of(mesh) if finding.severity == "error"]
    assert finding.code == "OPEN_EDGES"
    assert finding.message.startswith(f"{open_edges:,} open edges")


def test_an_open_part_has_measures_but_neither_wall_nor_verdict_on_bodies() -> None:
    geometry = measure(a_reading(without_triangles(joined(a_mesh(), moved(a_mesh(), 20)), 3)), a_request())
    assert geometry.measures.thinnest_wall_mm is None
    assert geometry.measures.bodies == 2
    assert [finding.code for finding in geometry.findings] == ["OPEN_EDGES"]
    assert geometry.measures.box_mm == (30.0, 10.0, 10.0)


def test_triangles_without_area_are_a_note() -> None:
    cube = a_mesh()
    a, b, c = cube.triangles[0].tolist()
    middle = (cube.vertices[a] + cube.vertices[b]) / 2
    split = [(a, 8, c), (8, b, c)]
    other = next(it for it in cube.triangles.tolist() if {a, b} < set(it) and it != [a, b, c])
    mesh = Mesh(
        name="",
        vertices=np.vstack([cube.vertices, middle]),
        triangles=np.array([*split, (b, 8, a), *cube.triangles[1:].tolist()]),
    )
    (finding,) = findings_of(mesh)
    assert len(set(other) & {a, b}) == 2
    assert (finding.code, finding.severity) == ("FLAT_TRIANGLES", "note")
    assert finding.message == "1 triangle without area."
    assert finding.where.endswith(" mm")


def test_triangles_that_name_a_corner_twice_are_left_out_and_noted() -> None:
    cube = a_mesh()
    mesh = with_triangles(cube, [*cube.triangles.tolist(), (0, 0, 1), (2, 3, 2)])
    geometry = measure(a_reading(mesh, format="stl"), a_request())
    assert [finding.code for finding in geometry.findings] == ["FLAT_TRIANGLES"]
    assert geometry.findings[0].message == "2 triangles without area."
    assert geometry.measures.volume_cm3 == pytest.approx(1.0)
    assert geometry.measures.triangles == 14


def test_an_inverted_part_is_closed_but_inside_out() -> None:
    finding = the_finding(turned_inside_out(a_mesh()))
    assert (finding.code, finding.severity) == ("INSIDE_OUT", "error")
    assert finding.message == "All triangles face inwards, so that -1 cm³ are enclosed."
    assert "Flip the normals" in finding.advice


@needs_real_prints
def test_a_real_file_with_holes_is_told_how_many() -> None:
    mesh = real_part(REAL_PRINTS / "awkward" / "featuretype.3mf")
    errors = [finding for finding in findings_of(mesh) if finding.severity == "error"]
    once = np.bincount(as_trimesh(mesh).edges_unique_inverse) == 1
    assert [finding.code for finding in errors] == ["OPEN_EDGES"]
    assert errors[0].message.startswith(f"{int(once.sum())} open edges")
