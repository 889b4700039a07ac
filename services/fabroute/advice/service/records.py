"""What the record knows of a part: its revisions, how it was wanted, how its lots came out."""

from datetime import date, datetime

from sqlmodel import Session

from fabroute.advice.rules.transition import FROZEN_LOTS, REPEATABLE_LOTS, Facts, Lot
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartView, RevisionView
from fabroute.kernel.errors import FieldProblem
from fabroute.orders.service import PartNotInInventory, RevisionNotInInventory, monthly_demand
from fabroute.production.service.lots import MadeLot, made_lots

_MONTHS = 12


def find_part(session: Session, organisation_id: str, number: str) -> PartView:
    """Return a part of the organisation by any of its numbers; ``PartNotInInventory`` if there is none."""
    found = inventory.find_parts(session, organisation_id=organisation_id, part_nos=[number])
    if number not in found:
        message = f"you have no part {number}: state the figures, or look it up with GET /v1/parts"
        raise PartNotInInventory(message, problems=(FieldProblem(pointer="/part", message=message),))
    return found[number]


def revision_to_print(part: PartView, name: str | None) -> RevisionView | None:
    """Return the named revision, else the released one, else the last one with a size; ``None`` if there is none.

    Raises ``RevisionNotInInventory``.
    """
    if name is None:
        measured = [revision for revision in part.revisions if revision.size is not None]
        return part.released or (measured[-1] if measured else None)
    named = next((revision for revision in part.revisions if revision.revision == name), None)
    if named is None:
        there = ", ".join(revision.revision for revision in part.revisions) or "none"
        message = f"{part.part_no} has no revision {name}: there is {there}"
        raise RevisionNotInInventory(message, problems=(FieldProblem(pointer="/revision", message=message),))
    return named


def facts_of(session: Session, part: PartView, *, today: date) -> Facts:
    """Return what the record knows of a part: its last revision, 12 full months of demand, and its latest lots.

    Demand is unknown until the first order is 12 full months old; a lot is a job of which all prints were reported.
    """
    lots = made_lots(
        session,
        organisation_id=part.organisation_id,
        part_no=part.part_no,
        limit=max(REPEATABLE_LOTS, FROZEN_LOTS),
    )
    last = _last_revision(part)
    return Facts(
        last_revision_on=None if last is None else last[0].date(),
        lots_since_revision=None if last is None else sum(_is_since(lot, last) for lot in lots),
        demand_by_month=monthly_demand(
            session, organisation_id=part.organisation_id, part_id=part.part_id, today=today, months=_MONTHS
        ),
        lots=tuple(Lot(made=lot.made, right_first_time=lot.good, on_time=lot.on_time) for lot in lots),
        characteristics=None if part.released is None else len(part.released.inspection_plan),
    )


_Dated = tuple[datetime, RevisionView]


def _last_revision(part: PartView) -> _Dated | None:
    """Return when the design was last changed, and to what; a withdrawn revision changed it, too."""
    dated = [(at, revision) for revision in part.revisions if (at := revision.created_at or revision.released_at)]
    return max(dated, key=lambda it: it[0], default=None)


def _is_since(lot: MadeLot, last: _Dated) -> bool:
    at, revision = last
    return lot.revision_id == revision.revision_id and lot.made_at >= at
