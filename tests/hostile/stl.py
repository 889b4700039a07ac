"""STL files that someone might send to crash, stall, fool or fill a reader of print files."""

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, product

from tests.hostile.case import HostileCase

Point = tuple[float, float, float]
Triangle = tuple[Point, Point, Point]

MIB = 2**20
_ORIGIN, _X, _Y, _Z = (0.0, 0.0, 0.0), (10.0, 0.0, 0.0), (0.0, 10.0, 0.0), (0.0, 0.0, 10.0)
TETRAHEDRON: tuple[Triangle, ...] = ((_ORIGIN, _Y, _X), (_ORIGIN, _X, _Z), (_X, _Y, _Z), (_Y, _ORIGIN, _Z))
"""A corner cut off a cube of 10 mm: 1000 / 6 mm³."""


def moved(triangles: Sequence[Triangle], by: Point) -> tuple[Triangle, ...]:
    """Return the triangles somewhere else."""
    return _mapped(triangles, lambda point: (point[0] + by[0], point[1] + by[1], point[2] + by[2]))


def scaled(triangles: Sequence[Triangle], by: float) -> tuple[Triangle, ...]:
    """Return the triangles larger or smaller."""
    return _mapped(triangles, lambda point: (point[0] * by, point[1] * by, point[2] * by))


def _mapped(triangles: Sequence[Triangle], change: Callable[[Point], Point]) -> tuple[Triangle, ...]:
    return tuple((change(a), change(b), change(c)) for a, b, c in triangles)


def binary(
    triangles: Sequence[Triangle] = TETRAHEDRON,
    *,
    count: int | None = None,
    header: bytes = b"",
    normal: Point = (0.0, 0.0, 0.0),
    attribute: int = 0,
    tail: bytes = b"",
) -> bytes:
    """Return a binary STL file, with a count, normals and attributes that need not be true."""
    records = (struct.pack("<12fH", *normal, *chain(*it), attribute) for it in triangles)
    return (
        header.ljust(80, b"\0")
        + struct.pack("<I", len(triangles) if count is None else count)
        + b"".join(records)
        + tail
    )


def text(
    triangles: Sequence[Triangle] = TETRAHEDRON,
    *,
    name: str = "tetra",
    normal: str = "0 0 0",
    form: Callable[[float], str] = str,
) -> str:
    """Return a text STL file of one solid."""
    return f"solid {name}\n{''.join(_facet(it, normal, form) for it in triangles)}endsolid {name}\n"


def _facet(triangle: Triangle, normal: str, form: Callable[[float], str]) -> str:
    corners = "".join(f"vertex {' '.join(map(form, point))}\n" for point in triangle)
    return f"facet normal {normal}\nouter loop\n{corners}endloop\nendfacet\n"


def with_number(token: str) -> bytes:
    """Return a text file in which the first coordinate of the third triangle reads ``token``."""
    parts = text().split("vertex 10.0 ")
    return ("vertex 10.0 ".join(parts[:3]) + f"vertex {token} " + "vertex 10.0 ".join(parts[3:])).encode()


def with_float(value: float) -> bytes:
    """Return a binary file with ``value`` among its coordinates."""
    (a, b, _), *rest = TETRAHEDRON
    return binary([(a, b, (value, 0.0, 0.0)), *rest])


