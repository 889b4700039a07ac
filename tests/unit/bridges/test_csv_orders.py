"""Order tables: whichever way a spreadsheet writes them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.bridges.erp.csv_orders import number_text, read_csv_orders
from fabroute.bridges.erp.documents import end_of_day, fingerprint, order_of
from fabroute.bridges.orders import NotOrderable

TABLE = "Order,Part,Quantity,City,Country,Name,Price,Need by\nA1,RL-1,2,Köln,DE,Ada,4.10,2030-06-15\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_delimiters_and_encodings_are_recognised(delimiter: str, encoding: str) -> None:
    (document,) = read_csv_orders(TABLE.replace(",", delimiter).encode(encoding), default_buyer="erp")
    order = order_of(document)
    assert (order.account, order.foreign_id) == ("erp", "A1")
    assert order.ship_to is not None
    assert (order.ship_to.city, order.ship_to.name) == ("Köln", "Ada")
    assert [(it.foreign_id, it.number, it.quantity) for it in order.lines] == [("1", "RL-1", Decimal(2))]
    assert order.lines[0].unit_price == Decimal("4.10")
    assert document["need_by"] == "2030-06-15T23:59:59+00:00"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1.234.567", "1234567"),
        ("12,5", "12.5"),
        ("12.5", "12.5"),
        ("1000", "1000"),
        ("", ""),
        ("three", "three"),
    ],
)
def test_numbers_are_read_in_both_ways_of_writing_them(written: str, meant: str) -> None:
    assert number_text(written) == meant
    assert number_text(f" {written} ") == meant


@given(cents=st.integers(100_000, 10**9))
def test_amounts_from_a_thousand_on_mean_the_same_in_german_and_english(cents: int) -> None:
    english = f"{cents // 100:,}.{cents % 100:02}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert Decimal(number_text(english)) == Decimal(cents) / 100
    assert number_text(german) == number_text(english)


def test_rows_of_one_number_are_one_order_of_their_buyer() -> None:
    table = "po_number;buyer;part;qty;city;country;storno\nA;1;X;1;Ulm;DE;\nA;2;Y;2;Ulm;DE;x\nA;1;Z;3;Ulm;DE;\n"
    first, second = read_csv_orders(table.encode(), default_buyer="erp")
    assert (first["buyer"], [it["part"] for it in first["lines"]]) == ("1", ["X", "Z"])
    assert (second["buyer"], [it["quantity"] for it in second["lines"]]) == ("2", ["2"])
    assert (first["cancelled"], second["cancelled"]) == (False, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"order,part\n", "the header has no column quantity (quantity or qty or menge)"),
        (TABLE.encode().splitlines()[0], "the file has a header and no rows"),
        (TABLE.replace("A1", "").encode(), "row 1 has no order number"),
        (TABLE.replace("2030-06-15", "tomorrow").encode(), "need_by of A1 is no day: 'tomorrow'"),
        (b"\x81\x00", "the file is neither UTF-8 nor Windows-1252"),
    ],
)
def test_tables_that_say_too_little_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(NotOrderable) as refusal:
        read_csv_orders(content, default_buyer="erp")
    assert refusal.value.reasons[0].startswith(said)
    assert refusal.value.status == 422


def test_days_are_read_in_three_ways() -> None:
    told = [end_of_day(day, what="day") for day in ("20300615", "2030-06-15", "15.06.2030")]
    assert told == ["2030-06-15T23:59:59+00:00"] * 3
    assert (end_of_day("", what="day"), end_of_day("203006151200", what="day")) == ("", "2030-06-15T12:00:00+00:00")


def test_what_is_ordered_tells_documents_apart_and_their_file_does_not() -> None:
    (document,) = read_csv_orders(TABLE.encode(), default_buyer="erp")
    (more,) = read_csv_orders(TABLE.replace(",2,", ",3,").encode(), default_buyer="erp")
    assert fingerprint(document | {"file": "a.csv"}) == fingerprint(document | {"file": "b.csv"})
    assert fingerprint(document) != fingerprint(more)
