"""Shapes are compared by lengths that moving and turning don't change."""

import pytest

from fabroute.inventory.rules.shapes import SAME_WITHIN, SIMILAR_WITHIN, shape_deviation

SHAPE = (20.0, 60.0, 9.0, 14.0, 17.0, 4.0)


def test_a_shape_differs_from_itself_by_nothing_and_from_another_by_its_worst_length() -> None:
    assert shape_deviation(SHAPE, SHAPE) == 0
    assert shape_deviation(SHAPE, (20.0, 60.0, 9.0, 14.0, 17.17, 4.0)) == pytest.approx(0.17 / 17.17)
    assert shape_deviation(SHAPE, (20.2, 60.0, 9.0, 14.0, 17.17, 4.0)) == pytest.approx(0.2 / 20.2)
    assert shape_deviation((0.0,) * 6, (0.0,) * 6) == 0


def test_the_comparison_is_the_same_both_ways() -> None:
    other = (19.0, 61.0, 9.5, 14.2, 16.0, 3.0)
    assert shape_deviation(SHAPE, other) == shape_deviation(other, SHAPE) == pytest.approx(1 / 17)


def test_mirror_images_are_not_the_same_but_a_symmetric_part_has_none() -> None:
    assert shape_deviation(SHAPE, (*SHAPE[:5], -4.0)) is None
    assert shape_deviation(SHAPE, (*SHAPE[:5], 0.0)) == 0
    assert shape_deviation((*SHAPE[:5], 0.0), (*SHAPE[:5], -4.0)) == 0


def test_what_was_never_measured_is_like_nothing() -> None:
    assert shape_deviation((), SHAPE) is None
    assert shape_deviation(SHAPE, ()) is None
    assert SAME_WITHIN < SIMILAR_WITHIN
