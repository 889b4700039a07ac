"""Every part of the reference inventory has a printable file; measured here by trimesh, which had no hand in it."""

import hashlib
import io
import subprocess
import sys
from functools import lru_cache

import lib3mf
import numpy as np
import pytest
import trimesh

from fabroute.integrations.print_files import make_print_file
from fabroute.integrations.print_files.boxes import RIBBED_BOX
from fabroute.integrations.print_files.registry import RECIPES
from tests.factories.print_files import inspected, reference_body, reference_file, reference_parts

PART_NUMBERS = sorted(reference_parts())
QUICK = ["AP-0103", "ME-0504", "RL-0003"]


@lru_cache(maxsize=64)
def read_by_trimesh(part_no: str) -> trimesh.Trimesh:
    with io.BytesIO(reference_file(part_no)) as file:
        scene = trimesh.load_scene(file, file_type="3mf")
    assert scene.units == "millimeter"
    mesh: trimesh.Trimesh = scene.to_mesh()
    return mesh


@pytest.mark.parametrize("part_no", PART_NUMBERS)
def test_another_reader_finds_the_box_and_volume_of_the_table(part_no: str) -> None:
    part = reference_parts()[part_no]
    mesh = read_by_trimesh(part_no)
    assert mesh.extents == pytest.approx(part.box_mm, abs=0.001)
    assert mesh.volume / 1000 == pytest.approx(part.volume_cm3, rel=0.0011)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.euler_number == 2 - 2 * reference_body(part_no).genus()


@pytest.mark.parametrize("part_no", PART_NUMBERS)
def test_the_validation_passes_and_agrees_with_the_other_reader(part_no: str) -> None:
    content = reference_file(part_no)
    report = inspected(content)
    measures, mesh = report.measures, read_by_trimesh(part_no)
    assert report.valid
    assert measures is not None
    assert [finding for finding in report.findings if finding.severity == "error"] == []
    assert measures.bodies == 1
    assert report.source_sha256 == hashlib.sha256(content).hexdigest()
    assert report.size_bytes == len(content)
    assert measures.triangles == len(mesh.faces)
    assert measures.box_mm == pytest.approx(tuple(mesh.extents), abs=1e-4)
    assert measures.volume_cm3 == pytest.approx(mesh.volume / 1000, rel=1e-6)
    assert measures.area_cm2 == pytest.approx(mesh.area / 100, rel=1e-6)
    assert 1_200 <= measures.triangles <= 25_000
    assert report.size_bytes <= 350_000


@pytest.mark.parametrize("part_no", PART_NUMBERS)
def test_lib3mf_itself_calls_the_one_object_a_manifold_with_the_parts_name(part_no: str) -> None:
    model = lib3mf.get_wrapper().CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    reader.ReadFromBuffer(reference_file(part_no))
    objects = model.GetMeshObjects()
    assert objects.Count() == 1
    assert objects.MoveNext()
    solid = objects.GetCurrentMeshObject()
    assert solid.IsManifoldAndOriented()
    assert solid.GetName() == reference_parts()[part_no].name
    assert solid.GetPartNumber() == part_no
    assert reader.GetWarningCount() == 0


def test_every_reference_part_has_a_recipe_of_its_own() -> None:
    assert set(RECIPES) == set(reference_parts())
    assert len({recipe.draw for recipe in RECIPES.values()}) == len(RECIPES) == 32
    assert RIBBED_BOX not in RECIPES.values()


@pytest.mark.parametrize("part_no", PART_NUMBERS)
def test_solids_stand_in_the_first_octant_at_the_origin(part_no: str) -> None:
    box = reference_body(part_no).bounding_box()
    assert box[:3] == pytest.approx((0, 0, 0), abs=1e-9)
    assert box[3:] == pytest.approx(reference_parts()[part_no].box_mm, rel=1e-9)


@pytest.mark.parametrize("part_no", QUICK)
def test_the_same_part_gives_the_same_bytes_again(part_no: str) -> None:
    part = reference_parts()[part_no]
    again = make_print_file(label=part.label(), box_mm=part.box_mm, volume_cm3=part.volume_cm3)
    assert again == reference_file(part_no)
    assert make_print_file(label=part.label(), box_mm=part.box_mm, volume_cm3=part.volume_cm3 * 1.01) != again


def test_another_process_makes_the_same_bytes() -> None:
    part = reference_parts()["RL-0003"]
    program = (
        "import hashlib; from fabroute.integrations.print_files import *; "
        f"file = make_print_file(label=Label(part_no={part.part_no!r}, revision='A', name={part.name!r}), "
        f"box_mm={part.box_mm!r}, volume_cm3={part.volume_cm3!r}); print(hashlib.sha256(file).hexdigest())"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"}
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True, env=environment, timeout=60
    )
    assert answer.stdout.strip() == hashlib.sha256(reference_file("RL-0003")).hexdigest()
    assert answer.stderr == ""


def test_no_two_parts_have_the_same_shape() -> None:
    hashes = {hashlib.sha256(reference_file(part_no)).hexdigest() for part_no in PART_NUMBERS}
    assert len(hashes) == len(PART_NUMBERS)
    corners = {tuple(np.asarray(reference_body(part_no).bounding_box()[3:]).tolist()) for part_no in PART_NUMBERS}
    assert len(corners) == len(PART_NUMBERS)
