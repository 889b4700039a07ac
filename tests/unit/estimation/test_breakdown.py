"""Rows that add up to the cent."""

import math

from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.breakdown import rounded_rows

amounts = st.lists(st.floats(min_value=0, max_value=1e6), max_size=12)


def rounded(*exact: float) -> list[int]:
    return [row.amount_minor for row in rounded_rows((f"row {index}", amount) for index, amount in enumerate(exact))]


def test_thirds_of_a_cent_are_not_lost() -> None:
    assert rounded(100 / 3, 100 / 3, 100 / 3) == [33, 34, 33]
    assert rounded(0.4, 0.4, 0.4) == [0, 1, 0]


def test_half_a_cent_is_rounded_up() -> None:
    assert rounded(0.5) == [1]
    assert rounded(2.5) == [3]
    assert rounded(0.1 + 0.2 + 0.2) == [1]
    assert rounded(1.4999) == [1]


def test_rows_keep_their_names_and_order() -> None:
    assert [row.code for row in rounded_rows([("machine", 1.0), ("material", 2.0)])] == ["machine", "material"]
    assert rounded_rows([]) == ()


@given(exact=amounts)
def test_the_sum_is_rounded_once_and_no_row_is_more_than_a_cent_off(exact: list[float]) -> None:
    whole = rounded(*exact)
    assert abs(sum(whole) - math.fsum(exact)) <= 0.5 + 1e-6
    assert all(abs(row - amount) <= 1 + 1e-6 for row, amount in zip(whole, exact, strict=True))
    assert all(row >= 0 for row in whole)
