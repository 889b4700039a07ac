"""Bodies against the formulas of solid geometry."""

import math

import pytest
from manifold3d import Manifold

from fabroute.integrations.print_files.brackets import PANTOGRAPH_HOUSING
from fabroute.integrations.print_files.caps import hood, sunk
from fabroute.integrations.print_files.fitting import Box
from fabroute.integrations.print_files.hinges import leaf
from fabroute.integrations.print_files.levers import splined
from fabroute.integrations.print_files.rotors import threaded_rod
from fabroute.integrations.print_files.sections import disc, polygon, rectangle, rounded, slot
from fabroute.integrations.print_files.solids import (
    around,
    ball,
    bar,
    block,
    cone,
    copies,
    cut,
    cylinder,
    fuse,
    gusset,
    hull,
    lying_x,
    lying_y,
    profile_along_x,
    profile_along_y,
    screw_hole,
    slab,
    softened,
    tube,
    turned,
    twins,
)


def box_of(body: Manifold) -> list[float]:
    return [round(side, 4) + 0.0 for side in body.bounding_box()]


def test_a_slab_stands_on_its_base() -> None:
    body = slab(rectangle(4.0, 6.0), 5.0, 2.0)
    assert box_of(body) == [-2, -3, 2, 2, 3, 7]
    assert body.volume() == pytest.approx(120.0)


def test_a_block_stands_on_the_point_it_is_put_at() -> None:
    assert box_of(block((4.0, 6.0, 5.0), (10.0, 0.0, 1.0))) == [8, -3, 1, 12, 3, 6]
    assert block((4.0, 6.0, 5.0)).volume() == pytest.approx(120.0)


def test_round_bodies_have_nearly_the_volumes_of_the_formulas() -> None:
    assert cylinder(10.0, 4.0).volume() == pytest.approx(math.pi * 100, rel=0.002)
    assert tube(10.0, 6.0, 4.0).volume() == pytest.approx(math.pi * 64, rel=0.002)
    assert cone(10.0, 4.0, 6.0).volume() == pytest.approx(math.pi * 2 * (25 + 10 + 4), rel=0.002)
    assert ball(10.0, segments=128).volume() == pytest.approx(math.pi / 6 * 1000, rel=0.003)
    assert bar((0, 0, 0), (20, 0, 0), 4.0, 64).volume() == pytest.approx(math.pi * (80 + 32 / 3), rel=0.01)


def test_round_bodies_stand_where_they_are_put() -> None:
    assert box_of(cylinder(10.0, 4.0, (7.0, 1.0), -2.0)) == [2, -4, -2, 12, 6, 2]
    assert box_of(tube(10.0, 6.0, 4.0, (7.0, 1.0), 3.0)) == [2, -4, 3, 12, 6, 7]
    assert box_of(cone(10.0, 4.0, 6.0, 1.0)) == [-5, -5, 1, 5, 5, 7]
    assert box_of(ball(10.0, (1.0, 2.0, 3.0))) == [-4, -3, -2, 6, 7, 8]


def test_a_turned_outline_is_a_body_of_revolution() -> None:
    ring = turned([(4.0, 0.0), (6.0, 0.0), (6.0, 3.0), (4.0, 3.0)], 128)
    assert ring.volume() == pytest.approx(math.pi * (36 - 16) * 3, rel=0.001)
    assert box_of(ring) == [-6, -6, 0, 6, 6, 3]
    assert ring.genus() == 1


def test_a_softened_slab_keeps_its_box_and_loses_its_upper_edge() -> None:
    plain = slab(rectangle(20.0, 10.0), 6.0)
    soft = softened(rectangle(20.0, 10.0), 6.0, 2.0)
    both = softened(rectangle(20.0, 10.0), 6.0, 2.0, 1.0, foot=True)
    assert box_of(soft) == box_of(plain)
    assert box_of(both) == [-10, -5, 1, 10, 5, 7]
    assert soft.slice(0.5).area() == pytest.approx(200.0)
    assert soft.slice(5.999).area() == pytest.approx(16 * 6, rel=0.05)
    assert both.slice(1.001).area() == pytest.approx(16 * 6, rel=0.05)
    assert both.volume() < soft.volume() < plain.volume()


def test_union_difference_and_hull_are_those_of_sets() -> None:
    one, other = block((4.0, 4.0, 4.0)), block((4.0, 4.0, 4.0), (2.0, 0.0, 0.0))
    assert fuse(one, other).volume() == pytest.approx(6 * 4 * 4)
    assert cut(one, other).volume() == pytest.approx(2 * 4 * 4)
    assert cut(one, other, block((4.0, 4.0, 4.0), (-2.0, 0.0, 0.0))).is_empty()
    assert hull(one, other.translate((4.0, 0.0, 0.0))).volume() == pytest.approx(10 * 4 * 4)


