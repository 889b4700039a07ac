"""The list of orders: what is ordered is told by the name of the part, not by its number alone."""

from dataclasses import replace

from fabroute.console.pages.orders import OrdersQuery, orders_page
from tests.factories.order_pages import a_line, an_order


def test_an_order_is_called_by_its_first_part_and_how_many_lines_more_it_has() -> None:
    named = replace(a_line(), part_name="Winch lever")
    several = an_order(named, a_line(position=2), a_line(position=3))
    page = orders_page((an_order(named), several), counts={"routed": 2}, asked=OrdersQuery(), next_cursor=None)

    assert [(it.title, it.more, it.number) for it in page.rows] == [
        ("Winch lever", 0, "SP-10042 rev B"),
        ("Winch lever", 2, "SP-10042 rev B"),
    ]


def test_a_part_without_a_name_is_called_by_its_number() -> None:
    (row,) = orders_page((an_order(),), counts={}, asked=OrdersQuery(), next_cursor=None).rows

    assert row.title == "SP-10042"
