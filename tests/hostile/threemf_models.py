"""3MF files whose model lies, explodes, hides something, or can be read in two ways."""

import codecs
from functools import partial

from tests.factories.threemf import (
    DECLARATION,
    TETRAHEDRON,
    mesh,
    model,
    package,
    solid,
    triangles,
    vertices,
)
from tests.hostile.threemf_archives import Rows, cases, noise

_POINTS, _FACES = TETRAHEDRON
_Q = ' xmlns:q="urn:example:q"'


def changed(old: str, new: str, *, count: int = 1) -> bytes:
    """Return a package in whose model one thing is changed."""
    whole = model()
    assert old in whole, old
    return package(content=whole.replace(old, new, count))


def with_number(number: str) -> bytes:
    """Return a package in which a coordinate is written like that."""
    return changed('x="10"', f'x="{number}"')


def with_index(index: str) -> bytes:
    """Return a package in which a corner of a triangle is written like that."""
    return changed('v1="1"', f'v1="{index}"')


def built(objects: str, top: int, **others: str) -> bytes:
    """Return a package that builds one of some objects."""
    return package(content=model(objects=objects, build=f'<item objectid="{top}"/>', **others))


def _laughs() -> str:
    entities = ['<!ENTITY a "ha">']
    entities += [f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10)]
    return DECLARATION + f"<!DOCTYPE model [{''.join(entities)}]>"


def declared(inside: str) -> str:
    return f"{DECLARATION}<!DOCTYPE model {inside}>"


def _nested(depth: int) -> bytes:
    inside = "<q:a>" * depth + "</q:a>" * depth
    return package(content=model(attributes=_Q, resources=f'<q:b id="7">{inside}</q:b>'))


def grid(side: int) -> str:
    """Return an object with a closed box of side × side × 4 triangles or so."""
    points = [(x, y, z) for z in (0, 1) for y in range(side + 1) for x in range(side + 1)]
    row, plane = side + 1, (side + 1) ** 2
    faces = []
    for y in range(side):
        for x in range(side):
            a = y * row + x
            faces += [(a, a + row, a + 1), (a + 1, a + row, a + row + 1)]
            b = a + plane
            faces += [(b, b + 1, b + row), (b + 1, b + row + 1, b + row)]
    rim = [*range(side), *(side + y * row for y in range(side))]
    rim += [plane - 1 - x for x in range(side)] + [plane - row - y * row for y in range(side)]
    for a, c in zip(rim, [*rim[1:], rim[0]], strict=True):
        faces += [(a, c, c + plane), (a, c + plane, a + plane)]
    return solid(shape=mesh(points=points, faces=faces))


