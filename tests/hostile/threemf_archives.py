"""3MF files whose archive or package lies, hides something, or can be read in two ways."""

import struct
import zlib
from collections.abc import Callable
from functools import partial

from tests.factories.threemf import (
    MODEL_KIND,
    MODEL_PART,
    MODEL_RELATIONS_PART,
    PNG,
    PROPERTIES_KIND,
    RELATIONS_PART,
    TEXTURE_KIND,
    THUMBNAIL_KIND,
    TICKET_KIND,
    Item,
    archive,
    content_types,
    items,
    model,
    package,
    relationships,
    solid,
    sound_descriptor,
)
from tests.hostile.case import HostileCase

Rows = dict[str, tuple[str, Callable[[], bytes]]]
ZIP64 = 0xFFFFFFFF
MIB = 2**20


def cases(category: str, rows: Rows) -> tuple[HostileCase, ...]:
    """Return the cases of one category: by name, the code of the refusal and the bytes."""
    return tuple(
        HostileCase(category=category, name=name, content=content, code=code, ending=".3mf")
        for name, (code, content) in rows.items()
    )


def with_model(item: Item) -> bytes:
    """Return a package with that item in the model's place."""
    return archive(*items()[:2], item)


def lying(**fields: object) -> bytes:
    """Return a package in which both headers of the model lie."""
    return with_model(Item(name=MODEL_PART, content=model(), both=fields))


def beside(name: str | bytes, content: bytes | str = b"x", **fields: object) -> bytes:
    """Return a package with one more part."""
    return archive(*items(), Item(name=name, content=content, both=fields))


