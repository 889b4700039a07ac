"""Measure a reading, and find everything about its surfaces that a person should know."""

from dataclasses import dataclass

from fabroute.integrations.validation.geometry.bodies import Bodies, bodies_of
from fabroute.integrations.validation.geometry.edges import edge_findings
from fabroute.integrations.validation.geometry.moments import Moments, moments_of, shape_of
from fabroute.integrations.validation.solids import Solid, solid_of
from fabroute.integrations.validation.types import Reading, Refusal
from fabroute.integrations.validation.walls import Wall, thinnest_wall
from fabroute.inventory.ports import Finding, Measures, ValidationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """What was measured, what was noticed, and what a process is judged by."""

    measures: Measures
    findings: tuple[Finding, ...]
    """An error among them refuses the file; the measures are then the best that can be said."""
    cavities: int
    """Closed hollows inside the material, from which neither powder nor resin can leave."""
    thinnest_at: str
    """Where the thinnest wall is, e.g. ``(1.0, 2.0, 3.0) mm``; empty if that is not known."""


def measure(reading: Reading, request: ValidationRequest) -> Geometry:
    """Return what the file's surfaces enclose and what is wrong with them; ``Refusal`` (``EMPTY``) if there are none.

    3MF is judged by vertex index, as its core specification 1.4 asks: vertices that merely lie on each other don't
    join, and surfaces may run through each other. STL comes with equal vertices already made one.
    """
    solid = solid_of(reading.meshes)
    if not len(solid.triangles):
        raise Refusal(_empty())
    moments = moments_of(solid.vertices, solid.triangles)
    edges = edge_findings(solid)
    bodies = bodies_of(solid, moments)
    wall = None if edges else thinnest_wall(solid)
    return Geometry(
        measures=_measures(reading, solid, moments, bodies, wall),
        findings=edges,
        cavities=0,
        thinnest_at="" if wall is None else f"{solid.place(wall.point)} mm",
    )


def _measures(reading: Reading, solid: Solid, moments: Moments, bodies: Bodies, wall: Wall | None) -> Measures:
    return Measures(
        unit=reading.unit,
        box_mm=solid.box_mm,
        volume_cm3=moments.volume / 1000,
        area_cm2=moments.area / 100,
        triangles=sum(len(mesh.triangles) for mesh in reading.meshes),
        vertices=sum(len(mesh.vertices) for mesh in reading.meshes),
        bodies=bodies.count,
        thinnest_wall_mm=None if wall is None else wall.thickness_mm,
        shape=shape_of(solid.vertices, solid.triangles, moments),
    )


def _empty() -> Finding:
    return Finding(
        code="EMPTY",
        severity="error",
        message="there is nothing to build: no triangle with three different corners",
        advice="Export the part again, and make sure that the body is chosen and visible.",
    )
