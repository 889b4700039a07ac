"""3MF files byte by byte, sound by default and broken on demand; the same arguments give the same bytes."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
MATERIALS = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
MODEL_KIND = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
TEXTURE_KIND = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dtexture"
TICKET_KIND = "http://schemas.microsoft.com/3dmanufacturing/2013/01/printticket"
THUMBNAIL_KIND = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail"
PROPERTIES_KIND = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"

TYPES_PART, RELATIONS_PART, MODEL_PART = "[Content_Types].xml", "_rels/.rels", "3D/3dmodel.model"
MODEL_RELATIONS_PART = "3D/_rels/3dmodel.model.rels"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
"""One transparent pixel."""

PRODUCTION_DECLARED = f' xmlns:p="{PRODUCTION}" requiredextensions="p"'
"""An attribute of a model; lib3mf wants UUIDs on build, items and objects then."""

TETRAHEDRON = (
    ((0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10)),
    ((0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2)),
)
"""A corner cut off a cube of 10: vertices and triangles, 1000 / 6 in volume."""

Rows = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a zip archive; what is in ``local`` and ``central`` is written whatever is true."""

    name: str | bytes
    content: bytes | str = b""
    method: int = 8
    flags: int = 0
    packed: bytes | None = None
    """In place of the packed content."""
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)
    both: Mapping[str, Any] = field(default_factory=dict)
    descriptor: bytes | None = None
    """Behind the data; the local header has no sizes then."""

    def raw(self) -> bytes:
        """Return the content as bytes."""
        return self.content.encode() if isinstance(self.content, str) else self.content

    def data(self) -> bytes:
        """Return the content as it stands in the archive."""
        if self.packed is not None:
            return self.packed
        if self.method != 8:
            return self.raw()
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        return deflater.compress(self.raw()) + deflater.flush()

    def fields(self) -> dict[str, Any]:
        """Return what headers say of it, before they are made to lie."""
        name = self.name.encode() if isinstance(self.name, str) else self.name
        return {
            "name": name,
            "method": self.method,
            "flags": self.flags,
            "checksum": zlib.crc32(self.raw()),
            "packed": len(self.data()),
            "unpacked": len(self.raw()),
            "extra": b"",
            **self.both,
        }


def sound_descriptor(item: Item, *, signature: bool = True, large: bool = False) -> bytes:
    """Return the descriptor that belongs behind an item."""
    values = (zlib.crc32(item.raw()), len(item.data()), len(item.raw()))
    return (b"PK\x07\x08" if signature else b"") + struct.pack("<LQQ" if large else "<LLL", *values)


def archive(
    *items: Item,
    before: bytes = b"",
    gap: bytes = b"",
    hidden: bytes = b"",
    after: bytes = b"",
    comment: bytes = b"",
    end: Mapping[str, int] | None = None,
    large: Mapping[str, int] | None = None,
    shift: int = 0,
) -> bytes:
    """Return a zip archive with bytes ``before`` it, after its first item (``gap``), before its directory (``hidden``)
    and ``after`` it; ``end`` and ``large`` are fields of the two end records (the second is written only then);
    ``shift`` moves the stated offsets.
    """
    content, directory = bytearray(before), bytearray()
    for place, item in enumerate(items):
        offset = item.central.get("offset", len(content) - shift)
        content += _local(item)
        directory += _central(item, offset)
        content += gap if place == 0 else b""
    content += hidden
    fields = {"count": len(items), "size": len(directory), "start": len(content) - shift}
    content += directory
    return bytes(content) + _ends(fields, end, large, len(content)) + _comment(comment, end or {}) + after


def _local(item: Item) -> bytes:
    fields = item.fields()
    if item.descriptor is not None:
        fields |= {"checksum": 0, "packed": 0, "unpacked": 0, "flags": fields["flags"] | 8}
    fields |= item.local
    header = struct.pack(
        "<4s5H3L2H",
        *(b"PK\x03\x04", 20, fields["flags"], fields["method"], 0, 0x21),
        *(fields["checksum"], fields["packed"], fields["unpacked"], len(fields["name"]), len(fields["extra"])),
    )
    return b"".join((header, fields["name"], fields["extra"], item.data(), item.descriptor or b""))


def _central(item: Item, offset: int) -> bytes:
    fields = item.fields()
    if item.descriptor is not None:
        fields["flags"] |= 8
    fields |= item.central
    header = struct.pack(
        "<4s6H3L5H2L",
        *(b"PK\x01\x02", 20, 20, fields["flags"], fields["method"], 0, 0x21),
        *(fields["checksum"], fields["packed"], fields["unpacked"], len(fields["name"]), len(fields["extra"])),
        *(0, fields.get("disk", 0), 0, 0, offset),
    )
    return b"".join((header, fields["name"], fields["extra"]))


