"""What is to be said about the bodies of a closed surface."""

from collections.abc import Iterator, Sequence

import numpy as np

from fabroute.integrations.validation.geometry.bodies import Bodies, Labels
from fabroute.integrations.validation.geometry.overlaps import Union
from fabroute.integrations.validation.solids import Solid
from fabroute.inventory.ports import Finding

_FRAGMENT = 0.001
"""Share of the largest body's volume below which a body is a leftover rather than a part."""
_NAMED = 3


def body_findings(solid: Solid, bodies: Bodies, cavities: Labels, union: Union | None) -> tuple[Finding, ...]:
    """Return what is wrong with, or worth knowing about, the bodies of a solid whose edges are all closed."""
    if bodies.empty.all():
        return (_nothing_inside(solid),)
    turned = np.setdiff1d(np.flatnonzero((bodies.volumes < 0) & ~bodies.empty), cavities)
    if len(turned):
        return (_inside_out(solid, bodies, turned),)
    return (*_sheets(solid, bodies), *_hollows(solid, bodies, cavities), *_several(solid, bodies, union))


def _nothing_inside(solid: Solid) -> Finding:
    return Finding(
        code="ZERO_VOLUME",
        severity="error",
        message=f"The {len(solid.triangles):,} triangles enclose no volume: it is a sheet without thickness.",
        advice="Give the surface a thickness in your CAD program and export the solid.",
    )


def _inside_out(solid: Solid, bodies: Bodies, turned: Labels) -> Finding:
    whole = len(turned) == bodies.count
    volume = float(bodies.volumes[turned].sum()) / 1000
    subject = "All triangles face" if whole else f"{_counted(len(turned), 'body', 'bodies')} face{_s(turned)}"
    return Finding(
        code="INSIDE_OUT",
        severity="error",
        message=f"{subject} inwards, so that {volume:.4g} cm³ are enclosed.",
        advice="Flip the normals in your CAD or mesh program, so that all triangles face outwards.",
        where="" if whole else _middles(solid, bodies, turned),
    )


def _sheets(solid: Solid, bodies: Bodies) -> Iterator[Finding]:
    sheets = np.flatnonzero(bodies.empty)
    if len(sheets):
        yield Finding(
            code="ZERO_VOLUME",
            severity="warning",
            message=f"{_counted(len(sheets), 'body', 'bodies')} of {bodies.count:,} enclose{_s(sheets)} no volume.",
            advice="Remove the leftover sheets; nothing of them can be printed.",
            where=_middles(solid, bodies, sheets),
        )


def _hollows(solid: Solid, bodies: Bodies, cavities: Labels) -> Iterator[Finding]:
    if len(cavities):
        volume = -float(bodies.volumes[cavities].sum()) / 1000
        yield Finding(
            code="CAVITY",
            severity="warning",
            message=f"{_counted(len(cavities), 'closed cavity', 'closed cavities')} of {volume:.4g} cm³ together: "
            "powder or resin can't leave.",
            advice="Add an escape hole of at least 4 mm, or two of 2 mm, or fill the cavity.",
            where=_middles(solid, bodies, cavities),
        )


def _several(solid: Solid, bodies: Bodies, union: Union | None) -> Iterator[Finding]:
    solids = np.flatnonzero((bodies.volumes > 0) & ~bodies.empty)
    if len(solids) < 2:
        return
    if union is None:
        yield _not_united(len(solids))
    elif union.overlap_mm3:
        yield _overlapping(union)
    pieces = len(solids) if union is None else union.pieces
    if pieces > 1:
        yield _loose(solid, bodies, solids, pieces)


def _loose(solid: Solid, bodies: Bodies, solids: Labels, pieces: int) -> Finding:
    volumes = bodies.volumes[solids]
    small = solids[volumes < _FRAGMENT * volumes.max()]
    small = small[np.argsort(bodies.volumes[small], kind="stable")]
    scraps = f"; {len(small):,} of them under 0.1 % of the largest" if len(small) else ""
    return Finding(
        code="LOOSE_BODIES",
        severity="warning",
        message=f"{pieces:,} bodies that nothing joins, from {_cm3(volumes.min())} to {_cm3(volumes.max())}{scraps}.",
        advice="Join them or remove leftovers if this is to be one part; else order each as a part of its own.",
        where=_middles(solid, bodies, small),
    )


def _overlapping(union: Union) -> Finding:
    return Finding(
        code="OVERLAPPING_BODIES",
        severity="warning",
        message=f"Bodies run through each other: together they have {_cm3(union.union_mm3)}, one by one "
        f"{_cm3(union.sum_mm3)}, which is what was measured.",
        advice="Unite the bodies in your CAD program; until then weight and price are reckoned too high.",
    )


def _not_united(solids: int) -> Finding:
    return Finding(
        code="OVERLAPS_NOT_CHECKED",
        severity="note",
        message=f"{solids:,} bodies are too much geometry to tell whether some run through each other.",
        advice="Unite bodies that belong together in your CAD program.",
    )


def _middles(solid: Solid, bodies: Bodies, chosen: Sequence[int] | Labels) -> str:
    """Return where the first few bodies are, with their size."""
    places = [
        f"{solid.place((bodies.lows[body] + bodies.highs[body]) / 2)} mm, "
        + " × ".join(f"{side:.2f}" for side in bodies.highs[body] - bodies.lows[body])
        for body in chosen[:_NAMED]
    ]
    return "; ".join(places) + ("; …" if len(chosen) > _NAMED else "")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _s(chosen: Labels) -> str:
    return "s" if len(chosen) == 1 else ""


def _cm3(volume_mm3: float) -> str:
    return f"{volume_mm3 / 1000:.4g} cm³"
