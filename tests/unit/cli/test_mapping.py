from pathlib import Path

import pytest

from fabroute.cli.mapping import MappedRow, MappingProblem, UnmappedRow, map_rows, read_mapping

REPOSITORY = Path(__file__).parents[3]
OPEN_REPAIR = REPOSITORY / "infra/reference/mappings/openrepair.toml"
HEADER = "part,quantity,city,country,need_by,reference\n"

MAPPING = """
[source]
name = "repairs"
attribution = "Somebody, CC BY"
id = "id"

[order]
objective = "cheapest"

[part]
column = "category"
[part.values]
Vacuum = "AP-0101"
[part.refused]
Mobile = "a phone can't be printed"

[ship_to]
column = "country"
[ship_to.values]
DNK = { city = "Copenhagen", country = "DK" }
"""


def _mapping_file(folder: Path, text: str = MAPPING) -> Path:
    file = folder / "mapping.toml"
    file.write_text(text, encoding="utf8")
    return file


def test_a_mapped_row_becomes_an_order_with_the_mapping_s_defaults(tmp_path: Path) -> None:
    mapping = read_mapping(_mapping_file(tmp_path))

    (row,) = map_rows("id,category,country\nr1,Vacuum,DNK\n", mapping=mapping, batch="june")

    assert isinstance(row, MappedRow)
    assert (row.row, row.reference) == (2, "r1")
    assert row.body == {
        "objective": "cheapest",
        "ship_to": {"city": "Copenhagen", "country": "DK"},
        "lines": [{"part": "AP-0101", "quantity": 1}],
        "batch": "june",
        "reference": "r1",
    }
    assert mapping.attribution == "Somebody, CC BY"


def test_rows_that_do_not_map_say_why_and_none_is_dropped(tmp_path: Path) -> None:
    mapping = read_mapping(_mapping_file(tmp_path))
    content = "id,category,country\nr1,Mobile,DNK\nr2,Submarine,DNK\nr3,,DNK\nr4,Vacuum,ATL\nr5,Vacuum,DNK\n"

    rows = list(map_rows(content, mapping=mapping, batch="b"))

    assert [row.reason for row in rows if isinstance(row, UnmappedRow)] == [
        "a phone can't be printed",
        "category 'Submarine' is not in the mapping file",
        "column category is empty",
        "country 'ATL' is not in the mapping file",
    ]
    assert [row.row for row in rows] == [2, 3, 4, 5, 6]
    assert isinstance(rows[4], MappedRow)


def test_a_csv_in_fabroute_s_own_columns_needs_no_mapping() -> None:
    content = HEADER + "AP-0101,3,Hamburg,DE,2027-01-20T17:00:00+01:00,po-17\n"

    (row,) = map_rows("\ufeff" + content, batch="b")

    assert isinstance(row, MappedRow)
    assert row.body == {
        "ship_to": {"city": "Hamburg", "country": "DE"},
        "lines": [{"part": "AP-0101", "quantity": 3}],
        "need_by": "2027-01-20T17:00:00+01:00",
        "batch": "b",
        "reference": "po-17",
    }


def test_broken_rows_are_reported_by_line_and_the_good_ones_go_on() -> None:
    content = (
        HEADER
        + "AP-0101,three,Hamburg,DE,,a\nAP-0101,1,,DE,,b\nAP-0101,1\nAP-0101,1,Hamburg,DE,,c,d\n"
        + "AP-0101,1,Hamburg,DE,,e\n"
    )

    rows = list(map_rows(content, batch="b"))

    assert [(row.row, row.reason) for row in rows if isinstance(row, UnmappedRow)] == [
        (2, "quantity 'three' is not a whole number"),
        (3, "column city is empty"),
        (4, "fewer cells than the header has columns"),
        (5, "more cells than the header has columns"),
    ]
    assert [row.row for row in rows if isinstance(row, MappedRow)] == [6]


def test_a_quote_that_never_ends_is_reported_and_ends_the_file() -> None:
    rows = list(map_rows(HEADER + 'AP-0101,1,Hamburg,DE,,a\n"AP-0101,1,Hamburg,DE,,b\n', batch="b"))

    assert isinstance(rows[0], MappedRow)
    assert isinstance(rows[1], UnmappedRow)
    assert rows[1].reason.startswith("not readable as CSV from here on")
    assert len(rows) == 2


