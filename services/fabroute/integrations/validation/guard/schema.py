"""What elements and attributes a model part may have: the schemas of 3MF core 1.x (appendix B.1) and of the materials
and properties extension 1.2 (appendix B), as tables."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
MATERIALS = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
TRIANGLE_SETS = "http://schemas.microsoft.com/3dmanufacturing/trianglesets/2021/07"
SUPPORTED_EXTENSIONS = frozenset({CORE, MATERIALS, PRODUCTION, TRIANGLE_SETS})
"""Namespaces that a file may require; what they add beyond the mesh is understood, or has no bearing on the shape."""

NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
"""ST_Number: decimal, with a point, without "inf", "nan", hexadecimal digits or a point at the end."""
LARGEST_INDEX = 2**31 - 1

_SPACES = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of attribute."""

    words: str
    fits: Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """What is known of an element: where it may stand, and what it may have."""

    local: str
    parents: frozenset[str]
    required: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)
    slot: str = ""
    """At most one child of a slot may stand in a parent; without one, any number."""
    rank: int = 0
    """Children stand in the order of their ranks."""
    needs: tuple[str, ...] = ()
    """Slots or names of children that must be there."""
    open: bool = False
    """Whether elements of other namespaces may stand in it."""


def _pattern(words: str, pattern: str) -> Kind:
    compiled = re.compile(pattern)
    return Kind(words, lambda text: compiled.fullmatch(text.strip(_SPACES)))


def _whole(lowest: int) -> Kind:
    digits = re.compile(r"\+?[0-9]{1,20}")

    def fits(text: str) -> bool:
        stripped = text.strip(_SPACES)
        return digits.fullmatch(stripped) is not None and lowest <= int(stripped) <= LARGEST_INDEX

    return Kind(f"a whole number from {lowest} to {LARGEST_INDEX:,}", fits)


def _one_of(*values: str) -> Kind:
    return Kind(" or ".join(values), values.__contains__)


def _many(kind: Kind) -> Kind:
    return Kind(
        f"a list of which each is {kind.words}",
        lambda text: text.split() and all(kind.fits(word) for word in text.split()),
    )


ANY = Kind("any text", lambda _text: True)
NUMBER_KIND = _pattern("a number such as -12.5 or 1e-3", NUMBER)
NUMBERS = _many(NUMBER_KIND)
ID = _whole(1)
INDEX = _whole(0)
IDS, INDICES = _many(ID), _many(INDEX)
UNIT = _one_of("micron", "millimeter", "centimeter", "inch", "foot", "meter")
OBJECT_TYPE = _one_of("model", "solidsupport", "support", "surface", "other")
COLOUR = _pattern("a colour such as #RRGGBB or #RRGGBBAA", r"#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?")
PART = _pattern("the absolute name of a part, such as /3D/picture.png", r"/.+")
QNAME = _pattern("a name, or a prefix, a colon and a name", r"(?:[^\W\d][\w.-]*:)?[^\W\d][\w.-]*")
TRUTH = _one_of("true", "false", "1", "0")
TRANSFORM = Kind(
    "12 numbers with spaces between them",
    lambda text: len(text.split()) == 12 and all(re.fullmatch(NUMBER, word) for word in text.split()),
)
TILE = _one_of("wrap", "mirror", "clamp", "none")
LANGUAGE = _pattern("a language such as en-US", r"(?:[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)?")
SIMPLE_TYPE = _pattern(
    "a simple type of XML Schema such as xs:string",
    r"(?:[\w.-]+:)?(?:string|boolean|decimal|float|double|duration|dateTime|time|date|gYearMonth|gYear|gMonthDay|gDay"
    r"|gMonth|hexBinary|base64Binary|anyURI|QName|NOTATION|normalizedString|token|language|NMTOKENS?|Name|NCName|ID"
    r"|IDREFS?|ENTITY|ENTITIES|integer|(?:nonP|p)ositiveInteger|(?:nonN|n)egativeInteger"
    r"|(?:unsignedL|l)ong|(?:unsignedI|i)nt|(?:unsignedS|s)hort|(?:unsignedB|b)yte)",
)
UUID = _pattern(
    "a UUID such as 8ad1450d-6abd-4e92-aa1b-1aeceebf52e6",
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
)


