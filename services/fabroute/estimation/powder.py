"""How much virgin material a part takes out of the store."""

from fabroute.estimation.facts import (
    InvalidFact,
    MachineModelFacts,
    MaterialFacts,
    PartGeometry,
    require_not_negative,
    require_positive,
    require_share,
)
from fabroute.estimation.processes import PROCESSES


def virgin_grams(*, part_grams: float, loss_grams: float, loose_grams: float, refresh_ratio: float) -> float:
    """Return the virgin powder that a share of a build needs.

    Enough to replace what became parts and losses, and at least the refresh ratio of everything in the bed:
    ``max(part + losses, r x (part + loose))``. ``InvalidFact`` for negative masses or a ratio that is no share.
    """
    for name, grams in (("part_grams", part_grams), ("loss_grams", loss_grams), ("loose_grams", loose_grams)):
        require_not_negative(name, grams)
    require_share("refresh_ratio", refresh_ratio)
    return max(part_grams + loss_grams, refresh_ratio * (part_grams + loose_grams))


def packing_without_waste(*, refresh_ratio: float, bulk_density: float, part_density: float) -> float:
    """Return the packing of the bed (share of its volume) above which no powder is wasted by refreshing.

    ``r x bulk / (part - r x (part - bulk))``, densities in g/cm3. ``InvalidFact`` for densities of nothing or a
    ratio that is no share.
    """
    require_share("refresh_ratio", refresh_ratio)
    require_positive("bulk_density", bulk_density)
    require_positive("part_density", part_density)
    return refresh_ratio * bulk_density / (part_density - refresh_ratio * (part_density - bulk_density))


def material_per_part(part: PartGeometry, machine: MachineModelFacts, material: MaterialFacts, *, copies: int) -> float:
    """Return the virgin grams that one part draws when ``copies`` of it fill a build.

    With refreshed powder (SLS, MJF) the part also pays for the powder around it, in its share of the bed.
    """
    process = PROCESSES[machine.process]
    melted = melted_cm3(part, material) * material.density_g_per_cm3
    if not process.refreshes_powder:
        lost = process.loss_fraction if material.refresh_ratio is None else material.refresh_ratio
        return melted * (1 + lost)
    if material.refresh_ratio is None or material.bulk_density_g_per_cm3 is None:
        raise InvalidFact(
            f"{material.code} needs refresh_ratio and bulk_density_g_per_cm3: {machine.process} reuses powder"
        )
    x_mm, y_mm, z_mm = machine.box_mm
    loose_cm3 = max(0.0, x_mm * y_mm * z_mm / 1000 / copies - part.volume_cm3)
    return virgin_grams(
        part_grams=melted,
        loss_grams=melted * process.loss_fraction,
        loose_grams=loose_cm3 * material.bulk_density_g_per_cm3,
        refresh_ratio=material.refresh_ratio,
    )


def melted_cm3(part: PartGeometry, material: MaterialFacts) -> float:
    """Return the volume that is printed for one part: itself and its supports."""
    return part.volume_cm3 * (1 + material.support_fraction)
