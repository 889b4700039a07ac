"""Inspections are judged by the limits of the plan, and cover the prints that they speak of."""

import pytest

from fabroute.inventory.service import Characteristic
from fabroute.production.service.inspection.rules import (
    Inspected,
    Measurement,
    judge,
    plan_problems,
    still_failed,
    uncovered,
)

BORE = Characteristic(name="bore", kind="diameter", nominal_mm=8.0, lower_mm=7.98, upper_mm=8.02)
EDGE = Characteristic(name="edge", kind="roughness", upper_mm=0.01)
LOOK = Characteristic(name="surface", kind="visual")
PAPER = Characteristic(name="melt report", kind="report")


def bore(value: float) -> Measurement:
    return Measurement(name="bore", value_mm=value)


def one(number: int, result: str = "pass", level: str = "dimensional") -> Inspected:
    return Inspected(print_number=number, through_print=number, level=level, result=result)


def whole(through: int, result: str = "pass", level: str = "visual") -> Inspected:
    return Inspected(print_number=None, through_print=through, level=level, result=result)


@pytest.mark.parametrize(
    ("value", "findings"),
    [
        (7.98, ()),
        (8.0, ()),
        (8.02, ()),
        (8.05, ("bore 8.05 mm, limit 8.02",)),
        (8.0201, ("bore 8.0201 mm, limit 8.02",)),
        (7.9, ("bore 7.9 mm, limit 7.98",)),
    ],
)
def test_a_limit_itself_is_within_and_what_is_over_is_said_with_its_figures(
    value: float, findings: tuple[str, ...]
) -> None:
    judged = judge([BORE], [bore(value)])

    assert judged.findings == findings
    assert judged.result == ("fail" if findings else "pass")
    assert [it["passed"] for it in judged.measurements] == [not findings]


def test_limits_decide_whatever_is_claimed() -> None:
    claimed = Measurement(name="bore", value_mm=8.05, passed=True)
    modest = Measurement(name="bore", value_mm=8.0, passed=False)

    assert judge([BORE], [claimed]).result == "fail"
    assert judge([BORE], [modest]).findings == ()
    assert judge([EDGE], [Measurement(name="edge", value_mm=0.02)]).findings == ("edge 0.02 mm, limit 0.01",)


def test_an_inspector_may_fail_what_is_within_its_limits_and_says_why() -> None:
    judged = judge([BORE], [bore(8.0)], claimed_fail="a crack at the foot")

    assert (judged.result, judged.findings) == ("fail", ("a crack at the foot",))
    assert judged.measurements[0]["passed"] is True


def test_what_has_no_limits_counts_as_it_was_said() -> None:
    good = Measurement(name="surface", passed=True, text="even")
    bad = Measurement(name="surface", passed=False, text="pores")
    mute = Measurement(name="colour", passed=False)

    assert judge([LOOK], [good]).result == "pass"
    assert judge([LOOK], [bad, mute]).findings == ("surface: pores", "colour is not as it should be")
    assert judge([LOOK], [mute]).measurements[0]["kind"] == ""


def test_a_judged_measurement_keeps_its_limits_as_they_were() -> None:
    (measured,) = judge([BORE], [bore(8.01)]).measurements

    assert measured == {
        "name": "bore",
        "kind": "diameter",
        "nominal_mm": 8.0,
        "lower_mm": 7.98,
        "upper_mm": 8.02,
        "value_mm": 8.01,
        "text": "",
        "passed": True,
    }


def test_everything_that_is_missing_is_named_with_its_limits() -> None:
    problems = plan_problems([BORE, EDGE, LOOK, PAPER], [], whole_plan=True, has_report=False)

    assert [problem.message for problem in problems] == [
        "bore (diameter, 7.98 to 8.02 mm) is in the plan: add it",
        "edge (roughness, up to 0.01 mm) is in the plan: add it",
        "surface (visual) is in the plan: add it",
        "melt report (report) is in the plan: add it",
    ]
    assert {problem.pointer for problem in problems} == {"/measurements"}


def test_a_report_answers_for_itself_and_lower_levels_need_not_be_whole() -> None:
    assert plan_problems([PAPER], [], whole_plan=True, has_report=True) == ()
    assert plan_problems([BORE, LOOK], [], whole_plan=False, has_report=False) == ()


def test_what_cant_be_judged_is_pointed_at() -> None:
    given = [Measurement(name="surface"), Measurement(name="bore", text="fine"), bore(8.0)]
    problems = plan_problems([BORE, LOOK], given, whole_plan=True, has_report=False)
    unlimited = plan_problems([BORE, LOOK], [bore(float("nan")), given[0]], whole_plan=True, has_report=False)

    assert [problem.message for problem in problems] == [
        "name each characteristic once",
        "say whether surface is as it should be",
    ]
    assert [problem.pointer for problem in unlimited] == ["/measurements/0/value_mm", "/measurements/1/passed"]


def test_a_dimensional_part_needs_an_inspection_of_its_own() -> None:
    seen = [one(1), whole(3), whole(3, level="dimensional")]

    assert uncovered(level="dimensional", prints=[1, 2, 3], inspections=seen) == (2, 3)
    assert uncovered(level="visual", prints=[1, 2, 3], inspections=seen) == ()


def test_an_inspection_of_the_whole_job_says_nothing_of_later_prints() -> None:
    assert uncovered(level="visual", prints=[1, 2, 3], inspections=[whole(2)]) == (3,)
    assert uncovered(level="ct", prints=[1], inspections=[whole(1)]) == (1,)
    assert uncovered(level="ct", prints=[1], inspections=[whole(1, level="ct")]) == ()


def test_the_latest_inspection_of_a_piece_decides() -> None:
    put_right = [one(1, "fail"), one(1)]

    assert uncovered(level="dimensional", prints=[1], inspections=put_right) == ()
    assert uncovered(level="dimensional", prints=[1], inspections=put_right[::-1]) == (1,)
    assert uncovered(level="dimensional", prints=[1, 2], inspections=[one(1), one(2), whole(1, "fail")]) == (1,)
    assert uncovered(level="dimensional", prints=[1], inspections=[one(1), one(1, "fail"), one(1, level="ct")]) == (1,)


def test_a_part_that_needs_no_inspection_is_stopped_by_a_failed_one_alone() -> None:
    assert uncovered(level="none", prints=[1, 2], inspections=[]) == ()
    assert uncovered(level="none", prints=[1, 2], inspections=[one(2, "fail", "visual")]) == (2,)


@pytest.mark.parametrize(
    ("inspections", "by", "failed"),
    [
        ([one(1, "fail")], whole(3), (1,)),
        ([one(1, "fail"), one(3, "fail")], whole(3), (1, 3)),
        ([one(1, "fail"), one(3, "fail")], whole(2), (1,)),
        ([one(1, "fail"), one(3, "fail")], one(3), (3,)),
        ([one(1, "fail"), one(1)], whole(3), ()),
        ([one(1, "fail"), whole(2)], whole(3), ()),
        ([whole(2, "fail")], whole(3), (1, 2)),
        ([whole(2, "fail"), one(2)], whole(3), (1,)),
        ([whole(2, "fail")], one(2), (2,)),
        ([one(2, "fail")], one(1), ()),
        ([], whole(3), ()),
    ],
)
def test_an_inspection_has_to_answer_for_each_failed_print_that_it_speaks_of(
    inspections: list[Inspected], by: Inspected, failed: tuple[int, ...]
) -> None:
    assert still_failed(prints=[1, 2, 3], inspections=inspections, by=by) == failed
    assert still_failed(prints=[], inspections=inspections, by=by) == ()
