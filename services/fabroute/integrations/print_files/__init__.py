"""Print files for the reference inventory: parametric solids, and 3MF out of them."""

from fabroute.integrations.print_files.fitting import ShapeOutOfReach
from fabroute.integrations.print_files.registry import part_geometry
from fabroute.integrations.print_files.threemf import MEDIA_TYPE, Label, write_print_file

__all__ = [
    "MEDIA_TYPE",
    "Label",
    "ShapeOutOfReach",
    "make_print_file",
    "part_geometry",
    "write_print_file",
]


def make_print_file(*, label: Label, box_mm: tuple[float, float, float], volume_cm3: float) -> bytes:
    """Return a 3MF file for a part: drawn to fit its name, box (mm) and volume, the same bytes every time.

    ``ShapeOutOfReach`` if no shape of that box can have that volume.
    """
    body = part_geometry(part_no=label.part_no, name=label.name, box_mm=box_mm, volume_cm3=volume_cm3)
    return write_print_file(body, label=label)
