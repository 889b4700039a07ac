"""Shapes are fitted to a box exactly and to a volume closely, or refused loudly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifold3d import Manifold

from fabroute.integrations.print_files.fitting import Box, Recipe, ShapeOutOfReach, fitted, solve_shape
from fabroute.kernel.errors import DomainError


def hollow_cube(box: Box, wall: float) -> Manifold:
    """Draw a box open at the top: its volume has a formula."""
    room = Manifold.cube((box.x - 2 * wall, box.y - 2 * wall, box.z), False).translate((wall, wall, wall))
    return Manifold.cube((box.x, box.y, box.z), False) - room


def hollow_volume(box: Box, wall: float) -> float:
    return box.x * box.y * box.z - (box.x - 2 * wall) * (box.y - 2 * wall) * (box.z - wall)


OPEN_BOX = Recipe(draw=hollow_cube, thinnest=0.01, thickest=0.49)
BOX = Box(x=40, y=30, z=20)


@given(share=st.floats(0.012, 0.48))
@settings(max_examples=40, deadline=None)
def test_any_volume_between_the_bounds_is_met_within_a_thousandth(share: float) -> None:
    wanted = hollow_volume(BOX, share * BOX.shortest)
    body = solve_shape(OPEN_BOX, BOX, wanted)
    assert body.volume() == pytest.approx(wanted, rel=0.001)
    assert body.bounding_box() == pytest.approx((0, 0, 0, 40, 30, 20))


def test_the_wall_found_is_the_one_of_the_formula() -> None:
    body = solve_shape(OPEN_BOX, BOX, hollow_volume(BOX, 2.0))
    level = body.slice(10.0)
    outer, inner = (level.to_polygons()[number] for number in (0, 1))
    assert outer[:, 0].min() == pytest.approx(0.0)
    assert inner[:, 0].min() == pytest.approx(2.0, abs=0.01)
    assert inner[:, 1].max() == pytest.approx(28.0, abs=0.01)


def test_few_drawings_are_needed() -> None:
    drawn: list[float] = []

    def counted(box: Box, wall: float) -> Manifold:
        drawn.append(wall)
        return hollow_cube(box, wall)

    solve_shape(Recipe(draw=counted, thinnest=0.01, thickest=0.49), BOX, hollow_volume(BOX, 1.3))
    assert drawn[:2] == pytest.approx([0.2, 9.8])
    assert len(drawn) <= 7
    assert all(wall == round(wall, 6) for wall in drawn)


@pytest.mark.parametrize("share", [0.009, 0.495])
def test_a_volume_beyond_the_thinnest_or_thickest_wall_is_refused_with_the_range(share: float) -> None:
    with pytest.raises(ShapeOutOfReach, match=r"holds 0\.8 to 21\.8 cm3 in a box of 40 x 30 x 20 mm") as refusal:
        solve_shape(OPEN_BOX, BOX, hollow_volume(BOX, share * BOX.shortest))
    assert isinstance(refusal.value, DomainError)
    assert (refusal.value.code, refusal.value.status) == ("shape_out_of_reach", 422)
    assert "mend the part's volume or box" in refusal.value.message


def test_a_shape_whose_volume_jumps_is_refused_instead_of_tried_for_ever() -> None:
    def stepped(box: Box, wall: float) -> Manifold:
        return hollow_cube(box, 1.0 if wall < 3.0 else 4.0)

    with pytest.raises(ShapeOutOfReach, match=r"jumps past 9\.0 cm3 near (2\.99|3\.0)") as refusal:
        solve_shape(Recipe(draw=stepped, thinnest=0.05, thickest=0.45), BOX, 9000.0)
    assert refusal.value.message.endswith("mend its recipe")


def test_a_shape_a_little_off_is_stretched_to_the_box_and_moved_to_the_origin() -> None:
    body = fitted(Manifold.cube((44.0, 30.0, 16.5), True).translate((100.0, 0.0, -7.0)), BOX)
    assert body.bounding_box() == pytest.approx((0, 0, 0, 40, 30, 20))
    assert body.volume() == pytest.approx(24_000)


@pytest.mark.parametrize("size", [(55.0, 30.0, 20.0), (40.0, 22.0, 20.0), (40.0, 30.0, 90.0)])
def test_a_shape_far_off_is_another_shape(size: tuple[float, float, float]) -> None:
    with pytest.raises(ShapeOutOfReach, match="stretched by more than 25% to fill 40 x 30 x 20 mm") as refusal:
        fitted(Manifold.cube(size, True), BOX)
    assert f"{size[0]:.1f} x {size[1]:.1f} x {size[2]:.1f} mm" in refusal.value.message


def test_an_empty_or_broken_solid_is_refused() -> None:
    with pytest.raises(ShapeOutOfReach, match="draws no valid solid in a box of 40 x 30 x 20 mm"):
        fitted(Manifold(), BOX)
    with pytest.raises(ShapeOutOfReach, match="draws no valid solid"):
        fitted(Manifold.cube((float("nan"), 1.0, 1.0), True), BOX)


def test_boxes_have_three_lengths() -> None:
    assert Box(x=3, y=1, z=2).shortest == 1
    assert str(Box(x=3.5, y=1, z=2)) == "3.5 x 1 x 2 mm"
    with pytest.raises(ValueError, match="three lengths above 0 mm, not 3 x 0 x 2 mm"):
        Box(x=3, y=0, z=2)


def test_recipes_bound_their_free_measure() -> None:
    for bounds in ((0.0, 0.1), (0.2, 0.2), (0.3, 0.1)):
        with pytest.raises(ValueError, match="0 < thinnest < thickest"):
            Recipe(draw=hollow_cube, thinnest=bounds[0], thickest=bounds[1])
    assert Recipe(draw=hollow_cube, thinnest=0.1, thickest=0.2).thickest == 0.2
