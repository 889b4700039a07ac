"""Look an STL file over before any library sees it: is it binary or text, whole, of bearable size, made of numbers?

The format has no specification beyond 3D Systems' of 1989: binary is an 80-byte header, a 32-bit count of triangles and
50 bytes for each; text is ``solid``, ``facet normal … outer loop vertex … endloop endfacet`` and ``endsolid``. Many
binary files begin with the word "solid", so the size decides, not the word.
"""

import math
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from fabroute.integrations.validation.types import GuardFacts, Limits, Refusal
from fabroute.inventory.ports import Finding

HEADER_BYTES = 84
TRIANGLE_BYTES = 50
LONGEST_LINE = 65_536
"""Bytes of a line of text; real ones have about 50, the name of a solid now and then a few hundred."""

_HEAD_BYTES = 65_536
_BLOCK_BYTES = 2**20
_PADDING = b"\0\t\n\r "
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PRINTABLE = bytes({*b"\t\n\v\f\r", *range(0x20, 0x7F), *range(0x80, 0x100)})
_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff", b"s\0o\0l\0", b"\0s\0o\0l")
_NAME_LINE = re.compile(rb"^[ \t\v\f]*(end)?solid(?=\s|\Z)([^\n]*)", re.IGNORECASE | re.MULTILINE)
_MISLEADING_NAME = re.compile(rb"\bendsolid\b|\bfacet\s+normal\b|\bvertex\s+[-+.\d]", re.IGNORECASE)
_TOO_LONG = re.compile(rb"^[^\n]{%d}" % (LONGEST_LINE + 1), re.MULTILINE)
_FACET = (
    *(b"facet", b"normal", None, None, None, b"outer", b"loop"),
    *(b"vertex", None, None, None) * 3,
    *(b"endloop", b"endfacet"),
)
_KEYWORDS = tuple((place, word) for place, word in enumerate(_FACET) if word is not None)
_CORNERS = (8, 9, 10, 12, 13, 14, 16, 17, 18)
_NORMAL = (2, 3, 4)
_SHOWN_BYTES = 40

_EXPORT_AGAIN = "Export the part again from your CAD program, as binary STL or better as 3MF."
_SEND_AGAIN = "The file was probably cut off on its way: send it again, or export it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFacets:
    """Some triangles of one solid of a text file, in the file's order, column by column."""

    solid: int
    """Which solid of the file, from 0."""
    name: str
    corners: Sequence[Sequence[float]]
    """Nine columns: x, y, z of the first, second and third corner."""
    normals: Sequence[Sequence[bytes]]
    """Three columns as written; nobody relies on them, and some programs write no numbers there."""


def guard_stl(path: Path, limits: Limits) -> GuardFacts:
    """Return what is in an STL file, counted without keeping it; ``Refusal`` says why it must not be read.

    Time and memory are bounded by the file's size and one block of it, whatever the file claims.
    """
    size = path.stat().st_size
    _bear_size(size, limits)
    if is_binary_stl(path):
        return _binary_facts(path, size, limits)
    return _text_facts(path, limits)


