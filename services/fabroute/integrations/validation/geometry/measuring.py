"""Measure a reading, and find everything about its surfaces that a person should know."""

from dataclasses import dataclass

import numpy as np

from fabroute.integrations.validation.geometry.bodies import Bodies, bodies_of, cavities_of
from fabroute.integrations.validation.geometry.contents import body_findings
from fabroute.integrations.validation.geometry.edges import edge_findings
from fabroute.integrations.validation.geometry.moments import Moments, moments_of, shape_of
from fabroute.integrations.validation.geometry.overlaps import unite
from fabroute.integrations.validation.geometry.sizes import size_findings
from fabroute.integrations.validation.solids import Solid, solid_of
from fabroute.integrations.validation.types import Reading, Refusal
from fabroute.integrations.validation.walls import Wall, thinnest_wall
from fabroute.inventory.ports import Finding, Measures, ValidationRequest

THINNEST_MM = 0.4
"""Under it no process of the reference network prints a wall that is more than luck."""


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
    bodies = bodies_of(solid, moments)
    edges = edge_findings(solid)
    cavities, contents = (0, edges) if edges else _contents(solid, bodies)
    closed = not any(finding.severity == "error" for finding in contents)
    wall = thinnest_wall(solid, moments.areas) if closed else None
    sizes = size_findings(solid, reading.format, request.expected_box_mm)
    return Geometry(
        measures=_measures(reading, solid, moments, bodies, wall),
        findings=(*contents, *sizes, *_flat(solid, moments), *(() if sizes else _thin(solid, wall))),
        cavities=cavities,
        thinnest_at="" if wall is None else _place(solid, wall),
    )


def _contents(solid: Solid, bodies: Bodies) -> tuple[int, tuple[Finding, ...]]:
    cavities = cavities_of(solid, bodies)
    union = unite(solid, bodies, cavities) if bodies.count > 1 else None
    return len(cavities), body_findings(solid, bodies, cavities, union)


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
        message="There is nothing to build: no triangle with three different corners.",
        advice="Export the part again, and make sure that the body is chosen and visible.",
    )


def _flat(solid: Solid, moments: Moments) -> tuple[Finding, ...]:
    flat = np.flatnonzero(moments.areas == 0)
    count = len(flat) + solid.collapsed
    if not count:
        return ()
    return (
        Finding(
            code="FLAT_TRIANGLES",
            severity="note",
            message=f"{count:,} triangle{'s' * (count > 1)} without area.",
            advice="Nothing needs to be done; a coarser tolerance of the export avoids them.",
            where=f"{solid.place(solid.vertices[solid.triangles[flat[0], 0]])} mm" if len(flat) else "",
        ),
    )


def _thin(solid: Solid, wall: Wall | None) -> tuple[Finding, ...]:
    if wall is None or wall.thickness_mm >= THINNEST_MM:
        return ()
    return (
        Finding(
            code="THIN_WALL",
            severity="warning",
            message=f"A wall is about {wall.thickness_mm:.2f} mm thin; hardly any process prints less than "
            f"{THINNEST_MM} mm.",
            advice="Make the wall thicker; each process's own limit stands with its verdict.",
            where=_place(solid, wall),
        ),
    )


def _place(solid: Solid, wall: Wall) -> str:
    return f"{solid.place(wall.point)} mm"
