"""Meshes whose measures are known: solids of manifold3d, meshes written by hand, and real parts where they are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import trimesh
from manifold3d import Manifold

from fabroute.integrations.validation.geometry import Geometry
from fabroute.integrations.validation.types import Mesh, Reading
from fabroute.inventory.ports import Measures, PrintFileFormat, ValidationRequest

REAL_PRINTS = Path(__file__).parents[3] / "shared" / "realdata" / "prints"
needs_real_prints = pytest.mark.skipif(not REAL_PRINTS.is_dir(), reason="no real parts beside the project")


def a_cube() -> Manifold:
    """Return a cube of 10 mm from the origin: 1 cm³, 6 cm²."""
    return Manifold.cube((10, 10, 10))


def a_mesh(body: Manifold | None = None, *, name: str = "") -> Mesh:
    """Return a solid's mesh; a cube's if none is given."""
    mesh = (a_cube() if body is None else body).to_mesh64()
    return Mesh(
        name=name,
        vertices=np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3].copy(),
        triangles=np.asarray(mesh.tri_verts, dtype=np.int64).copy(),
    )


def mesh_from(vertices: Sequence[Sequence[float]], triangles: Sequence[Sequence[int]]) -> Mesh:
    """Return a mesh written by hand."""
    return Mesh(
        name="",
        vertices=np.array(vertices, dtype=np.float64).reshape(-1, 3),
        triangles=np.array(triangles, dtype=np.int64).reshape(-1, 3),
    )


def with_triangles(mesh: Mesh, triangles: npt.ArrayLike) -> Mesh:
    """Return the mesh with other triangles over the same vertices."""
    return Mesh(name=mesh.name, vertices=mesh.vertices, triangles=np.array(triangles, dtype=np.int64).reshape(-1, 3))


def turned_inside_out(mesh: Mesh) -> Mesh:
    """Return the mesh with every triangle facing the other way."""
    return with_triangles(mesh, mesh.triangles[:, ::-1])


def moved(mesh: Mesh, x: float, y: float = 0.0, z: float = 0.0) -> Mesh:
    """Return the mesh at another place."""
    return Mesh(name=mesh.name, vertices=mesh.vertices + np.array([x, y, z]), triangles=mesh.triangles)


def joined(*meshes: Mesh) -> Mesh:
    """Return one mesh that holds all of them."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return Mesh(
        name="",
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        triangles=np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)]),
    )


def shuffled(mesh: Mesh, *, seed: int) -> Mesh:
    """Return the same geometry with vertices, triangles and first corners in another order."""
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(mesh.vertices))
    triangles = np.argsort(order)[mesh.triangles][chance.permutation(len(mesh.triangles))]
    turns = (chance.integers(0, 3, len(triangles))[:, None] + np.arange(3)) % 3
    return Mesh(name="other", vertices=mesh.vertices[order], triangles=np.take_along_axis(triangles, turns, axis=1))


def a_reading(*meshes: Mesh, format: PrintFileFormat = "3mf", unit: str = "millimeter") -> Reading:
    """Return what a reader would hand on; a cube if nothing is given."""
    return Reading(format=format, unit=unit, meshes=meshes or (a_mesh(),), readers=("test 1.0",))


def an_empty_reading() -> Reading:
    """Return a reading with nothing in it."""
    return Reading(format="stl", unit="", meshes=(), readers=("test 1.0",))


def a_request(
    *,
    part_no: str = "RL-0001",
    revision: str = "A",
    name: str = "Door stopper",
    expected_box_mm: tuple[float, float, float] | None = None,
) -> ValidationRequest:
    """Return what is asked of the validator."""
    return ValidationRequest(
        file_name="part.3mf", part_no=part_no, revision=revision, name=name, expected_box_mm=expected_box_mm
    )


def a_geometry(
    *, wall_mm: float | None = 3.0, box_mm: tuple[float, float, float] = (60.0, 40.0, 20.0), cavities: int = 0
) -> Geometry:
    """Return a measured part of plain shape."""
    measures = Measures(
        unit="millimeter",
        box_mm=box_mm,
        volume_cm3=24.0,
        area_cm2=72.0,
        triangles=12,
        vertices=8,
        bodies=1 + cavities,
        thinnest_wall_mm=wall_mm,
        shape=(),
    )
    return Geometry(measures=measures, findings=(), cavities=cavities, thinnest_at="(1.0, 2.0, 3.0) mm")


def as_trimesh(mesh: Mesh) -> trimesh.Trimesh:
    """Return the mesh in the second library, unchanged."""
    return trimesh.Trimesh(vertices=mesh.vertices, faces=mesh.triangles, process=False)


def real_part(path: Path) -> Mesh:
    """Return a real part as trimesh reads it, equal vertices made one."""
    part = trimesh.load_mesh(path)
    return Mesh(
        name=path.stem,
        vertices=np.asarray(part.vertices, dtype=np.float64),
        triangles=np.asarray(part.faces, dtype=np.int64),
    )
