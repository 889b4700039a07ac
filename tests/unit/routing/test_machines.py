"""How much machine time there is, and when work can be done."""

from datetime import date, datetime

import pytest

from fabroute.estimation.production import ProductionEstimate
from fabroute.routing.service.machines import MachineTime
from fabroute.routing.service.pricing import Pricing
from fabroute.routing.service.timing import NEVER, Calendars
from tests.factories.routing import MONDAY_MORNING, a_node_view
from tests.factories.snapshots import a_printer, a_revision_view, a_snapshot, june, some_logistics

NODE = a_node_view(latitude=52.0, longitude=10.0)


def machines(*, free: tuple[int, ...] | None = None, now: datetime = MONDAY_MORNING, days: int = 14) -> MachineTime:
    """The printer N101-A, half free on working days or with these minutes."""
    snapshot = a_snapshot(free_minutes={} if free is None else {"N101-A": free}, now=now, horizon_days=days)
    return MachineTime(snapshot, Calendars(now=now, horizon_days=days))


def clips(quantity: int) -> ProductionEstimate:
    """What so many clips take: 339 minutes for two, 5,957 for forty in builds of up to 4,152."""
    pricing = Pricing(some_logistics({}), on=date(2026, 6, 15))
    return pricing.estimate(a_revision_view(), quantity=quantity, node=NODE, offer=a_printer())


def test_what_is_free_today_ends_at_midnight() -> None:
    assert machines(free=(1440,) * 3, days=3).free["N101-A"].tolist() == [840, 1440, 1440]  # it is 10:00


def test_nothing_is_free_before_the_first_production_day() -> None:
    friday_night = june(19, 20)

    assert machines(now=friday_night, days=5).free["N101-A"].tolist() == [0, 0, 0, 720, 720]


def test_short_work_is_done_on_the_first_day() -> None:
    assert machines().earliest("N101-A", clips(2)) == 0


def test_work_waits_for_the_running_total_of_free_minutes() -> None:
    free = (100, 100, 100, 100, 0, 0, 0)

    assert machines(free=free, days=7).earliest("N101-A", clips(2)) == 3
    assert machines(free=(10,) * 7, days=7).earliest("N101-A", clips(2)) == NEVER


def test_an_empty_machine_would_be_earlier() -> None:
    full = machines(free=(0, 0, 0, 720, 720), days=5)

    assert full.earliest("N101-A", clips(2)) == 3
    assert full.earliest("N101-A", clips(2), empty=True) == 0
    assert full.empty_until("N101-A").tolist() == [720, 1440, 2160, 2880, 3600]


def test_a_build_can_not_be_over_before_it_has_run() -> None:
    plenty = machines(free=(100_000,) * 14)

    # 840 minutes are left of today; 4,152 take until the third day after it.
    assert clips(40).build_minutes == 4152
    assert plenty.earliest("N101-A", clips(40)) == 3


@pytest.mark.parametrize(("bucket", "minutes"), [(-1, 0), (0, 720), (1, 1440), (4, 3600), (6, 3600)])
def test_free_minutes_are_counted_up_to_a_day(bucket: int, minutes: int) -> None:
    assert machines(days=7).free_until("N101-A", bucket) == minutes


def test_the_same_question_has_the_same_answer() -> None:
    asked = machines()

    assert [asked.earliest("N101-A", clips(quantity)) for quantity in (1, 2, 40)] == [
        asked.earliest("N101-A", clips(quantity)) for quantity in (1, 2, 40)
    ]
