import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.tables import MOST_ROWS, RowProblem, Table, TableFormat, read_table

COLUMNS = (Column(name="part_no", required=True), Column(name="demand", kind="whole"), Column(name="x", kind="number"))


def read(content: str | bytes, format: TableFormat = "csv") -> Table:
    return read_table(content.encode() if isinstance(content, str) else content, format=format, columns=COLUMNS)


def values(table: Table) -> list[dict[str, object]]:
    assert table.problems == ()
    return [dict(row.values) for row in table.rows]


def problems(table: Table) -> list[tuple[int, int | None, str, str]]:
    return [(problem.row, problem.line, problem.field, problem.message) for problem in table.problems]


@pytest.mark.parametrize(
    "content",
    [
        "part_no,demand,x\nA,3,1.5\n",
        "\ufeffpart_no;demand;x\r\nA;3;1,5\r\n",
        "part_no\tdemand\tx\nA\t3\t1.5",
        "x, demand ,part_no\n1.5,3,A\n",
        'part_no,demand,x\n"A",3,"1.5"\n\n',
    ],
)
def test_tables_of_all_spreadsheets_say_the_same(content: str) -> None:
    assert values(read(content)) == [{"part_no": "A", "demand": 3, "x": 1.5}]


def test_a_column_that_is_not_there_sets_nothing_and_an_empty_cell_says_so() -> None:
    assert values(read("part_no\nA\n")) == [{"part_no": "A"}]
    assert values(read("part_no,demand\nA,\n")) == [{"part_no": "A", "demand": None}]


def test_rows_count_from_one_and_lines_as_an_editor_shows_them() -> None:
    table = read('part_no,demand,x\n\nA,1,\n"B\nB",2,\nC,3,\n')
    assert [(row.number, row.line, row.values["part_no"]) for row in table.rows] == [
        (1, 3, "A"),
        (2, 4, "B\nB"),
        (3, 6, "C"),
    ]


def test_a_row_that_is_too_long_or_too_short_is_told_and_the_others_are_read() -> None:
    table = read("part_no,demand,x\nA,1,1\nB,1\nC,1,1,1\nD,1,1\n")
    assert [row.number for row in table.rows] == [1, 4]
    assert problems(table) == [
        (2, 3, "", "has 2 cells, the header has 3: check the separators and quotes"),
        (3, 4, "", "has 4 cells, the header has 3: check the separators and quotes"),
    ]


def test_every_problem_of_the_header_is_told_at_once() -> None:
    table = read("demand,Part,demand\n1,2,3\n")
    assert table.rows == ()
    assert problems(table) == [
        (0, 1, "Part", "there is no such column: the columns are part_no,demand,x"),
        (0, 1, "demand", "the column is there twice: remove one"),
        (0, 1, "part_no", "the column is missing"),
    ]


@pytest.mark.parametrize(
    ("content", "format", "words"),
    [
        (b"", "csv", "the file is empty: a CSV file begins with a header line, a JSON file with ["),
        (b"\xef\xbb\xbf \n", "json", "the file is empty: a CSV file begins with a header line, a JSON file with ["),
        (b"\0\0\0\0", "csv", "this is no text file: save the table as CSV in UTF-8, or send a JSON array"),
        (b"part_no\n\0\n", "csv", "this is no text file: save the table as CSV in UTF-8, or send a JSON array"),
        (b"part_no\n", "csv", "the table has no rows"),
        (b"part_no\n\xff\n", "csv", "the file is not UTF-8 (byte 8): save it as UTF-8"),
        (b'part_no\n"A\n', "csv", "is not well-formed CSV (unexpected end of data): check the quotes"),
        (b"part_no\n" + b"x" * 200_000, "csv", "is not well-formed CSV (field larger than field limit"),
        (b"{", "json", "the body is not JSON: "),
        (b"[1e999]", "json", "must be a JSON object"),
        (b"[" * 100_000, "json", "the body is not JSON: "),
        (b'{"part_no": "A"}', "json", "the body must be a JSON array of objects, one for each row"),
        (b"[]", "json", "the table has no rows"),
    ],
)
def test_what_is_no_table_is_told_in_words(content: bytes, format: TableFormat, words: str) -> None:
    table = read(content, format)
    assert table.rows == ()
    assert [words in problem.message for problem in table.problems] == [True]


def test_json_rows_keep_their_values_and_what_is_no_object_is_told() -> None:
    table = read('[{"part_no": "A", "x": 1}, 3, {"other": null}]', "json")
    assert [(row.number, row.line, row.values) for row in table.rows] == [
        (1, None, {"part_no": "A", "x": 1}),
        (3, None, {"other": None}),
    ]
    assert problems(table) == [(2, None, "", "must be a JSON object")]


def test_a_table_of_too_many_rows_is_refused_as_a_whole() -> None:
    most = read("part_no\n" + "A\n" * MOST_ROWS)
    more = read("part_no\n" + "A\n" * (MOST_ROWS + 1))
    assert (len(most.rows), len(more.rows)) == (MOST_ROWS, 0)
    assert problems(more) == [
        (0, None, "", f"the table has {MOST_ROWS + 1:,} rows: send at most {MOST_ROWS:,} at once")
    ]


@pytest.mark.parametrize(
    ("row", "field", "pointer"),
    [(12, "name", "/rows/12/name"), (12, "", "/rows/12"), (0, "name", "/name"), (0, "", "")],
)
def test_a_problem_points_to_its_row_and_field(row: int, field: str, pointer: str) -> None:
    problem = RowProblem(row=row, field=field, code="x", message="y")
    assert problem.pointer == pointer
    assert problem.line is None


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_the_reader_fail(content: bytes) -> None:
    for format in ("csv", "json"):
        table = read(b"part_no,x\n" + content, "csv") if format == "csv" else read(content, "json")
        assert table.rows or table.problems
        assert all(problem.message for problem in table.problems)
