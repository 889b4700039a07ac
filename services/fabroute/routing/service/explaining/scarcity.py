"""What machine time and material are worth while a plan is made, where that is why a line went elsewhere."""

from dataclasses import dataclass

from fabroute.routing.rules import MILLIS_PER_MINOR
from fabroute.routing.service.options import Option
from fabroute.routing.service.problem import JointProblem
from fabroute.solver.plan import RoutingPlan, ScarcityPrices

_MINUTES_PER_HOUR, _GRAMS_PER_KG = 60, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scarcity:
    """What an hour of a machine until the end of a day, or a kilogram of a lot, is worth to all lines together."""

    option: Option
    """The one that the line did without."""
    hour_minor: int
    kilogram_minor: int
    minor: int
    """For all that the line would have taken."""


class Market:
    """The prices of a plan by machine and lot; nothing is worth anything where the engine names no prices."""

    def __init__(self, joint: JointProblem, plan: RoutingPlan) -> None:
        self._prices: ScarcityPrices | None = plan.prices
        self._pools = {machine_id: pool for pool, machine_id in enumerate(joint.machines)}
        self._lots = {lot_id: lot for lot, lot_id in enumerate(joint.lots)}

    def scarcity(self, option: Option) -> Scarcity | None:
        """Return what is scarce of what an option takes; ``None`` where nothing is, or no prices are known."""
        prices = self._prices
        if prices is None:
            return None
        pool, lot = self._pools[option.way.offer.machine_id], self._lots[option.way.lot.lot_id]
        minute, gram = float(prices.minute[pool, option.bucket]), float(prices.gram[lot])
        found = Scarcity(
            option=option,
            hour_minor=round(minute * _MINUTES_PER_HOUR / MILLIS_PER_MINOR),
            kilogram_minor=round(gram * _GRAMS_PER_KG / MILLIS_PER_MINOR),
            minor=round((minute * option.way.machine_minutes + gram * option.way.grams) / MILLIS_PER_MINOR),
        )
        return found if found.hour_minor or found.kilogram_minor else None
