"""Decisions over a time, counted: how many found a place, what bound the others, which codes ruled nodes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.routing.repository import statistics as rows
from fabroute.routing.service.unrouted import meaning_of

MOST_DECISIONS = 20_000
"""So many decisions, the newest of the time, are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCount:
    """How often a code stood in decisions, and about how many lines these were."""

    code: str
    """Empty where a decision was made before its binding reason was kept."""
    meaning: str
    decisions: int
    lines: int
    nodes: int
    """How many nodes it ruled out, over all decisions; 0 of a binding reason."""
    days: Mapping[date, int] = field(default_factory=dict)
    """In how many decisions it stood, by day; days without any are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionStatistics:
    """What was decided within a time; lines that were decided several times count as many decisions."""

    decisions: int
    is_whole: bool
    """False where the time has more decisions than are counted."""
    routed: int
    no_route: int
    improved: int
    online: int
    binding: tuple[CodeCount, ...]
    """What bound those without a place, the most frequent first."""
    excluded: tuple[CodeCount, ...]
    """What ruled nodes out, by decisions, the most frequent first."""


def decision_statistics(
    session: Session, *, principal: Principal, since: datetime, until: datetime, zone: str = "UTC"
) -> DecisionStatistics:
    """Return counts of an owner's decisions (the operator's: of all) from ``since`` until ``until``.

    Days are those of ``zone``, a name of the time zone database.
    """
    whose = None if principal.kind == "operator" else principal.organisation_id
    found = rows.count_decisions(
        session, organisation_id=whose, since=since, until=until, zone=zone, most=MOST_DECISIONS
    )
    outcomes, kinds = _plain(found, "outcome"), _plain(found, "kind")
    decisions = sum(outcomes.values())
    return DecisionStatistics(
        decisions=decisions,
        is_whole=decisions < MOST_DECISIONS,
        routed=outcomes.get("routed", 0),
        no_route=outcomes.get("no_route", 0),
        improved=kinds.get("improved", 0),
        online=kinds.get("online", 0),
        binding=_codes(found, "binding"),
        excluded=_codes(found, "excluded"),
    )


def _plain(found: Sequence[RowMapping], figure: str) -> dict[str, int]:
    return {row["code"]: row["decisions"] for row in found if row["figure"] == figure}


def _codes(found: Sequence[RowMapping], figure: str) -> tuple[CodeCount, ...]:
    by_day = f"{figure}_day"
    return tuple(
        CodeCount(
            code=row["code"],
            meaning=meaning_of(row["code"]) or "decided before this was kept",
            decisions=row["decisions"],
            lines=row["lines"],
            nodes=row["nodes"],
            days={it["day"]: it["decisions"] for it in found if it["figure"] == by_day and it["code"] == row["code"]},
        )
        for row in found
        if row["figure"] == figure
    )
