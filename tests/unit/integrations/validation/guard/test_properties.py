"""Chapters 2 to 7 of the materials extension and chapter 5 of the core, a rule each."""

from pathlib import Path

import pytest

from tests.factories.threemf import PNG, TEXTURE_KIND, THUMBNAIL_KIND, mesh, model, package, relationships, solid
from tests.unit.integrations.validation.guard.refusing import facts_of, finding_of

GROUPS = (
    '<basematerials id="11"><base name="a" displaycolor="#FF0000"/><base name="b" displaycolor="#00FF00"/>'
    '</basematerials><m:colorgroup id="12"><m:color color="#FFFFFF"/><m:color color="#000000"/></m:colorgroup>'
    '<m:texture2d id="13" path="/3D/a.png" contenttype="image/png"/>'
    '<m:texture2dgroup id="14" texid="13"><m:tex2coord u="0" v="0"/></m:texture2dgroup>'
    '<m:compositematerials id="15" matid="11" matindices="0 1"><m:composite values="0.5 0.5"/></m:compositematerials>'
)


def content_of(*, resources: str = "", attributes: str = "", triangle: str = "", related: str = TEXTURE_KIND) -> bytes:
    shape = mesh().replace('v3="1"', f'v3="1"{triangle}', 1)
    return package(
        content=model(resources=GROUPS + resources, objects=solid(attributes=attributes, shape=shape)),
        model_relations=relationships((related, "/3D/a.png")),
        parts={"3D/a.png": PNG},
    )


@pytest.mark.parametrize(
    ("attributes", "triangle"),
    [
        ("", ""),
        (' pid="11" pindex="1"', ""),
        (' pid="11" pindex="0"', ' p1="1"'),
        (' pid="11" pindex="0"', ' p1="1" p2="1" p3="1"'),
        (' pid="12" pindex="0"', ' p1="1" p2="0" p3="1"'),
        (' pid="11" pindex="0"', ' pid="14" p1="0" p2="0" p3="0"'),
        (' pid="15" pindex="0"', ""),
        (' pid="11" pindex="0"', ' pid="12"'),
        (' thumbnail="/3D/a.png"', ""),
    ],
)
def test_properties_that_exist_may_be_used(attributes: str, triangle: str, tmp_path: Path) -> None:
    facts = facts_of(content_of(attributes=attributes, triangle=triangle), tmp_path)
    assert (facts.triangles, facts.findings) == (4, ())
    assert facts.meshes[0].index_sums == (1, 8, 9)


@pytest.mark.parametrize(
    ("attributes", "triangle", "code"),
    [
        (' pindex="0"', "", "PROPERTY_MISSING"),
        (' pid="99"', "", "RESOURCE_MISSING"),
        (' pid="13"', "", "RESOURCE_KIND"),
        (' pid="11" pindex="2"', "", "PROPERTY_INDEX"),
        (' pid="11" pindex="0"', ' p1="2"', "PROPERTY_INDEX"),
        (' pid="11" pindex="0"', ' p1="0" p2="1" p3="0"', "PROPERTY_GRADIENT"),
        (' pid="11" pindex="0"', ' p2="1"', "PROPERTY_MISSING"),
        (' pid="11" pindex="0"', ' pid="99" p1="0"', "RESOURCE_MISSING"),
        (' pid="11" pindex="0"', ' pid="13" p1="0"', "RESOURCE_KIND"),
        ("", ' p1="0"', "PROPERTY_MISSING"),
        ("", ' pid="11" p1="0"', "PROPERTY_MISSING"),
        (' thumbnail="/3D/b.png"', "", "RESOURCE_MISSING"),
    ],
)
def test_properties_that_lead_nowhere_are_refused(attributes: str, triangle: str, code: str, tmp_path: Path) -> None:
    finding = finding_of(content_of(attributes=attributes, triangle=triangle), tmp_path)
    assert finding.code == code
    assert finding.where.startswith("/3D/3dmodel.model, ")


def layers(pids: str, *, methods: str = "", indices: str = "0") -> str:
    blend = f' blendmethods="{methods}"' if methods else ""
    return f'<m:multiproperties id="20" pids="{pids}"{blend}><m:multi pindices="{indices}"/></m:multiproperties>'


