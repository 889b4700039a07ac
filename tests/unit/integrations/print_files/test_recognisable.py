"""The shapes have what their names promise: counted by topology and by sections, not by the recipes' own figures.

The *genus* is how many holes go through a solid: a plate with three screw holes has genus 3.
"""

import math

import numpy as np
import pytest
from manifold3d import CrossSection, Manifold

from tests.factories.print_files import reference_body, reference_parts


def outlines(section: CrossSection) -> tuple[int, int]:
    """Count the separate areas of a section and the holes in them."""
    areas = [_signed_area(np.asarray(contour)) for contour in section.to_polygons()]
    return sum(area > 0 for area in areas), sum(area < 0 for area in areas)


def _signed_area(points: np.ndarray) -> float:
    x, y = points[:, 0], points[:, 1]
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)


def at_height(part_no: str, share: float) -> CrossSection:
    """Cut a part level at a share of its height."""
    return reference_body(part_no).slice(share * reference_parts()[part_no].box_mm[2]).simplify(0.01)


def across_x(part_no: str, share: float) -> CrossSection:
    """Cut a part across its length, at a share of it."""
    turned = reference_body(part_no).rotate((0.0, -90.0, 0.0))
    return turned.slice(share * reference_parts()[part_no].box_mm[0]).simplify(0.01)


def is_solid_at(body: Manifold, point: tuple[float, float, float]) -> bool:
    probe = Manifold.sphere(0.05, 8).translate(point)
    return bool((body ^ probe).volume() > 0.5 * probe.volume())


HOLES_THROUGH = [
    pytest.param("RL-0001", 3, id="door stopper: three screw holes"),
    pytest.param("RL-0002", 1, id="arm-rest cap: one screw hole"),
    pytest.param("RL-0003", 3, id="lamp clip: two screw holes and a window under the tube"),
    pytest.param("RL-0004", 2, id="link: two eyes"),
    pytest.param("RL-0005", 6 + 3, id="housing: six bolts; neck and two bearings open the shell"),
    pytest.param("RL-0006", 6 + 3, id="flap hinge: six screws; leaves and pin close three loops round the knuckles"),
    pytest.param("AP-0101", 1, id="nozzle adapter: a tube"),
    pytest.param("AP-0102", 1, id="brew-unit lever: a hexagon seat"),
    pytest.param("AP-0103", 1, id="rail stop: a hole in the channel's floor"),
    pytest.param("AP-0104", 1, id="coupling: a bore"),
    pytest.param("AP-0105", 0, id="knob: closed"),
    pytest.param("FU-0201", 0, id="leg cap: closed below"),
    pytest.param("FU-0202", 4 + 4, id="slide bracket: slots and holes in the flange, windows in both walls"),
    pytest.param("FU-0203", 1, id="tilt lever: a splined boss"),
    pytest.param("MA-0301", 1, id="impeller: a bore"),
    pytest.param("MA-0302", 4 + 1, id="scoop: four bolts and the stem's bore"),
    pytest.param("MA-0303", 6 + 1, id="gland cover: six bolts and the cable's hole"),
    pytest.param("MA-0304", 1 + 12 + 4, id="seal carrier: a ring, twelve bolts, four jacking holes"),
    pytest.param("MA-0305", 0, id="winch lever: a slit opens the hub, the grip is blind"),
    pytest.param("AE-0401", 4 + 1, id="latch cover: four screws, and the bar that bridges the well"),
    pytest.param("AE-0402", 8 + 1 + 10 + 1, id="duct bracket: bolts, window, pierced webs, the space between them"),
    pytest.param("AE-0403", 1, id="borescope plug: the lock-wire hole; the bore is blind"),
    pytest.param("AE-0404", 6 + 3, id="galley hinge"),
    pytest.param("AE-0405", 4 + 1 + 2 + 2, id="payload mount: dampers, middle, cheeks' windows, pivot eyes"),
    pytest.param("ME-0501", 4 + 2, id="drill guide: four sleeves and two pins"),
    pytest.param("ME-0502", 1 + 6, id="cup: the pole and six windows"),
    pytest.param("ME-0503", 2, id="valve adapter: three ports on one chamber"),
    pytest.param("ME-0504", 1, id="door latch: a pivot"),
    pytest.param("ZZ-0901", (24 - 12 + 1) + 4, id="frame: 24 members between 12 nodes, and a hole in each foot"),
    pytest.param("ZZ-0902", 6, id="dental bar: six implant posts"),
]


