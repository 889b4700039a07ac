"""What a print file must have in common with its revision."""

from dataclasses import dataclass

SIZE_TOLERANCE = 0.02
"""Assumption: a file's box and volume may differ from the revision's by two percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The bounding box (mm) and the volume (cm³) of a part or of its file."""

    box_x_mm: float
    box_y_mm: float
    box_z_mm: float
    volume_cm3: float

    @property
    def box_mm(self) -> tuple[float, float, float]:
        """The box along x, y and z."""
        return (self.box_x_mm, self.box_y_mm, self.box_z_mm)


def size_differences(*, file: Size, revision: Size) -> tuple[str, ...]:
    """Return where a file is more than ``SIZE_TOLERANCE`` off its revision, with both figures; empty if nowhere."""
    pairs = (
        ("x", file.box_x_mm, revision.box_x_mm, "mm"),
        ("y", file.box_y_mm, revision.box_y_mm, "mm"),
        ("z", file.box_z_mm, revision.box_z_mm, "mm"),
        ("volume", file.volume_cm3, revision.volume_cm3, "cm³"),
    )
    return tuple(
        f"{name} is {found:g} {unit} instead of {wanted:g} {unit}"
        for name, found, wanted, unit in pairs
        if abs(found - wanted) > SIZE_TOLERANCE * wanted
    )