def _ends(
    fields: Mapping[str, int], end: Mapping[str, int] | None, large: Mapping[str, int] | None, place: int
) -> bytes:
    small = {**fields, **(end or {})}
    records = b""
    if large is not None:
        big = {**fields, "length": 44, "place": place, **large}
        counts = big["count"], big["count"]
        records += struct.pack(
            "<4sQ2H2L4Q", b"PK\x06\x06", big["length"], 45, 45, 0, 0, *counts, big["size"], big["start"]
        )
        records += struct.pack("<4sLQL", b"PK\x06\x07", 0, big["place"], 1)
    counts = small.get("here", small["count"]), small["count"]
    return records + struct.pack(
        "<4s4H2L", b"PK\x05\x06", small.get("disk", 0), 0, *counts, small["size"], small["start"]
    )


def _comment(comment: bytes, end: Mapping[str, int]) -> bytes:
    return struct.pack("<H", end.get("comment", len(comment))) + comment


# ---------------------------------------------------------------- parts


def content_types(*, extra: str = "") -> str:
    """Return the content types of a package with a model, pictures and print tickets."""
    rows = {
        "rels": "application/vnd.openxmlformats-package.relationships+xml",
        "model": "application/vnd.ms-package.3dmanufacturing-3dmodel+xml",
        "png": "image/png",
        "jpg": "image/jpeg",
        "xml": "application/vnd.ms-printing.printticket+xml",
        "prop": "application/vnd.openxmlformats-package.core-properties+xml",
    }
    defaults = "".join(f'<Default Extension="{key}" ContentType="{value}"/>' for key, value in rows.items())
    return (
        f'{DECLARATION}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f"{defaults}{extra}</Types>"
    )


def relationships(*targets: tuple[str, str], extra: str = "") -> str:
    """Return a relationships part from (kind, target) pairs."""
    rows = "".join(
        f'<Relationship Type="{kind}" Target="{target}" Id="rel{place}"/>'
        for place, (kind, target) in enumerate(targets)
    )
    return (
        f'{DECLARATION}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{rows}{extra}</Relationships>"
    )


def vertices(rows: Rows = TETRAHEDRON[0]) -> str:
    """Return vertex elements."""
    return "".join('<vertex x="{}" y="{}" z="{}"/>'.format(*row) for row in rows)


def triangles(rows: Rows = TETRAHEDRON[1]) -> str:
    """Return triangle elements."""
    return "".join('<triangle v1="{}" v2="{}" v3="{}"/>'.format(*row) for row in rows)


def mesh(*, points: Rows = TETRAHEDRON[0], faces: Rows = TETRAHEDRON[1]) -> str:
    """Return a mesh element."""
    return f"<mesh><vertices>{vertices(points)}</vertices><triangles>{triangles(faces)}</triangles></mesh>"


def solid(object_id: int = 1, *, attributes: str = "", shape: str = "") -> str:
    """Return an object element with a mesh or another shape."""
    return f'<object id="{object_id}"{attributes}>{shape or mesh()}</object>'


def assembly(object_id: int, *parts: int, attributes: str = "") -> str:
    """Return an object made of others."""
    components = "".join(f'<component objectid="{part}"/>' for part in parts)
    return f'<object id="{object_id}"{attributes}><components>{components}</components></object>'


def model(
    *,
    attributes: str = ' unit="millimeter"',
    metadata: str = "",
    resources: str = "",
    objects: str = "",
    build: str = '<item objectid="1"/>',
    declaration: str = DECLARATION,
    tail: str = "",
) -> str:
    """Return a model part: a tetrahedron that is built once, unless told otherwise."""
    return (
        f'{declaration}<model xmlns="{CORE}" xmlns:m="{MATERIALS}"{attributes}>'
        f"{metadata}<resources>{resources}{objects or solid()}</resources><build>{build}</build></model>{tail}"
    )


def items(
    *,
    content: str | bytes = "",
    types: str | bytes = "",
    relations: str | bytes = "",
    model_relations: str = "",
    parts: Mapping[str, bytes | str] | None = None,
) -> list[Item]:
    """Return the items of a package; all of them sound where nothing else is said."""
    found = [
        Item(name=TYPES_PART, content=types or content_types()),
        Item(name=RELATIONS_PART, content=relations or relationships((MODEL_KIND, f"/{MODEL_PART}"))),
        Item(name=MODEL_PART, content=content or model()),
    ]
    if model_relations:
        found.append(Item(name=MODEL_RELATIONS_PART, content=model_relations))
    return found + [Item(name=name, content=part) for name, part in (parts or {}).items()]


def package(
    *,
    content: str | bytes = "",
    types: str | bytes = "",
    relations: str | bytes = "",
    model_relations: str = "",
    parts: Mapping[str, bytes | str] | None = None,
) -> bytes:
    """Return a package with that model, and with relationships and parts beside it."""
    return archive(
        *items(content=content, types=types, relations=relations, model_relations=model_relations, parts=parts)
    )
