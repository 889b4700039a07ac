"""A part gets the shape of its number, else of a word in its name, else a ribbed box."""

import pytest
from manifold3d import Manifold

from fabroute.integrations.print_files import ShapeOutOfReach, part_geometry
from fabroute.integrations.print_files.boxes import RIBBED_BOX
from fabroute.integrations.print_files.fitting import Box, solve_shape
from fabroute.integrations.print_files.registry import RECIPES
from tests.factories.print_files import reference_body, reference_parts


def an_unknown_part(
    *, name: str, box_mm: tuple[float, float, float] = (60.0, 40.0, 30.0), volume_cm3: float = 12.0
) -> Manifold:
    return part_geometry(part_no="XX-9999", name=name, box_mm=box_mm, volume_cm3=volume_cm3)


def same_shape(one: Manifold, other: Manifold) -> bool:
    return (one.num_vert(), round(one.volume(), 6), round(one.surface_area(), 6)) == (
        other.num_vert(),
        round(other.volume(), 6),
        round(other.surface_area(), 6),
    )


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("Bogie hinge", "RL-0006"),
        ("Spare KNOB, black", "AP-0105"),
        ("End-cap", "FU-0201"),
        ("Gear lever", "FU-0203"),
        ("Battery latch", "ME-0504"),
        ("Door-stop", "AP-0103"),
    ],
)
def test_a_word_in_the_name_suggests_the_recipe(name: str, like: str) -> None:
    part = reference_parts()[like]
    body = an_unknown_part(name=name, box_mm=part.box_mm, volume_cm3=part.volume_cm3)
    assert same_shape(body, reference_body(like))
    assert body.genus() == reference_body(like).genus()


def test_a_word_inside_another_word_suggests_nothing() -> None:
    body = an_unknown_part(name="Capacitor cupboard barrel")
    assert same_shape(body, solve_shape(RIBBED_BOX, Box(x=60, y=40, z=30), 12_000))


def test_a_suggested_shape_that_cant_hold_the_volume_gives_way_to_a_box() -> None:
    full = an_unknown_part(name="Solid lever", volume_cm3=60.0)
    assert full.volume() == pytest.approx(60_000, rel=0.001)
    assert full.bounding_box() == pytest.approx((0, 0, 0, 60, 40, 30))
    assert same_shape(full, solve_shape(RIBBED_BOX, Box(x=60, y=40, z=30), 60_000))


def test_a_reference_part_never_falls_back() -> None:
    with pytest.raises(ShapeOutOfReach, match=r"70\.0 cm3 were asked for"):
        part_geometry(part_no="FU-0203", name="Office-chair tilt lever", box_mm=(60.0, 40.0, 30.0), volume_cm3=70.0)
    assert "FU-0203" in RECIPES


@pytest.mark.parametrize("volume_cm3", [0.01, 71.9, 500.0])
def test_what_no_shape_can_hold_is_refused(volume_cm3: float) -> None:
    with pytest.raises(ShapeOutOfReach, match="in a box of 60 x 40 x 30 mm") as refusal:
        an_unknown_part(name="Thing", volume_cm3=volume_cm3)
    assert f"{volume_cm3:.1f} cm3 were asked for" in refusal.value.message


@pytest.mark.parametrize("fill", [0.03, 0.1, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("box_mm", [(60.0, 40.0, 30.0), (20.0, 200.0, 90.0), (500.0, 300.0, 12.0)])
def test_the_ribbed_box_holds_nearly_any_volume(fill: float, box_mm: tuple[float, float, float]) -> None:
    volume_cm3 = fill * box_mm[0] * box_mm[1] * box_mm[2] / 1000
    body = an_unknown_part(name="Thing", box_mm=box_mm, volume_cm3=volume_cm3)
    assert body.volume() / 1000 == pytest.approx(volume_cm3, rel=0.001)
    assert body.bounding_box()[3:] == pytest.approx(box_mm)
    assert len(body.decompose()) == 1


@pytest.mark.parametrize(
    "part_no",
    ["RL-0003", "FU-0201", "MA-0305", "AE-0404", "FU-0202", "ZZ-0901", "AP-0105", "ME-0503", "ME-0501", "ZZ-0902"],
)
def test_recipes_bend_to_a_box_and_a_volume_a_tenth_off(part_no: str) -> None:
    part = reference_parts()[part_no]
    box_mm = (part.box_mm[0] * 1.1, part.box_mm[1] * 0.95, part.box_mm[2] * 1.05)
    body = part_geometry(part_no=part_no, name=part.name, box_mm=box_mm, volume_cm3=part.volume_cm3 * 1.1)
    assert body.bounding_box()[3:] == pytest.approx(box_mm)
    assert body.volume() / 1000 == pytest.approx(part.volume_cm3 * 1.1, rel=0.001)
    assert len(body.decompose()) == 1
