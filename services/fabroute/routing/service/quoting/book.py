"""The network as it was at one instant, ready to be asked for quotes."""

from datetime import datetime
from functools import cached_property

from sqlmodel import Session

from fabroute.estimation.facts import PartGeometry
from fabroute.estimation.sources import SourcedFigure
from fabroute.logistics.rules import Location
from fabroute.routing.service.facts import standing
from fabroute.routing.service.pricing import Pricing
from fabroute.routing.service.quoting.amounts import Amounts, amounts
from fabroute.routing.service.quoting.asking import QuoteAsked
from fabroute.routing.service.quoting.freight import Freight, FreightMaker
from fabroute.routing.service.quoting.gating import NodeGates, Terms, line_asked, terms_of
from fabroute.routing.service.quoting.kept import Kept
from fabroute.routing.service.quoting.network import NetworkTables
from fabroute.routing.service.quoting.parts import PartKey, PartTable, part_table
from fabroute.routing.service.quoting.travel import Roads, roads_to
from fabroute.routing.snapshot import RoutingSnapshot, read_snapshot
from fabroute.solver.eligibility import LineFacts

_MOST_PARTS = 200
_MOST_AMOUNTS = 100
_MOST_PLACES = 400
_MOST_COUNTRIES = 260
_MOST_OFFERS = 4_000


class QuoteBook:
    """All nodes with what they offer, hold, prove and charge at ``as_of``, as arrays; and what was asked of it before.

    ``snapshot`` is without lines and revisions: those come with what is asked.
    """

    def __init__(self, *, snapshot: RoutingSnapshot) -> None:
        self.snapshot = snapshot
        self._parts: Kept[PartKey, PartTable] = Kept(_MOST_PARTS)
        self._amounts: Kept[tuple[PartKey, tuple[int, ...]], Amounts] = Kept(_MOST_AMOUNTS)
        self._freight: Kept[Location, Freight] = Kept(_MOST_PLACES)
        self._roads: Kept[str, Roads] = Kept(_MOST_COUNTRIES)
        self.figures: Kept[str, tuple[SourcedFigure, ...]] = Kept(_MOST_OFFERS)
        """By offer: the constants behind its estimates."""

    @property
    def as_of(self) -> datetime:
        """The instant of the network; quotes count from it."""
        return self.snapshot.now

    @cached_property
    def tables(self) -> NetworkTables:
        """The network as arrays."""
        return NetworkTables(self.snapshot)

    @cached_property
    def pricing(self) -> Pricing:
        """What nodes charge."""
        return Pricing(self.snapshot.logistics, on=self.snapshot.now.date())

    @cached_property
    def gates(self) -> NodeGates:
        """What speaks against nodes."""
        return NodeGates(self.tables)

    @cached_property
    def freight_maker(self) -> FreightMaker:
        """The ways to destinations."""
        return FreightMaker(self.tables, self.snapshot.logistics)

    def warm(self) -> "QuoteBook":
        """Work out at once what every quote needs, and return the book."""
        _ = self.tables, self.pricing, self.gates, self.freight_maker
        return self

    def part(self, asked: QuoteAsked) -> tuple[LineFacts, PartTable]:
        """Return a part as the gates see it, and against all offers; ``InvalidFact`` for measures that can't be."""
        revision, line = asked.part.revision, line_asked(asked)
        geometry = PartGeometry(box_mm=line.box_mm, volume_cm3=revision.volume_cm3, orientation_mm=standing(revision))
        key = PartKey(
            geometry=geometry,
            process_materials=line.process_materials,
            required_certificates=line.required_certificates,
            parameter_sets=line.parameter_sets,
        )
        return line, self._parts.get(key, lambda: part_table(self.tables, self.pricing, key, line))

    def amounts(self, part: PartTable, quantities: tuple[int, ...]) -> Amounts:
        """Return what quantities of a part take at each of its offers."""
        return self._amounts.get((part.key, quantities), lambda: amounts(self.tables, part, quantities))

    def freight(self, destination: Location) -> Freight:
        """Return all ways to a destination."""
        return self._freight.get(destination, lambda: self.freight_maker.freight(destination))

    def roads(self, country: str) -> Roads:
        """Return the calendars of ways to a country."""
        return self._roads.get(country, lambda: roads_to(self.tables, country))

    def terms(self, asked: QuoteAsked, line: LineFacts, part: PartTable) -> Terms:
        """Return what is asked of every node and offer."""
        return terms_of(asked, line, part)


def read_book(session: Session, *, now: datetime, horizon_days: int) -> QuoteBook:
    """Return the book of this instant; read it in a repeatable-read unit of work."""
    return QuoteBook(snapshot=read_snapshot(session, lines=(), now=now, horizon_days=horizon_days)).warm()
