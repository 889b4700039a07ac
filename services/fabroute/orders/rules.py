"""What an order may ask for, and which lines are planned together."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from fabroute.logistics.rules.regions import REGION_OF

Objective = Literal["cheapest", "fastest", "balanced", "greenest"]
Criticality = Literal["routine", "line_down", "aog", "consumer", "patient", "safety"]
Packaging = Literal["plain", "brand", "esd", "medical_clean"]

MAXIMUM_LINES = 20
MINIMUM_QUANTITY = 1
MAXIMUM_QUANTITY = 100_000
MAXIMUM_SPLIT_NODES = 20
CURRENCY = "EUR"
FAMILY_OF: Mapping[str, str] = MappingProxyType(
    {
        "SLS": "polymer_powder",
        "MJF": "polymer_powder",
        "MEX": "material_extrusion",
        "VPP": "photopolymer",
        "LPBF": "metal",
        "EBM": "metal",
        "BJT": "metal",
    }
)
"""The family of each process: machines of two families make the same part so seldom that they are planned apart."""
OTHER_FAMILY = "other"
SUSPECTS = "suspects"
SUB_SCOPE = f"/([0-9]+of[0-9]+|{SUSPECTS})$"
"""How the name of a part of a scope ends: a regular expression, in Python and in PostgreSQL."""
BROKEN_RUN_CAP = 4
"""So many runs may break with a line in them; then it is parked, so that a person has a look."""
SUSPECTS_TOGETHER = 16
"""Lines that were in one broken run are decided in groups of so many, and alone once such a group broke, too.

One poisoned line so costs at most four runs: the first, its group's, and twice its own (the second is the proof). Of
200 lines with one among them, 13 groups and 16 single lines are run, which is the least; with none, because somebody
killed the worker, 13 groups."""


def default_objective(criticality: str) -> Objective:
    """Return the objective of an order that names none (assumption): haste where something stands still."""
    if criticality in ("aog", "line_down"):
        return "fastest"
    return "balanced" if criticality == "consumer" else "cheapest"


def process_family(process_materials: Sequence[str]) -> str:
    """Return the family in which a part may be made in most ways, such as ``metal``; the first by name of equals.

    ``process_materials`` are pairs such as ``MJF:PA12-MJF``.
    """
    ways = Counter(FAMILY_OF.get(pair.partition(":")[0], OTHER_FAMILY) for pair in process_materials)
    return min(ways, key=lambda family: (-ways[family], family), default=OTHER_FAMILY)


def planning_scopes(lines: Sequence[Sequence[str]], *, country: str, decided_together: bool = False) -> tuple[str, ...]:
    """Return the planning scope of each line of an order, such as ``polymer_powder/europe``.

    ``lines`` are the process and material pairs of each line. Lines in one scope compete for the same machines to the
    same part of the world. ``decided_together`` keeps all lines of the order in one scope, the one that most of them
    (of equals the first) would have: under a price cap for the order, one line's saving pays for another.
    """
    own = [f"{process_family(pairs)}/{REGION_OF.get(country, 'rest')}" for pairs in lines]
    if decided_together and own:
        counts = Counter(own)
        return (max(own, key=lambda scope: counts[scope]),) * len(own)
    return tuple(own)


def parts_of_scope(scope: str, *, waiting: int, most: int) -> int:
    """Return into how many parts a scope is split in which so many lines wait; 1 where it is left whole.

    Parts are not split again: they are as many as it takes for each to hold ``most`` lines.
    """
    return 1 if whole_scope(scope) != scope else max(1, -(-waiting // most))


def whole_scope(scope: str) -> str:
    """Return the scope that a part such as ``metal/europe/2of3`` belongs to; a whole one is its own."""
    return re.sub(SUB_SCOPE, "", scope)


def suspects_scope(scope: str) -> str:
    """Return the scope of the lines that were in a run of ``scope`` which broke: ``metal/europe/suspects``.

    They are decided apart, so that what breaks again holds up none of the others.
    """
    return f"{whole_scope(scope)}/{SUSPECTS}"


def holds_suspects(scope: str) -> bool:
    """Return whether the lines of a scope were all in runs that broke."""
    return scope.endswith(f"/{SUSPECTS}")


def suspects_at_once(broken_runs: int) -> int:
    """Return how many lines that were in so many broken runs are decided together."""
    return SUSPECTS_TOGETHER if broken_runs <= 1 else 1