def core(local: str) -> str:
    """Return the full name of an element of the core."""
    return f"{CORE} {local}"


def material(local: str) -> str:
    """Return the full name of an element of the materials and properties extension."""
    return f"{MATERIALS} {local}"


def _in(*parents: str) -> frozenset[str]:
    return frozenset(core(parent) for parent in parents)


_DISPLAY = {"displaypropertiesid": ID}
_PLACED = {"transform": TRANSFORM}
_RESOURCES = _in("resources")

_CORE_ELEMENTS = (
    Element(
        local="model",
        parents=frozenset(),
        optional={"unit": UNIT, "requiredextensions": ANY, "recommendedextensions": ANY},
        needs=("resources", "build"),
        open=True,
    ),
    Element(
        local="metadata",
        parents=_in("model", "metadatagroup"),
        required={"name": QNAME},
        optional={"preserve": TRUTH, "type": SIMPLE_TYPE},
    ),
    Element(local="resources", parents=_in("model"), slot="resources", rank=1, open=True),
    Element(local="build", parents=_in("model"), slot="build", rank=2),
    Element(
        local="item",
        parents=_in("build"),
        required={"objectid": ID},
        optional=_PLACED | {"partnumber": ANY},
        open=True,
    ),
    Element(local="basematerials", parents=_RESOURCES, required={"id": ID}, optional=_DISPLAY, needs=("base",)),
    Element(local="base", parents=_in("basematerials"), required={"name": ANY, "displaycolor": COLOUR}),
    Element(
        local="object",
        parents=_RESOURCES,
        required={"id": ID},
        optional={
            "type": OBJECT_TYPE,
            "thumbnail": PART,
            "partnumber": ANY,
            "name": ANY,
            "pid": ID,
            "pindex": INDEX,
        },
        needs=("shape",),
        open=True,
    ),
    Element(local="metadatagroup", parents=_in("object", "item"), slot="metadatagroup", needs=("metadata",)),
    Element(local="mesh", parents=_in("object"), slot="shape", rank=1, needs=("vertices", "triangles"), open=True),
    Element(local="components", parents=_in("object"), slot="shape", rank=1, needs=("component",)),
    Element(local="component", parents=_in("components"), required={"objectid": ID}, optional=_PLACED, open=True),
    Element(local="vertices", parents=_in("mesh"), slot="vertices", needs=("vertex",)),
    Element(local="triangles", parents=_in("mesh"), slot="triangles", rank=1, needs=("triangle",)),
    Element(
        local="vertex",
        parents=_in("vertices"),
        required={"x": NUMBER_KIND, "y": NUMBER_KIND, "z": NUMBER_KIND},
    ),
    Element(
        local="triangle",
        parents=_in("triangles"),
        required={"v1": INDEX, "v2": INDEX, "v3": INDEX},
        optional={"p1": INDEX, "p2": INDEX, "p3": INDEX, "pid": ID},
    ),
)


def _in_group(local: str) -> frozenset[str]:
    return frozenset({material(local)})


