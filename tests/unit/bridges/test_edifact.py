"""EDIFACT: read as ISO 9735 says, written so that it is read back; what is not whole is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.bridges.erp.edifact import Interchange, Message, Segment, read_interchange, segment, write_interchange
from fabroute.bridges.erp.edifact_orders import read_edifact_orders
from fabroute.bridges.orders import NotOrderable
from tests.factories.bridge_payloads import EDIFACT_ORDER

COMPONENTS = st.text(st.characters(max_codepoint=255, exclude_categories=("Cc", "Zs")), min_size=1, max_size=12)
SEGMENTS = st.builds(
    lambda tag, elements: Segment(tag=tag, elements=tuple(map(tuple, elements))),
    st.sampled_from(["LIN", "QTY", "FTX", "NAD"]),
    st.lists(st.lists(COMPONENTS, min_size=1, max_size=3), min_size=1, max_size=4),
)
HEAD = "UNB+UNOC:3+BUYER+US+300601:0931+1'"


def one_message(*segments: str, kind: str = "ORDERS:D:96A:UN") -> bytes:
    inside = "".join(f"{it}'" for it in segments)
    return f"{HEAD}UNH+1+{kind}'{inside}UNT+{len(segments) + 2}+1'UNZ+1+1'".encode("latin-1")


def reasons(content: bytes) -> tuple[str, ...]:
    with pytest.raises(NotOrderable) as refusal:
        read_edifact_orders(content)
    return refusal.value.reasons


def test_the_published_example_is_read() -> None:
    (document,) = read_edifact_orders(EDIFACT_ORDER)
    assert (document["buyer"], document["number"], document["currency"]) == ("Senderkennung", "B10001", "EUR")
    assert document["ship_to"] == {
        "name": "Bestellername",
        "street": "Strasse",
        "city": "Stadt",
        "postal_code": "23436",
        "country": "xx",
    }
    assert document["lines"] == [{"position": "1", "part": "Produkt Schrauben", "quantity": "1000", "price": ""}]


@settings(max_examples=60)
@given(segments=st.lists(SEGMENTS, max_size=6))
def test_what_is_written_is_read_back(segments: list[Segment]) -> None:
    message = Message(type="ORDRSP:D:96A", reference="7", segments=tuple(segments))
    told = Interchange(sender="A?B", receiver="C'D", reference="9", decimal=".", messages=(message,))
    content = write_interchange(told, prepared="300601:0931")
    assert read_interchange(content) == told
    assert content.startswith(b"UNA:+.? '\nUNB+UNOC:3+A??B+C?'D+300601:0931+9'")


def test_other_signs_a_decimal_comma_and_breaks_in_a_line_are_understood() -> None:
    content = (
        "UNA|^,!?~UNB^UNOC|3^BUYER^US^300601|0931^1~\r\nUNH^1^ORDERS|D|96A|UN~BGM^220^A!^1~\r\n"
        "NAD^DP^^^Mül\r\nler^Weg 1^Ulm^^89073^DE~LIN^1^^X|SA~QTY^21|1,5~PRI^AAA|2,25~UNT^7^1~UNZ^1^1~"
    ).encode("latin-1")
    (document,) = read_edifact_orders(content)
    assert (document["number"], document["ship_to"]["name"]) == ("A^1", "Müller")
    assert document["lines"] == [{"position": "1", "part": "X", "quantity": "1.5", "price": "2.25"}]


def test_the_suppliers_number_goes_before_the_buyers_and_the_gtin() -> None:
    lines = ["BGM+220+A1", "LIN+1++4012345678901:EN", "PIA+1+B-77:IN", "PIA+5+RL-0001:SA", "QTY+21:2"]
    lines += ["LIN+2++4012345678901:EN", "PIA+1+B-77:IN", "QTY+21:3", "UNS+S", "MOA+86:99"]
    (document,) = read_edifact_orders(one_message(*lines))
    assert [(it["part"], it["quantity"]) for it in document["lines"]] == [("RL-0001", "2"), ("4012345678901", "3")]
    assert document["ship_to"] is None


def test_the_delivery_day_ends_at_midnight_and_a_cancellation_is_one() -> None:
    (document,) = read_edifact_orders(
        one_message("BGM+220+A1+1", "DTM+137:20300601:102", "DTM+2:20300615:102", "NAD+BY+7::92", "UNS+S")
    )
    assert (document["need_by"], document["cancelled"]) == ("2030-06-15T23:59:59+00:00", True)
    assert (document["buyer"], document["partners"]) == ("7", ["BUYER", "US"])
    assert reasons(one_message("BGM+220+A1", "DTM+2:soon")) == ("DTM is no day: 'soon'; write it as 2030-12-31",)


def test_every_message_of_a_file_is_an_order() -> None:
    inside = "".join(f"UNH+{it}+ORDERS:D:96A:UN'BGM+220+A{it}'UNT+3+{it}'" for it in (1, 2, 3))
    documents = read_edifact_orders(f"{HEAD}{inside}UNZ+3+1'".encode())
    assert [it["number"] for it in documents] == ["A1", "A2", "A3"]
    assert [it["reference"] for it in documents] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file does not begin with UNA or UNB"),
        (b"UNA:+", "the service string advice UNA is cut off"),
        (one_message("BGM+220+A1")[:-3], "the last segment does not end: the file is not whole"),
        (one_message("BGM+220+A1").replace(b"UNZ+1+1'", b""), "UNZ does not agree"),
        (one_message("BGM+220+A1").replace(b"UNZ+1", b"UNZ+2"), "UNZ does not agree"),
        (one_message("BGM+220+A1").replace(b"UNT+3+1'", b""), "message 1 has no UNT"),
        (one_message("BGM+220+A1").replace(b"UNT+3", b"UNT+4"), "UNT of message 1 does not agree: 3 segments came"),
        (one_message("BGM+220+A1").replace(b"UNH+1", b"BGM+1"), "segment BGM stands outside a message"),
        (one_message("BGM+220"), "message 1 has no document number in BGM"),
        (one_message("BGM+220+A1+5"), "A1: function 5 (a change) can't be taken: cancel and order anew"),
        (one_message("BGM+380+A1", kind="INVOIC:D:96A:UN"), "only ORDERS are read here, not INVOIC:D:96A"),
        (HEAD.replace("UNOC", "UNOA").encode() + "UNH+1+Ä'".encode(), "the file holds characters that are not of UNOA"),
    ],
)
def test_what_is_not_whole_or_no_order_is_refused_with_its_reason(content: bytes, said: str) -> None:
    (reason,) = reasons(content)
    assert reason.startswith(said)


def test_elements_that_are_not_there_are_empty() -> None:
    found = segment("QTY", ("21", "5"))
    assert (found.at(0), found.at(0, 1), found.at(0, 2), found.at(3)) == ("21", "5", "", "")
    assert segment("UNS", "S").elements == (("S",),)
