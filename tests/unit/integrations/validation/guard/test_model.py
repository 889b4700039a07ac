from pathlib import Path

import pytest

from fabroute.integrations.validation.types import GuardFacts, MeshFacts
from tests.factories.threemf import (
    MODEL_KIND,
    PRODUCTION_DECLARED,
    assembly,
    mesh,
    model,
    package,
    relationships,
    solid,
)
from tests.unit.integrations.validation.guard.refusing import SMALL, facts_of, finding_of

TETRAHEDRON_FACTS = MeshFacts(
    part="/3D/3dmodel.model",
    object_id=1,
    vertices=4,
    triangles=4,
    low=(0.0, 0.0, 0.0),
    high=(10.0, 10.0, 10.0),
    index_sums=(1, 8, 9),
)


def test_a_tetrahedron_is_counted(tmp_path: Path) -> None:
    assert facts_of(package(), tmp_path) == GuardFacts(
        format="3mf",
        objects=1,
        vertices=4,
        triangles=4,
        built_triangles=4,
        unit="millimeter",
        meshes=(TETRAHEDRON_FACTS,),
    )


def test_what_is_built_is_counted_with_every_copy_and_what_is_not_is_not(tmp_path: Path) -> None:
    content = model(
        attributes=' unit="inch"',
        objects=solid(1) + solid(2, attributes=' type="support"') + assembly(3, 1, 1, 2) + assembly(4, 3, 3),
        build='<item objectid="3"/><item objectid="1"/>',
    )
    facts = facts_of(package(content=content), tmp_path)
    assert (facts.objects, facts.vertices, facts.triangles) == (2, 8, 8)
    assert facts.built_triangles == 4 * 4
    assert facts.unit == "inch"
    assert [it.object_id for it in facts.meshes] == [1, 2]


def test_a_model_without_unit_is_in_millimetres(tmp_path: Path) -> None:
    assert facts_of(package(content=model(attributes="")), tmp_path).unit == "millimeter"
    assert facts_of(package(content=model(attributes=' unit="micron"')), tmp_path).unit == "micron"


def test_mirrored_copies_and_left_out_extensions_are_told(tmp_path: Path) -> None:
    lattice = "http://schemas.microsoft.com/3dmanufacturing/beamlattice/2017/02"
    shape = mesh().replace("</mesh>", "<b:beamlattice/><q:note/><q:note/></mesh>")
    content = model(
        attributes=f' xmlns:b="{lattice}" xmlns:q="urn:example:q"',
        objects=solid(shape=shape),
        build='<item objectid="1" transform="-1 0 0 0 1 0 0 0 1 0 0 0"/>',
    )
    findings = facts_of(package(content=content), tmp_path).findings
    assert [(it.code, it.severity) for it in findings] == [
        ("EXTENSION_IGNORED", "warning"),
        ("EXTENSION_IGNORED", "note"),
        ("MIRRORED", "note"),
    ]
    assert findings[0].message == f"Data of the extension '{lattice}' is left out."
    assert findings[2].message.startswith("1 transforms mirror")


def test_objects_of_related_models_are_found_by_their_path(tmp_path: Path) -> None:
    root = model(
        attributes=PRODUCTION_DECLARED,
        objects=solid(5)
        + '<object id="6"><components><component objectid="1" p:path="/3D/child.model"/>'
        + '<component objectid="5"/></components></object>',
        build='<item objectid="6"/><item objectid="2" p:path="/3D/child.model"/>',
    )
    child = model(objects=solid(1) + assembly(2, 1, 1), build="")
    content = package(
        content=root,
        model_relations=relationships((MODEL_KIND, "/3D/child.model")),
        parts={"3D/child.model": child},
    )
    facts = facts_of(content, tmp_path)
    assert [(it.part, it.object_id) for it in facts.meshes] == [("/3D/3dmodel.model", 5), ("/3D/child.model", 1)]
    assert facts.built_triangles == 4 * 4
    assert facts.triangles == 8


