"""Outlines against the formulas of plane geometry."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.integrations.print_files.sections import (
    SEGMENTS,
    arc,
    bolt_circle,
    disc,
    fused,
    grown,
    hexagon,
    on_circle,
    placed,
    polygon,
    rectangle,
    ring,
    rounded,
    sector,
    slot,
    spots,
    stroke,
    tapered,
)

LENGTHS = st.floats(1.0, 500.0)
ROUND = SEGMENTS / math.pi * math.sin(math.pi / SEGMENTS) * math.cos(math.pi / SEGMENTS)
"""The area of our many-sided circle as a share of a true circle's."""


@given(diameter=LENGTHS)
@settings(max_examples=30, deadline=None)
def test_a_disc_touches_its_box_and_has_nearly_a_circles_area(diameter: float) -> None:
    section = disc(diameter, (3.0, -2.0))
    radius = diameter / 2
    assert section.bounds() == pytest.approx((3 - radius, -2 - radius, 3 + radius, -2 + radius))
    assert section.area() == pytest.approx(math.pi * radius**2 * ROUND)
    assert pytest.approx(1, abs=0.002) == ROUND


def test_a_ring_is_a_disc_less_a_disc() -> None:
    section = ring(20.0, 12.0, (5.0, 0.0))
    assert section.area() == pytest.approx(math.pi * (100 - 36) * ROUND)
    assert section.bounds() == pytest.approx((-5, -10, 15, 10))
    assert section.num_contour() == 2


@given(width=LENGTHS, depth=LENGTHS, share=st.floats(0.01, 0.49))
@settings(max_examples=30, deadline=None)
def test_a_rounded_rectangle_loses_only_its_corners(width: float, depth: float, share: float) -> None:
    radius = share * min(width, depth)
    section = rounded(width, depth, radius)
    assert section.area() == pytest.approx(width * depth - (4 - math.pi * ROUND) * radius**2, rel=1e-5)
    assert section.bounds() == pytest.approx((-width / 2, -depth / 2, width / 2, depth / 2), abs=1e-5)


def test_a_radius_too_large_for_the_rectangle_is_cut_back() -> None:
    section = rounded(10.0, 4.0, 50.0)
    assert section.bounds() == pytest.approx((-5, -2, 5, 2), abs=1e-3)
    assert section.area() == pytest.approx(6 * 4 + math.pi * 4 * ROUND, rel=1e-3)


def test_a_slot_has_round_ends_and_its_length_over_all() -> None:
    section = slot(30.0, 8.0, (100.0, 50.0))
    assert section.bounds() == pytest.approx((85, 46, 115, 54), abs=0.01)
    assert section.area() == pytest.approx(22 * 8 + math.pi * 16 * ROUND, rel=1e-3)


def test_a_hexagon_is_known_by_its_width_across_flats() -> None:
    section = hexagon(10.0)
    assert section.bounds() == pytest.approx((-10 / math.sqrt(3), -5, 10 / math.sqrt(3), 5))
    assert section.area() == pytest.approx(math.sqrt(3) / 2 * 100)


def test_rectangles_and_polygons_have_sharp_corners() -> None:
    assert rectangle(4.0, 2.0, (10.0, 10.0)).bounds() == pytest.approx((8, 9, 12, 11))
    assert polygon((0.0, 0.0), (4.0, 0.0), (0.0, 3.0)).area() == pytest.approx(6.0)
    assert rectangle(4.0, 2.0).num_vert() == 4


@pytest.mark.parametrize(("start", "end"), [(0.0, 90.0), (-30.0, 30.0), (10.0, 300.0)])
def test_a_sector_is_its_share_of_the_disc(start: float, end: float) -> None:
    assert sector(10.0, start, end).area() == pytest.approx(math.pi * 100 * (end - start) / 360, rel=0.003)
    assert sector(10.0, start, end).num_contour() == 1


def test_a_stroke_is_as_wide_as_its_pen_and_round_at_its_ends() -> None:
    straight = stroke([(0.0, 0.0), (10.0, 0.0)], 2.0)
    assert straight.bounds() == pytest.approx((-1, -1, 11, 1))
    assert straight.area() == pytest.approx(20 + math.pi, rel=0.01)
    bent = stroke([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], 2.0)
    assert bent.bounds() == pytest.approx((-1, -1, 11, 11))
    assert straight.area() < bent.area() < 2 * straight.area()


def test_a_tapered_arm_runs_from_one_disc_to_the_other() -> None:
    arm = tapered((0.0, 0.0), 10.0, (30.0, 0.0), 4.0)
    assert arm.bounds() == pytest.approx((-5, -5, 32, 5))
    assert (disc(10.0) - arm).area() == pytest.approx(0.0, abs=1e-6)
    assert 30 * 7 < arm.area() < 30 * 7 + math.pi * (25 + 4)


def test_growing_moves_the_outline_and_shrinking_moves_it_back() -> None:
    square = rectangle(10.0, 10.0)
    assert grown(square, 2.0).area() == pytest.approx(100 + 4 * 20 + math.pi * 4, rel=0.002)
    assert grown(square, -2.0).area() == pytest.approx(36.0, rel=1e-4)
    assert grown(grown(square, 2.0), -2.0).area() == pytest.approx(100.0, rel=0.001)


def test_copies_that_overlap_count_once() -> None:
    assert placed(rectangle(2.0, 2.0), [(0.0, 0.0), (1.0, 0.0)]).area() == pytest.approx(6.0)
    assert fused([rectangle(2.0, 2.0, (x, 0.0)) for x in (0.0, 5.0, 10.0)]).area() == pytest.approx(12.0)
    assert fused([]).is_empty()


def test_places_for_holes_lie_where_a_draughtsman_expects_them() -> None:
    assert spots(20.0, 10.0) == ((-10, -5), (10, -5), (10, 5), (-10, 5))
    assert on_circle(2.0, 90.0) == pytest.approx((0.0, 2.0))
    circle = bolt_circle(10.0, 4, 45.0)
    assert [math.hypot(*point) for point in circle] == pytest.approx([5.0] * 4)
    assert circle[0] == pytest.approx((5 / math.sqrt(2), 5 / math.sqrt(2)))
    assert len(set(circle)) == 4


def test_an_arc_includes_both_its_ends() -> None:
    points = arc(5.0, 0.0, 180.0, (1.0, 2.0), steps=6)
    assert len(points) == 7
    assert points[0] == pytest.approx((6.0, 2.0))
    assert points[3] == pytest.approx((1.0, 7.0))
    assert points[-1] == pytest.approx((-4.0, 2.0))