_TEXTURED = {"id": ID, "name": ANY}
_MATERIAL_ELEMENTS = (
    Element(
        local="texture2d",
        parents=_RESOURCES,
        required={"id": ID, "path": PART, "contenttype": _one_of("image/jpeg", "image/png")},
        optional={
            "tilestyleu": TILE,
            "tilestylev": TILE,
            "filter": _one_of("auto", "linear", "nearest"),
            "box": NUMBERS,
        },
    ),
    Element(local="colorgroup", parents=_RESOURCES, required={"id": ID}, optional=_DISPLAY, needs=("color",)),
    Element(local="color", parents=_in_group("colorgroup"), required={"color": COLOUR}),
    Element(
        local="texture2dgroup",
        parents=_RESOURCES,
        required={"id": ID, "texid": ID},
        optional=_DISPLAY,
        needs=("tex2coord",),
    ),
    Element(local="tex2coord", parents=_in_group("texture2dgroup"), required={"u": NUMBER_KIND, "v": NUMBER_KIND}),
    Element(
        local="compositematerials",
        parents=_RESOURCES,
        required={"id": ID, "matid": ID, "matindices": INDICES},
        optional=_DISPLAY,
        needs=("composite",),
    ),
    Element(local="composite", parents=_in_group("compositematerials"), required={"values": NUMBERS}),
    Element(
        local="multiproperties",
        parents=_RESOURCES,
        required={"id": ID, "pids": IDS},
        optional=_DISPLAY | {"blendmethods": _many(_one_of("mix", "multiply"))},
        needs=("multi",),
    ),
    Element(local="multi", parents=_in_group("multiproperties"), required={"pindices": INDICES}),
    Element(
        local="pbspeculardisplayproperties",
        parents=_RESOURCES,
        required={"id": ID},
        needs=("pbspecular",),
    ),
    Element(
        local="pbspecular",
        parents=_in_group("pbspeculardisplayproperties"),
        required={"name": ANY},
        optional={"specularcolor": COLOUR, "glossiness": NUMBER_KIND},
    ),
    Element(
        local="pbmetallicdisplayproperties",
        parents=_RESOURCES,
        required={"id": ID},
        needs=("pbmetallic",),
    ),
    Element(
        local="pbmetallic",
        parents=_in_group("pbmetallicdisplayproperties"),
        required={"name": ANY},
        optional={"metallicness": NUMBER_KIND, "roughness": NUMBER_KIND},
    ),
    Element(
        local="pbspeculartexturedisplayproperties",
        parents=_RESOURCES,
        required=_TEXTURED | {"speculartextureid": ID, "glossinesstextureid": ID},
        optional={"diffusefactor": COLOUR, "specularfactor": COLOUR, "glossinessfactor": NUMBER_KIND},
    ),
    Element(
        local="pbmetallictexturedisplayproperties",
        parents=_RESOURCES,
        required=_TEXTURED | {"metallictextureid": ID, "roughnesstextureid": ID},
        optional={"metallicfactor": NUMBER_KIND, "roughnessfactor": NUMBER_KIND},
    ),
    Element(
        local="translucentdisplayproperties",
        parents=_RESOURCES,
        required={"id": ID},
        needs=("translucent",),
    ),
    Element(
        local="translucent",
        parents=_in_group("translucentdisplayproperties"),
        required={"name": ANY, "attenuation": NUMBERS},
        optional={"refractiveindex": NUMBERS, "roughness": NUMBER_KIND},
    ),
)

ELEMENTS: Mapping[str, Element] = {core(it.local): it for it in _CORE_ELEMENTS} | {
    material(it.local): it for it in _MATERIAL_ELEMENTS
}
"""By full name: namespace, space, local name."""

PRODUCTION_ATTRIBUTES: Mapping[str, Mapping[str, Kind]] = {
    core("build"): {"UUID": UUID},
    core("item"): {"UUID": UUID, "path": PART},
    core("object"): {"UUID": UUID, "modelresolution": _one_of("fullres", "lowres", "obfuscated")},
    core("component"): {"UUID": UUID, "path": PART},
}
"""Attributes in the production extension's namespace, by element."""

WELL_KNOWN_METADATA = frozenset(
    {
        "Title",
        "Designer",
        "Description",
        "Copyright",
        "LicenseTerms",
        "Rating",
        "CreationDate",
        "ModificationDate",
        "Application",
    }
)
"""The only metadata names without a prefix (3MF core table 3-1)."""
