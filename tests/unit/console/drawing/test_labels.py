import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.console.drawing.labels import Box, Marked, place_labels
from fabroute.console.drawing.text import clipped, isolated, text_width

AREA = Box(0, 0, 460, 320)
NAMES = st.sampled_from(["Łódź bureau", "N1", "x" * 200, "مركز الطباعة", "株式会社三次元造形センター名古屋", "A B", ""])
MARKS = st.lists(
    st.builds(
        Marked,
        x=st.integers(0, 460).map(float),
        y=st.integers(0, 320).map(float),
        radius=st.sampled_from([4.0, 7.0]),
        name=NAMES,
        rank=st.integers(0, 4),
        bold=st.booleans(),
    ),
    max_size=40,
)


def mark(x: float, y: float, name: str, *, rank: int = 1) -> Marked:
    return Marked(x=x, y=y, radius=4, name=name, rank=rank)


@settings(max_examples=60, deadline=None)
@given(MARKS)
def test_no_two_labels_overlap_and_all_are_in_the_picture(marks: list[Marked]) -> None:
    labels = place_labels(marks, area=AREA, size=12)
    boxes = [label.box for label in labels.placed]
    assert [(a, b) for at, a in enumerate(boxes) for b in boxes[at + 1 :] if a.overlaps(b)] == []
    assert [box for box in boxes if not box.is_in(AREA)] == []


@settings(max_examples=60, deadline=None)
@given(MARKS)
def test_labels_keep_off_marks_unless_they_matter_most(marks: list[Marked]) -> None:
    labels = place_labels(marks, area=AREA, size=12)
    boxes = [label.box for label in labels.placed if marks[label.index].rank > 0]
    assert [box for box in boxes if any(box.overlaps(it.box) for it in marks)] == []


@settings(max_examples=60, deadline=None)
@given(MARKS)
def test_every_mark_has_a_label_or_is_told_to_have_none(marks: list[Marked]) -> None:
    labels = place_labels(marks, area=AREA, size=12)
    named = [label.index for label in labels.placed]
    assert sorted([*named, *labels.left_out]) == list(range(len(marks)))
    numbers = [label.number for label in labels.placed if label.number is not None]
    assert [entry.number for entry in labels.legend] == numbers == list(range(1, len(numbers) + 1))


def test_a_label_stands_east_of_its_mark_where_there_is_room() -> None:
    (label,) = place_labels([mark(100, 100, "Lyon")], area=AREA, size=12).placed
    assert (label.x, label.anchor, label.text, label.number) == (107, "start", "Lyon", None)
    assert label.box == Box(107, 92.5, text_width("Lyon", size=12), 15)


def test_a_label_at_the_right_edge_stands_on_the_left_of_its_mark() -> None:
    (label,) = place_labels([mark(455, 160, "Helsinki")], area=AREA, size=12).placed
    assert (round(label.x, 6), label.anchor) == (448, "end")


def test_who_matters_more_is_served_first() -> None:
    marks = [mark(100, 100, "Hamburg hub", rank=2), mark(112, 100, "Łódź bureau", rank=0)]
    first, second = place_labels(marks, area=AREA, size=12).placed
    assert (first.index, first.text, first.anchor) == (1, "Łódź bureau", "start")
    assert (second.index, second.anchor) == (0, "end")


def test_a_name_without_room_becomes_a_number_with_a_legend() -> None:
    tight = Box(0, 0, 40, 15)
    labels = place_labels([mark(10, 7.5, "Wichita")], area=tight, size=12)
    assert [(label.text, label.number) for label in labels.placed] == [("1", 1)]
    assert [(entry.number, entry.name) for entry in labels.legend] == [(1, "Wichita")]


def test_marks_that_may_have_no_number_are_left_out() -> None:
    lone = Marked(x=10, y=7.5, radius=4, name="Wichita", numbered=False)
    labels = place_labels([lone], area=Box(0, 0, 40, 15), size=12)
    assert (labels.placed, labels.legend, labels.left_out) == ((), (), (0,))


def test_what_matters_most_is_named_even_among_marks_but_not_over_words() -> None:
    around = [mark(100 + x * 8, 100 + y * 8, "", rank=3) for x in range(-14, 15) for y in range(-4, 5)]
    chosen = mark(100, 100, "Łódź", rank=0)
    assert [it.text for it in place_labels([chosen, *around], area=AREA, size=12).placed] == ["Łódź"]
    words = [Box(0, 0, 460, 320)]
    assert place_labels([chosen], area=AREA, size=12, written=words).placed == ()


def test_two_hundred_marks_on_one_spot_have_labels_on_its_four_sides_and_the_rest_are_left_out() -> None:
    labels = place_labels([mark(230, 160, "Lyon") for _ in range(200)], area=AREA, size=12)
    assert [label.text for label in labels.placed] == ["Lyon", "Lyon", "1", "2"]
    assert len(labels.left_out) == 196


def test_a_long_name_is_cut_to_two_fifths_of_the_picture() -> None:
    (label,) = place_labels([mark(10, 100, "Wagenwerk " * 20)], area=AREA, size=12).placed
    assert label.text.endswith("…")
    assert label.box.width <= 0.4 * AREA.width


def test_words_are_never_wider_than_they_are_taken_for() -> None:
    """Widths of DejaVu Sans at 1000 units: H 752, a 613, m 974, W 989, i 278, 0 636."""
    for character, width in {"H": 752, "a": 613, "m": 974, "W": 989, "i": 278, "0": 636}.items():
        assert text_width(character, size=1000) >= width
    assert text_width("三", size=10) >= 10
    assert text_width("e\N{COMBINING ACUTE ACCENT}", size=10) == text_width("e", size=10)
    assert text_width("", size=10) == 0


def test_cutting_never_parts_a_letter_from_its_marks() -> None:
    text = "e\N{COMBINING ACUTE ACCENT}" * 40
    cut = clipped(text, size=12, width=100)
    assert len(cut) % 2 == 1
    assert unicodedata.combining(cut[-2])
    assert clipped("Lyon", size=12, width=100) == "Lyon"
    assert clipped("  two\n lines ", size=12, width=200) == "two lines"


def test_a_name_keeps_its_own_direction() -> None:
    assert isolated("مصنع 12") == "\u2068مصنع 12\u2069"


def test_the_most_important_label_stands_farther_off_rather_than_on_marks_in_a_row() -> None:
    row = [Marked(x=12.0 + 20 * at, y=160, radius=9, name="", rank=2) for at in range(1, 10)]
    chosen = Marked(x=12, y=160, radius=4, name="Charlottenburg", rank=0)
    (label,) = place_labels([*row, chosen], area=AREA, size=12).placed
    assert (label.text, label.x, label.anchor) == ("Charlottenburg", 16, "start")
    assert label.box.y + label.box.height == 144.5
