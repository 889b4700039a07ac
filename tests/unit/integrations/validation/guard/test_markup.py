from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from fabroute.integrations.validation.guard.markup import Attributes, Markup, parse, split_name
from fabroute.integrations.validation.types import Refusal
from fabroute.inventory.ports import Finding


@dataclass
class Recorder:
    events: list[tuple[str, str, Attributes]] = field(default_factory=list)

    def start(self, name: str, attributes: Attributes) -> None:
        self.events.append(("start", name, attributes))

    def end(self, name: str) -> None:
        self.events.append(("end", name, []))


def recorded(*chunks: bytes, depth: int = 4) -> Recorder:
    recorder = Recorder()
    parse(chunks, markup=Markup(where="a.xml", depth=depth), handler=recorder)
    return recorder


def refused(*chunks: bytes, depth: int = 4) -> Finding:
    with pytest.raises(Refusal) as caught:
        recorded(*chunks, depth=depth)
    (finding,) = caught.value.findings
    return finding


def test_elements_come_with_namespaces_and_attributes_in_order() -> None:
    events = recorded(b'<a xmlns="urn:1" xmlns:b="urn:2" z="1" b:y="2"><b:c/></a>').events
    assert events[0] == ("start", "urn:1 a", ["z", "1", "urn:2 y", "2"])
    assert [event[:2] for event in events[1:]] == [("start", "urn:2 c"), ("end", "urn:2 c"), ("end", "urn:1 a")]
    assert split_name("urn:1 a") == ("urn:1", "a")
    assert split_name("a") == ("", "a")


def test_documents_are_the_same_in_whatever_pieces_they_come() -> None:
    document = "<a><b c='größe'/><!-- d --><e>f</e></a>".encode()
    whole = recorded(document).events
    assert recorded(*(bytes([byte]) for byte in document)).events == whole
    assert len(whole) == 6


def test_declared_prefixes_are_known() -> None:
    markup = Markup(where="a.xml", depth=4)
    parse([b'<a xmlns="urn:1" xmlns:b="urn:2"/>'], markup=markup, handler=Recorder())
    assert markup.prefixes == {"": "urn:1", "b": "urn:2"}
    assert markup.line.startswith("a.xml, line 1")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"<!DOCTYPE a><a/>", "XML_DOCTYPE"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "XML_DOCTYPE"),
        (b"<a>&b;</a>", "XML_MALFORMED"),
        (b"<a><?b c?></a>", "XML_INSTRUCTION"),
        (b"<a><![CDATA[b]]></a>", "XML_CDATA"),
        (b"<a>", "XML_MALFORMED"),
        (b"<a/><b/>", "XML_MALFORMED"),
        (b"<a b:c='d'/>", "XML_MALFORMED"),
        (b"", "XML_MALFORMED"),
        (b"<a>\x00</a>", "XML_MALFORMED"),
        (b"\xff\xfe<\x00a\x00/\x00>\x00", "XML_ENCODING"),
        (b"\x00<\x00a\x00/\x00>", "XML_ENCODING"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "XML_ENCODING"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "XML_ENCODING"),
        (b"<a b='%s'/>" % (b"x" * 65_537), "XML_VALUE_TOO_LONG"),
    ],
)
def test_what_3mf_forbids_in_xml_is_refused(document: bytes, code: str) -> None:
    finding = refused(document)
    assert finding.code == code
    assert finding.where.startswith("a.xml")


@pytest.mark.parametrize("declared", ["utf-8", "UTF-8", "utf8"])
def test_utf8_may_be_declared_and_marked(declared: str) -> None:
    document = f'<?xml version="1.0" encoding="{declared}"?><a/>'.encode()
    assert recorded(document).events[0][1] == "a"
    assert recorded(b"\xef\xbb\xbf" + document).events[0][1] == "a"


def test_elements_may_be_nested_as_deep_as_allowed() -> None:
    assert len(recorded(b"<a><a><a><a/></a></a></a>").events) == 8
    finding = refused(b"<a><a><a><a>\n<a/></a></a></a></a>")
    assert (finding.code, finding.where) == ("XML_TOO_DEEP", "a.xml, line 2")
    assert finding.message == "Elements are nested deeper than 4 levels."


@pytest.mark.parametrize("opening", [b"<a b='", b"<a><!--", b"<a ", b"<a"])
def test_an_endless_tag_or_comment_is_not_kept_in_memory(opening: bytes) -> None:
    fed = 0

    def endless() -> Iterator[bytes]:
        nonlocal fed
        yield opening
        while True:
            fed += 65_536
            yield b"x" * 65_536

    recorder = Recorder()
    with pytest.raises(Refusal) as caught:
        parse(endless(), markup=Markup(where="a.xml", depth=4), handler=recorder)
    assert caught.value.findings[0].code == "XML_TOKEN_TOO_LONG"
    assert fed <= 17 * 65_536
