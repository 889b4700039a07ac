"""EDIFACT interchanges (ISO 9735, syntax versions 1 to 3): read into segments, and written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fabroute.bridges.orders import NotOrderable

Element = tuple[str, ...]
"""The components of a data element."""
_ADVICE = "UNA"
_DEFAULTS = ":+.? '"
_CHARACTER_SETS = {
    **{"UNOA": "ascii", "UNOB": "ascii", "UNOC": "latin-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5"},
    **{"UNOF": "iso8859-7", "UNOY": "utf-8", "UNOW": "utf-8"},
}
"""By the syntax identifier of the segment UNB."""
_MOST_UNB = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What separates what, as the service string advice says it."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    terminator: str = "'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A segment: its tag and its data elements."""

    tag: str
    elements: tuple[Element, ...]

    def at(self, element: int, component: int = 0) -> str:
        """Return a component, both counted from 0; empty where there is none."""
        found = self.elements[element] if element < len(self.elements) else ()
        return found[component] if component < len(found) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of an interchange, without its UNH and UNT."""

    type: str
    """With version and release: ``ORDERS:D:96A``."""
    reference: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """What stands between UNB and UNZ."""

    sender: str
    receiver: str
    reference: str
    decimal: str
    """What stands before decimals in this interchange."""
    messages: tuple[Message, ...]


def read_interchange(content: bytes) -> Interchange:
    """Return the messages of a file. ``NotOrderable`` where counts or references say that it is not whole."""
    signs, text = _decoded(content)
    segments = list(_segments(text, signs))
    if not segments or segments[0].tag != "UNB":
        raise NotOrderable(["the file does not begin with UNA or UNB"])
    head, end = segments[0], segments[-1]
    messages = tuple(_messages(segments[1:-1] if end.tag == "UNZ" else segments[1:]))
    if end.tag != "UNZ" or end.at(0) != str(len(messages)):
        raise NotOrderable(["UNZ does not agree with the messages before it: the file is not whole"])
    return Interchange(
        sender=head.at(1), receiver=head.at(2), reference=head.at(4), decimal=signs.decimal, messages=messages
    )


def write_interchange(interchange: Interchange, *, prepared: str) -> bytes:
    """Return the bytes of an interchange in UNOC (Latin-1; what it lacks is ``?``); ``prepared`` is ``yymmdd:hhmm``."""
    day, hour = prepared.split(":")
    lines = [_written("UNB", [("UNOC", "3"), (interchange.sender,), (interchange.receiver,), (day, hour),
                              (interchange.reference,)])]  # fmt: skip
    for message in interchange.messages:
        kind = (*message.type.split(":"), "UN")
        lines.append(_written("UNH", [(message.reference,), kind]))
        lines += [_written(segment.tag, segment.elements) for segment in message.segments]
        lines.append(_written("UNT", [(str(len(message.segments) + 2),), (message.reference,)]))
    lines.append(_written("UNZ", [(str(len(interchange.messages)),), (interchange.reference,)]))
    return ("UNA:+.? '\n" + "\n".join(lines) + "\n").encode("latin-1", errors="replace")


def segment(tag: str, *elements: Sequence[str] | str) -> Segment:
    """Return a segment; an element of one component may be a text."""
    return Segment(tag=tag, elements=tuple((it,) if isinstance(it, str) else tuple(it) for it in elements))


def _decoded(content: bytes) -> tuple[Signs, str]:
    body = content.lstrip(b"\xef\xbb\xbf\r\n\t ")
    advice = body[:9].decode("latin-1") if body.startswith(_ADVICE.encode()) else _ADVICE + _DEFAULTS
    if len(advice) < len(_ADVICE) + len(_DEFAULTS):
        raise NotOrderable(["the service string advice UNA is cut off"])
    signs = Signs(component=advice[3], element=advice[4], decimal=advice[5], release=advice[6], terminator=advice[8])
    rest = body[9:] if body.startswith(_ADVICE.encode()) else body
    head = rest.lstrip()[:_MOST_UNB].decode("latin-1").split(signs.element)
    syntax = head[1].split(signs.component)[0] if len(head) > 1 else ""
    try:
        return signs, rest.decode(_CHARACTER_SETS.get(syntax, "latin-1"))
    except UnicodeDecodeError as error:
        raise NotOrderable([f"the file holds characters that are not of {syntax}"]) from error


def _segments(text: str, signs: Signs) -> Iterator[Segment]:
    """Yield segments; a release sign takes the meaning of the sign after it; breaks between segments mean nothing."""
    elements: list[list[str]] = [[""]]
    signs_after = iter(text)
    for sign in signs_after:
        if sign == signs.terminator:
            yield _segment(elements)
            elements = [[""]]
        elif sign == signs.element:
            elements.append([""])
        elif sign == signs.component:
            elements[-1].append("")
        elif sign == signs.release and signs.release != " ":
            elements[-1][-1] += next(signs_after, "")
        elif sign not in "\r\n":
            elements[-1][-1] += sign
    if any(part.strip() for element in elements for part in element):
        raise NotOrderable(["the last segment does not end: the file is not whole"])


def _segment(elements: Sequence[Sequence[str]]) -> Segment:
    return Segment(tag=elements[0][0].strip(), elements=tuple(tuple(it) for it in elements[1:]))


def _messages(segments: Iterable[Segment]) -> Iterator[Message]:
    inside: list[Segment] = []
    for it in segments:
        if it.tag == "UNH":
            inside = [it]
        elif it.tag == "UNT":
            yield _message([*inside, it])
            inside = []
        elif inside:
            inside.append(it)
        elif it.tag not in ("UNG", "UNE"):
            raise NotOrderable([f"segment {it.tag} stands outside a message"])
    if inside:
        raise NotOrderable([f"message {inside[0].at(0)} has no UNT"])


def _message(segments: Sequence[Segment]) -> Message:
    head, end = segments[0], segments[-1]
    if head.tag != "UNH" or end.at(1) != head.at(0) or end.at(0) != str(len(segments)):
        raise NotOrderable([f"UNT of message {head.at(0)} does not agree: {len(segments)} segments came"])
    kind = ":".join(head.at(1, component) for component in range(3))
    return Message(type=kind, reference=head.at(0), segments=tuple(segments[1:-1]))


def _written(tag: str, elements: Sequence[Element]) -> str:
    return "+".join((tag, *_without_end([_element(it) for it in elements]))) + "'"


def _element(components: Element) -> str:
    return ":".join(_without_end([_released(it) for it in components]))


def _without_end(texts: Sequence[str]) -> Sequence[str]:
    """Return texts without the empty ones at their end, which are not written."""
    count = len(texts)
    while count and not texts[count - 1]:
        count -= 1
    return texts[:count]


def _released(text: str) -> str:
    flat = " ".join(text.split())
    return "".join(f"?{sign}" if sign in ":+?'" else sign for sign in flat)