def is_binary_stl(path: Path) -> bool:
    """Tell a binary STL file from a text one by its size; ``Refusal`` if it could be taken for both."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(_UTF16_STARTS):
        refuse("STL_TEXT_ENCODING", "The text is in UTF-16; STL is plain ASCII text.", _EXPORT_AGAIN)
    lowered = head.lower()
    named_solid = lowered.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"solid")
    reads_as_text = named_solid and re.search(rb"facet\s+normal", lowered) is not None
    if size >= HEADER_BYTES and size == _declared_bytes(head):
        if reads_as_text:
            refuse("STL_AMBIGUOUS", "The file reads as a binary and as a text STL with other content.", _EXPORT_AGAIN)
        return True
    words = head.rstrip(_PADDING)
    return not (reads_as_text or (words and not words.translate(None, _PRINTABLE)))


def text_facets(path: Path, limits: Limits) -> Iterator[TextFacets]:
    """Yield the triangles of a text STL file block by block; ``Refusal`` at the first thing that is not in order."""
    grammar = _Grammar(limits=limits)
    for block in _line_blocks(path):
        yield from grammar.feed(block)
    grammar.end()


def refuse(code: str, message: str, advice: str, where: str = "") -> NoReturn:
    """Refuse the file for one reason."""
    raise Refusal(Finding(code=code, severity="error", message=message, advice=advice, where=where))


def _bear_size(size: int, limits: Limits) -> None:
    if size == 0:
        refuse("FILE_EMPTY", "The file has no content (0 bytes).", _SEND_AGAIN)
    if size > limits.file_bytes:
        refuse(
            "FILE_TOO_LARGE",
            f"The file has {size / 2**20:,.1f} MiB; {limits.file_bytes / 2**20:,.1f} MiB are allowed.",
            "Export it with a coarser tolerance: 0.01 mm is finer than any printer.",
        )


def _declared_bytes(head: bytes) -> int:
    (count,) = struct.unpack_from("<I", head, HEADER_BYTES - 4)
    return HEADER_BYTES + TRIANGLE_BYTES * int(count)


def _binary_facts(path: Path, size: int, limits: Limits) -> GuardFacts:
    if size < HEADER_BYTES:
        refuse(
            "STL_TRUNCATED",
            f"The file ends after {size} bytes; a binary STL has at least {HEADER_BYTES}.",
            f"{_SEND_AGAIN} If it is no STL file at all, send an STL or 3MF.",
        )
    with path.open("rb") as stream:
        declared = _declared_bytes(stream.read(HEADER_BYTES))
        triangles = (declared - HEADER_BYTES) // TRIANGLE_BYTES
        if declared > size:
            _refuse_truncated(triangles, declared, size)
        stream.seek(declared)
        findings = _trailing(stream.read(TRIANGLE_BYTES), size - declared, triangles)
    bear_triangles(triangles, limits)
    return _facts(triangles=triangles, objects=1, findings=findings)


def _refuse_truncated(triangles: int, declared: int, size: int) -> NoReturn:
    present = (size - HEADER_BYTES) // TRIANGLE_BYTES
    refuse(
        "STL_TRUNCATED",
        f"The header promises {triangles:,} triangles ({declared:,} bytes), the file has {size:,} bytes: "
        f"room for {present:,}.",
        _SEND_AGAIN,
        where="byte 80",
    )


def _trailing(tail: bytes, length: int, triangles: int) -> tuple[Finding, ...]:
    if length == 0:
        return ()
    if length < TRIANGLE_BYTES and not tail.strip(_PADDING):
        message = f"{length} byte(s) of padding follow the last triangle; they are ignored."
        return (Finding(code="STL_PADDING", severity="note", message=message, advice="Nothing has to be done."),)
    refuse(
        "STL_TRAILING_DATA",
        f"The header promises {triangles:,} triangles, but {length:,} bytes follow: one of them is wrong.",
        _EXPORT_AGAIN,
        where=f"byte {HEADER_BYTES + triangles * TRIANGLE_BYTES:,}",
    )


def _text_facts(path: Path, limits: Limits) -> GuardFacts:
    triangles = solids = 0
    for facets in text_facets(path, limits):
        triangles += len(facets.corners[0])
        solids = facets.solid + 1
        if triangles > limits.triangles:
            break
    bear_triangles(triangles, limits)
    return _facts(triangles=triangles, objects=solids, findings=())


def bear_triangles(triangles: int, limits: Limits) -> None:
    """Refuse a file without triangles, or with more than are allowed."""
    if triangles == 0:
        refuse(
            "NO_TRIANGLES",
            "The file holds no triangles: there is nothing to print.",
            "Select the body in your CAD program before you export it; an empty selection makes an empty file.",
        )
    if triangles > limits.triangles:
        refuse(
            "TOO_MANY_TRIANGLES",
            f"The file holds more than the {limits.triangles:,} triangles that are allowed.",
            "Export it with a coarser tolerance: 0.01 mm is finer than any printer.",
        )


def _facts(*, triangles: int, objects: int, findings: tuple[Finding, ...]) -> GuardFacts:
    return GuardFacts(
        format="stl",
        objects=objects,
        vertices=3 * triangles,
        triangles=triangles,
        built_triangles=triangles,
        findings=findings,
    )


def _line_blocks(path: Path) -> Iterator[bytes]:
    """Yield the text in blocks of whole lines that end with a line feed, at most two blocks long."""
    rest = b""
    with path.open("rb") as stream:
        rest = stream.read(len(_BYTE_ORDER_MARK)).removeprefix(_BYTE_ORDER_MARK)
        while block := stream.read(_BLOCK_BYTES):
            lines, end, rest = (rest + block).replace(b"\r", b"\n").rpartition(b"\n")
            _bear_lines(lines)
            _bear_lines(rest)
            yield lines + end
    yield rest.rstrip(_PADDING)


def _bear_lines(lines: bytes) -> None:
    """Refuse a line that is too long: it would fill one of these windows, which are half as wide, from end to end."""
    windows = range(0, len(lines), LONGEST_LINE // 2)
    filled = any(lines.find(b"\n", start, start + LONGEST_LINE // 2) < 0 for start in windows)
    if filled and _TOO_LONG.search(lines):
        refuse("STL_LINE_TOO_LONG", f"A line of the text is longer than {LONGEST_LINE:,} bytes.", _EXPORT_AGAIN)


@dataclass(slots=True, kw_only=True)
class _Grammar:
    """Where in the text we are: in which solid, with how much of a facet not yet read."""

    limits: Limits
    solids: int = 0
    facets: int = 0
    inside: bool = False
    name: str = ""
    underscored: bool = False
    """Whether there was an underscore outside of names: Python takes ``1_0`` for a number, STL doesn't."""
    pending: list[bytes] = field(default_factory=list)

    def feed(self, block: bytes) -> Iterator[TextFacets]:
        """Yield the facets that are complete with this block of whole lines."""
        start = 0
        for line in _NAME_LINE.finditer(block) if b"solid" in block.lower() else ():
            yield from self._facets(block[start : line.start()])
            self._name_line(closing=line[1] is not None, rest=line[2])
            start = line.end()
        yield from self._facets(block[start:])

    def end(self) -> None:
        """Refuse a file that stops in the middle."""
        if self.inside:
            refuse(
                "STL_TRUNCATED",
                f"The text ends after {self.facets:,} triangles in the middle of solid {self.name!r}: "
                "'endsolid' is missing.",
                _SEND_AGAIN,
            )

    def _name_line(self, *, closing: bool, rest: bytes) -> None:
        if self.inside is not closing:
            self._refuse("'endsolid' before any 'solid'" if closing else "'solid' before the last one's 'endsolid'")
        if self.pending:
            self._refuse("a facet that is not finished")
        if _MISLEADING_NAME.search(rest):
            name = _shown(rest.strip())
            refuse("STL_NAME_AMBIGUOUS", f"The name {name} of a solid reads like geometry.", _EXPORT_AGAIN)
        self.inside = not closing
        if not closing:
            self.solids += 1
            self.name = rest.strip()[:200].decode("utf8", "replace")
            self._bear_solids()

    def _bear_solids(self) -> None:
        if self.solids > self.limits.objects:
            refuse(
                "TOO_MANY_OBJECTS",
                f"The file holds more than the {self.limits.objects:,} solids that are allowed.",
                "Join the solids, or send them as several files.",
            )

    def _facets(self, text: bytes) -> Iterator[TextFacets]:
        tokens = self.pending + text.lower().split()
        self.underscored = self.underscored or b"_" in text
        if tokens and not self.inside:
            self._refuse(f"{_shown(tokens[0])} outside of any 'solid'")
        whole = len(tokens) - len(tokens) % len(_FACET)
        self.pending = tokens[whole:]
        if whole:
            yield self._checked(tokens[:whole])

    def _checked(self, tokens: list[bytes]) -> TextFacets:
        count = len(tokens) // len(_FACET)
        if any(tokens[place :: len(_FACET)].count(word) != count for place, word in _KEYWORDS):
            self._refuse_syntax(tokens)
        corners = [self._numbers(tokens[place :: len(_FACET)]) for place in _CORNERS]
        self.facets += count
        return TextFacets(
            solid=self.solids - 1,
            name=self.name,
            corners=corners,
            normals=[tokens[place :: len(_FACET)] for place in _NORMAL],
        )

    def _numbers(self, column: list[bytes]) -> list[float]:
        """Return a column of coordinates; ``Refusal`` names the first that can't be one."""
        try:
            numbers = list(map(float, column))
        except ValueError:
            numbers = []
        bound = self.limits.largest_coordinate
        if not numbers or not math.isfinite(sum(numbers)) or max(numbers) > bound or min(numbers) < -bound:
            self._refuse_number(column)
        if self.underscored and b"_" in b"".join(column):
            self._refuse_number(column)
        return numbers

    def _refuse_number(self, column: list[bytes]) -> NoReturn:
        bound = self.limits.largest_coordinate
        place, token = next((row, it) for row, it in enumerate(column) if not _is_coordinate(it, bound))
        refuse(*_number_problem(token, bound), where=f"triangle {self.facets + place + 1:,}")

    def _refuse_syntax(self, tokens: list[bytes]) -> NoReturn:
        place, word = next(
            (place, word)
            for place, token in enumerate(tokens)
            if (word := _FACET[place % len(_FACET)]) is not None and word != token
        )
        self.facets += place // len(_FACET)
        self._refuse(f"{_shown(tokens[place])} instead of '{word.decode()}'")

    def _refuse(self, found: str) -> NoReturn:
        where = f"after {self.facets:,} triangles"
        refuse("STL_SYNTAX", f"The text does not follow the STL format: {found}.", _EXPORT_AGAIN, where=where)


