"""Gates of commerce and time: packaging, lane, price cap, minimum order, capacity, need-by."""

from datetime import date, datetime

from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import Exclusion, LineFacts, NodeFacts

PLAIN = "plain"


def packaging_offered(line: LineFacts, node: NodeFacts) -> Exclusion | None:
    """Require that the node packs as the part needs and as the order wants."""
    wanted = wanted_packaging(order=line.packaging, part=line.part_packaging)
    missing = ", ".join(packaging for packaging in wanted if packaging not in node.packaging)
    if not missing:
        return None
    offered = ", ".join(sorted(node.packaging)) or "none"
    return Exclusion(
        code=ExclusionCode.PACKAGING,
        message=f"packaging {missing} is not offered, only {offered}",
        figures={"wanted": missing, "offered": offered},
    )


def wanted_packaging(*, order: str, part: str) -> tuple[str, ...]:
    """Return how a part is packed that needs one packaging where the order asks for another.

    What is more than plain replaces it; of two such both are wanted, the part's own first.
    """
    special = [packaging for packaging in (part, order) if packaging != PLAIN]
    return tuple(dict.fromkeys(special)) or (PLAIN,)


def lane_exists(services: tuple[str, ...], *, zone: str, destination_country: str) -> Exclusion | None:
    """Require at least one shipping service from the node into the destination's zone."""
    if services:
        return None
    return Exclusion(
        code=ExclusionCode.LANE_MISSING,
        message=f"does not ship to {destination_country} (zone {zone})",
        figures={"zone": zone, "ship_to": destination_country},
    )


def lane_lapsed(
    missing: Exclusion, *, tariffs: str, services: str, ended_on: date | None, begins_on: date | None
) -> Exclusion:
    """Return a missing lane as one that is there without a tariff: the last one ended, or the first one begins later.

    ``tariffs`` names them for people, ``services`` for programs.
    """
    days = {"ended_on": ended_on, "begins_on": begins_on}
    which = f"tariff into zone {missing.figures['zone']} ({tariffs})"
    what = f"the last {which} ended on {ended_on}" if ended_on else f"the first {which} begins on {begins_on}"
    return Exclusion(
        code=missing.code,
        message=f"{what}: import one that holds now",
        figures={
            **missing.figures,
            "services": services,
            **{name: day.isoformat() for name, day in days.items() if day is not None},
        },
    )


def price_cap(*, landed_minor: int, maximum_minor: int | None, machine_id: str | None = None) -> Exclusion | None:
    """Require that the landed price stays within the order's cap."""
    if maximum_minor is None or landed_minor <= maximum_minor:
        return None
    return over_the_cap(landed_minor=landed_minor, maximum_minor=maximum_minor, machine_id=machine_id)


def over_the_cap(*, landed_minor: int, maximum_minor: int, machine_id: str | None) -> Exclusion:
    """Return that a landed price is over a cap."""
    return Exclusion(
        code=ExclusionCode.PRICE_CAP,
        message=f"lands at {_euro(landed_minor)}, the cap is {_euro(maximum_minor)}",
        figures={"landed_minor": landed_minor, "maximum_minor": maximum_minor},
        machine_id=machine_id,
    )


def over_the_orders_cap(
    *, landed_minor: int, others_minor: int, maximum_minor: int, machine_id: str | None, planned: bool = False
) -> Exclusion:
    """Return that a line takes its order over the cap: with its other lines at their cheapest, or as ``planned``."""
    together, how = landed_minor + others_minor, "" if planned else " at their cheapest"
    return Exclusion(
        code=ExclusionCode.PRICE_CAP,
        message=(
            f"lands at {_euro(landed_minor)}, with the order's other lines ({_euro(others_minor)}{how}) at "
            f"{_euro(together)}: the order's cap is {_euro(maximum_minor)}"
        ),
        figures={
            "landed_minor": landed_minor,
            "others_minor": others_minor,
            "order_minor": together,
            "maximum_minor": maximum_minor,
        },
        machine_id=machine_id,
    )


def minimum_order(node: NodeFacts, *, price_minor: int, machine_id: str | None = None) -> Exclusion | None:
    """Require the node's minimum order value where it refuses smaller orders instead of topping the price up."""
    if node.minimum_order_policy != "refuse" or price_minor >= node.minimum_order_minor:
        return None
    return Exclusion(
        code=ExclusionCode.MIN_ORDER,
        message=f"takes orders from {_euro(node.minimum_order_minor)}, this one is {_euro(price_minor)}",
        figures={"minimum_minor": node.minimum_order_minor, "price_minor": price_minor},
        machine_id=machine_id,
    )


def need_by(
    *, earliest_arrival: datetime, needed_at: datetime | None, machine_id: str | None = None
) -> Exclusion | None:
    """Require that the earliest possible arrival, on an empty machine, is in time."""
    if needed_at is None or earliest_arrival <= needed_at:
        return None
    return late_arrival(earliest_arrival, needed_at=needed_at, machine_id=machine_id)


def late_arrival(earliest_arrival: datetime, *, needed_at: datetime, machine_id: str | None) -> Exclusion:
    """Return that the earliest possible arrival is too late, and by how many hours."""
    late_hours = -(-int((earliest_arrival - needed_at).total_seconds()) // 3600)
    return Exclusion(
        code=ExclusionCode.NEED_BY,
        message=f"arrives {earliest_arrival:%Y-%m-%d %H:%M} UTC at the earliest, {late_hours} h late",
        figures={
            "earliest_arrival": earliest_arrival.isoformat(),
            "need_by": needed_at.isoformat(),
            "late_hours": late_hours,
        },
        machine_id=machine_id,
    )


def capacity(
    *, needed_minutes: int, available_minutes: int, last_day: date, machine_id: str | None = None
) -> Exclusion | None:
    """Require that the machine's free minutes up to the last possible day of production suffice."""
    if needed_minutes <= available_minutes:
        return None
    return Exclusion(
        code=ExclusionCode.CAPACITY,
        message=f"needs {needed_minutes} min by {last_day}, has {available_minutes} min free",
        figures={"needed_minutes": needed_minutes, "free_minutes": available_minutes, "by": last_day.isoformat()},
        machine_id=machine_id,
    )


def _euro(minor: int) -> str:
    return f"{minor / 100:,.2f} EUR"
