from fabroute.database.pages import Page, page_of


def test_a_full_page_points_at_the_next_and_the_last_one_does_not() -> None:
    assert page_of(["a", "b", "c"], limit=2, cursor_of=str.upper) == Page(items=("a", "b"), next_cursor="B")
    assert page_of(["a", "b"], limit=2, cursor_of=str.upper) == Page(items=("a", "b"), next_cursor=None)
    assert page_of([], limit=2, cursor_of=str.upper) == Page(items=(), next_cursor=None)