@pytest.mark.parametrize(("part_no", "holes"), HOLES_THROUGH)
def test_as_many_holes_go_through_as_the_name_promises(part_no: str, holes: int) -> None:
    body = reference_body(part_no)
    assert body.genus() == holes
    assert len(body.decompose()) == 1


def test_the_lamp_shade_is_a_net_of_ribs_whose_meshes_can_be_counted() -> None:
    # 14 ribs each way that turn 240° against each other meet 10 times (the foot included).
    crossings, crown, socket = 14 * 10, 28 + 4, 4
    members = 28 * 10 + 14 + crown + socket + 4
    assert reference_body("FU-0204").genus() == members - (crossings + crown + socket) + 1
    halfway_between_two_crossings = 2.5 * (360 / 14) / 240
    assert outlines(at_height("FU-0204", halfway_between_two_crossings)) == (28, 0)


def test_the_decor_panel_is_one_lace_that_can_be_seen_through() -> None:
    x, y, _ = reference_parts()["FU-0205"].box_mm
    assert outlines(reference_body("FU-0205").slice(0.1 * 40)) == (1, reference_body("FU-0205").genus())
    assert reference_body("FU-0205").genus() == 435
    assert reference_body("FU-0205").project().area() < 0.5 * x * y


def test_caps_and_covers_are_hollow_shells() -> None:
    for part_no in ("RL-0002", "AE-0401"):
        low = at_height(part_no, 0.25)
        assert low.area() < 0.35 * low.hull().area()
        assert at_height(part_no, 0.98).area() > 0.5 * at_height(part_no, 0.98).hull().area()
    assert outlines(at_height("FU-0201", 0.02)) == (1, 0)
    assert outlines(at_height("FU-0201", 0.95)) == (1, 1)
    assert outlines(at_height("MA-0303", 0.02)) == (1, 7)


def test_the_leg_caps_eight_ribs_stand_inside_its_mouth() -> None:
    x, y, z = reference_parts()["FU-0201"].box_mm
    radius = 0.39 * x
    body = reference_body("FU-0201")
    hits = [
        is_solid_at(body, (x / 2 + radius * math.cos(turn), y / 2 + radius * math.sin(turn), 0.7 * z))
        for turn in np.linspace(0, 2 * math.pi, 8, endpoint=False)
    ]
    between = [
        is_solid_at(body, (x / 2 + radius * math.cos(turn), y / 2 + radius * math.sin(turn), 0.7 * z))
        for turn in np.linspace(math.pi / 8, 2 * math.pi + math.pi / 8, 8, endpoint=False)
    ]
    assert hits == [True] * 8
    assert between == [False] * 8


def test_the_flap_hinge_has_five_knuckles_with_gaps_round_one_pin() -> None:
    x, y, z = reference_parts()["RL-0006"].box_mm
    barrel = 0.34 * z
    rim = (y - barrel / 2 + 0.4 * barrel, barrel / 2)
    pin = (y - barrel / 2, barrel / 2)
    body = reference_body("RL-0006")
    assert [is_solid_at(body, ((number + 0.5) * x / 5, *rim)) for number in range(5)] == [True] * 5
    assert [is_solid_at(body, (number * x / 5, *rim)) for number in range(1, 5)] == [False] * 4
    assert [is_solid_at(body, (number * x / 5, *pin)) for number in range(1, 5)] == [True] * 4


def test_the_couplings_three_jaws_stand_apart() -> None:
    assert outlines(at_height("AP-0104", 0.9)) == (3, 0)
    assert outlines(at_height("AP-0104", 0.5)) == (1, 1)


