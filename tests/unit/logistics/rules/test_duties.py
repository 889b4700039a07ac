"""Dated duty rules."""

from datetime import date

import pytest

from fabroute.logistics.rules import Duty, NoDutyRule, consignment_of, customs_duty
from fabroute.logistics.rules.duties import Consignment
from tests.factories.freight import TODAY, reference_book


def rule(territory: str, value_minor: int, *, on: date = TODAY, consignment: Consignment = "b2c") -> tuple[int, float]:
    found = customs_duty(
        reference_book().duties, territory=territory, consignment=consignment, on=on, value_minor=value_minor
    )
    return found.fixed_minor, found.fraction


def test_consumers_and_patients_are_consumers_and_all_others_are_businesses() -> None:
    assert [consignment_of(name) for name in ("consumer", "patient")] == ["b2c", "b2c"]
    assert [consignment_of(name) for name in ("aog", "line_down", "routine", "safety")] == ["b2b"] * 4


def test_small_consumer_consignments_into_the_union_pay_three_euro_for_two_years() -> None:
    assert rule("EU", 15_000, on=date(2026, 6, 30)) == (0, 0)
    assert rule("EU", 15_000, on=date(2026, 7, 1)) == (300, 0)
    assert rule("EU", 15_000, on=date(2028, 7, 1)) == (300, 0)
    assert rule("EU", 15_000, on=date(2028, 7, 2)) == (0, 0.03)


def test_above_the_limit_and_for_businesses_the_share_holds() -> None:
    assert rule("EU", 15_001) == (0, 0.03)
    assert rule("EU", 100, consignment="b2b") == (0, 0.03)


def test_the_united_states_have_no_free_limit_any_more() -> None:
    assert rule("US", 5_000, on=date(2025, 8, 28)) == (0, 0)
    assert rule("US", 5_000, on=date(2025, 8, 29)) == (0, 0.1)


def test_places_without_rules_of_their_own_follow_the_general_one() -> None:
    assert rule("KE", 5_000) == (0, 0.05)
    assert rule("CH", 5_000, consignment="b2b") == (0, 0.05)


def test_a_day_that_no_rule_covers_is_an_error_and_not_free_of_duty() -> None:
    with pytest.raises(NoDutyRule, match="b2c goods into EU on 2009-12-31: import one"):
        rule("EU", 5_000, on=date(2009, 12, 31))
    only_dear = Duty(
        territory="EU",
        consignment="b2b",
        maximum_value_minor=100,
        fixed_minor=0,
        fraction=0.0,
        valid_from=date(2025, 1, 1),
        valid_to=date(2025, 12, 31),
    )
    with pytest.raises(NoDutyRule):
        customs_duty(
            {("EU", "b2b"): [only_dear]}, territory="EU", consignment="b2b", on=date(2025, 6, 1), value_minor=101
        )
