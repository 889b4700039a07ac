"""The eight signals from the record of a part: its revisions, its orders, its lots, its tool."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fabroute.advice.rules.transition import Basis, Lot, Signal, SignalJudgement, State
from fabroute.advice.service import Stated, TransitionQuestion, ask_transition
from fabroute.inventory.service import ConventionalMethod, PartChange, change_part
from fabroute.kernel.errors import DomainError
from fabroute.logistics.service import ExchangeRate, LogisticsData, save_logistics
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.orders import given_orders, given_revision, make_order
from tests.factories.organisations import NOW
from tests.factories.production import Floor, given_floor

TODAY = NOW.date()
LATER = date(2027, 6, 16)


@pytest.fixture
def floor(database: Database) -> Iterator[Floor]:
    with engine_for(database.url) as engine:
        yield given_floor(engine)


def ask(floor: Floor, *, today: date = TODAY, **asked: Any) -> dict[Signal, SignalJudgement]:
    question = TransitionQuestion(organisation_id=floor.owner.organisation_id, part="RL-0001", **asked)
    found = floor.do(lambda session: ask_transition(session, question=question, today=today))
    assert found.part_no == "RL-0001"
    return {it.signal: it for it in found.advice.signals}


def given_lots(floor: Floor, count: int) -> None:
    """Have so many jobs of one piece printed."""
    for _ in range(count):
        job_id = floor.accepted()
        floor.fetched(job_id)
        floor.printed(job_id, "good")


def given_method(floor: Floor, method: ConventionalMethod) -> None:
    owner = floor.owner.organisation_id
    (row,) = floor.table("SELECT version FROM parts WHERE part_no = 'RL-0001'")
    change = PartChange(expected_version=int(str(row[0])), conventional=method)
    floor.do(
        lambda session: change_part(
            session, organisation_id=owner, part_no="RL-0001", change=change, actor="key_1", now=NOW
        )
    )


# ---------------------------------------------------------------- design


def test_a_new_part_is_not_frozen_until_half_a_year_later(floor: Floor) -> None:
    fresh = ask(floor)[Signal.DESIGN_FROZEN]
    later = ask(floor, today=TODAY + timedelta(days=184))[Signal.DESIGN_FROZEN]

    assert (fresh.state, fresh.basis) == (State.NOT_HELD, Basis.RECORD)
    assert (later.state, later.evidence) == (
        State.HELD,
        "the last revision is of 2026-06-15, 0 lots were made since",
    )


def test_three_lots_of_the_last_revision_freeze_it_too(floor: Floor) -> None:
    given_lots(floor, 2)
    two = ask(floor)[Signal.DESIGN_FROZEN]
    given_lots(floor, 1)
    three = ask(floor)[Signal.DESIGN_FROZEN]

    assert (two.state, three.state) == (State.NOT_HELD, State.HELD)
    assert three.evidence.endswith("3 lots were made since")


def test_a_new_draft_thaws_the_design_again(floor: Floor) -> None:
    given_lots(floor, 3)
    given_revision(floor.engine, part_id=floor.owner.part_id, revision="B", state="draft")
    floor.table(
        "UPDATE part_revisions SET created_at = created_at + interval '1 day' WHERE revision = 'B' RETURNING id"
    )
    thawed = ask(floor)[Signal.DESIGN_FROZEN]

    assert thawed.state is State.NOT_HELD
    assert thawed.evidence == "the last revision is of 2026-06-16, 0 lots were made since"


# ---------------------------------------------------------------- demand


def given_demand(floor: Floor, pieces: tuple[int, ...]) -> None:
    """Have so many pieces ordered in each of the twelve months before June 2027."""
    months = [datetime(2026 + (5 + number) // 12, (5 + number) % 12 + 1, 3, tzinfo=UTC) for number in range(12)]
    orders = [
        make_order(floor.owner, quantities=(quantity,), placed_at=month)
        for month, quantity in zip(months, pieces, strict=True)
        if quantity
    ]
    given_orders(floor.engine, *orders)


@pytest.mark.parametrize(
    ("pieces", "state", "words"),
    [
        ((10, 11, 9, 10, 12, 10, 8, 10, 11, 9, 10, 10), State.HELD, "ADI 1.00"),
        ((10, 0, 9, 10, 0, 10, 0, 10, 11, 0, 10, 10), State.NOT_HELD, "ADI 1.50"),
        ((1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 60), State.NOT_HELD, "erratic"),
    ],
)
def test_a_year_of_orders_tells_whether_demand_is_stable(
    floor: Floor, pieces: tuple[int, ...], state: State, words: str
) -> None:
    given_demand(floor, pieces)
    found = ask(floor, today=LATER)[Signal.DEMAND_STABLE]

    assert (found.state, found.basis) == (state, Basis.RECORD)
    assert words in found.evidence


def test_a_given_history_goes_before_the_record_and_a_short_record_says_nothing(floor: Floor) -> None:
    given_demand(floor, (10, *(0,) * 11))
    recorded = ask(floor, today=LATER)[Signal.DEMAND_STABLE]
    given = ask(floor, today=LATER, demand_by_month=(5,) * 12)[Signal.DEMAND_STABLE]
    too_early = ask(floor, today=date(2027, 5, 31))[Signal.DEMAND_STABLE]

    assert (recorded.state, recorded.basis) == (State.NOT_HELD, Basis.RECORD)
    assert (given.state, given.basis) == (State.HELD, Basis.FIGURES)
    assert (too_early.state, too_early.basis) == (State.UNKNOWN, Basis.NOTHING)


# ---------------------------------------------------------------- supplier


def test_five_good_lots_in_time_are_repeatable_and_four_are_too_few(floor: Floor) -> None:
    given_lots(floor, 4)
    four = ask(floor)[Signal.SUPPLIER_REPEATABLE]
    given_lots(floor, 1)
    five = ask(floor)[Signal.SUPPLIER_REPEATABLE]

    assert (four.state, five.state) == (State.UNKNOWN, State.HELD)
    assert five.evidence == "over 5 lots 100.0% were right first time, 100% of the lots on time"


def test_one_late_lot_of_five_is_not_repeatable(floor: Floor) -> None:
    given_lots(floor, 5)
    floor.table(
        "UPDATE jobs SET produce_by = produce_by - 30 WHERE id = (SELECT max(id) FROM jobs) RETURNING id",
    )
    found = ask(floor)[Signal.SUPPLIER_REPEATABLE]
    given = ask(floor, lots=(Lot(made=50, right_first_time=49, on_time=True),) * 5)[Signal.SUPPLIER_REPEATABLE]

    assert (found.state, found.evidence[-21:]) == (State.NOT_HELD, "80% of the lots on time"[-21:])
    assert (given.state, given.basis) == (State.HELD, Basis.FIGURES)


# ---------------------------------------------------------------- tool


def test_the_record_knows_tool_and_saving_once_both_prices_are_there(floor: Floor) -> None:
    unknown = ask(floor)[Signal.TOOLING_JUSTIFIED]
    given_method(floor, ConventionalMethod(unit_minor=10, tooling_minor=100_000))
    cheap = ask(floor)[Signal.TOOLING_JUSTIFIED]
    given_method(floor, ConventionalMethod(unit_minor=10, tooling_minor=900_000_000))
    dear = ask(floor)[Signal.TOOLING_JUSTIFIED]

    assert (unknown.state, unknown.basis) == (State.UNKNOWN, Basis.NOTHING)
    assert (cheap.state, cheap.basis) == (State.HELD, Basis.RECORD)
    assert dear.state is State.NOT_HELD
    assert "over 3 years" in cheap.evidence


def test_a_given_saving_goes_with_the_tool_of_the_record_in_any_currency(floor: Floor) -> None:
    given_method(floor, ConventionalMethod(tooling_minor=100_000))
    rate = ExchangeRate(currency="USD", per_eur=1.25, valid_from=TODAY, source="a bank")
    floor.do(lambda session: save_logistics(session, data=LogisticsData(exchange_rates=(rate,))))
    saving = Stated(amount_minor=62_500, currency="USD", pointer="/yearly_saving")
    enough = ask(floor, yearly_saving=saving, horizon_years=2.1)[Signal.TOOLING_JUSTIFIED]
    too_short = ask(floor, yearly_saving=saving, horizon_years=2.0)[Signal.TOOLING_JUSTIFIED]

    assert (enough.state, too_short.state) == (State.HELD, State.NOT_HELD)
    assert enough.basis is Basis.FIGURES
    assert too_short.evidence == "500.00 EUR a year over 2 years are 1,000.00 EUR, the tooling is 1,000.00 EUR"


def test_without_a_rate_or_a_part_nothing_is_said(floor: Floor) -> None:
    with pytest.raises(DomainError, match="no exchange rate for CHF") as no_rate:
        ask(floor, tooling=Stated(amount_minor=5, currency="CHF", pointer="/tooling"))
    question = TransitionQuestion(organisation_id="org_rival", part="RL-0001")
    with pytest.raises(DomainError, match="you have no part RL-0001") as no_part:
        floor.do(lambda session: ask_transition(session, question=question, today=TODAY))

    assert (no_rate.value.code, no_part.value.code) == ("currency_without_rate", "unknown_part")
    assert no_rate.value.problems[0].pointer == "/tooling/currency"
