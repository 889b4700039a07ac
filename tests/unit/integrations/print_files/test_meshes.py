"""Meshes: measures against formulas, and an order that depends on the geometry alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifold3d import Manifold

from fabroute.integrations.print_files.meshes import TriangleMesh, mesh_of
from tests.factories.print_files import TETRAHEDRON, Mesh

SQUEEZED = ((*TETRAHEDRON[0], (0, 0, 10)), ((0, 2, 1), (0, 1, 4), (1, 3, 4), (0, 4, 3), (1, 2, 3), (2, 0, 3)))
"""A tetrahedron whose tip is two corners in one place: closed, with two triangles that have no area."""


def a_mesh(mesh: Mesh = TETRAHEDRON) -> TriangleMesh:
    return TriangleMesh(vertices=np.array(mesh[0], dtype=float), triangles=np.array(mesh[1]))


def test_measures_of_a_tetrahedron_are_those_of_the_formula() -> None:
    mesh = a_mesh()
    assert mesh.box_mm() == (10.0, 10.0, 10.0)
    assert mesh.volume_mm3() == pytest.approx(1000 / 6)
    assert mesh.bodies() == 1
    assert mesh.flat_triangles() == 0


def test_an_inside_out_mesh_has_a_negative_volume() -> None:
    mesh = a_mesh()
    turned = TriangleMesh(vertices=mesh.vertices, triangles=mesh.triangles[:, ::-1])
    assert turned.volume_mm3() == pytest.approx(-1000 / 6)
    assert turned.box_mm() == mesh.box_mm()


def test_triangles_without_area_are_counted() -> None:
    assert a_mesh(SQUEEZED).flat_triangles() == 2
    assert a_mesh(SQUEEZED).volume_mm3() == pytest.approx(1000 / 6)


@given(count=st.integers(1, 6), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_bodies_are_counted_however_the_corners_are_numbered(count: int, seed: int) -> None:
    one = a_mesh()
    vertices = np.concatenate([one.vertices + np.array([20.0 * number, 0, 0]) for number in range(count)])
    triangles = np.concatenate([one.triangles + 4 * number for number in range(count)])
    shuffle = np.random.default_rng(seed).permutation(len(vertices))
    mesh = TriangleMesh(vertices=vertices[np.argsort(shuffle)], triangles=shuffle[triangles])
    assert mesh.bodies() == count
    assert mesh.volume_mm3() == pytest.approx(count * 1000 / 6)


def test_a_long_chain_of_triangles_is_one_body() -> None:
    mesh = mesh_of(Manifold.cylinder(100.0, 5.0, circular_segments=400))
    assert mesh.bodies() == 1
    assert mesh.volume_mm3() == pytest.approx(100 * 200 * 25 * math.sin(math.tau / 400), rel=1e-4)


def test_the_order_of_a_mesh_does_not_tell_how_it_was_made() -> None:
    cube = Manifold.cube((10.0, 10.0, 10.0), True) - Manifold.cylinder(20.0, 3.0, circular_segments=32, center=True)
    other_way = cube.rotate((0.0, 0.0, 360.0)).translate((5.0, 0.0, 0.0)).translate((-5.0, 0.0, 0.0))
    plain, moved = mesh_of(cube), mesh_of(other_way)
    assert np.array_equal(plain.vertices, moved.vertices)
    assert np.array_equal(plain.triangles, moved.triangles)


def test_corners_lie_on_a_grid_of_a_tenth_of_a_micrometre_in_rising_order() -> None:
    mesh = mesh_of(Manifold.sphere(7.123456789, 24))
    assert np.array_equal(mesh.vertices, np.round(mesh.vertices, 4))
    assert [tuple(corner) for corner in mesh.vertices] == sorted(tuple(corner) for corner in mesh.vertices)
    assert [tuple(corners) for corners in mesh.triangles] == sorted(tuple(corners) for corners in mesh.triangles)
    assert (mesh.triangles[:, 0] == mesh.triangles.min(axis=1)).all()
    assert not np.signbit(mesh.vertices[mesh.vertices == 0]).any()


def test_corners_closer_than_the_grid_are_welded_and_the_mesh_stays_closed() -> None:
    needle = Manifold.hull_points(
        np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10], [0.00002, 0.00001, 10.00001]])
    )
    mesh = mesh_of(needle)
    assert len(mesh.vertices) == 4
    assert len(mesh.triangles) == 4
    assert mesh.volume_mm3() == pytest.approx(1000 / 6, rel=1e-5)


def test_cubes_that_touch_in_an_edge_are_not_welded_into_a_mesh_that_is_no_solid() -> None:
    cube = Manifold.cube((10.0, 10.0, 10.0), False)
    mesh = mesh_of(Manifold.compose([cube, cube.translate((10.0, 10.0, 0.0))]))
    assert len(mesh.vertices) == 16
    assert len(mesh.triangles) == 24
    assert mesh.bodies() == 2
    assert mesh.volume_mm3() == pytest.approx(2000)
