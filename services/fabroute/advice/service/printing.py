"""What a part of the inventory costs to print: at the cheapest machine of the network, by estimation."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from fabroute.advice.rules.screening_parts import PrintedUnit
from fabroute.advice.rules.screening_printing import PrintMarket
from fabroute.advice.service.screening_market import read_print_market
from fabroute.estimation.facts import PartGeometry
from fabroute.estimation.rotations import PartDoesNotFit, allowed_rotations
from fabroute.inventory.service import RevisionView
from fabroute.routing.service.facts import standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Printable:
    """A revision and the machines that it fits, to be priced at any quantity."""

    geometry: PartGeometry
    market: PrintMarket
    kinds: tuple[tuple[str, str], ...]

    def cheapest(self, quantity: int) -> PrintedUnit | None:
        """Return the cheapest way to print so many; ``None`` if no machine can."""
        return self.market.cheapest(self.geometry, self.kinds, quantity=quantity)

    def price_minor(self, quantity: int) -> int:
        """Return what so many cost where it is cheapest, in EUR cents; some machine must be able to."""
        found = self.cheapest(quantity)
        return 0 if found is None else found.price_minor


def printable_on(session: Session, *, revision: RevisionView, on: date) -> Printable | None:
    """Return a revision with the machines that it fits on a day; ``None`` where its size is not known.

    All machines that are up, with qualified parameter sets, are looked at, whoever they belong to.
    """
    if revision.size is None:
        return None
    geometry = PartGeometry(
        box_mm=(revision.box_x_mm, revision.box_y_mm, revision.box_z_mm),
        volume_cm3=revision.volume_cm3,
        orientation_mm=standing(revision),
    )
    market = read_print_market(session, on=on)
    kinds = tuple(_fitting(market, geometry, revision.process_materials))
    return Printable(geometry=geometry, market=market, kinds=kinds)


def cheapest_print(session: Session, *, revision: RevisionView, quantity: int, on: date) -> PrintedUnit | None:
    """Return the cheapest way to print so many, before certificates and freight; ``None`` if no machine can."""
    found = printable_on(session, revision=revision, on=on)
    return None if found is None else found.cheapest(quantity)


def _fitting(market: PrintMarket, part: PartGeometry, wishes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for kind in market.kinds_for(wishes):
        try:
            allowed_rotations(part, market.offers[kind][0].machine)
        except PartDoesNotFit:
            continue
        yield kind