def flushed(block: bytes, times: int) -> bytes:
    """Return a deflate stream of ``block`` over and over, without packing it more than once."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = deflater.compress(block) + deflater.flush(zlib.Z_FULL_FLUSH)
    return packed * times + b"\x03\x00"


def noise(length: int) -> bytes:
    """Return hexadecimal digits that hardly pack, always the same."""
    digits, state = bytearray(), 12345
    while len(digits) < length:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        digits += f"{state:016x}".encode()
    return bytes(digits[:length])


def _twenty_million_vertices() -> bytes:
    row = b'<vertex x="0" y="0" z="0"/>'
    block = row * 37_000 + b"<!--" + noise(9_000) + b"-->"
    head = model().partition("<vertices>")[0].encode() + b"<vertices>"
    packed = flushed(head + block, 540)
    return with_model(Item(name=MODEL_PART, packed=packed, both={"unpacked": 540 * len(head + block)}))


def _spaces(megabytes: int) -> bytes:
    return with_model(Item(name=MODEL_PART, content=model(tail=" " * (megabytes * MIB))))


def _overlapping() -> bytes:
    first, second, third = items()
    return archive(first, second, third, Item(name="3D/again.model", content=model(), central={"offset": 0}))


def _quoted() -> bytes:
    """Return one item whose data holds a second item that the directory lists, too (as zip bombs do)."""
    inner = archive(Item(name="inner.bin", content=b"y" * 100))[:-22]
    outer = Item(name="outer.bin", content=inner, method=0)
    offset = len(archive(*items())) - 22 - sum(46 + len(it.fields()["name"]) for it in items())
    place = offset + 30 + len("outer.bin")
    return archive(*items(), outer, Item(name="inner.bin", content=b"y" * 100, central={"offset": place}))


def _trailing_archive() -> bytes:
    return package() + package(content=model(objects=solid(2), build='<item objectid="2"/>'))


def _fake_end_in_comment() -> bytes:
    fake = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    return archive(*items(), comment=fake)


BOMBS = cases(
    "bombs",
    {
        "a gigabyte of spaces, declared": ("ARCHIVE_RATIO", lambda: lying(unpacked=2**30)),
        "a model that packs 900 to 1": ("ARCHIVE_RATIO", lambda: _spaces(8)),
        "forty nines": ("ARCHIVE_RATIO", lambda: beside("bomb.bin", b"9" * (4 * MIB))),
        "five parts of 250 MiB, declared": (
            "ARCHIVE_TOO_LARGE",
            lambda: archive(
                *items(),
                *(Item(name=f"{n}.bin", packed=bytes(2 * MIB), both={"unpacked": 250 * MIB}) for n in range(5)),
            ),
        ),
        "1,001 parts": (
            "ARCHIVE_TOO_MANY_PARTS",
            lambda: archive(*items(), *(Item(name=f"{n}.txt", method=0) for n in range(998))),
        ),
        "65,535 parts, declared": ("ARCHIVE_TOO_MANY_PARTS", lambda: archive(*items(), end={"count": 65_535})),
        "four billion parts, declared by zip64": (
            "ARCHIVE_TOO_MANY_PARTS",
            lambda: archive(*items(), end={"count": 0xFFFF}, large={"count": 2**32}),
        ),
        "more than declared": ("ARCHIVE_SIZE_LIE", lambda: lying(unpacked=100)),
        "less than declared": ("ARCHIVE_SIZE_LIE", lambda: lying(unpacked=5_000)),
        "nothing declared": ("ARCHIVE_SIZE_LIE", lambda: lying(unpacked=0)),
        "20 million vertices": ("TOO_MANY_VERTICES", _twenty_million_vertices),
        "a nested archive that nobody refers to": ("", lambda: beside("nested.zip", package())),
    },
)
OVERLAP = cases(
    "overlapping and hidden",
    {
        "two entries for one item": ("ARCHIVE_OVERLAP", _overlapping),
        "an item inside another": ("ARCHIVE_OVERLAP", _quoted),
        "packed data that reaches into the next item": (
            "ARCHIVE_OVERLAP",
            lambda: archive(
                Item(name="a.bin", content=b"a" * 50, method=0, both={"packed": 90, "unpacked": 90}), *items()
            ),
        ),
        "bytes between items": ("ARCHIVE_HIDDEN_DATA", lambda: archive(*items(), gap=b"hidden")),
        "bytes before the directory": ("ARCHIVE_HIDDEN_DATA", lambda: archive(*items(), hidden=package())),
        "an item that the directory leaves out": (
            "ARCHIVE_HIDDEN_DATA",
            lambda: archive(*items(), hidden=archive(Item(name="3D/other.model", content=model()))[:-100]),
        ),
        "packed data that goes on after its end": (
            "ARCHIVE_DAMAGED",
            lambda: with_model(
                Item(name=MODEL_PART, content=model(), packed=Item(name="", content=model()).data() + b"more")
            ),
        ),
        "data before the archive": ("ARCHIVE_LEADING_DATA", lambda: archive(*items(), before=b"#!/bin/sh\n", shift=10)),
        "data before the archive, counted": ("ARCHIVE_LEADING_DATA", lambda: archive(*items(), before=b"MZ" * 64)),
        "a byte after the archive": ("ARCHIVE_TRAILING_DATA", lambda: package() + b"\0"),
        "a web page after the archive": ("ARCHIVE_TRAILING_DATA", lambda: package() + b"<html></html>" * 100),
        "two archives, one after the other": ("ARCHIVE_LEADING_DATA", _trailing_archive),
        "an archive that ends twice": ("ARCHIVE_AMBIGUOUS", _fake_end_in_comment),
        "a comment": ("", lambda: archive(*items(), comment=b"packed by hand")),
        "a comment longer than it says": (
            "ARCHIVE_TRAILING_DATA",
            lambda: archive(*items(), comment=b"packed by hand", end={"comment": 3}),
        ),
        "a comment shorter than it says": (
            "ARCHIVE_TRUNCATED",
            lambda: archive(*items(), comment=b"packed by hand", end={"comment": 300}),
        ),
    },
)
DISAGREEMENT = cases(
    "headers that disagree",
    {
        "another name in the item": (
            "ARCHIVE_DISAGREES",
            lambda: with_model(Item(name=MODEL_PART, content=model(), local={"name": b"3D/3dmodel.modal"})),
        ),
        "another size in the item": (
            "ARCHIVE_DISAGREES",
            lambda: with_model(Item(name=MODEL_PART, content=model(), local={"unpacked": 17})),
        ),
        "another checksum in the item": (
            "ARCHIVE_DISAGREES",
            lambda: with_model(Item(name=MODEL_PART, content=model(), local={"checksum": 17})),
        ),
        "another method in the item": (
            "ARCHIVE_DISAGREES",
            lambda: with_model(Item(name=MODEL_PART, content=model(), local={"method": 0})),
        ),
        "a wrong checksum": ("ARCHIVE_CHECKSUM", lambda: lying(checksum=1)),
        "a stored part with two sizes": (
            "ARCHIVE_DISAGREES",
            lambda: beside("a.bin", b"12345", method=0, unpacked=9),
        ),
        "fewer parts counted than listed": ("ARCHIVE_DISAGREES", lambda: archive(*items(), end={"count": 2})),
        "more parts counted than listed": ("ARCHIVE_DISAGREES", lambda: archive(*items(), end={"count": 9})),
        "two counts of parts": ("ARCHIVE_DISAGREES", lambda: archive(*items(), end={"here": 1})),
        "a directory that begins elsewhere": ("ARCHIVE_DAMAGED", lambda: archive(*items(), end={"start": 3})),
        "a directory beyond the file": ("ARCHIVE_DAMAGED", lambda: archive(*items(), end={"start": 2**31})),
        "a volume of several": ("ARCHIVE_SPLIT", lambda: archive(*items(), end={"disk": 2})),
        "a part in another volume": ("ARCHIVE_SPLIT", lambda: lying(disk=3)),
        "zip64 sizes that are not given": ("ARCHIVE_DISAGREES", lambda: lying(unpacked=ZIP64)),
        "zip64 sizes that differ from the data": (
            "ARCHIVE_RATIO",
            lambda: lying(unpacked=ZIP64, extra=struct.pack("<HHQ", 1, 8, 2**40)),
        ),
        "zip64 counts that contradict the classic ones": (
            "ARCHIVE_DISAGREES",
            lambda: archive(*items(), large={"count": 2}),
        ),
        "a zip64 record at the wrong place": ("ARCHIVE_DAMAGED", lambda: archive(*items(), large={"place": 0})),
        "a zip64 record of another length": ("ARCHIVE_DISAGREES", lambda: archive(*items(), large={"length": 40})),
        "zip64 without need": ("", lambda: archive(*items(), large={})),
        "a second name in Unicode": (
            "PART_NAME",
            lambda: lying(extra=struct.pack("<HHBL", 0x7075, 5 + 10, 1, 0) + b"3D/x.model"),
        ),
        "a descriptor behind the data": (
            "",
            lambda: with_model(
                Item(
                    name=MODEL_PART,
                    content=model(),
                    descriptor=sound_descriptor(Item(name=MODEL_PART, content=model())),
                )
            ),
        ),
        "a descriptor that contradicts": (
            "ARCHIVE_DISAGREES",
            lambda: with_model(
                Item(
                    name=MODEL_PART,
                    content=model(),
                    descriptor=sound_descriptor(Item(name=MODEL_PART, content=b"other")),
                )
            ),
        ),
        "a password": ("ARCHIVE_ENCRYPTED", lambda: lying(flags=1)),
        "strong encryption": ("ARCHIVE_ENCRYPTED", lambda: lying(flags=0x41)),
        "AES": ("ARCHIVE_ENCRYPTED", lambda: lying(method=99)),
        "bzip2": ("ARCHIVE_METHOD", lambda: lying(method=12)),
        "LZMA": ("ARCHIVE_METHOD", lambda: lying(method=14)),
        "Zstandard": ("ARCHIVE_METHOD", lambda: lying(method=93)),
        "an unknown method": ("ARCHIVE_METHOD", lambda: lying(method=4711)),
        "patched data": ("ARCHIVE_METHOD", lambda: lying(flags=0x20)),
        "packed data that is none": (
            "ARCHIVE_DAMAGED",
            lambda: with_model(Item(name=MODEL_PART, content=model(), packed=b"\xff" * 400)),
        ),
        "stored instead of packed": ("", lambda: with_model(Item(name=MODEL_PART, content=model(), method=0))),
    },
)
NAMES = cases(
    "names",
    {
        "the model twice": ("PART_DUPLICATE", lambda: beside(MODEL_PART, model(objects=solid(2)))),
        "the model in capitals, too": ("PART_DUPLICATE", lambda: beside("3d/3DMODEL.model", model())),
        "the relationships twice": ("PART_DUPLICATE", lambda: beside("_RELS/.rels", relationships())),
        "a folder named as a part": ("PART_DUPLICATE", lambda: beside("3D/3dmodel.model/", b"")),
        "a part inside a part": ("PART_NAME", lambda: beside("3D/3dmodel.model/x.bin")),
        "up and out": ("PART_NAME", lambda: beside("../../etc/cron.d/x")),
        "up in between": ("PART_NAME", lambda: beside("3D/../../x")),
        "from the root": ("PART_NAME", lambda: beside("/etc/passwd")),
        "backslashes": ("PART_NAME", lambda: beside("3D\\..\\x")),
        "a drive": ("PART_NAME", lambda: beside("C:/x")),
        "an encoded slash": ("PART_NAME", lambda: beside("3D/a%2Fb")),
        "a NUL": ("PART_NAME", lambda: beside(b"3D/a\0.model")),
        "a line break": ("PART_NAME", lambda: beside("3D/a\nb.model")),
        "no name": ("PART_NAME", lambda: beside("")),
        "an empty segment": ("PART_NAME", lambda: beside("3D//x.model")),
        "a dot": ("PART_NAME", lambda: beside("3D/./x.model")),
        "a dot at the end": ("PART_NAME", lambda: beside("3D/x.")),
        "a name of 5,000 letters": ("PART_NAME", lambda: beside("x" * 5_000)),
        "letters without a known encoding": ("PART_NAME", lambda: beside(b"3D/gr\xfc\xdfe.bin")),
        "letters in broken UTF-8": ("PART_NAME", lambda: beside(b"3D/\xc3\x28.bin", flags=0x800)),
        "letters in UTF-8": ("", lambda: beside("3D/größe.bin".encode(), flags=0x800)),
        "a folder with a content": ("PART_NAME", lambda: beside("3D/folder/", b"content")),
        "a folder": ("", lambda: archive(*items(), Item(name="3D/folder/", method=0))),
    },
)


def _related(*targets: tuple[str, str], extra: str = "", **parts: bytes | str) -> bytes:
    named = {name.replace("__", "/").replace("_png", ".png"): part for name, part in parts.items()}
    relations = relationships((MODEL_KIND, f"/{MODEL_PART}"), *targets, extra=extra)
    return package(relations=relations, parts=named)


def _without(part: str) -> bytes:
    return archive(*(item for item in items() if item.name != part))


def _of_model(*targets: tuple[str, str], parts: dict[str, bytes | str] | None = None) -> bytes:
    return package(model_relations=relationships(*targets), parts=parts or {})


def _relation(target: str, mode: str = "", kind: str = "urn:x") -> str:
    return f'<Relationship Type="{kind}" Target="{target}" Id="x"{mode}/>'


_EXTERNAL = ' TargetMode="External"'
_PACKAGE_XML = {"a.xml": "<a/>", "b.xml": "<b/>"}
PARTS = cases(
    "parts and relationships",
    {
        "no content types": ("CONTENT_TYPES_MISSING", lambda: _without("[Content_Types].xml")),
        "no relationships": ("START_PART_MISSING", lambda: _without(RELATIONS_PART)),
        "no model": ("RELATIONSHIP_DANGLING", lambda: _without(MODEL_PART)),
        "nothing at all": ("CONTENT_TYPES_MISSING", lambda: archive()),
        "relationships to nothing": ("START_PART_MISSING", lambda: package(relations=relationships())),
        "a model that isn't there": (
            "RELATIONSHIP_DANGLING",
            lambda: package(relations=relationships((MODEL_KIND, "/3D/other.model"))),
        ),
        "a model in other letters": (
            "RELATIONSHIP_DANGLING",
            lambda: package(relations=relationships((MODEL_KIND, "/3d/3DModel.model"))),
        ),
        "two models to print": ("START_PART_AMBIGUOUS", lambda: _related((MODEL_KIND, "/3D/b.model"))),
        "the model twice to print": ("RELATIONSHIP_DUPLICATE", lambda: _related((MODEL_KIND, "3D/3dmodel.model"))),
        "a relationship out into the net": (
            "RELATIONSHIP_EXTERNAL",
            lambda: _related(extra=_relation("http://169.254.169.254/latest", _EXTERNAL)),
        ),
        "a relationship out into the file system": (
            "RELATIONSHIP_EXTERNAL",
            lambda: _related(extra=_relation("file:///etc/passwd")),
        ),
        "a relationship up and out": ("RELATIONSHIP_EXTERNAL", lambda: _related(extra=_relation("../../etc/passwd"))),
        "a relationship to another host": ("RELATIONSHIP_EXTERNAL", lambda: _related(extra=_relation("//host/x"))),
        "an external model": (
            "RELATIONSHIP_EXTERNAL",
            lambda: package(relations=relationships(extra=_relation("https://x/y.model", _EXTERNAL, MODEL_KIND))),
        ),
        "two relationships with one id": (
            "RELATIONSHIP_ID",
            lambda: _related(extra='<Relationship Type="a" Target="/a" Id="rel0"/>'),
        ),
        "a relationship without a target": (
            "RELATIONSHIPS_INVALID",
            lambda: _related(extra='<Relationship Type="a" Id="a"/>'),
        ),
        "an unknown element among relationships": ("RELATIONSHIPS_INVALID", lambda: _related(extra="<Other/>")),
        "relationships with a DTD": (
            "XML_DOCTYPE",
            lambda: package(relations=relationships().replace("\n", "\n<!DOCTYPE a>", 1)),
        ),
        "content types with entities": (
            "XML_DOCTYPE",
            lambda: package(types=content_types().replace("\n", '\n<!DOCTYPE a [<!ENTITY b "c">]>', 1)),
        ),
        "two content types for one ending": (
            "CONTENT_TYPES_INVALID",
            lambda: package(types=content_types(extra='<Default Extension="MODEL" ContentType="text/plain"/>')),
        ),
        "a model that is declared as a picture": (
            "CONTENT_TYPE_WRONG",
            lambda: package(types=content_types(extra=f'<Override PartName="/{MODEL_PART}" ContentType="image/png"/>')),
        ),
        "relationships that are declared as text": (
            "CONTENT_TYPES_INVALID",
            lambda: package(
                types=content_types().replace("application/vnd.openxmlformats-package.relationships+xml", "text/plain")
            ),
        ),
        "five megabytes of content types": (
            "INDEX_TOO_LARGE",
            lambda: package(types=content_types(extra=f"<!--{noise(5 * MIB).decode()}-->")),
        ),
        "a thumbnail that isn't there": ("RELATIONSHIP_DANGLING", lambda: _related((THUMBNAIL_KIND, "/a.png"))),
        "a thumbnail that is a program": (
            "IMAGE_FORMAT",
            lambda: _related((THUMBNAIL_KIND, "/a.png"), a_png=b"MZ" * 99),
        ),
        "a thumbnail that is declared as a ticket": (
            "CONTENT_TYPE_WRONG",
            lambda: package(
                relations=relationships((MODEL_KIND, f"/{MODEL_PART}"), (THUMBNAIL_KIND, "/a.xml")),
                parts={"a.xml": PNG},
            ),
        ),
        "a thumbnail": ("", lambda: _related((THUMBNAIL_KIND, "/Metadata/a.png"), Metadata__a_png=PNG)),
        "a texture that isn't there": ("RELATIONSHIP_DANGLING", lambda: _of_model((TEXTURE_KIND, "/3D/a.png"))),
        "a print ticket of the package": (
            "PRINT_TICKET_MISPLACED",
            lambda: package(
                relations=relationships((MODEL_KIND, f"/{MODEL_PART}"), (TICKET_KIND, "/a.xml")), parts=_PACKAGE_XML
            ),
        ),
        "two print tickets": (
            "PRINT_TICKET_DUPLICATE",
            lambda: _of_model((TICKET_KIND, "/a.xml"), (TICKET_KIND, "/b.xml"), parts={**_PACKAGE_XML}),
        ),
        "two sets of core properties": (
            "CORE_PROPERTIES_DUPLICATE",
            lambda: _related((PROPERTIES_KIND, "/a.prop"), (PROPERTIES_KIND, "/b.prop")),
        ),
        "relationships of a part that isn't there": (
            "",
            lambda: package(parts={"3D/_rels/ghost.model.rels": relationships()}),
        ),
        "a part that nobody knows": ("", lambda: package(parts={"Extra/data.bin": b"\0\1\2"})),
        "a key store": (
            "ENCRYPTED_CONTENT",
            lambda: _related(("http://schemas.microsoft.com/3dmanufacturing/2019/04/keystore", "/k.xml")),
        ),
        "a model that refers to models of models": (
            "MODEL_NESTED",
            lambda: package(
                model_relations=relationships((MODEL_KIND, "/3D/b.model")),
                parts={
                    "3D/b.model": model(),
                    "3D/_rels/b.model.rels": relationships((MODEL_KIND, f"/{MODEL_PART}")),
                },
            ),
        ),
        "model relationships that end in the middle": (
            "XML_MALFORMED",
            lambda: package(parts={MODEL_RELATIONS_PART: relationships()[:-20]}),
        ),
    },
)


def _cut(length: int) -> bytes:
    return package()[:length]


def _boundaries() -> dict[str, int]:
    whole, names = package(), {}
    first = Item(name="[Content_Types].xml", content=content_types())
    names["inside the first header"] = 17
    names["after the first header"] = 30 + len(first.fields()["name"])
    names["inside the first part"] = names["after the first header"] + 40
    names["after the first part"] = names["after the first header"] + len(first.data())
    directory = whole.index(b"PK\x01\x02")
    names["in the middle of the model"] = directory - 100
    names["before the directory"] = directory
    names["inside the directory"] = directory + 20
    names["inside the last entry"] = len(whole) - 22 - 5
    names["before the end record"] = len(whole) - 22
    return names


TRUNCATED = cases(
    "cut off",
    {
        "at once": ("FILE_EMPTY", lambda: b""),
        "after two bytes": ("NOT_A_PACKAGE", lambda: package()[:2]),
        **{f"{name}": ("ARCHIVE_TRUNCATED", partial(_cut, length)) for name, length in _boundaries().items()},
        "inside the end record": ("ARCHIVE_TRUNCATED", lambda: package()[:-5]),
        "one byte": ("ARCHIVE_TRUNCATED", lambda: package()[:-1]),
        "the first byte": ("NOT_A_PACKAGE", lambda: package()[1:-22]),
        "no archive": ("NOT_A_PACKAGE", lambda: b"Lorem ipsum dolor sit amet. " * 40),
        "a directory of zeros": (
            "ARCHIVE_DAMAGED",
            lambda: package()[: -22 - 50] + bytes(50) + package()[-22:],
        ),
        "an item of zeros": ("ARCHIVE_DAMAGED", lambda: bytes(30) + package()[30:]),
    },
)

CASES = (*BOMBS, *OVERLAP, *DISAGREEMENT, *NAMES, *PARTS, *TRUNCATED)