def test_the_same_row_of_the_same_file_has_the_same_key_and_another_batch_another() -> None:
    content = HEADER + "AP-0101,1,Hamburg,DE,,\n" * 2

    first, second = (row for row in map_rows(content, batch="b") if isinstance(row, MappedRow))
    again, _ = (row for row in map_rows(content, batch="b") if isinstance(row, MappedRow))
    other, _ = (row for row in map_rows(content, batch="c") if isinstance(row, MappedRow))

    assert first.idempotency_key == again.idempotency_key
    assert len({first.idempotency_key, second.idempotency_key, other.idempotency_key}) == 3
    assert len(first.idempotency_key) <= 255


def test_a_missing_column_is_named_with_the_columns_there_are(tmp_path: Path) -> None:
    with pytest.raises(MappingProblem, match=r"no column city, country .it has: part, quantity.*--mapping"):
        list(map_rows("part,quantity\nAP-0101,1\n", batch="b"))
    with pytest.raises(MappingProblem, match="no column category"):
        list(map_rows("id,country\n", mapping=read_mapping(_mapping_file(tmp_path)), batch="b"))
    with pytest.raises(MappingProblem, match="it has: none"):
        list(map_rows("", batch="b"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[source", "not valid TOML"),
        ("[sauce]\nname = 'x'\n", r"unknown table \[sauce\]; known: order, part, ship_to, source"),
        ("[source]\nname = 'x'\n", "missing or wrong entry 'id'"),
        (MAPPING.replace('objective = "cheapest"', 'quantity = "many"'), "quantity must be a whole number"),
        (MAPPING.replace("[part.values]\nVacuum", "[part.valued]\nVacuum"), "missing or wrong entry 'values'"),
    ],
)
def test_a_mapping_file_that_cannot_be_used_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MappingProblem, match=words) as refusal:
        read_mapping(_mapping_file(tmp_path, text))

    assert "mapping.toml" in refusal.value.message


def test_a_mapping_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingProblem, match="can't read the mapping file") as refusal:
        read_mapping(tmp_path / "nothing.toml")

    assert "nothing.toml" in refusal.value.message


def test_the_kept_mapping_of_open_repair_data_names_known_parts_only() -> None:
    mapping = read_mapping(OPEN_REPAIR)
    parts = (REPOSITORY / "infra/reference/parts.csv").read_text(encoding="utf8")

    assert all(f"\n{part}," in parts for part in mapping.part.values.values())
    assert not set(mapping.part.values) & set(mapping.part.refused)
    assert mapping.columns() == ("id", "product_category", "country")


def test_a_row_may_say_how_its_line_is_split_and_what_waiting_costs() -> None:
    content = (
        "part,quantity,city,country,split_max_nodes,split_min_per_node,cost_of_waiting_minor\n"
        "AP-0101,60,Berlin,DE,2,10,200000\n"
        "AP-0101,60,Berlin,DE,1,,\n"
        "AP-0101,60,Berlin,DE,,,\n"
        "AP-0101,60,Berlin,DE,,10,\n"
        "AP-0101,60,Berlin,DE,two,,\n"
    )
    both, one_node, whole, half_said, no_number = map_rows(content, batch="b")

    assert isinstance(both, MappedRow)
    assert isinstance(one_node, MappedRow)
    assert isinstance(whole, MappedRow)
    assert both.body["split"] == {"max_nodes": 2, "min_per_node": 10}
    assert both.body["cost_of_waiting_per_hour"] == {"amount_minor": 200_000, "currency": "EUR"}
    assert one_node.body["split"] == {"max_nodes": 1, "min_per_node": 1}
    assert not {"split", "cost_of_waiting_per_hour"} & whole.body.keys()
    assert isinstance(half_said, UnmappedRow)
    assert isinstance(no_number, UnmappedRow)
    assert half_said.reason == "split_min_per_node needs split_max_nodes: how many nodes may share the line"
    assert no_number.reason == "split_max_nodes 'two' is not a whole number"
