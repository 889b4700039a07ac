"""Lots in stores: put aside, weighed, refreshed; jobs that draw from them are held in the same transaction."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlmodel import Session

from fabroute.cli.invariants import check_invariants
from fabroute.identity.rules import Principal
from fabroute.network.service import (
    LotIsBlocked,
    LotState,
    LotStock,
    LotTooLarge,
    StockFilter,
    StocktakeBelowReserved,
    UnknownLot,
    consume_lot,
    list_lots,
    list_movements,
)
from fabroute.production.service import take_back_held
from fabroute.production.service.recall import LotChange, count_lot, read_store, refresh_lot, set_lot_state
from fabroute.solver.eligibility.supply import MAXIMUM_REUSE
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, key_of


def put(floor: Floor, state: LotState, *, who: Principal = BUREAU_KEY, reason: str = "wet") -> LotChange:
    return floor.do(
        lambda session: set_lot_state(session, lot_id="lot_1", state=state, reason=reason, principal=who, now=NOW)
    )


def weigh(floor: Floor, grams: int, *, who: Principal = BUREAU_KEY) -> LotStock:
    return floor.do(
        lambda session: count_lot(session, lot_id="lot_1", counted_grams=grams, note="weighed", principal=who, now=NOW)
    ).lot


def refresh(floor: Floor, grams: int = 500, *, who: Principal = BUREAU_KEY) -> LotChange:
    return floor.do(
        lambda session: refresh_lot(session, lot_id="lot_1", fresh_grams=grams, note="", principal=who, now=NOW)
    )


def use(floor: Floor, job_id: str, grams: int, *, days_ago: int = 0) -> None:
    then = NOW - timedelta(days=days_ago)
    floor.do(
        lambda session: consume_lot(
            session, lot_id="lot_1", job_id=job_id, build_id="bld_1", grams=grams, actor="key_bureau", now=then
        )
    )


def stock(floor: Floor, who: Principal = BUREAU_KEY) -> LotStock:
    return floor.do(lambda session: read_store(session, lot_id="lot_1", principal=who, now=NOW))


def movements(floor: Floor) -> list[tuple[str, int, int, str]]:
    page = floor.do(lambda session: list_movements(session, lot_id="lot_1", cursor=None, limit=50))
    return [(each.kind, each.grams, each.remaining_grams, each.note) for each in page.items]


def broken(floor: Floor) -> list[str]:
    return [it.invariant.name for it in check_invariants(floor.engine) if it.broken and "lot" in it.invariant.name]


def test_a_quarantined_lot_holds_the_jobs_that_draw_from_it_and_they_go_elsewhere(floor: Floor) -> None:
    accepted = floor.accepted()
    (offer,) = floor.offered()
    change = put(floor, "quarantined")

    assert (change.held, change.lot.state, change.lot.state_reason) == (2, "quarantined", "wet")
    reasons = floor.table("SELECT DISTINCT held_reason FROM jobs WHERE state = 'held'")
    assert reasons == [("LOT_BLOCKED: lot lot_1 of PA12-MJF is quarantined",)]
    assert (floor.told("lot.quarantined"), floor.told("job.held")) == (["lot_1"], [accepted, offer.job_id])
    assert broken(floor) == []
    assert floor.do(lambda session: take_back_held(session, now=NOW)) == 2
    assert stock(floor).reserved_grams == 0


def test_a_released_lot_is_told_to_routing(floor: Floor) -> None:
    put(floor, "quarantined")
    put(floor, "available", reason="dried")

    released = floor.table("SELECT data ->> 'reason' FROM outbox_events WHERE name = 'network.changed'")
    assert ("lot_released",) in released
    assert movements(floor) == [("quarantined", 0, 10_000, "wet"), ("released", 0, 10_000, "dried")]
    assert [data["from"] for _, _, data in floor.audited("lot.released") if isinstance(data, dict)] == ["quarantined"]


def test_the_same_state_again_changes_nothing(floor: Floor) -> None:
    put(floor, "quarantined")
    assert put(floor, "quarantined", reason="again").lot.state_reason == "wet"
    assert len(movements(floor)) == 1


@pytest.mark.parametrize("state", ["available", "quarantined"])
def test_a_blocked_lot_stays_blocked(floor: Floor, state: LotState) -> None:
    put(floor, "blocked")

    with pytest.raises(LotIsBlocked, match="lot lot_1 is blocked for good"):
        put(floor, state)
    with pytest.raises(LotIsBlocked, match="mix the fresh powder into another one"):
        refresh(floor)
    assert stock(floor).state == "blocked"


def test_a_stocktake_corrects_what_remains_beside_what_is_reserved(floor: Floor) -> None:
    floor.accepted()
    lot = weigh(floor, 9_400)

    assert (lot.initial_grams, lot.remaining_grams, lot.reserved_grams) == (9_400, 9_300, 100)
    assert movements(floor) == [("corrected", -600, 9_300, "weighed")]
    assert weigh(floor, 9_900).remaining_grams == 9_800
    assert broken(floor) == []


def test_a_stocktake_below_what_is_reserved_is_refused(floor: Floor) -> None:
    floor.accepted()

    with pytest.raises(StocktakeBelowReserved, match="99 g were counted in lot lot_1, and jobs have reserved 100 g"):
        weigh(floor, 99)
    assert weigh(floor, 100).remaining_grams == 0


def test_what_a_build_used_is_not_in_the_store_when_it_is_weighed(floor: Floor) -> None:
    job_id = floor.accepted()
    use(floor, job_id, 60)
    before = stock(floor)

    assert (before.remaining_grams, before.reserved_grams, before.used_grams) == (9_940, 0, 60)
    assert weigh(floor, 9_940).initial_grams == 10_000


def test_what_a_shipped_job_had_reserved_counts_as_used_at_a_stocktake(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.table("UPDATE jobs SET state = 'shipped', good_prints = 1 WHERE id = :id RETURNING id", id=job_id)
    lot = weigh(floor, 9_900)

    assert (lot.initial_grams, lot.remaining_grams, lot.reserved_grams, lot.used_grams) == (10_000, 9_900, 0, 100)
    assert movements(floor)[0] == ("consumed", -100, 9_900, "as reserved: no build of it was closed")


def test_fresh_powder_counts_as_one_more_re_use(floor: Floor) -> None:
    change = refresh(floor)

    assert (change.lot.remaining_grams, change.lot.reuse_count, change.held) == (10_500, 1, 0)
    assert movements(floor) == [("refreshed", 500, 10_500, "")]
    with pytest.raises(LotTooLarge, match="receive the rest as another lot"):
        refresh(floor, 2_000_000_000)


def test_a_lot_that_is_re_used_too_often_holds_its_jobs(floor: Floor) -> None:
    floor.accepted()
    floor.table("UPDATE material_lots SET reuse_count = :most RETURNING id", most=MAXIMUM_REUSE)
    change = refresh(floor)

    assert (change.held, change.lot.reuse_count) == (1, MAXIMUM_REUSE + 1)
    ((reason,),) = floor.table("SELECT held_reason FROM jobs")
    assert reason == "LOT_BLOCKED: lot lot_1 of PA12-MJF was re-used 11 times, 10 are allowed"


def test_the_runway_is_what_remains_at_the_mean_use_of_four_weeks(floor: Floor) -> None:
    assert stock(floor).runway_days is None
    first, second = floor.accepted(), floor.accepted()
    use(floor, first, 280)
    use(floor, second, 1_000, days_ago=29)
    lot = stock(floor)

    assert (lot.used_grams, lot.lately_grams, lot.remaining_grams) == (1_280, 280, 8_720)
    assert lot.runway_days == pytest.approx(8_720 / (280 / 28))
    assert lot.days_left(date(2026, 6, 15)) == (lot.expires_on - date(2026, 6, 15)).days


def test_lots_are_listed_by_state_and_material(floor: Floor) -> None:
    def found(state: str | None, material: str | None) -> list[str]:
        wanted = StockFilter(node_id="N101", state=state, material=material, limit=5)
        return [lot.lot_id for lot in floor.do(lambda session: list_lots(session, wanted=wanted, now=NOW)).items]

    assert found(None, None) == found("available", "PA12-MJF") == ["lot_1"]
    assert found("blocked", None) == found(None, "PA11") == []


def test_a_store_is_its_organisation_s_and_the_operator_s(floor: Floor) -> None:
    everything: tuple[Callable[[Principal], object], ...] = (
        lambda who: stock(floor, who),
        lambda who: put(floor, "quarantined", who=who),
        lambda who: weigh(floor, 10, who=who),
        lambda who: refresh(floor, who=who),
    )
    for work in everything:
        for who in (RIVAL_KEY, key_of(floor.owner)):
            with pytest.raises(UnknownLot, match="no material lot lot_1 of yours"):
                work(who)
    assert stock(floor, OPERATOR_KEY) == stock(floor)
    assert put(floor, "quarantined", who=OPERATOR_KEY).lot.state == "quarantined"


def test_an_unknown_lot_is_refused(floor: Floor) -> None:
    def read(session: Session) -> LotStock:
        return read_store(session, lot_id="lot_9", principal=OPERATOR_KEY, now=NOW)

    with pytest.raises(UnknownLot, match="lot_9"):
        floor.do(read)
