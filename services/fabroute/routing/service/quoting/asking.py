"""What a quote is asked for: a part as it is now, in some quantities, for somebody somewhere by some day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from fabroute.inventory.service import LicenceView, RevisionView, UnknownRevision, read_licences, read_revisions
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.logistics.rules import Location
from fabroute.qualification.service import FirstArticleKey, FirstArticleView, read_qualifications

MOST_QUANTITIES = 10
LARGEST_QUANTITY = 100_000
"""As for order lines."""


class InvalidQuantities(DomainError):
    """Quantities that no quote can be made for."""

    code = "invalid_quantities"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAsked:
    """A revision with what is proved and permitted for it, as one instant saw it."""

    revision: RevisionView
    first_articles: Mapping[FirstArticleKey, FirstArticleView] = field(default_factory=dict)
    licences: tuple[LicenceView, ...] = ()
    """Of a revision that needs one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAsked:
    """Some quantities of a part, and what an order of one of them would ask for.

    Quantities are quoted each for itself, ascending and once each; ``InvalidQuantities`` if there is none, are more
    than ten, or one is not from 1 to 100,000.
    """

    part: PartAsked
    quantities: tuple[int, ...]
    destination: Location
    criticality: str = "routine"
    packaging: str = "plain"
    need_by: datetime | None = None
    """Met if the promised (P90) hand-over is not later."""
    need_by_hard: bool = True
    max_price_minor: int | None = None
    """What each quantity may cost landed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantities", normal_quantities(self.quantities))


def normal_quantities(quantities: tuple[int, ...]) -> tuple[int, ...]:
    """Return quantities ascending and once each; ``InvalidQuantities`` names what can't be quoted."""
    wanted = tuple(sorted(set(quantities)))
    if not 1 <= len(wanted) <= MOST_QUANTITIES:
        raise _refusal("/quantities", f"name 1 to {MOST_QUANTITIES} different quantities, not {len(wanted)}")
    for position, quantity in enumerate(quantities):
        if not 1 <= quantity <= LARGEST_QUANTITY:
            raise _refusal(
                f"/quantities/{position}", f"a quantity is from 1 to {LARGEST_QUANTITY:,}, this one is {quantity:,}"
            )
    return wanted


def read_part(session: Session, *, revision_id: str) -> PartAsked:
    """Return a revision as it is now, by three or four queries; ``UnknownRevision`` if there is none."""
    revision = read_revisions(session, revision_ids=(revision_id,)).get(revision_id)
    if revision is None:
        raise UnknownRevision(f"there is no revision {revision_id}")
    licences = read_licences(session, revision_ids=(revision_id,)) if revision.licence_required else {}
    return PartAsked(
        revision=revision,
        first_articles=read_qualifications(session, revision_ids=(revision_id,), node_ids=()).first_articles,
        licences=licences.get(revision_id, ()),
    )


def _refusal(pointer: str, advice: str) -> InvalidQuantities:
    return InvalidQuantities(advice, problems=(FieldProblem(pointer=pointer, message=advice),))
