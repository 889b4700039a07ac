"""3MF files whose assemblies, transforms, materials or extensions lie, explode or lead nowhere."""

from functools import partial

from tests.factories.threemf import (
    MODEL_KIND,
    MODEL_PART,
    MODEL_RELATIONS_PART,
    PNG,
    PRODUCTION_DECLARED,
    TETRAHEDRON,
    TEXTURE_KIND,
    TICKET_KIND,
    assembly,
    mesh,
    model,
    package,
    relationships,
    solid,
)
from tests.hostile.threemf_archives import Rows, cases
from tests.hostile.threemf_models import built, changed, declared, grid

_POINTS, _FACES = TETRAHEDRON
_Q = ' xmlns:q="urn:example:q"'


def transformed(transform: str) -> bytes:
    """Return a package whose build item is moved like that."""
    return changed('<item objectid="1"/>', f'<item objectid="1" transform="{transform}"/>')


def _tree(levels: int) -> str:
    return solid() + "".join(assembly(level + 2, level + 1, level + 1) for level in range(levels))


def _chain(length: int) -> str:
    return solid() + "".join(assembly(level + 2, level + 1) for level in range(length))


BUILD: Rows = {
    "nothing to build": ("NOTHING_TO_BUILD", lambda: package(content=model(build="<!-- nothing -->"))),
    "no build": ("ELEMENT_MISSING", lambda: changed('<build><item objectid="1"/></build>', "")),
    "two builds": ("ELEMENT_REPEATED", lambda: changed("</model>", '<build><item objectid="1"/></build></model>')),
    "the build before the resources": (
        "ELEMENT_ORDER",
        lambda: changed("<resources>", '<build><item objectid="1"/></build><resources>'),
    ),
    "no resources": (
        "ELEMENT_MISSING",
        lambda: changed(f"<resources>{solid()}</resources>", ""),
    ),
    "an object that isn't there": ("OBJECT_MISSING", lambda: changed('objectid="1"', 'objectid="9"')),
    "an object without number": ("ATTRIBUTE_VALUE", lambda: changed('objectid="1"', 'objectid="0"')),
    "an object with a negative number": ("ATTRIBUTE_VALUE", lambda: changed('objectid="1"', 'objectid="-1"')),
    "an object with a number of 2^31": ("ATTRIBUTE_VALUE", lambda: changed('id="1"', 'id="2147483648"')),
    "an item without object": ("ATTRIBUTE_MISSING", lambda: changed(' objectid="1"', "")),
    "one number for two objects": ("RESOURCE_DUPLICATE", lambda: built(solid() + solid(), 1)),
    "a material with the number of an object": (
        "RESOURCE_DUPLICATE",
        lambda: package(
            content=model(resources='<basematerials id="1"><base name="a" displaycolor="#FFFFFF"/></basematerials>')
        ),
    ),
    "2^22 copies by a tree of 22 levels": ("COMPONENT_DEPTH", lambda: built(_tree(22), 23)),
    "2^15 copies by a tree of 15 levels": ("TOO_MANY_INSTANCES", lambda: built(_tree(15), 16)),
    "4^12 copies by a tree of 12 levels": (
        "TOO_MANY_INSTANCES",
        lambda: built(solid() + "".join(assembly(n + 2, *[n + 1] * 4) for n in range(12)), 13),
    ),
    "10,001 items": ("TOO_MANY_INSTANCES", lambda: package(content=model(build='<item objectid="1"/>' * 10_001))),
    "10,001 objects": (
        "TOO_MANY_OBJECTS",
        lambda: built("".join(solid(n) for n in range(1, 10_002)), 1),
    ),
    "five million triangles by copies": (
        "TOO_MANY_TRIANGLES",
        lambda: built(grid(20) + assembly(2, *[1] * 300) + assembly(3, *[2] * 10), 3),
    ),
    "an assembly of itself": ("COMPONENT_CYCLE", lambda: built(assembly(1, 1), 1)),
    "two assemblies of each other": ("COMPONENT_CYCLE", lambda: built(assembly(1, 2) + assembly(2, 1), 1)),
    "a circle of three that nobody builds": (
        "COMPONENT_CYCLE",
        lambda: built(solid() + assembly(2, 3) + assembly(3, 4) + assembly(4, 2), 1),
    ),
    "a chain of 5,000 assemblies": ("COMPONENT_DEPTH", lambda: built(_chain(5_000), 5_001)),
    "a chain of 17 assemblies": ("COMPONENT_DEPTH", lambda: built(_chain(17), 18)),
    "a chain of 16 assemblies": ("", lambda: built(_chain(16), 17)),
    "an assembly before its parts": ("OBJECT_ORDER", lambda: built(assembly(2, 1) + solid(), 2)),
    "an assembly of nothing": ("ELEMENT_MISSING", lambda: built(solid() + assembly(2), 2)),
    "an assembly of what isn't there": ("OBJECT_MISSING", lambda: built(solid() + assembly(2, 7), 2)),
    "a part of type other": ("OBJECT_NOT_BUILDABLE", lambda: built(solid(attributes=' type="other"'), 1)),
    "a part of type other in an assembly": (
        "OBJECT_NOT_BUILDABLE",
        lambda: built(solid(attributes=' type="other"') + assembly(2, 1), 2),
    ),
    "a part of a type that nobody knows": ("ATTRIBUTE_VALUE", lambda: built(solid(attributes=' type="lattice"'), 1)),
    "supports only": ("NOTHING_TO_BUILD", lambda: built(solid(attributes=' type="support"'), 1)),
    "a solid support that is open": (
        "SUPPORT_NOT_SOLID",
        lambda: package(
            content=model(
                objects=solid() + solid(2, attributes=' type="solidsupport"', shape=mesh(faces=_FACES[:2])),
                build='<item objectid="1"/><item objectid="2"/>',
            )
        ),
    ),
    "a tree of 8 copies": ("", lambda: built(_tree(3), 4)),
    "an unused part of type other": ("", lambda: built(solid() + solid(2, attributes=' type="other"'), 1)),
}
TRANSFORMS: Rows = {
    **{
        f"a transform {name}": (code, partial(transformed, text))
        for name, code, text in (
            ("of zeros", "TRANSFORM_SINGULAR", " ".join(["0"] * 12)),
            ("that flattens", "TRANSFORM_SINGULAR", "1 0 0 0 1 0 0 0 0 0 0 0"),
            ("that nearly flattens", "TRANSFORM_SINGULAR", "1 0 0 0 1 0 1 1 1e-12 0 0 0"),
            ("of eleven numbers", "ATTRIBUTE_VALUE", "1 0 0 0 1 0 0 0 1 0 0"),
            ("of sixteen numbers", "ATTRIBUTE_VALUE", "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1"),
            ("with nan", "ATTRIBUTE_VALUE", "nan 0 0 0 1 0 0 0 1 0 0 0"),
            ("with commas", "ATTRIBUTE_VALUE", "1,0,0,0,1,0,0,0,1,0,0,0"),
            ("of nothing", "ATTRIBUTE_VALUE", ""),
            ("to infinity", "TRANSFORM_TOO_LARGE", "1 0 0 0 1 0 0 0 1 1e400 0 0"),
            ("that blows up", "TRANSFORM_TOO_LARGE", "1e30 0 0 0 1e30 0 0 0 1e30 0 0 0"),
            ("ten thousand kilometres away", "COORDINATE_TOO_LARGE", "9e6 0 0 0 9e6 0 0 0 9e6 0 0 0"),
            ("that mirrors", "", "-1 0 0 0 1 0 0 0 1 0 0 0"),
            ("that turns and moves", "", "0 1 0 -1 0 0 0 0 1 5 6 7"),
            ("with spaces", "", "  1 0 0 0 1 0  0 0 1 0 0 0 "),
        )
    },
    "enlargement by every assembly": (
        "COORDINATE_TOO_LARGE",
        lambda: built(
            solid()
            + "".join(
                assembly(n + 2, n + 1).replace("/>", ' transform="9e5 0 0 0 9e5 0 0 0 9e5 0 0 0"/>') for n in range(16)
            ),
            17,
        ),
    ),
}
_GROUPS = (
    '<basematerials id="11"><base name="a" displaycolor="#FF0000"/><base name="b" displaycolor="#00FF00"/>'
    '</basematerials><m:colorgroup id="12"><m:color color="#FFFFFF"/></m:colorgroup>'
)


