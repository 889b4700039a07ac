"""A line that begins with a first article: one part in a build of its own, then, once it is approved, the rest."""

from dataclasses import replace

from fabroute.estimation.breakdown import BreakdownRow
from fabroute.estimation.production import ProductionEstimate

_FILE, _MARGIN, _TOP_UP = "file_preparation", "margin", "minimum_order_top_up"


def with_first_article(first: ProductionEstimate, rest: ProductionEstimate) -> ProductionEstimate:
    """Return the estimate of ``first`` (one part) and ``rest`` (all others) made one after the other.

    24 parts at 10 a build take 1 + 3 builds instead of 3. Machine time, material, energy and price add up; the file is
    prepared once, and the minimum order counts for both together. The first part is finished before the others are
    begun, so its time off the machine is added to theirs. How long its owner takes to approve it, nobody knows: that is
    in no date. Nobody shares the last build, because nobody knows when it comes.
    """
    breakdown = _rows(first, rest)
    return replace(
        rest,
        quantity=first.quantity + rest.quantity,
        builds=first.builds + rest.builds,
        machine_minutes=first.machine_minutes + rest.machine_minutes,
        machine_minutes_p90=first.machine_minutes_p90 + rest.machine_minutes_p90,
        off_machine_minutes=first.off_machine_minutes + rest.off_machine_minutes,
        material_grams=first.material_grams + rest.material_grams,
        net_grams=first.net_grams + rest.net_grams,
        breakdown=breakdown,
        price_minor=sum(row.amount_minor for row in breakdown),
        minimum_top_up_minor=breakdown[-1].amount_minor,
        energy_wh=first.energy_wh + rest.energy_wh,
        co2_g=first.co2_g + rest.co2_g,
        opening=None,
    )


def _rows(first: ProductionEstimate, rest: ProductionEstimate) -> tuple[BreakdownRow, ...]:
    """Return the rows of both, each code once; the top-up to the minimum order is what is still missing."""
    alone = _without_file({row.code: row.amount_minor for row in first.breakdown})
    made = tuple(
        BreakdownRow(code=row.code, amount_minor=row.amount_minor + alone.get(row.code, 0))
        for row in rest.breakdown
        if row.code != _TOP_UP
    )
    minimum = first.price_minor if first.minimum_top_up_minor else 0
    missing = max(0, minimum - sum(row.amount_minor for row in made))
    return (*made, BreakdownRow(code=_TOP_UP, amount_minor=missing))


def _without_file(amounts: dict[str, int]) -> dict[str, int]:
    """Return amounts by code without the preparation of the file, and without its share of the margin."""
    costs = sum(amount for code, amount in amounts.items() if code not in (_MARGIN, _TOP_UP))
    file, margin = amounts.get(_FILE, 0), amounts.get(_MARGIN, 0)
    rest = {code: amount for code, amount in amounts.items() if code != _FILE}
    return rest | {_MARGIN: margin - (round(margin * file / costs) if costs else 0)}
