import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.console.drawing.lanes import bow, lane_lines
from fabroute.console.drawing.maps import Lane, Map, MapMark, MarkState, draw_map, mark_sample
from fabroute.console.drawing.markup import Caption
from fabroute.console.drawing.projection import Place, View, view_of

from .xml import by_class, read, texts, told

CAPTION = Caption(key="map", title="Where the order goes", description="From Łódź to Rotterdam.")
LODZ = MapMark(name="Łódź bureau", place=Place(51.77, 19.46), state="chosen")
YARD = MapMark(name="Rotterdam yard", place=Place(51.92, 4.48), state="destination")
LYON = MapMark(name="Lyon bureau", place=Place(45.75, 4.85), state="candidate")
TURIN = MapMark(name="Turin bureau", place=Place(45.07, 7.69), state="ruled_out", note="material")
MALMO = MapMark(name="Malmö hub", place=Place(55.6, 13.0), state="down")
SINGAPORE = MapMark(name="Singapore hub", place=Place(1.29, 103.85), state="ruled_out")
NETWORK = [LODZ, YARD, LYON, TURIN, MALMO, SINGAPORE]
STATES: list[MarkState] = ["chosen", "destination", "candidate", "down", "ruled_out"]
MARKS = st.lists(
    st.builds(
        MapMark,
        name=st.sampled_from(["Łódź", "<b>&\"'", "x" * 200, "مركز الطباعة", "名古屋", "\x00\x1f", ""]),
        place=st.builds(Place, st.floats(-90, 90), st.floats(-180, 180)),
        state=st.sampled_from(STATES),
    ),
    max_size=20,
)


def drawn(*marks: MapMark, lanes: tuple[Lane, ...] = ()) -> Map:
    return draw_map(marks, lanes, caption=CAPTION)


def test_the_map_has_a_name_and_a_description_for_those_who_do_not_see_it() -> None:
    drawing = read(drawn(*NETWORK).svg)
    assert drawing.get("role") == "img"
    assert told(drawing) == ("Where the order goes", "From Łódź to Rotterdam.")
    plain = read(draw_map(NETWORK, caption=Caption(key="m", title="Nodes")).svg)
    assert (told(plain), plain.get("aria-describedby")) == (("Nodes", ""), None)


def test_marks_are_where_the_view_has_their_places() -> None:
    drawing = read(drawn(LODZ, YARD).svg)
    view = view_of([LODZ.place, YARD.place], width=360, height=264)
    (circle,) = by_class(drawing, "is-chosen")[:1]
    assert (float(circle.get("cx", "")), float(circle.get("cy", ""))) == pytest.approx(view.point(LODZ.place), abs=0.06)
    width, height = (float(it) for it in drawing.get("viewBox", "").split()[2:])
    assert (width, height) == (360, 264)


def test_every_state_has_a_form_of_its_own() -> None:
    forms = {
        state: [it.tag for it in read(mark_sample(state)).iter() if "map-mark" in it.get("class", "")]
        for state in STATES
    }
    assert forms == {
        "chosen": ["circle"],
        "destination": ["path"],
        "candidate": ["circle"],
        "down": ["path"],
        "ruled_out": ["circle"],
    }
    assert [len(by_class(read(mark_sample(state)), "map-core")) for state in STATES] == [1, 0, 0, 0, 0]
    assert mark_sample("down").count("M") == 2


def test_names_are_written_beside_marks_and_notes_are_told_when_pointed_at() -> None:
    drawing = read(drawn(*NETWORK[:5]).svg)
    assert sorted(texts(drawing, "map-label")) == sorted(mark.name for mark in NETWORK[:5])
    titles = [it.text for it in drawing.iter() if it.tag == "title"]
    assert "Turin bureau: material" in titles
    assert "Lyon bureau" in titles


def test_a_node_far_off_that_can_not_take_the_line_does_not_shrink_the_picture() -> None:
    found = drawn(*NETWORK)
    assert [mark.name for mark in found.outside] == ["Singapore hub"]
    assert "Singapore" not in found.svg
    assert drawn(*NETWORK[:5]).outside == ()


def test_without_anything_that_matters_all_marks_are_in_the_picture() -> None:
    found = drawn(TURIN, SINGAPORE)
    assert found.outside == ()
    assert len(by_class(read(found.svg), "is-ruled-out")) == 4


