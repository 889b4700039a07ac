"""Foreign orders become orders of fabroute: every line, the address, the cap, one key."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fabroute.api.schemas.orders import OrderRequest
from fabroute.bridges.orders import (
    Address,
    ForeignLine,
    ForeignOrder,
    NotOrderable,
    OrderRules,
    clipped,
    idempotency_key,
    map_order,
    price_cap_minor,
)

NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
ADDRESS = Address(name="Ada", street="Kaistraße 7", postal_code="20457", city="Hamburg", country="de")
LINE = ForeignLine(foreign_id="10", number="SKU-1", quantity=Decimal(2), unit_price=Decimal("4.10"))
ORDER = ForeignOrder(
    account="shop", foreign_id="77", number="#7", lines=(LINE,), ship_to=ADDRESS, currency="EUR", note=""
)
LARGEST = replace(ORDER, lines=(replace(LINE, quantity=Decimal(1000), unit_price=Decimal(9999)),))
RULES = OrderRules(parts={"SKU-1": "RL-0001", "SKU-2": "RL-0002"}, left_alone=("SHIRT-*",))
TEXTS = st.text(max_size=200)
NUMBERS = st.sampled_from(["SKU-1", "SKU-2", "SHIRT-1", "SHIRT-2"])


@st.composite
def foreign_orders(draw: st.DrawFn) -> ForeignOrder:
    lines = tuple(
        ForeignLine(
            foreign_id=str(number),
            number=draw(NUMBERS),
            quantity=Decimal(draw(st.integers(1, 1000))),
            unit_price=draw(st.decimals("0.01", "9999", places=2)),
            shipped_goods=draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 6)))
    )
    place = Address(
        name=draw(TEXTS),
        company=draw(TEXTS),
        street=draw(TEXTS),
        postal_code=draw(st.from_regex(r"[A-Z0-9]{0,10}", fullmatch=True)),
        city="x" + draw(TEXTS),
        country=draw(st.sampled_from(["DE", "us", " fr "])),
    )
    return ForeignOrder(
        account="a" + draw(TEXTS),
        foreign_id=str(draw(st.integers(1, 10**19))),
        number=draw(TEXTS),
        lines=lines,
        ship_to=place,
        currency=draw(st.sampled_from(["EUR", "USD"])),
    )


@given(order=foreign_orders(), percent=st.integers(0, 200))
@example(order=LARGEST, percent=101)
def test_whatever_a_shop_sells_becomes_a_body_that_the_api_can_read_with_each_printed_line_once(
    order: ForeignOrder, percent: int
) -> None:
    rules = replace(RULES, rates={"USD": Decimal("0.91")}, price_cap_percent=percent)
    printed = [it for it in order.lines if it.shipped_goods and it.number.startswith("SKU")]
    mapped = map_order(order, rules, now=NOW)
    assert (mapped is None) == (not printed)
    if mapped is None:
        return
    asked = OrderRequest.model_validate_json(json.dumps(mapped.body))
    assert [(it.part, it.quantity) for it in asked.lines] == [
        (RULES.parts[it.number], int(it.quantity)) for it in printed
    ]
    assert mapped.line_ids == tuple(it.foreign_id for it in printed)
    assert asked.ship_to.country == (order.ship_to.country.strip().upper() if order.ship_to else "")
    assert asked.reference is not None
    assert asked.reference.endswith(order.foreign_id) or len(asked.reference) == 120
    rate = 1 if order.currency == "EUR" else Fraction("0.91")
    exact = sum((Fraction(it.unit_price or 0) * int(it.quantity) for it in printed), Fraction(0)) * rate * percent
    assert (asked.max_price.amount_minor if asked.max_price else 0) == min(int(exact), 1_000_000_000)


@given(one=st.tuples(TEXTS, TEXTS), other=st.tuples(TEXTS, TEXTS))
def test_two_orders_never_share_a_key_and_a_key_is_one_that_the_api_takes(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    first, second = idempotency_key("shopify", *one), idempotency_key("shopify", *other)
    assert (first == second) == (one == other)
    assert len(first) <= 255
    assert all(0x21 <= ord(sign) <= 0x7E for sign in first)


def test_the_cap_is_rounded_down_in_euro_and_left_out_where_a_line_has_no_price() -> None:
    rules = replace(RULES, price_cap_percent=50, rates={"USD": Decimal("0.9")})
    dollars = replace(ORDER, currency="USD", lines=(replace(LINE, unit_price=Decimal("4.13")),))
    assert price_cap_minor(dollars, dollars.lines, rules) == int(Decimal("371.7").quantize(Decimal(1), ROUND_FLOOR))
    unpriced = (LINE, replace(LINE, unit_price=None))
    assert price_cap_minor(ORDER, unpriced, rules) is None
    assert price_cap_minor(ORDER, ORDER.lines, RULES) is None


def test_everything_that_is_to_be_mended_is_said_at_once() -> None:
    bad = replace(
        ORDER,
        currency="USD",
        ship_to=replace(ADDRESS, city=" ", country=""),
        lines=(
            replace(LINE, number="NEW"),
            replace(LINE, foreign_id="20", quantity=Decimal("1.5")),
            replace(LINE, number=""),
        ),
    )
    with pytest.raises(NotOrderable) as refusal:
        map_order(bad, replace(RULES, price_cap_percent=100), now=NOW)
    assert refusal.value.reasons == (
        "unknown article NEW: map it in [parts], or list it under left_alone",
        "line 20 asks for 1.5 pieces: it has to be a whole number",
        "line 10 has no article number",
        "the address lacks its city",
        "the address lacks its country",
        "no rate for USD: write it into [currencies], or set price_cap_percent to 0",
    )
    with pytest.raises(NotOrderable, match="there is no address"):
        map_order(replace(ORDER, ship_to=None), RULES, now=NOW)


def test_wishes_of_the_order_go_before_those_of_the_bridge() -> None:
    rules = replace(RULES, criticality="consumer", objective="greenest", due_days=5, packaging="brand")
    mapped = map_order(ORDER, rules, now=NOW)
    assert mapped is not None
    assert (mapped.body["criticality"], mapped.body["objective"]) == ("consumer", "greenest")
    assert (mapped.body["need_by"], mapped.body["need_by_hard"]) == ("2026-06-20T09:00:00+00:00", False)
    urgent = replace(ORDER, criticality="aog", objective="fastest", need_by=datetime(2026, 7, 1, tzinfo=UTC))
    wished = map_order(urgent, rules, now=NOW)
    assert wished is not None
    assert (wished.body["criticality"], wished.body["objective"]) == ("aog", "fastest")
    assert (wished.body["need_by"], wished.body["packaging"]) == ("2026-07-01T00:00:00+00:00", "brand")


def test_a_number_that_was_looked_up_or_is_our_own_needs_no_mapping_and_the_mapping_goes_first() -> None:
    looked_up = replace(ORDER, lines=(replace(LINE, number="OLD", part="RL-0009"), replace(LINE, part="RL-0009")))
    mapped = map_order(looked_up, RULES, now=NOW)
    own = map_order(replace(ORDER, lines=(replace(LINE, number="RL-5"),)), OrderRules(same_numbers=True), now=NOW)
    assert mapped is not None
    assert own is not None
    assert [line["part"] for line in mapped.body["lines"]] == ["RL-0009", "RL-0001"]
    assert [line["part"] for line in own.body["lines"]] == ["RL-5"]


def test_texts_lose_what_labels_may_not_hold() -> None:
    assert clipped(" a\tb\n\u202ec\x00 d ") == "a b c d"
    assert len(clipped("ä" * 300)) == 120
