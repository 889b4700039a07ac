"""How thin a solid gets, estimated by rays through it."""

from dataclasses import dataclass

from fabroute.integrations.validation.solids import Points, Solid


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """The thinnest wall that was found, and where."""

    thickness_mm: float
    point: Points
    """On the surface, from the solid's centre, in mm."""


def thinnest_wall(solid: Solid) -> Wall | None:
    """Return the thinnest wall of a closed solid; None where it can't be told."""
    return None
