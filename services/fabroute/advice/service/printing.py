"""What a part of the inventory costs to print: at the cheapest machine of the network, by estimation."""

from collections.abc import Iterator
from datetime import date

from sqlmodel import Session

from fabroute.advice.rules.screening_parts import PrintedUnit
from fabroute.advice.rules.screening_printing import PrintMarket
from fabroute.advice.service.screening_market import read_print_market
from fabroute.estimation.facts import PartGeometry
from fabroute.estimation.rotations import PartDoesNotFit, allowed_rotations
from fabroute.inventory.service import RevisionView
from fabroute.routing.service.facts import standing


def cheapest_print(session: Session, *, revision: RevisionView, quantity: int, on: date) -> PrintedUnit | None:
    """Return the cheapest way to print so many, before certificates and freight; ``None`` if no machine can.

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
    return market.cheapest(geometry, _fitting(market, geometry, revision.process_materials), quantity=quantity)


def _fitting(market: PrintMarket, part: PartGeometry, wishes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for kind in market.kinds_for(wishes):
        try:
            allowed_rotations(part, market.offers[kind][0].machine)
        except PartDoesNotFit:
            continue
        yield kind
