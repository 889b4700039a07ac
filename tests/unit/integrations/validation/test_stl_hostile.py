from collections import Counter
from pathlib import Path

import pytest

from fabroute.integrations.validation.pipeline import validate
from fabroute.inventory.ports import ValidationReport, ValidationRequest
from tests.hostile.case import HostileCase
from tests.hostile.second_reader import second_reading
from tests.hostile.stl import CASES

REFUSED = [case for case in CASES if case.code]
READ_ALIKE = [case for case in CASES if not case.code]


def _report(case: HostileCase, folder: Path) -> ValidationReport:
    path = case.write(folder)
    return validate(path, request=ValidationRequest(file_name=path.name), workspace=folder)


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_hostile_file_is_refused_for_its_own_reason(case: HostileCase, tmp_path: Path) -> None:
    report = _report(case, tmp_path)

    assert not report.valid
    assert case.code in {finding.code for finding in report.findings if finding.severity == "error"}
    assert report.canonical_sha256 is None
    assert not (tmp_path / "canonical.3mf").exists()


@pytest.mark.parametrize("case", READ_ALIKE, ids=str)
def test_an_odd_but_harmless_file_is_read_as_trimesh_reads_it(case: HostileCase, tmp_path: Path) -> None:
    report = _report(case, tmp_path)

    assert report.valid
    assert report.measures is not None
    triangles, volume_mm3 = second_reading(tmp_path / "hostile.stl")
    assert report.measures.triangles == triangles
    assert report.measures.volume_cm3 * 1000 == pytest.approx(volume_mm3, rel=1e-9)


def test_the_corpus_is_large_and_of_many_kinds() -> None:
    categories = Counter(case.category for case in CASES)

    assert len(CASES) == len({(case.category, case.name) for case in CASES}) == 119
    assert len(categories) == 12
    assert min(categories.values()) >= 4
