"""What a machine can take of a line that may be split, as straight lines in the pieces: time, money, material."""

from collections.abc import Callable
from dataclasses import dataclass

from fabroute.estimation.production import ProductionEstimate
from fabroute.routing.rules import MILLIS_PER_MINOR, ObjectiveWeights
from fabroute.routing.service.options import Way
from fabroute.routing.service.splits_clock import Window, ready_minutes
from fabroute.solver.split import SplitMachine

SECONDS_PER_MINUTE = 60

Estimator = Callable[[int], ProductionEstimate]
"""Returns the estimate of so many pieces on one machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """A machine with a material and parameter set that can make some of a line's pieces, all gates open."""

    ways: tuple[Way, ...]
    """For ``most`` pieces, one for each of its services and lots."""
    most: int
    estimate: Estimator
    window: Window | None = None
    """When it can work, for lines that are planned by the minute."""

    @property
    def node_id(self) -> str:
        """Where it stands."""
        return self.ways[0].node.node_id

    @property
    def machine_id(self) -> str:
        """Which machine it is."""
        return self.ways[0].offer.machine_id

    @property
    def material(self) -> str:
        """Process and material: all shares of a line are of one."""
        return f"{self.ways[0].offer.process}:{self.ways[0].offer.material.code}"

    def way(self, *, service: str, lot_id: str) -> Way | None:
        """Return the way by a service from a lot, if it has it."""
        return next((way for way in self.ways if way.service == service and way.lot.lot_id == lot_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Straight:
    """A figure of so many pieces as ``fixed + per_batch * batches + per_piece * pieces``, in whole units."""

    fixed: int
    per_batch: int
    per_piece: int


def straight(figure: Callable[[int], int], *, batch: int, most: int) -> Straight:
    """Return the straight line through what a figure is for 1, for a batch (or ``most``) and for a piece more.

    Estimates are straight lines in pieces and builds; what they round is the only error, and it is rounded up.
    """
    if most == 1:
        return Straight(fixed=0, per_batch=0, per_piece=figure(1))
    if batch == 1:
        per_piece = -(-(figure(most) - figure(1)) // (most - 1))
        return Straight(fixed=max(0, figure(1) - per_piece), per_batch=0, per_piece=max(0, per_piece))
    last = min(batch, most)
    per_piece = max(0, -(-(figure(last) - figure(1)) // (last - 1)))
    per_batch = max(0, figure(last + 1) - figure(last) - per_piece) if most > batch else 0
    return Straight(fixed=max(0, figure(1) - per_batch - per_piece), per_batch=per_batch, per_piece=per_piece)


def split_machine(maker: Maker, *, weights: ObjectiveWeights, most: int) -> SplitMachine:
    """Return a maker as the allocation sees it: generalised cost of production in milli-minor, time in seconds."""
    batch = maker.estimate(1).parts_per_build
    money = straight(lambda pieces: _cost_millis(maker.estimate(pieces), weights), batch=batch, most=most)
    window = maker.window
    if window is None:
        time = Straight(fixed=0, per_batch=0, per_piece=0)
    else:
        time = straight(
            lambda pieces: (ready_minutes(maker.estimate(pieces), window) - window.begins) * SECONDS_PER_MINUTE,
            batch=batch,
            most=most,
        )
    begins = 0 if window is None else window.begins * SECONDS_PER_MINUTE
    return SplitMachine(
        seconds_per_batch=time.per_batch,
        pieces_per_batch=batch,
        seconds_per_piece=time.per_piece,
        begins_seconds=begins + time.fixed,
        fixed_cost=money.fixed,
        cost_per_batch=money.per_batch,
        cost_per_piece=money.per_piece,
        most_pieces=most,
    )


def most_in(most: int, can: Callable[[int], bool]) -> int:
    """Return the most pieces up to ``most`` for which ``can`` says yes; 0 if for none. More pieces are never easier."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if can(middle) else (low, middle - 1)
    return low


def bare_minor(estimate: ProductionEstimate) -> int:
    """Return the price of production without what brings it up to the node's minimum order."""
    return estimate.price_minor - estimate.minimum_top_up_minor


def _cost_millis(estimate: ProductionEstimate, weights: ObjectiveWeights) -> int:
    return bare_minor(estimate) * MILLIS_PER_MINOR + weights.millis_per_co2e_gram * estimate.co2_g
