"""What keeps a job from its node beside the gates of routing: its own lot, its own prints of a licence, its days."""

from datetime import UTC, date, datetime

import pytest

from fabroute.inventory.service import LeaseView
from fabroute.network.service import LotView
from fabroute.production.repository.jobs import CheckedJob
from fabroute.production.service.recheck import (
    at_the_end,
    licence_held,
    lot_released,
    offer_gone,
    through_production,
    words_of,
)
from fabroute.solver.eligibility import ProductionWindow

TODAY = date(2026, 6, 15)
WINDOW = ProductionWindow(first_day=TODAY, last_day=date(2026, 6, 18))


def a_checked_job(*, produce_by: date = date(2026, 6, 18)) -> CheckedJob:
    return CheckedJob(
        job_id="job_1",
        organisation_id="org_owner",
        node_id="N101",
        order_line_id="line_1",
        revision_id="rev_1",
        machine_id="N101-A",
        material="PA12-MJF",
        parameter_set="PS-1",
        lot_id="lot_1",
        quantity=3,
        packaging="plain",
        ship_to_country="DE",
        produce_by=produce_by,
        state="accepted",
        criticality="routine",
    )


def a_lot(*, state: str = "available", expires_on: date = date(2027, 6, 15), reuse_count: int = 0) -> LotView:
    return LotView(
        lot_id="lot_1",
        node_id="N101",
        material="PA12-MJF",
        initial_grams=1_000,
        remaining_grams=0,
        expires_on=expires_on,
        state=state,
        reuse_count=reuse_count,
    )


def a_lease(*, state: str = "active", reason: str = "", valid_to: date | None = None) -> LeaseView:
    return LeaseView(
        job_id="job_1",
        licence_id="lic_1",
        prints=3,
        good_prints=0,
        leased_at=datetime(2026, 6, 15, tzinfo=UTC),
        released_at=None,
        licence_state=state,
        licence_reason=reason,
        valid_to=valid_to,
    )


def test_the_days_of_a_job_reach_from_today_to_its_last_one_also_where_it_is_late() -> None:
    assert through_production(a_checked_job(), TODAY) == WINDOW
    late = through_production(a_checked_job(produce_by=date(2026, 6, 1)), TODAY)
    assert (late.first_day, late.last_day) == (TODAY, TODAY)


def test_a_hold_looks_at_the_last_day_only() -> None:
    end = at_the_end(a_checked_job(), TODAY)
    assert (end.first_day, end.last_day) == (date(2026, 6, 18), date(2026, 6, 18))
    late = at_the_end(a_checked_job(produce_by=date(2026, 6, 1)), TODAY)
    assert (late.first_day, late.last_day) == (TODAY, TODAY)


@pytest.mark.parametrize(
    ("lot", "words"),
    [
        (a_lot(state="blocked"), "lot lot_1 of PA12-MJF is blocked"),
        (a_lot(expires_on=date(2026, 6, 17)), "lot lot_1 of PA12-MJF expires 2026-06-17, build ends 2026-06-18"),
        (a_lot(reuse_count=11), "lot lot_1 of PA12-MJF was re-used 11 times, 10 are allowed"),
    ],
)
def test_a_lot_that_may_not_be_used_closes_the_gate(lot: LotView, words: str) -> None:
    closed = lot_released(lot, a_checked_job(), WINDOW)
    assert closed is not None
    assert (closed.code, closed.message, closed.machine_id) == ("LOT_BLOCKED", words, "N101-A")
    assert closed.figures["lot_id"] == "lot_1"


def test_a_lot_that_is_drawn_empty_by_jobs_stays_open_for_them() -> None:
    assert lot_released(a_lot(), a_checked_job(), WINDOW) is None
    assert lot_released(a_lot(expires_on=date(2026, 6, 18)), a_checked_job(), WINDOW) is None
    assert lot_released(None, a_checked_job(), WINDOW) is None


@pytest.mark.parametrize(
    ("lease", "words", "state"),
    [
        (None, "the owner's print licence holds nothing for this job", "none"),
        (a_lease(state="revoked"), "the print licence is revoked", "revoked"),
        (a_lease(state="frozen", reason="rev D"), "the print licence is frozen (rev D)", "frozen"),
        (
            a_lease(valid_to=date(2026, 6, 17)),
            "the print licence ends 2026-06-17, build ends 2026-06-18",
            "expired",
        ),
    ],
)
def test_a_licence_that_does_not_hold_through_production_closes_the_gate(
    lease: LeaseView | None, words: str, state: str
) -> None:
    closed = licence_held(lease, a_checked_job(), WINDOW)
    assert closed is not None
    assert (closed.code, closed.message) == ("IP_POLICY", words)
    assert (closed.figures["state"], closed.figures["node_id"]) == (state, "N101")


def test_a_licence_counts_through_its_last_day() -> None:
    assert licence_held(a_lease(valid_to=date(2026, 6, 18)), a_checked_job(), WINDOW) is None
    assert licence_held(a_lease(), a_checked_job(), WINDOW) is None


def test_an_offer_that_is_gone_is_named_and_words_give_every_code() -> None:
    gone = offer_gone(a_checked_job())
    blocked = lot_released(a_lot(state="blocked"), a_checked_job(), WINDOW)
    assert blocked is not None
    assert words_of([gone, blocked]) == (
        "NO_PARAMETER_SET: N101-A is not offered with PA12-MJF and PS-1 any more; "
        "LOT_BLOCKED: lot lot_1 of PA12-MJF is blocked"
    )
    assert words_of([]) == ""
