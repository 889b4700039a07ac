import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from fabroute.api.bodies import parse_body
from fabroute.api.dependencies import decode_cursor, encode_cursor
from fabroute.api.errors import MalformedJson, ValidationFailed
from fabroute.api.schemas.base import COUNTRIES, RequestModel
from fabroute.api.schemas.orders import OrderRequest
from fabroute.kernel.errors import DomainError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = st.sampled_from([name for name in OrderRequest.model_fields if name != "ship_to"] + ["colour"])
"""Never a whole order: where the parts go is always missing."""


class Point(RequestModel):
    x: int
    label: str = ""


def refusal_of(content: bytes) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        parse_body(Point, content)
    return refusal.value


def test_a_good_body_is_read() -> None:
    assert parse_body(Point, b'{"x": 3}') == Point(x=3)


def test_what_is_wrong_is_told_field_by_field() -> None:
    refusal = refusal_of(b'{"x": "3", "label": null, "y": 1}')

    assert isinstance(refusal, ValidationFailed)
    assert {(problem.pointer, problem.message) for problem in refusal.problems} == {
        ("/x", "must be a whole number"),
        ("/label", "must be a string"),
        ("/y", "is no field of this object: leave it out"),
    }
    assert refusal.message.count(";") == 2


def test_a_refusal_keeps_its_class_wide_code_when_reasons_differ() -> None:
    lines = b'{"ship_to":{"city":"X","country":"XX"},"lines":[{"part":"a","quantity":0}]}'
    with pytest.raises(ValidationFailed) as mixed:
        parse_body(OrderRequest, lines)
    with pytest.raises(ValidationFailed) as country:
        parse_body(OrderRequest, lines.replace(b'"quantity":0', b'"quantity":1'))

    assert (mixed.value.code, country.value.code) == ("validation_failed", "unknown_country")
    assert ValidationFailed.code == "validation_failed"


def test_no_json_is_another_refusal_than_wrong_json() -> None:
    assert isinstance(refusal_of(b"{"), MalformedJson)
    assert refusal_of(b"[]").problems[0].message == "must be a JSON object"


@settings(deadline=None)
@given(st.dictionaries(_FIELDS, _JSON, max_size=6))
def test_no_json_at_all_makes_the_parser_fail_in_another_way(body: dict[str, object]) -> None:
    content = TypeAdapter(object, config={"ser_json_inf_nan": "constants"}).dump_json(body)
    with pytest.raises((ValidationFailed, MalformedJson)) as refusal:
        parse_body(OrderRequest, content)
    assert refusal.value.message
    assert refusal.value.status in (400, 422)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_the_parser_fail_in_another_way(content: bytes) -> None:
    with pytest.raises((ValidationFailed, MalformedJson)) as refusal:
        parse_body(OrderRequest, content)
    assert refusal.value.message


@settings(deadline=None)
@given(st.text(min_size=1).filter(str.isprintable))
def test_a_cursor_comes_back_as_it_was_and_fits_into_a_url(cursor: str) -> None:
    encoded = encode_cursor(cursor)

    assert decode_cursor(encoded) == cursor
    assert encoded.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("cursor", ["", "=", "a", "%", "ä", "AAAA", "//79", encode_cursor("a\0b"), "AA\n"])
def test_a_cursor_that_no_list_gave_out_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed, match="take next_cursor of the page before"):
        decode_cursor(cursor)


def test_all_countries_of_the_world_are_known_by_two_letters() -> None:
    assert len(COUNTRIES) == 249
    assert {len(code) for code in COUNTRIES} == {2}