def test_the_impellers_seven_blades_leave_the_hub_and_balance() -> None:
    x, y, _ = reference_parts()["MA-0301"].box_mm
    section = at_height("MA-0301", 0.35)
    radius = 0.45 * x
    circle = CrossSection.circle(radius, 256) - CrossSection.circle(radius - 1.0, 256)
    assert outlines(section ^ circle.translate((x / 2, y / 2)))[0] == 7
    points = np.concatenate([np.asarray(contour) for contour in at_height("MA-0301", 0.01).to_polygons()])
    assert points.mean(axis=0) == pytest.approx((x / 2, y / 2), abs=0.05 * x)


def test_the_knob_has_twenty_flutes_and_a_stem_inside_its_skirt() -> None:
    x, y, _ = reference_parts()["AP-0105"].box_mm
    grip = at_height("AP-0105", 0.6)
    radius = 0.395 * x
    circle = CrossSection.circle(radius, 512) - CrossSection.circle(radius - 0.1, 512)
    assert outlines(grip ^ circle.translate((x / 2, y / 2)))[0] == 20
    assert outlines(at_height("AP-0105", 0.1)) == (2, 2)


def test_the_plugs_thread_winds_round_its_axis() -> None:
    x, y, z = reference_parts()["AE-0403"].box_mm
    centroids = []
    for share in (0.2, 0.2 + 0.42 / 6 / 2):
        points = np.asarray(max(at_height("AE-0403", share).to_polygons(), key=len))
        centroids.append(points.mean(axis=0) - (x / 2, y / 2))
    assert np.dot(centroids[0], centroids[1]) < 0
    hexagon = at_height("AE-0403", 0.75).hull()
    width, depth = (hexagon.bounds()[2] - hexagon.bounds()[0]), (hexagon.bounds()[3] - hexagon.bounds()[1])
    assert width / depth == pytest.approx(2 / math.sqrt(3), rel=0.05)
    assert z == 38


def test_the_nozzle_adapter_is_round_at_one_end_and_oblong_at_the_other() -> None:
    round_end, oblong_end = across_x("AP-0101", 0.02).bounds(), across_x("AP-0101", 0.99).bounds()
    assert (round_end[2] - round_end[0]) / (round_end[3] - round_end[1]) == pytest.approx(54 / 54, rel=0.02)
    assert (oblong_end[3] - oblong_end[1]) / (oblong_end[2] - oblong_end[0]) > 1.8


def test_the_duct_bracket_cradles_a_round_duct() -> None:
    x, y, z = reference_parts()["AE-0402"].box_mm
    body = reference_body("AE-0402")
    duct = Manifold.cylinder(2 * y, 0.3 * x, 0.3 * x, 64).rotate((-90.0, 0.0, 0.0)).translate((x / 2, -y / 2, z))
    assert (body ^ duct).volume() < 0.001 * body.volume()
    assert is_solid_at(body, (x / 2, y / 2, z - 0.31 * x - 3))


def test_the_frame_is_mostly_air_between_straight_members() -> None:
    x, y, z = reference_parts()["ZZ-0901"].box_mm
    body = reference_body("ZZ-0901")
    assert body.volume() / (x * y * z) == pytest.approx(0.0625, rel=0.01)
    assert outlines(at_height("ZZ-0901", 0.5))[0] == 6 + 4
    assert is_solid_at(body, (x / 2, 5, z / 2))
    assert not is_solid_at(body, (x / 4, y / 2, z / 2))


def test_the_dental_bar_follows_an_arch() -> None:
    x, y, _ = reference_parts()["ZZ-0902"].box_mm
    section = at_height("ZZ-0902", 0.5)
    assert section.area() < 0.65 * section.hull().area()
    assert outlines(section) == (1, 6)
    assert outlines(at_height("ZZ-0902", 0.05)) == (6, 6)
    assert outlines(at_height("ZZ-0902", 0.97)) == (6, 6)
    assert x > 2 * y
