"""Lines that no node can make now, grouped by what binds: how many, since when, and what would change it soonest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.routing.repository import unrouted as rows
from fabroute.solver.eligibility import ExclusionCode

MOST_LINES = 2_000
"""So many lines are looked at; where there are more, the counts are of these."""
_OTHER_MEANINGS = {"NO_NODE": "there is no node in the network"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnroutedLine:
    """A line without a route, with its last decision in short."""

    line_id: str
    order_id: str
    organisation_id: str
    reference: str | None
    position: int
    part_no: str
    part_name: str
    quantity: int
    need_by: datetime | None
    placed_at: datetime
    decision_id: str | None
    decided_at: datetime | None
    why: str
    fix: str | None
    """The least that would make a place, in words with a price; ``None`` where nothing was found."""
    reasons: Mapping[str, int]
    """How many nodes each code ruled out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnroutedGroup:
    """Lines that the same code keeps without a route."""

    code: str
    meaning: str
    lines: int
    orders: int
    since: datetime
    """When the oldest of the orders was placed."""
    next_need_by: datetime | None
    fix: str | None
    """What would help most of them, in words."""
    with_fix: int
    """For how many of the lines a fix is known."""
    examples: tuple[UnroutedLine, ...]


def group_unrouted(session: Session, *, principal: Principal, examples: int = 5) -> tuple[UnroutedGroup, ...]:
    """Return an owner's lines without a route (the operator's: of all owners) by binding reason, the most first.

    The first ``MOST_LINES`` are counted.
    """
    whose = None if principal.kind == "operator" else principal.organisation_id
    groups = rows.read_groups(session, organisation_id=whose, most=MOST_LINES)
    if not groups:
        return ()
    found = rows.read_examples(session, organisation_id=whose, most=MOST_LINES, of_each=examples)
    return tuple(
        UnroutedGroup(
            **group,
            meaning=meaning_of(group["code"]),
            examples=tuple(_line(row) for row in found if row["code"] == group["code"]),
        )
        for group in groups
    )


def meaning_of(code: str) -> str:
    """Return a binding reason's code in a few words, for a person; the code itself where it is none of ours."""
    if code in ExclusionCode.__members__:
        return ExclusionCode[code].meaning
    return _OTHER_MEANINGS.get(code, code)


def _line(row: RowMapping) -> UnroutedLine:
    return UnroutedLine(
        line_id=row["line_id"],
        order_id=row["order_id"],
        organisation_id=row["organisation_id"],
        reference=row["reference"],
        position=row["position"],
        part_no=row["part_no"],
        part_name=row["part_name"],
        quantity=row["quantity"],
        need_by=row["need_by"],
        placed_at=row["placed_at"],
        decision_id=row["decision_id"],
        decided_at=row["decided_at"],
        why=row["why"] or "",
        fix=row["fix"],
        reasons=row["reasons"] or {},
    )