def test_builds_of_related_models_are_not_printed(tmp_path: Path) -> None:
    content = package(
        model_relations=relationships((MODEL_KIND, "/3D/child.model")),
        parts={"3D/child.model": model(objects=solid(7), build='<item objectid="7"/>' * 3)},
    )
    facts = facts_of(content, tmp_path)
    assert facts.built_triangles == 4
    assert facts.objects == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (model(objects=solid(1) + assembly(2, 1, 1, 1) + assembly(3, 2, 2, 2, 2), build='<item objectid="3"/>'),
         "The build amounts to 12 meshes; 10 are allowed."),
        (model(objects="".join(map(solid, range(1, 7)))), "The model has over 5 objects."),
        (model(objects=solid(shape=mesh(faces=[(0, 1, 2)] * 101))), "The model has 101 triangles or more; 100 are"),
        (model(objects=solid(1) + assembly(2, *[1] * 9) + assembly(3, 2, 2, 2), build='<item objectid="3"/>'),
         "The build amounts to 27 meshes; 10 are allowed."),
    ],
)  # fmt: skip
def test_limits_are_stated_with_the_figures(content: str, message: str, tmp_path: Path) -> None:
    finding = finding_of(package(content=content), tmp_path, limits=SMALL)
    assert finding.message.startswith(message)
    assert finding.code.startswith("TOO_MANY_")
    assert facts_of(package(), tmp_path, limits=SMALL).triangles == 4


def test_vertices_behind_another_prefix_are_limited_while_they_stream(tmp_path: Path) -> None:
    content = model(objects=solid(shape=mesh(points=[(0, 0, 0)] * 101)))
    prefixed = content.replace("xmlns=", "xmlns:c=").replace("<", "<c:").replace("<c:/", "</c:").replace("<c:?", "<?")
    finding = finding_of(package(content=prefixed), tmp_path, limits=SMALL)
    assert (finding.code, finding.where) == ("TOO_MANY_VERTICES", "/3D/3dmodel.model, object 1, mesh")
    assert finding.message == "The model has 101 vertices or more; 100 are allowed."


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        ("<resources>", '<resources>\n<colorgroup id="3"/>', "ELEMENT_UNKNOWN", "/3D/3dmodel.model, line 3"),
        ('x="10"', 'x="ten"', "ATTRIBUTE_VALUE", "/3D/3dmodel.model, object 1, vertex 1"),
        ('v1="1"', 'v1="11"', "INDEX_OUT_OF_RANGE", "/3D/3dmodel.model, object 1, triangle 2"),
        ('<item objectid="1"/>', '\n\n<item objectid="2"/>', "OBJECT_MISSING", "/3D/3dmodel.model, line 4"),
    ],
)
def test_findings_say_where_to_look(old: str, new: str, code: str, where: str, tmp_path: Path) -> None:
    finding = finding_of(package(content=model().replace(old, new, 1)), tmp_path)
    assert (finding.code, finding.where) == (code, where)
    assert finding.advice


def test_a_required_extension_that_is_unknown_is_named(tmp_path: Path) -> None:
    uri = "http://schemas.3mf.io/3dmanufacturing/displacement/2023/10"
    content = model(attributes=f' xmlns:d="{uri}" requiredextensions="m d"')
    finding = finding_of(package(content=content), tmp_path)
    assert finding.code == "EXTENSION_UNSUPPORTED"
    assert uri in finding.message


def test_metadata_with_a_prefix_of_its_own_may_say_anything(tmp_path: Path) -> None:
    rows = '<metadata name="Title">a</metadata><metadata name="q:Title" preserve="1" type="xs:string">b</metadata>'
    content = model(attributes=' xmlns:q="urn:example:q"', metadata=rows)
    assert facts_of(package(content=content), tmp_path).objects == 1
    finding = finding_of(package(content=content.replace("q:Title", "Title")), tmp_path)
    assert finding.message == "The metadata 'Title' stands there twice."


@pytest.mark.parametrize(("attribute", "fine"), [("en-US", True), ("und", True), ("", True), ("en_US", False)])
def test_languages_are_those_of_xml(attribute: str, fine: bool, tmp_path: Path) -> None:
    content = package(content=model(attributes=f' xml:lang="{attribute}"'))
    if fine:
        assert facts_of(content, tmp_path).objects == 1
    else:
        finding = finding_of(content, tmp_path)
        assert finding.message.startswith("lang of <model> is 'en_US'; it must be a language")


@pytest.mark.parametrize(
    ("kind", "fine"), [("xs:string", True), ("xs:dateTime", True), ("boolean", True), ("xs:map", False)]
)
def test_metadata_are_of_simple_types(kind: str, fine: bool, tmp_path: Path) -> None:
    content = package(content=model(metadata=f'<metadata name="Title" type="{kind}">a</metadata>'))
    if fine:
        assert facts_of(content, tmp_path).objects == 1
    else:
        assert finding_of(content, tmp_path).code == "ATTRIBUTE_VALUE"