MARKUP: Rows = {
    "a billion laughs": ("XML_DOCTYPE", lambda: package(content=model(declaration=_laughs()))),
    "quadratic blow-up": (
        "XML_DOCTYPE",
        lambda: package(content=model(declaration=declared(f'[<!ENTITY a "{noise(9_000).decode()}">]'))),
    ),
    "an external entity": (
        "XML_DOCTYPE",
        lambda: package(content=model(declaration=declared('[<!ENTITY a SYSTEM "file:///etc/passwd">]'))),
    ),
    "a parameter entity": (
        "XML_DOCTYPE",
        lambda: package(content=model(declaration=declared('[<!ENTITY % a SYSTEM "http://x/">%a;]'))),
    ),
    "an external DTD": (
        "XML_DOCTYPE",
        lambda: package(content=model(declaration=declared('SYSTEM "http://x/a.dtd"'))),
    ),
    "default attributes by DTD": (
        "XML_DOCTYPE",
        lambda: package(content=model(declaration=declared('[<!ATTLIST model unit CDATA "inch">]'))),
    ),
    "an undefined entity": ("XML_MALFORMED", lambda: with_number("&a;")),
    "a processing instruction": ("XML_INSTRUCTION", lambda: package(content=model(tail="<?php system('x') ?>"))),
    "a style sheet": (
        "XML_INSTRUCTION",
        lambda: package(content=model(declaration=f'{DECLARATION}<?xml-stylesheet href="http://x/"?>')),
    ),
    "an item in CDATA": ("XML_CDATA", lambda: changed("</build>", '<![CDATA[<item objectid="1"/>]]></build>')),
    "30,000 levels": ("XML_TOO_DEEP", lambda: _nested(30_000)),
    "33 levels": ("XML_TOO_DEEP", lambda: _nested(30)),
    "32 levels": ("", lambda: _nested(29)),
    "a tag of two megabytes": (
        "XML_TOKEN_TOO_LONG",
        lambda: changed("<mesh>", f'<mesh a="{noise(2 * 2**20).decode()}">'),
    ),
    "a comment of two megabytes": (
        "XML_TOKEN_TOO_LONG",
        lambda: changed("<mesh>", f"<!--{noise(2 * 2**20).decode()}--><mesh>"),
    ),
    "an attribute of 70,000 letters": (
        "XML_VALUE_TOO_LONG",
        lambda: changed("<object ", f'<object name="{noise(70_000).decode()}" '),
    ),
    "one attribute twice": ("XML_MALFORMED", lambda: changed('<object id="1"', '<object id="1" id="1"')),
    "Latin-1": ("XML_ENCODING", lambda: package(content=model(declaration='<?xml version="1.0" encoding="latin-1"?>'))),
    "UTF-7": ("XML_ENCODING", lambda: package(content=model(declaration='<?xml version="1.0" encoding="utf-7"?>'))),
    "UTF-16, little end first": (
        "XML_ENCODING",
        lambda: package(content=codecs.BOM_UTF16_LE + model(declaration="").encode("utf-16-le")),
    ),
    "UTF-16, big end first": (
        "XML_ENCODING",
        lambda: package(content=codecs.BOM_UTF16_BE + model(declaration="").encode("utf-16-be")),
    ),
    "UTF-16 without a mark": ("XML_ENCODING", lambda: package(content=model(declaration="").encode("utf-16-le"))),
    "UTF-32": ("XML_ENCODING", lambda: package(content=model(declaration="").encode("utf-32"))),
    "bytes that are no UTF-8": (
        "XML_MALFORMED",
        lambda: package(content=model(objects=solid(attributes=' name="Gr@"')).encode().replace(b"@", b"\xfc")),
    ),
    "an overlong slash": (
        "XML_MALFORMED",
        lambda: package(content=model(objects=solid(attributes=' name="@"')).encode().replace(b"@", b"\xc0\xaf")),
    ),
    "a control character": ("XML_MALFORMED", lambda: changed("<object ", '<object name="\x02" ')),
    "a model that ends in the middle": ("XML_MALFORMED", lambda: package(content=model()[:400])),
    "an empty model": ("XML_MALFORMED", lambda: package(content=b" ")),
    "text after the model": ("XML_MALFORMED", lambda: package(content=model(tail="more"))),
    "a second model after the first": ("XML_MALFORMED", lambda: package(content=model() + model(declaration=""))),
    "a mark of UTF-8 in front": ("", lambda: package(content=codecs.BOM_UTF8 + model().encode())),
    "no declaration": ("", lambda: package(content=model(declaration=""))),
    "an item in a comment": ("", lambda: changed("</build>", '<!-- > <item objectid="1"/> --></build>')),
    "a name with markup in it": ("", lambda: changed("<object ", '<object name="a > b &lt;c&gt; &amp;" ')),
}
NUMBERS: Rows = {
    **{
        f"a coordinate {number!r}": ("ATTRIBUTE_VALUE", partial(with_number, number))
        for number in (
            "nan",
            "NaN",
            "inf",
            "-INF",
            "Infinity",
            "0x1F",
            "1,5",
            "1.5mm",
            "1e",
            "1.",
            ".",
            "",
            "1_000",
            "--1",
            "+-1",
            "1 2",
            "\uff11\uff10",
            "\u0663",
            "1e5.5",
            "#QNAN",
            "1.#INF",
            "1d5",
            "10f",
        )
    },
    "a coordinate of 1e400": ("COORDINATE_TOO_LARGE", lambda: with_number("1e400")),
    "a coordinate of -1e400": ("COORDINATE_TOO_LARGE", lambda: with_number("-1e400")),
    "a coordinate of 1e39, infinite in single precision": ("COORDINATE_TOO_LARGE", lambda: with_number("1e39")),
    "a coordinate of 10,000,001": ("COORDINATE_TOO_LARGE", lambda: with_number("10000001")),
    "a coordinate of 400 nines": ("COORDINATE_TOO_LARGE", lambda: with_number("9" * 400)),
    "an exponent of 30,000 digits": ("COORDINATE_TOO_LARGE", lambda: with_number("1e" + "9" * 30_000)),
    "a coordinate below any float": ("NOT_CONFORMING", lambda: with_number("1e-400")),
    "a number by character references": ("NOT_CONFORMING", lambda: with_number("&#49;0")),
    "a coordinate of 5,000 decimals": ("", lambda: with_number("10." + "0" * 5_000)),
    "a coordinate with spaces around": ("", lambda: with_number(" 10 ")),
    "a coordinate with a plus": ("", lambda: with_number("+10")),
    "a coordinate with an exponent": ("", lambda: with_number("1E1")),
    "a coordinate of minus nothing": ("", lambda: changed('x="0"', 'x="-0"')),
    "no coordinate": ("ATTRIBUTE_MISSING", lambda: changed(' x="10"', "")),
    "a coordinate too many": ("ATTRIBUTE_UNKNOWN", lambda: changed('<vertex x="10"', '<vertex w="1" x="10"')),
    "coordinates in another order": ("", lambda: changed('x="0" y="0" z="10"', 'z="10" y="0" x="0"')),
    **{
        f"a corner {index!r}": ("ATTRIBUTE_VALUE", partial(with_index, index))
        for index in ("-1", "1.0", "1e0", "0x1", "", "one", "18446744073709551617", "\u0661", "1 2")
    },
    "a corner that isn't there": ("INDEX_OUT_OF_RANGE", lambda: with_index("4")),
    "a corner of 2^32 + 1": ("INDEX_OUT_OF_RANGE", lambda: with_index("4294967297")),
    "a corner of two billion": ("INDEX_OUT_OF_RANGE", lambda: with_index("2147483647")),
    "a corner with zeros": ("", lambda: with_index("0001")),
    "a corner with a plus": ("", lambda: with_index("+1")),
    "one corner twice": ("TRIANGLE_CORNERS_EQUAL", lambda: changed('v1="0" v2="2" v3="1"', 'v1="0" v2="2" v3="2"')),
    "one corner three times": (
        "TRIANGLE_CORNERS_EQUAL",
        lambda: changed('v1="0" v2="2" v3="1"', 'v1="1" v2="1" v3="1"'),
    ),
    "no corner": ("ATTRIBUTE_MISSING", lambda: changed(' v3="1"', "")),
    "a fourth corner": ("ATTRIBUTE_UNKNOWN", lambda: changed(' v3="1"', ' v3="1" v4="0"')),
}
SHAPES: Rows = {
    "no vertices": ("ELEMENT_MISSING", lambda: changed(vertices(), "")),
    "no triangles": ("ELEMENT_MISSING", lambda: changed(triangles(), "")),
    "three triangles": ("MESH_TOO_SMALL", lambda: built(solid(shape=mesh(faces=_FACES[:3])), 1)),
    "two vertices": ("INDEX_OUT_OF_RANGE", lambda: built(solid(shape=mesh(points=_POINTS[:2])), 1)),
    "triangles before vertices": (
        "INDEX_OUT_OF_RANGE",
        lambda: built(
            solid(shape=f"<mesh><triangles>{triangles()}</triangles><vertices>{vertices()}</vertices></mesh>"), 1
        ),
    ),
    "vertices twice": (
        "ELEMENT_REPEATED",
        lambda: changed("<triangles>", f"<vertices>{vertices()}</vertices><triangles>"),
    ),
    "triangles twice": (
        "ELEMENT_REPEATED",
        lambda: changed("</mesh>", f"<triangles>{triangles()}</triangles></mesh>"),
    ),
    "two meshes": ("ELEMENT_REPEATED", lambda: changed("</object>", f"{mesh()}</object>")),
    "a mesh and components": (
        "ELEMENT_REPEATED",
        lambda: changed("</object>", '<components><component objectid="1"/></components></object>'),
    ),
    "a vertex in a vertex": (
        "ELEMENT_MISPLACED",
        lambda: changed(
            '<vertex x="10" y="0" z="0"/>', '<vertex x="1" y="0" z="0"><vertex x="1" y="0" z="0"/></vertex>'
        ),
    ),
    "a triangle among vertices": ("ELEMENT_MISPLACED", lambda: changed("</vertices>", f"{triangles()}</vertices>")),
    "a vertex outside": ("ELEMENT_MISPLACED", lambda: changed("</mesh>", f"{vertices()}</mesh>")),
    "an object in an object": ("ELEMENT_MISPLACED", lambda: changed("</object>", f"{solid(2)}</object>")),
    "a mesh in an unknown extension": (
        "ELEMENT_MISPLACED",
        lambda: built(f"<q:choice>{solid(3)}</q:choice>{solid()}", 1, attributes=_Q),
    ),
    "an unknown element of the core": ("ELEMENT_UNKNOWN", lambda: changed("<mesh>", "<voxels/><mesh>")),
    "a hidden vertex attribute": (
        "ATTRIBUTE_UNKNOWN",
        lambda: package(
            content=model()
            .replace("<model ", '<model xmlns:c="http://schemas.microsoft.com/3dmanufacturing/core/2015/02" ')
            .replace('x="10"', 'c:x="99" x="10"', 1)
        ),
    ),
    "xml:space": ("ATTRIBUTE_UNKNOWN", lambda: changed("<mesh>", '<mesh xml:space="preserve">')),
    "xsi:schemaLocation": (
        "ATTRIBUTE_UNKNOWN",
        lambda: changed(
            "<model ",
            '<model xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://x a.xsd" ',
        ),
    ),
    "another namespace": ("MODEL_ROOT", lambda: changed("core/2015/02", "core/2013/01")),
    "a web page as model": ("MODEL_ROOT", lambda: package(content="<html><body/></html>")),
    "a unit that nobody knows": ("ATTRIBUTE_VALUE", lambda: changed("millimeter", "furlong")),
    "a unit in capitals": ("ATTRIBUTE_VALUE", lambda: changed("millimeter", "Millimeter")),
    "no unit": ("", lambda: changed(' unit="millimeter"', "")),
    "microns": ("", lambda: changed("millimeter", "micron")),
    "inches": ("", lambda: changed("millimeter", "inch")),
    "a box of 3,281 triangles": ("", lambda: package(content=model(objects=grid(28)))),
    "a vertex that nobody uses": ("", lambda: changed("</vertices>", '<vertex x="1" y="1" z="1"/></vertices>')),
    "an attribute of an unknown extension": ("", lambda: built(solid(attributes=' q:a="1"'), 1, attributes=_Q)),
    "an element of an unknown extension": (
        "",
        lambda: built(solid(shape=mesh().replace("</mesh>", '<q:a id="1"><q:b/></q:a></mesh>')), 1, attributes=_Q),
    ),
    "a namespace that is declared late": (
        "NOT_CONFORMING",
        lambda: changed("</mesh>", '<q:a xmlns:q="urn:example:q" id="1"><q:b/></q:a></mesh>'),
    ),
    "the core with a prefix": (
        "",
        lambda: package(
            content=model()
            .replace("xmlns=", "xmlns:c=")
            .replace("<", "<c:")
            .replace("<c:/", "</c:")
            .replace("<c:?", "<?")
        ),
    ),
}

CASES = (*cases("markup", MARKUP), *cases("numbers", NUMBERS), *cases("shapes", SHAPES))