def _painted(*, resources: str = "", attributes: str = ' pid="11" pindex="0"', triangle: str = "") -> bytes:
    """Return a package with a material, a colour and whatever else, and a triangle that takes a property."""
    shape = mesh().replace('v3="1"', f'v3="1"{triangle}', 1)
    return built(solid(attributes=attributes, shape=shape), 1, resources=_GROUPS + resources)


def _in_colour(colour: str) -> bytes:
    return package(content=model(resources=_GROUPS.replace("#FFFFFF", colour)))


def _textured(*, path: str = "/3D/a.png", kind: str = "image/png", target: str = "/3D/a.png") -> bytes:
    texture = f'<m:texture2d id="21" path="{path}" contenttype="{kind}"/>'
    return package(
        content=model(resources=texture),
        model_relations=relationships((TEXTURE_KIND, target)),
        parts={"3D/a.png": PNG},
    )


PROPERTIES: Rows = {
    "a colour by name": ("ATTRIBUTE_VALUE", lambda: _in_colour("white")),
    "a colour of three digits": ("ATTRIBUTE_VALUE", lambda: _in_colour("#FFF")),
    "a material without a name": (
        "ATTRIBUTE_MISSING",
        lambda: _painted(resources='<basematerials id="13"><base displaycolor="#FF0000"/></basematerials>'),
    ),
    "no materials in a group": ("ELEMENT_MISSING", lambda: _painted(resources='<basematerials id="13"/>')),
    "a property that isn't there": ("RESOURCE_MISSING", lambda: _painted(attributes=' pid="99" pindex="0"')),
    "a property with a number that isn't there": (
        "PROPERTY_INDEX",
        lambda: _painted(attributes=' pid="11" pindex="2"'),
    ),
    "a property of no group": ("PROPERTY_MISSING", lambda: _painted(attributes=' pindex="0"')),
    "a triangle with a property that isn't there": ("RESOURCE_MISSING", lambda: _painted(triangle=' pid="98" p1="0"')),
    "a triangle with a property out of range": ("PROPERTY_INDEX", lambda: _painted(triangle=' pid="12" p1="1"')),
    "a triangle that blends materials": (
        "PROPERTY_GRADIENT",
        lambda: _painted(triangle=' p1="0" p2="1" p3="0"'),
    ),
    "a triangle without a first property": ("PROPERTY_MISSING", lambda: _painted(triangle=' pid="12" p2="0"')),
    "a painted triangle of a plain object": (
        "PROPERTY_MISSING",
        lambda: _painted(attributes="", triangle=' pid="12" p1="0"'),
    ),
    "an assembly with a property": (
        "PROPERTY_ON_COMPONENTS",
        lambda: built(solid() + assembly(2, 1, attributes=' pid="11" pindex="0"'), 2, resources=_GROUPS),
    ),
    "an object as a property": ("RESOURCE_KIND", lambda: built(solid() + solid(2, attributes=' pid="1"'), 1)),
    "a mixture of colours": (
        "RESOURCE_KIND",
        lambda: _painted(
            resources='<m:compositematerials id="13" matid="12" matindices="0"><m:composite values="1"/>'
            "</m:compositematerials>"
        ),
    ),
    "a mixture of 120 %": (
        "PROPERTY_VALUE",
        lambda: _painted(
            resources='<m:compositematerials id="13" matid="11" matindices="0 1"><m:composite values="1.2 0"/>'
            "</m:compositematerials>"
        ),
    ),
    "layers of two materials": (
        "PROPERTY_LAYERS",
        lambda: _painted(
            resources='<m:multiproperties id="13" pids="11 11"><m:multi pindices="0 0"/></m:multiproperties>'
        ),
    ),
    "layers of layers": (
        "RESOURCE_KIND",
        lambda: _painted(
            resources='<m:multiproperties id="13" pids="11"><m:multi pindices="0"/></m:multiproperties>'
            '<m:multiproperties id="14" pids="13"><m:multi pindices="0"/></m:multiproperties>'
        ),
    ),
    "a texture that is not related": ("RESOURCE_MISSING", lambda: _textured(path="/3D/b.png")),
    "a texture of another type": ("IMAGE_FORMAT", lambda: _textured(kind="image/jpeg")),
    "a texture of no type": ("ATTRIBUTE_VALUE", lambda: _textured(kind="image/gif")),
    "a texture": ("", _textured),
    "a painted triangle": ("", lambda: _painted(triangle=' pid="12" p1="0" p2="0" p3="0"')),
}
EXTENSIONS: Rows = {
    "a required extension that nobody knows": (
        "EXTENSION_UNSUPPORTED",
        lambda: package(content=model(attributes=f'{_Q} requiredextensions="q"')),
    ),
    "required lattices": (
        "EXTENSION_UNSUPPORTED",
        lambda: package(
            content=model(
                attributes=' xmlns:b="http://schemas.microsoft.com/3dmanufacturing/beamlattice/2017/02"'
                ' requiredextensions="b"'
            )
        ),
    ),
    "required encryption": (
        "EXTENSION_UNSUPPORTED",
        lambda: package(
            content=model(
                attributes=' xmlns:s="http://schemas.microsoft.com/3dmanufacturing/securecontent/2019/04"'
                ' requiredextensions="m s"'
            )
        ),
    ),
    "a required extension without a namespace": (
        "EXTENSION_UNDECLARED",
        lambda: package(content=model(attributes=' requiredextensions="zz"')),
    ),
    "metadata of an unknown name": (
        "METADATA_NAME",
        lambda: package(content=model(metadata='<metadata name="Colour">red</metadata>')),
    ),
    "metadata with an unknown prefix": (
        "METADATA_NAME",
        lambda: package(content=model(metadata='<metadata name="zz:Colour">red</metadata>')),
    ),
    "metadata without a name": (
        "ATTRIBUTE_MISSING",
        lambda: package(content=model(metadata="<metadata>red</metadata>")),
    ),
    "a title twice": (
        "METADATA_DUPLICATE",
        lambda: package(content=model(metadata='<metadata name="Title">a</metadata>' * 2)),
    ),
    "a title": ("", lambda: package(content=model(metadata='<metadata name="Title">a &amp; b</metadata>'))),
    "a UUID that is none": (
        "ATTRIBUTE_VALUE",
        lambda: package(content=model(attributes=PRODUCTION_DECLARED).replace("<build>", '<build p:UUID="x">')),
    ),
    "UUIDs that are missing": ("NOT_CONFORMING", lambda: package(content=model(attributes=PRODUCTION_DECLARED))),
    "an item out of a part that isn't related": (
        "MODEL_UNRELATED",
        lambda: package(
            content=model(attributes=PRODUCTION_DECLARED, build='<item objectid="1" p:path="/3D/b.model"/>'),
            parts={"3D/b.model": model()},
        ),
    ),
    "an item out of a part that doesn't have it": (
        "OBJECT_MISSING",
        lambda: package(
            content=model(attributes=PRODUCTION_DECLARED, build='<item objectid="7" p:path="/3D/b.model"/>'),
            model_relations=relationships((MODEL_KIND, "/3D/b.model")),
            parts={"3D/b.model": model()},
        ),
    ),
    "a component out of a part of a part": (
        "MODEL_UNRELATED",
        lambda: package(
            content=model(attributes=PRODUCTION_DECLARED),
            model_relations=relationships((MODEL_KIND, "/3D/b.model")),
            parts={
                "3D/b.model": model(
                    attributes=PRODUCTION_DECLARED,
                    objects=solid() + assembly(2, 1).replace("/>", f' p:path="/{MODEL_PART}"/>'),
                )
            },
        ),
    ),
    "a related model with a DTD": (
        "XML_DOCTYPE",
        lambda: package(
            model_relations=relationships((MODEL_KIND, "/3D/b.model")),
            parts={"3D/b.model": model(declaration=declared("[]"))},
        ),
    ),
    "a print ticket": (
        "",
        lambda: package(parts={MODEL_RELATIONS_PART: relationships((TICKET_KIND, "/a.xml")), "a.xml": "<a/>"}),
    ),
}

CASES = (
    *cases("build", BUILD),
    *cases("transforms", TRANSFORMS),
    *cases("properties", PROPERTIES),
    *cases("extensions", EXTENSIONS),
)
