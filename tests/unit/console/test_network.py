"""Figures of nodes in words: what is alarming, what is left, what nobody may see."""

from datetime import date

from fabroute.console.pages.network.network import UpAndDown, up_and_down
from fabroute.console.pages.network.node import outage_words
from fabroute.console.pages.network.scoring import score_rows
from fabroute.console.pages.network.standing import (
    certificate_gauge,
    days_left,
    load_gauge,
    rate_gauge,
    runway_gauge,
    seconds_words,
)
from fabroute.network.service.overview import MachineCount, MaterialRunway, NodeLoad
from fabroute.production.service.scores import AnswerTime, NodeScores, ProcessScores, Rate, Span
from fabroute.qualification.service.expiring import LastDay
from tests.factories.order_pages import FMT

NBSP = "\N{NO-BREAK SPACE}"


def a_load(*, held: int, planned: int = 1_000, planned_today: int = 100) -> NodeLoad:
    return NodeLoad(
        node_id="N101",
        planned_minutes=planned,
        held_minutes=held,
        planned_today_minutes=planned_today,
        held_today_minutes=50 if planned_today else 0,
    )


def a_last_day(days: int) -> LastDay:
    return LastDay(scheme="ISO9001", ends_on=date(2026, 7, 1), days_left=days)


def test_a_load_is_told_with_today_and_alarms_when_full() -> None:
    half, full = load_gauge(a_load(held=500), FMT, key="a"), load_gauge(a_load(held=1_000), FMT, key="b")

    assert half is not None
    assert (half.words, half.detail, half.is_alarming) == ("50%", "today 50%", False)
    assert full is not None
    assert full.is_alarming


def test_a_node_that_is_closed_today_or_whose_calendar_is_hidden_shows_no_share() -> None:
    closed = load_gauge(a_load(held=0, planned_today=0), FMT, key="a")

    assert closed is not None
    assert closed.detail == "closed today"
    assert load_gauge(None, FMT, key="a") is None
    assert load_gauge(a_load(held=0, planned=0), FMT, key="a") is None


def test_days_left_are_told_until_the_last_day_and_after_it() -> None:
    assert [days_left(days) for days in (800, 400, 1, 0, -3)] == [
        f"2{NBSP}years left",
        f"400{NBSP}d left",
        f"1{NBSP}d left",
        "last day today",
        f"ended 3{NBSP}d ago",
    ]


def test_a_certificate_alarms_a_month_before_its_end() -> None:
    gauges = [certificate_gauge(a_last_day(days), key="a") for days in (31, 30, -1)]

    assert [gauge.is_alarming for gauge in gauges if gauge] == [False, True, True]
    assert certificate_gauge(None, key="a") is None


def test_material_alarms_two_weeks_before_it_runs_out() -> None:
    def gauge(free: int) -> object:
        found = runway_gauge(
            MaterialRunway(node_id="N101", material="PA12", free_grams=free, lately_grams=28_000, next_expires_on=None),
            key="a",
        )
        return found and (found.words, found.detail, found.is_alarming)

    assert gauge(15_000) == (f"15{NBSP}d left", "PA12", False)
    assert gauge(13_900) == (f"13{NBSP}d left", "PA12", True)
    assert runway_gauge(None, key="a") is None


def test_shares_are_told_with_what_they_are_of() -> None:
    found = rate_gauge(Rate(so=9, counted=10), FMT, "job")

    assert found is not None
    assert (found.words, found.detail) == ("90%", f"of 10{NBSP}jobs")
    assert rate_gauge(Rate(so=0, counted=0), FMT, "job") is None


def test_seconds_are_not_counted() -> None:
    assert [seconds_words(seconds, FMT) for seconds in (5, 60, 5_400)] == [
        f"under 1{NBSP}min",
        f"1{NBSP}min",
        f"1{NBSP}h 30{NBSP}min",
    ]


def test_scores_tell_the_interval_of_the_true_share_and_declines_by_reason() -> None:
    scores = ProcessScores(
        process=None,
        on_time=Rate(so=1, counted=1),
        first_pass_yield=Rate(so=0, counted=0),
        answer_time=AnswerTime(answered=2, median_seconds=600.0, p90_seconds=7_200.0),
        lapses=Rate(so=0, counted=2),
        declines={"material": 1, "not_manufacturable": 2},
    )
    span = Span(first_day=date(2026, 3, 17), last_day=date(2026, 6, 15))

    (row,) = score_rows(NodeScores(node_id="N101", span=span, overall=scores, by_process=(scores,)), FMT)

    assert row.on_time is not None
    assert row.answer is not None
    assert (row.on_time.words, row.on_time.detail) == ("100%", f"of 1{NBSP}job; truly 21% to 100%")
    assert (row.answer.words, row.answer.detail) == (
        f"10{NBSP}min",
        f"of 2{NBSP}offers; 9 in 10 within 2{NBSP}h",
    )
    assert (row.first_pass, row.declines) == (None, "2 × not manufacturable, 1 × material")


def test_an_outage_tells_what_it_did_to_jobs() -> None:
    assert outage_words(0, 0) == ""
    assert outage_words(1, 2) == "1 job leaves for other nodes; 2 that are started: the node is asked to stop."
    assert outage_words(0, 0, over=3) == "on 3 days started jobs hold more than is left."


def test_a_machine_that_is_down_is_counted_and_named_beside_nodes_that_are_up() -> None:
    one = MachineCount(machines=214, down=1, named=(("N052-X/1", "N052"),))

    assert up_and_down({"up": 60}, one, FMT) == UpAndDown(
        nodes=f"60{NBSP}nodes up",
        machines=f"1 of 214{NBSP}machines down",
        named=(("N052-X/1", "/console/network/N052#machines"),),
        more=0,
    )


def test_nodes_that_are_down_or_closed_are_counted_by_themselves() -> None:
    none = MachineCount(machines=214, down=0, named=())
    many = MachineCount(machines=214, down=5, named=(("A", "N1"), ("B", "N1"), ("C", "N2")))

    assert up_and_down({"up": 59, "down": 1, "closed": 2}, none, FMT) == UpAndDown(
        nodes=f"59{NBSP}nodes up, 1 down, 2 closed", machines=f"all 214{NBSP}machines up", named=(), more=0
    )
    assert (up_and_down({"up": 60}, many, FMT).more, len(up_and_down({"up": 60}, many, FMT).named)) == (2, 3)
    assert up_and_down({"up": 1}, MachineCount(machines=1, down=0, named=()), FMT).machines == "its machine up"
    assert up_and_down({"down": 1}, MachineCount(machines=0, down=0, named=()), FMT).machines == ""
