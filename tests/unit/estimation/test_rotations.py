"""How a part can stand in a machine."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.facts import Box
from fabroute.estimation.rotations import PartDoesNotFit, allowed_rotations, fitting_rotations
from tests.factories.estimation import a_machine, a_part, reference_machine, reference_part

sides = st.integers(min_value=1, max_value=500).map(float)
boxes = st.tuples(sides, sides, sides)


def test_rotations_come_lowest_first_and_each_once() -> None:
    assert fitting_rotations((40.0, 30.0, 20.0), (100.0, 100.0, 100.0)) == (
        (30.0, 40.0, 20.0),
        (40.0, 30.0, 20.0),
        (20.0, 40.0, 30.0),
        (40.0, 20.0, 30.0),
        (20.0, 30.0, 40.0),
        (30.0, 20.0, 40.0),
    )
    assert fitting_rotations((10.0, 10.0, 10.0), (20.0, 20.0, 20.0)) == ((10.0, 10.0, 10.0),)


def test_the_margin_is_kept_free_on_both_sides() -> None:
    assert fitting_rotations((94.0, 94.0, 94.0), (100.0, 100.0, 100.0)) == ((94.0, 94.0, 94.0),)
    assert fitting_rotations((94.1, 94.0, 94.0), (100.0, 100.0, 100.0)) == ()
    assert fitting_rotations((94.1, 94.0, 94.0), (100.0, 100.0, 100.0), margin_mm=2) != ()


@given(box=boxes, build_box=boxes)
def test_a_rotation_fits_exactly_when_every_side_has_its_room(box: Box, build_box: Box) -> None:
    expected = {
        turned
        for turned in permutations(box)
        if all(side + 6 <= room for side, room in zip(turned, build_box, strict=True))
    }
    fitting = fitting_rotations(box, build_box)
    assert set(fitting) == expected
    assert [turned[2] for turned in fitting] == sorted(turned[2] for turned in fitting)


def test_a_fixed_orientation_leaves_the_turns_about_the_vertical() -> None:
    part = a_part(box_mm=(40.0, 30.0, 20.0), orientation_mm=(20.0, 40.0, 30.0))
    assert allowed_rotations(part, a_machine()) == ((20.0, 40.0, 30.0), (40.0, 20.0, 30.0))


def test_a_part_that_is_too_long_says_what_it_needs_and_what_there_is() -> None:
    with pytest.raises(PartDoesNotFit, match=r"needs 300 x 30 x 20 mm and 3 mm free on each side, Model MEX has 206 x"):
        allowed_rotations(a_part(box_mm=(300.0, 30.0, 20.0)), a_machine())


def test_a_fixed_orientation_that_does_not_fit_is_not_turned_over() -> None:
    flat = a_machine(box_mm=(206.0, 206.0, 30.0))
    assert len(allowed_rotations(a_part(), flat)) == 2
    with pytest.raises(PartDoesNotFit, match="needs 20 x 30 x 40 mm"):
        allowed_rotations(a_part(orientation_mm=(20.0, 30.0, 40.0)), flat)


def test_reference_parts_that_are_made_for_one_machine_just_fit_it() -> None:
    panel = allowed_rotations(reference_part("FU-0205"), reference_machine("Stratasys F900"))
    assert panel[0] == (890.0, 590.0, 40.0)
    carrier = allowed_rotations(reference_part("MA-0304"), reference_machine("EOS M 400-4"))
    assert carrier[0] == (388.0, 388.0, 96.0)
    with pytest.raises(PartDoesNotFit):
        allowed_rotations(reference_part("ZZ-0901"), reference_machine("EOS M 400-4"))