@pytest.mark.parametrize("pids", ["11 12", "11 14 12", "12 14", "14 14", "15 12", "12"])
def test_layers_as_chapter_5_allows_them(pids: str, tmp_path: Path) -> None:
    assert facts_of(content_of(resources=layers(pids)), tmp_path).objects == 1
    assert facts_of(content_of(resources=layers(pids, indices="0 0 0 0")), tmp_path).objects == 1


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (layers("11 15"), "PROPERTY_LAYERS"),
        (layers("15 15"), "PROPERTY_LAYERS"),
        (layers("12 11"), "PROPERTY_LAYERS"),
        (layers("12 12"), "PROPERTY_LAYERS"),
        (layers("11 13"), "RESOURCE_KIND"),
        (layers("11 20"), "RESOURCE_KIND"),
        (layers("11 98"), "RESOURCE_MISSING"),
        (layers("11 12", methods="mix multiply"), "PROPERTY_LAYERS"),
        (layers("11 12", methods="add"), "ATTRIBUTE_VALUE"),
        (layers("11 12", indices="0 2"), "PROPERTY_INDEX"),
        (layers("11 12", indices="0 -1"), "ATTRIBUTE_VALUE"),
        ('<m:multiproperties id="20" pids="11"/>', "ELEMENT_MISSING"),
        ('<m:multiproperties id="20"><m:multi pindices="0"/></m:multiproperties>', "ATTRIBUTE_MISSING"),
        ('<m:multiproperties id="20" pids="11"><m:multi/></m:multiproperties>', "ATTRIBUTE_MISSING"),
        ('<m:colorgroup id="11"><m:color color="#FFFFFF"/></m:colorgroup>', "RESOURCE_DUPLICATE"),
        ('<m:colorgroup><m:color color="#FFFFFF"/></m:colorgroup>', "ATTRIBUTE_MISSING"),
        ('<m:colorgroup id="20"><m:color/></m:colorgroup>', "ATTRIBUTE_MISSING"),
        ('<m:colorgroup id="20"/>', "ELEMENT_MISSING"),
        ('<m:colorgroup id="20"><m:tex2coord u="0" v="0"/></m:colorgroup>', "ELEMENT_MISPLACED"),
        ('<m:texture2dgroup id="20" texid="12"><m:tex2coord u="0" v="0"/></m:texture2dgroup>', "RESOURCE_KIND"),
        ('<m:texture2dgroup id="20" texid="13"><m:tex2coord u="0"/></m:texture2dgroup>', "ATTRIBUTE_MISSING"),
        ('<m:texture2dgroup id="20" texid="13"><m:tex2coord u="0" v="nan"/></m:texture2dgroup>', "ATTRIBUTE_VALUE"),
        ('<m:texture2d id="20" path="3D/a.png" contenttype="image/png"/>', "ATTRIBUTE_VALUE"),
        ('<m:texture2d id="20" path="/3D/a.png"/>', "ATTRIBUTE_MISSING"),
        ('<m:texture2d id="20" path="/3D/a.png" contenttype="image/png" tilestyleu="x"/>', "ATTRIBUTE_VALUE"),
        ('<m:texture2d id="20" path="/3D/a.png" contenttype="image/jpeg"/>', "IMAGE_FORMAT"),
        ('<m:texture2d id="20" path="/3D/b.png" contenttype="image/png"/>', "RESOURCE_MISSING"),
        ('<m:compositematerials id="20" matid="12" matindices="0"><m:composite values="1"/></m:compositematerials>',
         "RESOURCE_KIND"),
        ('<m:compositematerials id="20" matid="11" matindices="2"><m:composite values="1"/></m:compositematerials>',
         "PROPERTY_INDEX"),
        ('<m:compositematerials id="20" matid="11" matindices="0"><m:composite values="-1"/></m:compositematerials>',
         "PROPERTY_VALUE"),
        ('<basematerials id="20"><base displaycolor="#FFFFFF"/></basematerials>', "ATTRIBUTE_MISSING"),
        ('<basematerials id="20"><base name="a"/></basematerials>', "ATTRIBUTE_MISSING"),
        ('<basematerials id="20" displaypropertiesid="12"><base name="a" displaycolor="#FFFFFF"/></basematerials>',
         "RESOURCE_KIND"),
        ('<m:pbmetallicdisplayproperties id="20"><m:pbmetallic name="a"/></m:pbmetallicdisplayproperties>'
         '<basematerials id="21" displaypropertiesid="20"><base name="a" displaycolor="#FFFFFF"/>'
         '<base name="b" displaycolor="#FFFFFF"/></basematerials>', "PROPERTY_VALUE"),
        ('<m:unheardof id="20"/>', "ELEMENT_UNKNOWN"),
    ],
)  # fmt: skip
def test_resources_that_break_a_rule_of_their_chapter(resource: str, code: str, tmp_path: Path) -> None:
    finding = finding_of(content_of(resources=resource), tmp_path)
    assert finding.code == code
    assert finding.where == "/3D/3dmodel.model, line 2"


def test_a_thumbnail_of_an_object_may_be_related_in_both_ways(tmp_path: Path) -> None:
    groups = GROUPS.partition("<m:texture2d ")[0]
    content = package(
        content=model(resources=groups, objects=solid(attributes=' thumbnail="/3D/a.png"')),
        model_relations=relationships((THUMBNAIL_KIND, "/3D/a.png")),
        parts={"3D/a.png": PNG},
    )
    assert facts_of(content, tmp_path).objects == 1
    assert facts_of(content_of(attributes=' thumbnail="/3D/a.png"'), tmp_path).objects == 1


def test_a_resource_of_an_unknown_extension_may_be_used_unseen(tmp_path: Path) -> None:
    content = package(
        content=model(
            attributes=' xmlns:q="urn:example:q"',
            resources='<q:voxels id="30"><q:voxel/></q:voxels>',
            objects=solid(attributes=' pid="30" pindex="700"'),
        )
    )
    assert [it.code for it in facts_of(content, tmp_path).findings] == ["EXTENSION_IGNORED"]
    twice = content_of(resources='<q:voxels xmlns:q="urn:example:q" id="11"/>')
    assert finding_of(twice, tmp_path).code == "RESOURCE_DUPLICATE"
