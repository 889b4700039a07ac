"""What may be said about prints, their evidence, and a wish to print again."""

from typing import Literal, get_args

EvidenceKind = Literal["photo", "measurement", "report", "other"]
PrintResult = Literal["good", "failed"]
ReprintState = Literal["requested", "granted", "refused"]

RerouteCause = Literal[
    "declined",
    "lapsed",
    "counter_refused",
    "print_failed",
    "node_down",
    "machine_down",
    "node_closed",
    "capacity_cut",
    "gate_closed",
    "lot_blocked",
    "suspect",
    "owner",
    "operator",
    "cancel_acknowledged",
    "build_lost_line",
    "better_place",
]
"""Why a job was taken from its node and its line routed again."""

DeclineReason = Literal["capacity", "machine_down", "material", "price", "date", "not_manufacturable", "other"]
"""Why a node may decline a job."""

DECLINE_REASONS: tuple[DeclineReason, ...] = get_args(DeclineReason)
EVIDENCE_KINDS: tuple[EvidenceKind, ...] = get_args(EvidenceKind)
PRINT_RESULTS: tuple[PrintResult, ...] = get_args(PrintResult)
REROUTE_CAUSES: tuple[RerouteCause, ...] = get_args(RerouteCause)
REPRINT_STATES: tuple[ReprintState, ...] = get_args(ReprintState)
LONGEST_NAME = 120
LONGEST_TEXT = 1_000


def attempts_left(*, quantity: int, granted_reprints: int, good_prints: int, failed_prints: int) -> int:
    """Return how often a job may still be printed: each granted reprint is one more try, never one more good part."""
    if good_prints >= quantity:
        return 0
    return max(0, quantity + granted_reprints - good_prints - failed_prints)


def file_name_of(part_no: str, revision: str) -> str:
    """Return the name under which a node saves a print file: part numbers may hold slashes, file names may not."""
    plain = (character if character.isalnum() or character in "-_." else "_" for character in f"{part_no}-{revision}")
    return "".join(plain) + ".3mf"


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a piece of evidence, None if nothing is."""
    if not 0 < len(name) <= LONGEST_NAME:
        return f"give a name of 1 to {LONGEST_NAME} characters"
    if name in (".", "..") or any(character in "/\\" or not character.isprintable() for character in name):
        return "give a file name without folders and control characters"
    return None
