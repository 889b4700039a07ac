"""Files that no one in this project wrote; skipped where they are not beside the checkout."""

from pathlib import Path

import pytest

from fabroute.integrations.validation.pipeline import validate
from fabroute.inventory.ports import ValidationReport, ValidationRequest
from tests.benchmarks.bench_files import AWKWARD
from tests.hostile.second_reader import second_reading

PRINTS = Path(__file__).parents[5] / "shared/realdata/prints"
PARTS = sorted((PRINTS / "parts").glob("*.stl"))

pytestmark = pytest.mark.skipif(not PRINTS.exists(), reason="the real files are not beside this checkout")


def _report(path: Path, workspace: Path) -> ValidationReport:
    return validate(path, request=ValidationRequest(file_name=path.name), workspace=workspace)


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_file_gets_the_right_diagnosis(name: str, tmp_path: Path) -> None:
    valid, code = AWKWARD[name]

    report = _report(PRINTS / "awkward" / name, tmp_path)

    assert report.valid is valid
    assert code in {finding.code for finding in report.findings}


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_a_real_part_is_valid_and_measures_what_trimesh_measures(path: Path, tmp_path: Path) -> None:
    report = _report(path, tmp_path)

    assert report.valid
    assert report.measures is not None
    triangles, volume_mm3 = second_reading(path)
    assert report.measures.triangles == triangles
    assert report.measures.volume_cm3 * 1000 == pytest.approx(volume_mm3, rel=1e-9)
