from collections.abc import Callable

import pytest

from fabroute.integrations.validation.guard.markup import Attributes
from fabroute.integrations.validation.guard.meshes import VERTEX, MeshCount, Rows, Tally
from fabroute.integrations.validation.types import Limits, MeshFacts, Refusal
from tests.unit.integrations.validation.guard.refusing import SMALL

Used = list[tuple[dict[str, str], str]]


def counting(*, limits: Limits | None = None, used: Used | None = None) -> MeshCount:
    def use(values: dict[str, str], where: Callable[[], str]) -> None:
        if used is not None:
            used.append((values, where()))

    return MeshCount(part="/a.model", object_id=7, tally=Tally(limits=limits or Limits()), use_properties=use)


def points(*rows: tuple[object, object, object]) -> list[Attributes]:
    return [["x", str(x), "y", str(y), "z", str(z)] for x, y, z in rows]


def faces(*rows: tuple[object, object, object]) -> list[Attributes]:
    return [["v1", str(a), "v2", str(b), "v3", str(c)] for a, b, c in rows]


FOUR = points((0, 0, 0), (1.5, 0, -2), ("1e1", "-.5", 0), (3, 3, "+3"))


def test_a_mesh_is_counted_bounded_and_summed_in_whatever_batches_it_comes() -> None:
    whole, single = counting(), counting()
    whole.take_vertices(FOUR)
    whole.take_triangles(faces((0, 1, 2), (1, 2, 3), (3, 0, 2)))
    for vertex in FOUR:
        single.take_vertices([vertex])
    for face in faces((0, 1, 2), (1, 2, 3), (3, 0, 2)):
        single.take_triangles([face])
    expected = MeshFacts(
        part="/a.model",
        object_id=7,
        vertices=4,
        triangles=3,
        low=(0.0, -0.5, -2.0),
        high=(10.0, 3.0, 3.0),
        index_sums=(4, 3, 7),
    )
    assert whole.facts() == expected
    assert single.facts() == expected


def test_unusual_writing_is_read_like_usual_writing() -> None:
    usual, unusual = counting(), counting()
    usual.take_vertices(points((1, 2, 3), (4, 5, 6), (7, 8, 9)))
    unusual.take_vertices([["z", "3", "x", " 1", "y", "+2"], ["x", "4", "y", "5", "z", "6", "urn:q w", "1"]])
    unusual.take_vertices(points(("7.0", "80e-1", "9\t")))
    usual.take_triangles(faces((0, 1, 2)))
    unusual.take_triangles([["v3", "2", "v2", "+1", "v1", " 0 "]])
    assert unusual.facts() == usual.facts()
    assert unusual.facts().high == (7.0, 8.0, 9.0)


@pytest.mark.parametrize(
    ("row", "code", "where"),
    [
        (("nan", 0, 0), "ATTRIBUTE_VALUE", "vertex 4"),
        ((0, "1\x01", 0), "ATTRIBUTE_VALUE", "vertex 4"),
        ((0, 0, "1e8"), "COORDINATE_TOO_LARGE", "vertex 4"),
        ((0, "-1e999", 0), "COORDINATE_TOO_LARGE", "vertex 4"),
    ],
)
def test_a_wrong_coordinate_is_named_with_its_vertex(row: tuple[object, object, object], code: str, where: str) -> None:
    mesh = counting()
    mesh.take_vertices(FOUR[:3])
    with pytest.raises(Refusal) as caught:
        mesh.take_vertices([FOUR[3], *points(row)])
    (finding,) = caught.value.findings
    assert (finding.code, finding.where) == (code, f"/a.model, object 7, {where}")


@pytest.mark.parametrize(
    ("row", "code", "message"),
    [
        ((0, 1, 4), "INDEX_OUT_OF_RANGE", "the corner 4, but there are 4 vertices"),
        ((0, 1, 9_999_999_999), "INDEX_OUT_OF_RANGE", "the corner 9,999,999,999, but"),
        ((0, 1, -1), "ATTRIBUTE_VALUE", "v3 of <triangle> is '-1'"),
        ((0, 0, 1), "TRIANGLE_CORNERS_EQUAL", "one corner twice: '0 0 1'"),
        ((1, 0, 0), "TRIANGLE_CORNERS_EQUAL", "one corner twice: '1 0 0'"),
        ((0, 1, 0), "TRIANGLE_CORNERS_EQUAL", "one corner twice: '0 1 0'"),
    ],
)
def test_a_wrong_triangle_is_named(row: tuple[object, object, object], code: str, message: str) -> None:
    mesh = counting()
    mesh.take_vertices(FOUR)
    mesh.take_triangles(faces((0, 1, 2)))
    with pytest.raises(Refusal, match=message) as caught:
        mesh.take_triangles(faces((1, 2, 3), row))
    (finding,) = caught.value.findings
    assert (finding.code, finding.where) == (code, "/a.model, object 7, triangle 2")


def test_properties_of_triangles_are_handed_on_with_their_place() -> None:
    used: Used = []
    mesh = counting(used=used)
    mesh.take_vertices(FOUR)
    mesh.take_triangles([*faces((0, 1, 2)), [*faces((0, 1, 3))[0], "pid", "5", "p1", "2"]])
    assert used == [
        ({"v1": "0", "v2": "1", "v3": "3", "pid": "5", "p1": "2"}, "/a.model, object 7, triangle 1"),
    ]
    assert mesh.facts().index_sums == (0, 2, 5)


def test_all_meshes_of_a_file_share_the_limits() -> None:
    tally = Tally(limits=SMALL)
    first = MeshCount(part="/a", object_id=1, tally=tally, use_properties=lambda values, where: None)
    second = MeshCount(part="/a", object_id=2, tally=tally, use_properties=lambda values, where: None)
    first.take_vertices(points(*[(0, 0, 0)] * 60))
    with pytest.raises(Refusal, match="101 vertices or more; 100 are allowed"):
        second.take_vertices(points(*[(0, 0, 0)] * 41))
    assert (first.vertices, tally.vertices) == (60, 101)


def test_rows_are_handed_on_when_they_are_complete() -> None:
    taken: list[list[Attributes]] = []
    left: list[str] = []

    def refuse(name: str) -> None:
        raise LookupError(name)

    rows = Rows(row=VERTEX, take=taken.append, misplaced=refuse, leave=left.append)
    start, end = rows.handlers()
    start(VERTEX, ["a"])
    rows.drain()
    assert taken == []
    end(VERTEX)
    start(VERTEX, ["b"])
    rows.drain()
    assert taken == [[["a"]]]
    end(VERTEX)
    end("vertices")
    assert taken == [[["a"]], [["b"]]]
    assert left == ["vertices"]


def test_a_row_in_a_row_is_not_mistaken_for_two() -> None:
    def refuse(name: str) -> None:
        raise LookupError(name)

    for events in ("(())", "()(())", "(()", "(", ")"):
        rows = Rows(row=VERTEX, take=lambda rows: None, misplaced=refuse, leave=lambda name: None)
        start, end = rows.handlers()
        for event in events:
            start(VERTEX, []) if event == "(" else end(VERTEX)
        if events == "(":
            rows.drain()
            continue
        with pytest.raises(LookupError, match="vertex"):
            rows.drain()