def _is_coordinate(token: bytes, bound: float) -> bool:
    try:
        return b"_" not in token and abs(float(token)) <= bound
    except ValueError:
        return False


def _number_problem(token: bytes, bound: float) -> tuple[str, str, str]:
    """Return code, message and advice for a token that can't be a coordinate."""
    if re.fullmatch(rb"[-+]?\d+,\d+(e[-+]?\d+)?", token):
        return (
            "STL_NUMBER",
            f"The number {_shown(token)} has a decimal comma; STL wants a point.",
            "Switch your CAD program's language or number format, or export as binary STL or 3MF.",
        )
    try:
        value = float(token.replace(b"_", b"?"))
    except ValueError:
        return "STL_NUMBER", f"{_shown(token)} is no number.", _EXPORT_AGAIN
    return coordinate_problem(value, bound, shown=_shown(token))


def coordinate_problem(value: float, bound: float, *, shown: str) -> tuple[str, str, str]:
    """Return code, message and advice for a number that can't be a coordinate."""
    if not math.isfinite(value):
        return (
            "COORDINATE_NOT_FINITE",
            f"A coordinate is {shown}, which is no place in space.",
            "Repair the mesh (a triangle without area is the usual cause) and export it again.",
        )
    return (
        "COORDINATE_TOO_LARGE",
        f"A coordinate is {shown}; none may be beyond ±{bound:,.0f}.",
        "Move the part to the origin and check the unit, then export it again.",
    )


def _shown(token: bytes) -> str:
    text = token[:_SHOWN_BYTES].decode("ascii", "replace")
    return f"'{text}{'…' if len(token) > _SHOWN_BYTES else ''}'"
