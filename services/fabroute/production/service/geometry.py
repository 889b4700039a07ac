"""A revision's size in the form in which estimates take it."""

from fabroute.estimation.facts import PartGeometry
from fabroute.inventory.service import RevisionView
from fabroute.routing.service.facts import standing


def part_geometry(revision: RevisionView) -> PartGeometry:
    """Return box, volume and fixed orientation of a revision; ``RevisionNotMeasured`` where it has no size yet."""
    return PartGeometry(
        box_mm=(revision.box_x_mm, revision.box_y_mm, revision.box_z_mm),
        volume_cm3=revision.volume_cm3,
        orientation_mm=standing(revision),
    )