def test_lanes_run_from_node_to_destination() -> None:
    lanes = (Lane(start=LODZ.place, end=YARD.place, chosen=True), Lane(start=LYON.place, end=YARD.place))
    paths = by_class(read(drawn(LODZ, YARD, LYON, lanes=lanes).svg), "map-lane")
    assert [path.get("class") for path in paths] == ["map-lane", "map-lane is-chosen"]


def test_a_short_lane_bows_to_its_upper_side() -> None:
    line = bow((0, 0), (100, 0))
    assert (line[0], line[-1], len(line)) == ((0, 0), (100, 0), 25)
    assert line[12] == pytest.approx((50, -7))
    assert bow((100, 0), (0, 0))[12] == pytest.approx((50, -7))
    assert bow((5, 5), (5, 5)) == []


def test_a_long_lane_is_the_great_circle() -> None:
    view = View("patterson", 0.0, 0.0, 100.0, 628, 360)
    (line,) = lane_lines(view, Place(0, 0), Place(0, 90))
    assert line[24] == pytest.approx((314 + 100 * math.pi / 4, 180))
    assert line[-1] == pytest.approx(view.point(Place(0, 90)))


def test_a_lane_over_the_edge_of_the_world_enters_on_the_other_side() -> None:
    view = View("patterson", 0.0, 0.0, 100.0, 628, 360)
    first, second = lane_lines(view, Place(35.7, 139.7), Place(34.1, -118.2))
    assert first[0] == pytest.approx(view.point(Place(35.7, 139.7)))
    assert second[-1] == pytest.approx(view.point(Place(34.1, -118.2)))
    assert first[-1][0] > 628
    assert second[0][0] < 0


def test_a_lane_to_where_it_starts_has_no_line() -> None:
    assert lane_lines(view_of([], width=460, height=320), Place(1, 1), Place(1, 1)) == []
    lanes = (Lane(start=YARD.place, end=YARD.place, chosen=True),)
    assert by_class(read(drawn(YARD, lanes=lanes).svg), "map-lane") == []


def test_a_lane_over_the_pacific_is_in_the_picture_with_its_highest_point() -> None:
    tokyo = replace(LODZ, place=Place(35.7, 139.7))
    angeles = replace(YARD, place=Place(34.1, -118.2))
    lane = Lane(start=tokyo.place, end=angeles.place, chosen=True)
    (path,) = by_class(read(drawn(tokyo, angeles, lanes=(lane,)).svg), "map-lane")
    heights = [float(pair.split()[1]) for pair in path.get("d", "").removeprefix("M").split("L")]
    assert min(heights) > 0


def test_a_map_without_nodes_is_the_world() -> None:
    drawing = read(drawn().svg)
    assert drawing.get("viewBox") == "0 0 360 180"
    assert by_class(drawing, "map-mark") == []


def test_the_poles_are_in_the_picture() -> None:
    found = drawn(replace(LODZ, place=Place(90, 0)), replace(YARD, place=Place(-90, 0)))
    assert found.outside == ()
    assert read(found.svg).get("viewBox") == "0 0 360 264"


def test_two_hundred_nodes_are_drawn_and_those_without_a_label_told() -> None:
    marks = [replace(TURIN, name=f"N{at:03}", place=Place(36 + at % 25, -9 + at // 5)) for at in range(200)]
    found = drawn(LODZ, YARD, *marks)
    assert len(by_class(read(found.svg), "map-mark")) == 202 - len(found.outside) > 100
    assert len(texts(read(found.svg), "map-label")) + len(found.unnamed) == 202 - len(found.outside)
    assert "Łódź bureau" in texts(read(found.svg), "map-label")


def test_nodes_on_one_spot_share_it() -> None:
    found = drawn(LODZ, *(replace(LYON, place=LODZ.place, name=f"Łódź {at}") for at in range(6)))
    assert texts(read(found.svg), "map-label")[0] == "Łódź bureau"
    assert len(texts(read(found.svg), "map-label")) + len(found.unnamed) == 7


def test_a_european_map_is_small() -> None:
    assert len(drawn(*NETWORK).svg.encode()) < 60_000


@settings(max_examples=25, deadline=None)
@given(MARKS)
def test_any_map_is_well_formed_and_tells_of_every_mark(marks: list[MapMark]) -> None:
    found = draw_map(marks, caption=CAPTION)
    drawing = read(found.svg)
    labels = len(by_class(drawing, "map-label"))
    assert labels + len(found.unnamed) + len(found.outside) == len(marks)
    assert len(by_class(drawing, "map-mark")) + len(found.outside) == len(marks)
    assert not any(it.get("style") for it in drawing.iter())
