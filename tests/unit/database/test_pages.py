from fabroute.database.pages import Page, number_in, page_of


def test_a_full_page_points_at_the_next_and_the_last_one_does_not() -> None:
    assert page_of(["a", "b", "c"], limit=2, cursor_of=str.upper) == Page(items=("a", "b"), next_cursor="B")
    assert page_of(["a", "b"], limit=2, cursor_of=str.upper) == Page(items=("a", "b"), next_cursor=None)
    assert page_of([], limit=2, cursor_of=str.upper) == Page(items=(), next_cursor=None)


def test_a_cursor_of_numbered_things_is_a_number_that_the_database_takes() -> None:
    assert [number_in(cursor) for cursor in ("7", "0", "999999999", "007")] == [7, 0, 999_999_999, 7]
    assert {number_in(cursor) for cursor in (None, "", "-1", "1e3", "1000000000", "9" * 30, "\u0661", "ord_1")} == {
        None
    }
