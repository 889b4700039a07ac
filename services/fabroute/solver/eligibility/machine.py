"""Gates of file and machine: validated file, process and material, parameter set, build volume, availability."""

from itertools import permutations

from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import Box, Exclusion, LineFacts, NodeFacts, OfferFacts

MARGIN_MM = 3.0
"""Kept free on each side of the build box; 2 to 5 mm is usual, the value is an assumption."""


def file_validated(line: LineFacts) -> Exclusion | None:
    """Require a revision that was released, with a validated print file.

    What was ordered while a revision was the current one is still made when a newer one has taken its place; a
    withdrawn one is not made any more, and one on hold not for now.
    """
    if line.on_hold_reason:
        return Exclusion(
            code=ExclusionCode.FILE_NOT_VALIDATED,
            message=f"the revision is on hold: {line.on_hold_reason}",
            figures={"revision_state": line.revision_state, "on_hold": True},
        )
    if line.revision_state in ("released", "superseded") and line.file_validated:
        return None
    file = "validated" if line.file_validated else "not validated"
    return Exclusion(
        code=ExclusionCode.FILE_NOT_VALIDATED,
        message=f"the revision is {line.revision_state} and its print file {file}",
        figures={"revision_state": line.revision_state, "file_validated": line.file_validated},
    )


def node_up(node: NodeFacts) -> Exclusion | None:
    """Require that the node works."""
    if node.status == "up":
        return None
    return Exclusion(
        code=ExclusionCode.NODE_DOWN,
        message=f"the node is {node.status}" + (f": {node.status_reason}" if node.status_reason else ""),
        figures={"status": node.status, "reason": node.status_reason},
    )


def machine_up(offer: OfferFacts) -> Exclusion | None:
    """Require that the machine works."""
    if offer.machine_status == "up":
        return None
    return Exclusion(
        code=ExclusionCode.NODE_DOWN,
        message=f"machine {offer.machine_id} is {offer.machine_status}",
        figures={"status": offer.machine_status},
        machine_id=offer.machine_id,
    )


def process_material(line: LineFacts, offers: tuple[OfferFacts, ...]) -> Exclusion | None:
    """Require that the node offers one of the part's allowed processes in an allowed material."""
    if any(offer.process_material in line.process_materials for offer in offers):
        return None
    allowed = ", ".join(sorted(line.process_materials))
    offered = sorted({offer.process_material for offer in offers})
    return Exclusion(
        code=ExclusionCode.PROCESS_MATERIAL,
        message=f"allowed: {allowed}; the node offers none of them",
        figures={"allowed": allowed, "offered": ", ".join(offered) or "nothing"},
    )


def parameter_set_qualified(offer: OfferFacts) -> Exclusion | None:
    """Require a qualified parameter set for the machine and material."""
    if offer.parameter_set_state == "qualified":
        return None
    return Exclusion(
        code=ExclusionCode.NO_PARAMETER_SET,
        message=f"parameter set {offer.parameter_set} is in {offer.parameter_set_state}, not qualified",
        figures={"parameter_set": offer.parameter_set, "state": offer.parameter_set_state},
        machine_id=offer.machine_id,
    )


def parameter_set_allowed(line: LineFacts, offer: OfferFacts) -> Exclusion | None:
    """Require one of the parameter sets that the part was qualified with, where it names some."""
    if not line.parameter_sets or offer.parameter_set in line.parameter_sets:
        return None
    allowed = ", ".join(sorted(line.parameter_sets))
    return Exclusion(
        code=ExclusionCode.NO_PARAMETER_SET,
        message=f"the part allows only {allowed}; this is {offer.parameter_set}",
        figures={"parameter_set": offer.parameter_set, "allowed": allowed},
        machine_id=offer.machine_id,
    )


def build_volume(line: LineFacts, offer: OfferFacts) -> Exclusion | None:
    """Require that the part fits the machine less its margins: in any axis-aligned rotation, or as it must stand.

    A part that must stand in one way may still be turned about its vertical axis.
    """
    usable = _usable(offer.build_box_mm)
    needed, available = min(
        (max(zip(standing, usable, strict=True), key=_excess) for standing in sorted(_standings(line))), key=_excess
    )
    if needed <= available:
        return None
    return Exclusion(
        code=ExclusionCode.BUILD_VOLUME,
        message=f"needs {needed:g} mm, has {available:g} mm of {_words(offer.build_box_mm)} less margins",
        figures={
            "needs_mm": needed,
            "has_mm": available,
            "part_mm": _words(line.box_mm),
            "build_box_mm": _words(offer.build_box_mm),
            "margin_mm": MARGIN_MM,
        },
        machine_id=offer.machine_id,
    )


def _standings(line: LineFacts) -> set[Box]:
    if line.orientation_mm is None:
        return {(width, depth, height) for width, depth, height in permutations(line.box_mm)}
    width, depth, height = line.orientation_mm
    return {(width, depth, height), (depth, width, height)}


def _usable(box: Box) -> Box:
    return (box[0] - 2 * MARGIN_MM, box[1] - 2 * MARGIN_MM, box[2] - 2 * MARGIN_MM)


def _excess(pair: tuple[float, float]) -> float:
    return pair[0] - pair[1]


def _words(box: Box) -> str:
    return " × ".join(f"{length:g}" for length in box)
