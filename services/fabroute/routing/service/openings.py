"""What opens a build, and with whom a line may share it."""

from dataclasses import dataclass

from fabroute.estimation.production import ProductionEstimate
from fabroute.inventory.service import RevisionView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.companies import PartInBuild, company_of


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
    """Lines of one company may share a build: ``EVERYBODY``, or a name that only lines of one owner have."""


def opening_of(
    estimate: ProductionEstimate, line: ClaimedLine, revision: RevisionView, *, may_share: bool = True
) -> Opening | None:
    """Return what a line would share with others of an estimate; ``None`` where its price is a share already.

    ``may_share``: whether the line's owner lets others share its builds.
    """
    opening = estimate.opening
    if opening is None:
        return None
    return Opening(
        cost_minor=opening.cost_minor,
        minutes=opening.minutes,
        volume=opening.volume,
        company=company_of(part_of_line(line, revision, may_share=may_share)),
    )


def part_of_line(line: ClaimedLine, revision: RevisionView, *, may_share: bool = True) -> PartInBuild:
    """Return what decides with whom a line's parts may be made."""
    return PartInBuild(
        organisation_id=line.organisation_id,
        export_class=revision.export_class,
        sector=revision.sector,
        criticalities=frozenset({line.criticality, revision.criticality}),
        certificates=frozenset(revision.required_certificates),
        packaging=frozenset({line.packaging, revision.packaging}),
        part_qualification=revision.part_qualification,
        may_share=may_share,
    )