def _zip(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def _polyglot() -> bytes:
    """Return a file that is by its size a binary tetrahedron, and by its words a text one."""
    body = text(scaled(TETRAHEDRON, 2.0), form=lambda value: f"{value:g}").encode()
    facets = body[len(b"solid tetra\n") :]
    count = -(-(len(facets)) // 50)
    header = b"solid ".ljust(80, b" ")
    return header + struct.pack("<I", count) + b"\n" + facets.ljust(50 * count - 1, b"\n")


def _grid(side: int) -> list[Triangle]:
    """Return an open sheet of ``2 × side²`` triangles."""
    squares = product(range(side), range(side))
    return [
        it
        for x, y in squares
        for it in (
            ((x, y, 0.0), (x + 1, y, 0.0), (x, y + 1, 0.0)),
            ((x + 1, y, 0.0), (x + 1, y + 1, 0.0), (x, y + 1, 0.0)),
        )
    ]


def _cases(category: str, rows: dict[str, tuple[str, Callable[[], bytes]]]) -> list[HostileCase]:
    return [
        HostileCase(category=category, name=name, content=content, code=code) for name, (code, content) in rows.items()
    ]


LYING_COUNTS = _cases(
    "lying counts",
    {
        "four billion triangles in 284 bytes": ("STL_TRUNCATED", lambda: binary(count=2**32 - 1)),
        "two billion triangles (negative when signed)": ("STL_TRUNCATED", lambda: binary(count=2**31)),
        "one triangle more than there are": ("STL_TRUNCATED", lambda: binary(count=5)),
        "one triangle fewer than there are": ("STL_TRAILING_DATA", lambda: binary(count=3)),
        "no triangles, but four follow": ("STL_TRAILING_DATA", lambda: binary(count=0)),
        "a count in big-endian order": ("STL_TRUNCATED", lambda: binary(count=4 << 24)),
        "a count that overflows 32 bits when multiplied by 50": ("STL_TRUNCATED", lambda: binary(count=85_899_346)),
        "a count that overflows to the right size": ("STL_TRUNCATED", lambda: binary(count=(2**32 // 2) // 25 + 4)),
    },
)
TRUNCATED = _cases(
    "truncated",
    {
        "nothing": ("FILE_EMPTY", bytes),
        "one byte": ("STL_TRUNCATED", lambda: b"\0"),
        "half a header": ("STL_TRUNCATED", lambda: binary()[:40]),
        "a header without its count": ("STL_TRUNCATED", lambda: binary()[:80]),
        "half a count": ("STL_TRUNCATED", lambda: binary()[:82]),
        "half a triangle": ("STL_TRUNCATED", lambda: binary()[:-25]),
        "one byte short": ("STL_TRUNCATED", lambda: binary()[:-1]),
        "text without endsolid": ("STL_TRUNCATED", lambda: text().split("endsolid")[0].encode()),
        "text that ends inside a number": ("STL_TRUNCATED", lambda: text().encode()[:150]),
        "text that ends inside a facet": (
            "STL_SYNTAX",
            lambda: text().replace("endfacet\nendsolid", "endsolid").encode(),
        ),
    },
)
TRAILING = _cases(
    "trailing data",
    {
        "a line feed, as version control adds it": ("", lambda: binary(tail=b"\n")),
        "padding with zeros": ("", lambda: binary(tail=bytes(49))),
        "a whole triangle of zeros": ("STL_TRAILING_DATA", lambda: binary(tail=bytes(50))),
        "a zip archive": ("STL_TRAILING_DATA", lambda: binary(tail=_zip("3D/3dmodel.model", b"<model/>"))),
        "a few bytes that are no padding": ("STL_TRAILING_DATA", lambda: binary(tail=b"#!/bin/sh")),
        "a megabyte of zeros": ("STL_TRAILING_DATA", lambda: binary(tail=bytes(MIB))),
        "text after endsolid": ("STL_SYNTAX", lambda: text().encode() + b"<script>"),
        "zeros after endsolid": ("", lambda: text().encode() + bytes(64)),
    },
)
TWO_READINGS = _cases(
    "two readings",
    {
        "binary by size, another solid by words": ("STL_AMBIGUOUS", _polyglot),
        "binary that begins with solid": ("", lambda: binary(header=b"solid exported by SomeCAD")),
        "binary with the words of text in its header": (
            "STL_AMBIGUOUS",
            lambda: binary(header=b"solid a\nfacet normal 0 0 1"),
        ),
        "a name that ends the solid": ("STL_NAME_AMBIGUOUS", lambda: text(name="a endsolid a").encode()),
        "a name with a facet in it": ("STL_NAME_AMBIGUOUS", lambda: text(name="facet normal 0 0 1").encode()),
        "a name with a vertex in it": ("STL_NAME_AMBIGUOUS", lambda: text(name="vertex 1 2 3").encode()),
        "a solid inside a solid": ("STL_SYNTAX", lambda: b"solid outer\n" + text().encode() + b"endsolid outer\n"),
        "a comment that is no STL": ("STL_SYNTAX", lambda: text().replace("endloop", "# 1\nendloop", 1).encode()),
        "a zip archive before the header": ("ARCHIVE_TRAILING_DATA", lambda: binary(header=b"PK\x05\x06" + bytes(18))),
    },
)
NUMBERS = _cases(
    "numbers",
    {
        "not a number": ("COORDINATE_NOT_FINITE", lambda: with_number("nan")),
        "infinity": ("COORDINATE_NOT_FINITE", lambda: with_number("inf")),
        "negative infinity, spelt out": ("COORDINATE_NOT_FINITE", lambda: with_number("-Infinity")),
        "larger than any double": ("COORDINATE_NOT_FINITE", lambda: with_number("1e400")),
        "larger than any float": ("COORDINATE_TOO_LARGE", lambda: with_number("1e39")),
        "ten kilometres and a bit": ("COORDINATE_TOO_LARGE", lambda: with_number("10000001")),
        "an exponent of a million digits' worth": ("COORDINATE_NOT_FINITE", lambda: with_number("1e999999999999")),
        "sixty thousand digits": ("COORDINATE_NOT_FINITE", lambda: with_number("9" * 60_000)),
        "a decimal comma": ("STL_NUMBER", lambda: with_number("10,0")),
        "a word": ("STL_NUMBER", lambda: with_number("ten")),
        "hexadecimal": ("STL_NUMBER", lambda: with_number("0x0a")),
        "an underscore": ("STL_NUMBER", lambda: with_number("1_0")),
        "Windows' not a number": ("STL_NUMBER", lambda: with_number("-1.#IND")),
        "Arabic digits": ("STL_NUMBER", lambda: with_number("\u0661\u0660")),
        "a number too many": ("STL_SYNTAX", lambda: with_number("10.0 10.0")),
        "a number too few": ("STL_SYNTAX", lambda: with_number("")),
        "binary not a number": ("COORDINATE_NOT_FINITE", lambda: with_float(math.nan)),
        "binary infinity": ("COORDINATE_NOT_FINITE", lambda: with_float(math.inf)),
        "binary negative infinity": ("COORDINATE_NOT_FINITE", lambda: with_float(-math.inf)),
        "binary largest float": ("COORDINATE_TOO_LARGE", lambda: with_float(3.4028234e38)),
        "binary signalling not a number": (
            "COORDINATE_NOT_FINITE",
            lambda: binary().replace(struct.pack("<f", 10), b"\1\0\x80\x7f", 1),
        ),
        "denormal normals": ("", lambda: binary(normal=(1e-42, 1e-42, 1e-42))),
        "normals that are not numbers": ("", lambda: binary(normal=(math.nan, math.inf, -math.inf))),
        "text normals that are not numbers": ("", lambda: text(normal="nan nan nan").encode()),
        "negative zeros": ("", lambda: binary([*TETRAHEDRON[:3], (_Y, (-0.0, 0.0, -0.0), _Z)])),
        "a plus sign and an exponent": ("", lambda: text(form=lambda value: f"{value:+.3E}").encode()),
    },
)
GRAMMAR = _cases(
    "grammar",
    {
        "facets before any solid": ("STL_SYNTAX", lambda: text().encode().removeprefix(b"solid tetra\n")),
        "endsolid first": ("STL_SYNTAX", lambda: b"endsolid\n" + text().encode()),
        "four corners": ("STL_SYNTAX", lambda: text().replace("endloop", "vertex 1 1 1\nendloop", 1).encode()),
        "two corners": ("STL_SYNTAX", lambda: text().replace("vertex 0.0 0.0 0.0\n", "", 1).encode()),
        "a facet without a normal": ("STL_SYNTAX", lambda: text().replace("facet normal 0 0 0", "facet", 1).encode()),
        "words in capitals": ("", lambda: text().upper().encode()),
        "a line feed of old Macs": ("", lambda: text().replace("\n", "\r").encode()),
        "Windows' line ends": ("", lambda: text().replace("\n", "\r\n").encode()),
        "tabs and many spaces": ("", lambda: text().replace("vertex ", "\t  vertex\t   ").encode()),
        "no line feed at the end": ("", lambda: text().rstrip().encode()),
        "zeros in the middle": ("STL_SYNTAX", lambda: text().replace("outer", "\0outer", 1).encode()),
    },
)
NAMES = _cases(
    "names and encodings",
    {
        "UTF-16": ("STL_TEXT_ENCODING", lambda: text().encode("utf-16")),
        "UTF-16 without a mark": ("STL_TEXT_ENCODING", lambda: text().encode("utf-16-le")),
        "a byte order mark": ("", lambda: b"\xef\xbb\xbf" + text().encode()),
        "a name in Chinese": ("", lambda: text(name="月球").encode()),
        "a name in Latin-1": ("", lambda: text(name="Stück").encode("latin-1")),
        "a name that is no UTF-8": ("", lambda: text().encode().replace(b"tetra", b"\xff\xfe\x80")),
        "a name with commands for a terminal": ("", lambda: text(name="\x1b]0;owned\x07").encode()),
        "a name that leaves the folder": ("", lambda: text(name="../../etc/passwd").encode()),
        "a name with markup": ("", lambda: text(name="<script>alert(1)</script>").encode()),
        "a name of 60,000 characters": ("", lambda: text(name="n" * 60_000).encode()),
        "a header that is no text": ("", lambda: binary(header=bytes(range(256))[176:])),
    },
)
BOMBS = [
    *_cases(
        "bombs",
        {
            "a line of four megabytes": ("STL_LINE_TOO_LONG", lambda: b"solid " + b"a" * 4 * MIB),
            "a name of 70,000 characters": ("STL_LINE_TOO_LONG", lambda: text(name="n" * 70_000).encode()),
            "four megabytes of spaces": ("STL_LINE_TOO_LONG", lambda: b"solid a\n" + b" " * 4 * MIB),
            "eight megabytes of line feeds": ("STL_TRUNCATED", lambda: b"solid a\n" + b"\n" * 8 * MIB),
            "twenty thousand solids": ("TOO_MANY_OBJECTS", lambda: b"solid a\nendsolid a\n" * 20_000),
            "a megabyte of solid and nothing else": ("STL_SYNTAX", lambda: b"solid\n" * (MIB // 6)),
            "a million words": ("STL_SYNTAX", lambda: b"solid a\n" + b"vertex 1\n" * 500_000),
            "a zip bomb called STL": ("ARCHIVE_RATIO", lambda: _zip("bomb", bytes(8 * MIB))),
            "a gzip bomb called STL": ("UNKNOWN_FORMAT", lambda: b"\x1f\x8b" + zlib.compress(bytes(8 * MIB))),
        },
    ),
    HostileCase(
        category="bombs",
        name="a hole of 200 MiB",
        content=lambda: binary(count=0),
        code="STL_TRAILING_DATA",
        padded_to=200 * MIB,
    ),
    HostileCase(
        category="bombs",
        name="a gigabyte",
        content=partial(binary, count=1),
        code="FILE_TOO_LARGE",
        padded_to=1024 * MIB,
    ),
    HostileCase(
        category="bombs",
        name="five million and one triangles, all of zeros",
        content=lambda: binary((), count=5_000_001),
        code="TOO_MANY_TRIANGLES",
        padded_to=84 + 50 * 5_000_001,
    ),
]
EMPTY = _cases(
    "empty",
    {
        "a header and no triangles": ("NO_TRIANGLES", lambda: binary(())),
        "a text solid without facets": ("NO_TRIANGLES", lambda: text(()).encode()),
        "only triangles without extent": ("NO_TRIANGLES", lambda: binary([(_X, _X, _X)] * 8)),
        "only triangles that are lines": ("NO_TRIANGLES", lambda: binary([(_X, _Y, _X)] * 8)),
    },
)
OTHER_FORMATS = _cases(
    "other formats",
    {
        "a STEP file": ("UNKNOWN_FORMAT", lambda: b"ISO-10303-21;\nHEADER;\n" * 10),
        "an image": ("UNKNOWN_FORMAT", lambda: b"\x89PNG\r\n\x1a\n" + bytes(200)),
        "a PDF": ("UNKNOWN_FORMAT", lambda: b"%PDF-1.7\n" + b"1 0 obj\n" * 50),
        "a GLB": ("UNKNOWN_FORMAT", lambda: b"glTF\2\0\0\0" + bytes(300)),
        "a web page": ("STL_SYNTAX", lambda: b"<!DOCTYPE html><html>404</html>\n" * 20),
        "an executable": ("STL_TRUNCATED", lambda: b"\x7fELF\2\1\1" + bytes(range(256)) * 4),
        "a Wavefront OBJ": ("STL_SYNTAX", lambda: b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
    },
)
EXTRAS = _cases(
    "attributes, normals, solids",
    {
        "attributes in every triangle": ("", lambda: binary(attribute=0xFFFF)),
        "normals that point inwards": ("", lambda: binary(normal=(1.0, 1.0, 1.0))),
        "two solids apart": ("", lambda: (text() + text(moved(TETRAHEDRON, (50.0, 0, 0)), name="b")).encode()),
        "a solid for each face": (
            "",
            lambda: "".join(text([it], name=f"f{n}") for n, it in enumerate(TETRAHEDRON)).encode(),
        ),
        "an empty solid beside a full one": ("", lambda: (text(()) + text()).encode()),
        "a line among the triangles": ("", lambda: binary([*TETRAHEDRON, (_X, _Y, _X)])),
    },
)
SURFACES = _cases(
    "surfaces",
    {
        "a triangle is missing": ("OPEN_EDGES", lambda: binary(TETRAHEDRON[:3])),
        "a triangle is turned": ("INCONSISTENT_ORIENTATION", lambda: binary([TETRAHEDRON[0][::-1], *TETRAHEDRON[1:]])),
        "every triangle is turned": ("INSIDE_OUT", lambda: binary([it[::-1] for it in TETRAHEDRON])),
        "an open sheet": ("OPEN_EDGES", lambda: binary(_grid(40))),
        "a triangle and its back": ("ZERO_VOLUME", lambda: binary([TETRAHEDRON[0], TETRAHEDRON[0][::-1]])),
        "a sheet twice": ("NON_MANIFOLD_EDGES", lambda: binary([*_grid(4), *(it[::-1] for it in _grid(4))])),
        "every triangle twice": ("NON_MANIFOLD_EDGES", lambda: binary(TETRAHEDRON * 2)),
    },
)

CASES: tuple[HostileCase, ...] = (
    *LYING_COUNTS, *TRUNCATED, *TRAILING, *TWO_READINGS, *NUMBERS, *GRAMMAR, *NAMES, *BOMBS, *EMPTY, *OTHER_FORMATS,
    *EXTRAS, *SURFACES,
)  # fmt: skip
