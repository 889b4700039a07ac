"""Nothing is promised for a day that no calendar knows: what lasts longer is ruled out, in runs and in quotes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.quoting import PartAsked, QuantityQuote, QuoteBook, quote
from fabroute.routing.service.quoting.scalar import quote_one_by_one
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import Exclusion
from tests.factories.routing import a_lot_view
from tests.factories.snapshots import PRINTER, a_line, a_printer, a_revision_view, a_snapshot, june
from tests.unit.routing.quoting.test_quotes import a_question

WORKED_BY_HAND = replace(
    PRINTER,
    model="Fast",
    rate_cm3_per_hour=100_000,
    x_mm=1000,
    y_mm=1000,
    z_mm=1000,
    warmup_hours=0,
    cooldown_hours=0,
    setup_hours=0,
    unload_hours=0,
)
"""Prints a hundred thousand beads in nine minutes, each of which then takes somebody three minutes."""
BEAD = a_revision_view(box_mm=(5, 5, 5), volume_cm3=0.1)
HORIZON, PLANNED = 14, 14 + 160


def beads(*, free_minutes: tuple[int, ...] = (1440,) * HORIZON, quantity: int = 1) -> RoutingSnapshot:
    return a_snapshot(
        replace(a_line(), quantity=quantity),
        offers=(a_printer(model=WORKED_BY_HAND),),
        lots=(replace(a_lot_view(node_id="N101", material="PLA"), remaining_grams=10**9),),
        revisions=(BEAD,),
        free_minutes={"N101-A": free_minutes},
        horizon_days=HORIZON,
    )


def both(
    snapshot: RoutingSnapshot, *quantities: int, need_by: datetime | None = None, need_by_hard: bool = True
) -> tuple[QuantityQuote, ...]:
    """The quotes for some quantities, which must be those of the scalar finder."""
    asked = a_question(*quantities, part=PartAsked(revision=BEAD), need_by=need_by, need_by_hard=need_by_hard)
    book = QuoteBook(snapshot=snapshot)
    quick, slow = quote(book, asked).quotes, quote_one_by_one(book, asked).quotes
    assert tuple(replace(each, routable_if=()) for each in quick) == slow
    return quick


def the_reason(found: QuantityQuote) -> Exclusion:
    (excluded,) = found.exclusions
    (reason,) = excluded.reasons
    return reason


def test_a_quantity_that_is_finished_within_the_calendars_has_a_date_and_one_beyond_has_none() -> None:
    some, too_many = both(beads(), 80_000, 100_000)

    assert max(offer.promised_at for offer in some.offers) == datetime(2026, 12, 3, 16, tzinfo=UTC)
    assert (too_many.offers, too_many.pareto, too_many.candidates) == ((), (), 0)
    # 100,000 pieces of 3 min each are 208 days 8 hours: dispatched on day 209 if Monday is day 0.
    assert the_reason(too_many).code.value == "CAPACITY"
    assert the_reason(too_many).figures == {"needed_days": 210, "planned_days": PLANNED, "needed_minutes": 9}
    assert the_reason(too_many).message == "takes at least 210 days to be made and sent, 174 are planned ahead"


@pytest.mark.parametrize("need_by", [None, june(20), june(30), datetime(2035, 6, 1, tzinfo=UTC)])
@pytest.mark.parametrize("need_by_hard", [True, False])
def test_no_need_by_makes_a_promise_of_it(need_by: datetime | None, need_by_hard: bool) -> None:
    found = both(beads(), 1, 100_000, need_by=need_by, need_by_hard=need_by_hard)

    assert the_reason(found[1]).figures["needed_days"] == 210
    assert [change.promised_at for change in found[1].routable_if] == [None]
    assert {offer.service for offer in found[0].offers} <= {"economy", "express"}


def test_both_ways_agree_where_the_calendars_end_whatever_the_machine_holds() -> None:
    at_once, later = beads(), beads(free_minutes=(0,) * 9 + (1440,) * 5)
    quantities = tuple(range(76_000, 86_000, 1_000))
    first = [each.quantity for each in both(at_once, *quantities) if each.offers]
    second = [each.quantity for each in both(later, *quantities) if each.offers]

    assert first[: len(second)] == second
    assert len(second) < len(first) < len(quantities)
    last_day = datetime(2026, 6, 15, tzinfo=UTC).toordinal() + PLANNED - 1
    dates = [offer.promised_at for each in both(later, *quantities) for offer in each.offers]
    assert max(dates).toordinal() <= last_day


def test_what_would_have_to_change_is_the_quantity() -> None:
    (found,) = both(beads(), 100_000)

    (change,) = found.routable_if
    assert change.change == "so few are ordered at once that 174 days are enough, not 210"
    assert (change.landed_minor, change.machine_id) == (None, "N101-A")


def test_a_run_leaves_such_a_line_without_options() -> None:
    (choices,) = CandidateFinder(beads(quantity=100_000)).choices()
    (routed,) = CandidateFinder(beads(quantity=80_000)).choices()

    assert choices.options == ()
    assert [reason.figures["planned_days"] for each in choices.exclusions for reason in each.reasons] == [PLANNED]
    assert max(option.minutes for option in routed.options) < PLANNED * 24 * 60
