"""What opens a build, and with whom a line may share it."""

from dataclasses import dataclass

from fabroute.estimation.production import ProductionEstimate
from fabroute.inventory.service import RevisionView
from fabroute.orders.service import ClaimedLine

EVERYBODY = ""
"""Company of lines that share a build with the lines of any owner."""
KEPT_APART = frozenset({"patient", "safety"})
"""Criticalities whose parts are never in one build with those of another owner."""
KEPT_APART_SECTORS = frozenset({"medical"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a line pays and takes for the last of its builds before any part is in it."""

    cost_minor: int
    """Part of the price of production."""
    minutes: int
    """Part of the machine's minutes."""
    volume: int
    """What the line occupies of that build, of ``estimation.production.WHOLE_BUILD``."""
    company: str
    """Lines of one company may share a build: ``EVERYBODY``, or the id of the only owner."""


def opening_of(estimate: ProductionEstimate, line: ClaimedLine, revision: RevisionView) -> Opening | None:
    """Return what a line would share with others of an estimate; ``None`` where its price is a share already."""
    opening = estimate.opening
    if opening is None:
        return None
    return Opening(
        cost_minor=opening.cost_minor,
        minutes=opening.minutes,
        volume=opening.volume,
        company=company_of(line, revision),
    )


def company_of(line: ClaimedLine, revision: RevisionView) -> str:
    """Return with whom a line may share a build: with everybody, or only with lines of its own owner.

    Apart stay parts under export control (nobody else's people handle their build), medical and patient parts, and
    regulated ones: safety parts, and those that need a first article, whose evidence is of their own build.
    """
    apart = (
        revision.export_class != "none",
        revision.part_qualification,
        revision.sector in KEPT_APART_SECTORS,
        bool({line.criticality, revision.criticality} & KEPT_APART),
    )
    return line.organisation_id if any(apart) else EVERYBODY