def test_copies_stand_at_their_places() -> None:
    row = copies(block((1.0, 1.0, 1.0)), [(0.0, 0.0), (5.0, 0.0), (10.0, 0.0)])
    assert row.volume() == pytest.approx(3.0)
    assert box_of(row) == [-0.5, -0.5, 0, 10.5, 0.5, 1]
    wheel = around(block((1.0, 1.0, 1.0), (5.0, 0.0, 0.0)), 6)
    assert len(wheel.decompose()) == 6
    assert around(block((1.0, 1.0, 1.0), (5.0, 0.0, 0.0)), 1, 90.0).bounding_box()[4] == pytest.approx(5.5)


def test_twins_mirror_each_other() -> None:
    pair = twins(block((2.0, 2.0, 2.0), (5.0, 1.0, 0.0)), (1.0, 0.0, 0.0))
    assert box_of(pair) == [-6, 0, 0, 6, 2, 2]
    assert pair.volume() == pytest.approx(16.0)


def test_lying_bodies_point_along_their_axis() -> None:
    pin = cylinder(2.0, 10.0)
    assert box_of(lying_x(pin)) == [0, -1, -1, 10, 1, 1]
    assert box_of(lying_y(pin)) == [-1, 0, -1, 1, 10, 1]


def test_profiles_are_drawn_upright_and_pulled_both_ways() -> None:
    outline = polygon((0.0, 0.0), (4.0, 0.0), (0.0, 3.0))
    assert box_of(profile_along_y(outline, 10.0)) == [0, -5, 0, 4, 5, 3]
    assert box_of(profile_along_x(outline, 10.0)) == [-5, 0, 0, 5, 4, 3]
    assert profile_along_x(outline, 10.0).volume() == pytest.approx(60.0)


def test_a_gusset_is_half_a_block() -> None:
    rib = gusset(10.0, 6.0, 2.0)
    assert rib.volume() == pytest.approx(60.0)
    assert box_of(rib) == [0, -1, 0, 10, 1, 6]
    assert rib.slice(5.9).bounds()[0] == pytest.approx(0.0)


def test_a_screw_hole_is_wide_above_and_goes_through() -> None:
    plate = cut(block((20.0, 20.0, 5.0)), screw_hole(4.0, 5.0, 5.0, (2.0, 0.0)))
    assert plate.genus() == 1
    assert 400 - plate.slice(0.5).area() == pytest.approx(math.pi * 4, rel=0.01)
    assert 400 - plate.slice(4.99).area() == pytest.approx(math.pi * 16, rel=0.02)


def test_a_hood_has_an_even_wall_and_no_floor() -> None:
    shell = hood(rounded(40.0, 30.0, 8.0), 20.0, 2.0, 5.0)
    assert box_of(shell) == [-20, -15, 0, 20, 15, 20]
    level = shell.slice(5.0)
    widths = sorted(float(contour[:, 0].max()) for contour in level.to_polygons())
    assert widths == pytest.approx([18.0, 20.0], abs=0.01)
    assert shell.genus() == 0


def test_a_sunk_well_opens_above_and_ends_at_its_depth() -> None:
    dish = cut(block((40.0, 30.0, 20.0)), sunk(slot(20.0, 10.0), 6.0, 20.0))
    assert dish.slice(19.9).area() == pytest.approx(1200 - slot(20.0, 10.0).area(), rel=0.001)
    assert dish.slice(13.9).area() == pytest.approx(1200.0)
    assert dish.slice(14.05).area() < 1200.0


def test_a_hinge_leaf_has_its_screws_between_barrel_and_edge() -> None:
    plate = leaf(60.0, 25.0, 3.0, 10.0, 3)
    assert box_of(plate) == [-30, -25, 0, 30, 0, 3]
    assert plate.genus() == 3


def test_a_splined_bore_has_as_many_grooves_as_teeth() -> None:
    section = splined(20.0, 12)
    assert section.bounds()[2] == pytest.approx(20 / 2, rel=0.001)
    assert section.num_contour() == 1
    assert len((section - disc(0.92 * 20)).decompose()) == 12


def test_a_thread_has_a_crest_a_root_and_a_pitch() -> None:
    rod = threaded_rod(12.0, 24.0, 6)
    assert rod.genus() == 0
    radii = [math.hypot(x, y) for x, y in rod.slice(7.3).to_polygons()[0].tolist()]
    assert max(radii) == pytest.approx(6.0, rel=0.03)
    assert min(radii) == pytest.approx(5.0, rel=0.03)
    one, next_turn = rod.slice(6.2), rod.slice(10.2)
    assert (one - next_turn).area() == pytest.approx(0.0, abs=0.2)
    assert (one - rod.slice(8.2)).area() > 5.0


def test_a_recipe_draws_a_solid_for_any_wall_between_its_bounds() -> None:
    box = Box(x=238, y=176, z=142)
    walls = [share * box.shortest for share in (PANTOGRAPH_HOUSING.thinnest, 0.05, PANTOGRAPH_HOUSING.thickest)]
    volumes = [PANTOGRAPH_HOUSING.draw(box, wall).volume() for wall in walls]
    assert volumes == sorted(volumes)
    assert volumes[0] < 402_000 < volumes[-1]
