"""Nodes beside what they must have to make a part: what is missing at each, in words with figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fabroute.console.formats import Formats
from fabroute.console.reasons import meaning_of, reason_words
from fabroute.routing.service.part_makers import PartAtNode

COLUMNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("File", frozenset({"FILE_NOT_VALIDATED"})),
    ("Size", frozenset({"BUILD_VOLUME"})),
    ("Parameters", frozenset({"NO_PARAMETER_SET"})),
    ("Certificates", frozenset({"CERTIFICATE_MISSING", "CERTIFICATE_EXPIRES"})),
    ("First article", frozenset({"PART_NOT_QUALIFIED"})),
    ("Rights", frozenset({"EXPORT_CONTROL", "IP_POLICY", "SANDBOX"})),
    ("Material", frozenset({"MATERIAL_SHORT", "LOT_BLOCKED"})),
    ("Machine time", frozenset({"NODE_DOWN", "CAPACITY"})),
    ("Packaging", frozenset({"PACKAGING"})),
    ("Delivery", frozenset({"LANE_MISSING", "NEED_BY"})),
    ("Order size", frozenset({"MIN_ORDER"})),
)
"""What a node must have, by the codes that say it has not."""
ELSEWHERE: Mapping[str, str] = {
    "PROCESS_MATERIAL": "nodes of other work have no row, they are counted below the table",
    "PRICE_CAP": "a limit of an order, and the table is of no order",
    "SPLIT_FORBIDDEN": "of orders larger than a machine makes in time, and the table is of one piece",
    "CONCENTRATION": "of all that an owner orders, not of a part",
    "DECLINED": "what happened to one line of an order",
}
"""Codes without a column, and why; where one bites nonetheless it is told in words."""
MOST_NODES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """A node, what it has of all that is needed, and what is missing in words."""

    city: str
    country: str
    node_id: str
    landed_minor: int | None
    """``None`` where it can't make the part."""
    has: tuple[tuple[str, bool], ...]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Nodes by what is missing, those that print such parts at all: the able ones first, from cheap to dear."""

    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    able: tuple[MatrixRow, ...]
    """Of the rows, those that could make it now."""
    count: int
    """How many nodes could make it now."""
    more: int
    """Nodes that lack more than those shown."""
    elsewhere: int
    """Nodes of other processes and materials."""
    unjudged: str
    """Why no node could be judged, whatever it has; empty otherwise."""
    blockers: tuple[tuple[str, int], ...]
    """What keeps nodes away, and how many of them, the most frequent first."""


def matrix_of(makers: Sequence[PartAtNode], fmt: Formats) -> Matrix:
    """Return the matrix of nodes by what is missing; nodes that do other work are only counted."""
    near = [it for it in makers if it.does_such_work]
    rows = tuple(_row(it, fmt) for it in near[:MOST_NODES])
    return Matrix(
        columns=tuple(label for label, _ in COLUMNS),
        rows=rows,
        able=tuple(row for row in rows if row.landed_minor is not None),
        count=sum(it.landed_minor is not None for it in near),
        more=max(0, len(near) - MOST_NODES),
        elsewhere=len(makers) - len(near),
        unjudged=_unjudged(near, fmt),
        blockers=_blockers(near),
    )


def _row(it: PartAtNode, fmt: Formats) -> MatrixRow:
    codes = {reason.code.value for reason in it.reasons}
    return MatrixRow(
        city=it.node.city,
        country=it.node.country,
        node_id=it.node.node_id,
        landed_minor=it.landed_minor,
        has=tuple((label, not codes & against) for label, against in COLUMNS),
        missing=tuple((meaning_of(reason.code.value), reason_words(reason, fmt)) for reason in it.reasons),
    )


def _unjudged(near: Sequence[PartAtNode], fmt: Formats) -> str:
    """Return the reason where all nodes have the same one, because there is no file to judge them by."""
    reasons = {reason_words(reason, fmt) for it in near for reason in it.reasons}
    codes = {tuple(reason.code.value for reason in it.reasons) for it in near}
    return reasons.pop() if codes == {("FILE_NOT_VALIDATED",)} and len(reasons) == 1 else ""


def _blockers(near: Sequence[PartAtNode]) -> tuple[tuple[str, int], ...]:
    lacking = [{reason.code.value for reason in it.reasons} for it in near]
    counted = [(label, sum(bool(codes & against) for codes in lacking)) for label, against in COLUMNS]
    return tuple(sorted((it for it in counted if it[1]), key=lambda it: -it[1]))
