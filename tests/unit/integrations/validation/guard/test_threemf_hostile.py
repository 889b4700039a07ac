"""Every hostile 3MF file is refused with the right reason, or two libraries of other people read it like we do."""

from collections import Counter
from pathlib import Path

import pytest
import trimesh

from fabroute.integrations.validation.guard import guard_3mf
from fabroute.integrations.validation.readers.threemf import read_3mf
from fabroute.integrations.validation.types import Limits, Reading, Refusal
from tests.hostile.case import HostileCase
from tests.hostile.threemf import CASES

MM_PER_UNIT = {"micron": 0.001, "millimeter": 1.0, "inch": 25.4}
LATE_PREFIX = ("the core with a prefix",)
"""What trimesh can't read: it looks for prefixes in the text."""


def read(path: Path) -> Reading:
    return read_3mf(path, guard_3mf(path, Limits()))


def measured(reading: Reading) -> tuple[int, float]:
    """Return the triangles and the volume in mm³ of what was read."""
    solids = [trimesh.Trimesh(mesh.vertices, mesh.triangles, process=False) for mesh in reading.meshes]
    return sum(len(solid.faces) for solid in solids), float(sum(solid.volume for solid in solids))


def measured_by_trimesh(path: Path, unit: str) -> tuple[int, float]:
    """Return the same by trimesh's own reader of 3MF; it turns nothing where a transform mirrors."""
    dumped = [mesh for mesh in trimesh.load_scene(path).dump() if isinstance(mesh, trimesh.Trimesh)]
    volume = sum(abs(float(mesh.volume)) for mesh in dumped) * MM_PER_UNIT[unit] ** 3
    return sum(len(mesh.faces) for mesh in dumped), volume


REFUSED = [case for case in CASES if case.code]
HARMLESS = [case for case in CASES if not case.code]


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_hostile_files_are_refused_with_the_right_reason(case: HostileCase, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        read(case.write(tmp_path))
    (finding,) = caught.value.findings
    assert (finding.code, finding.severity) == (case.code, "error")
    assert finding.message.endswith(".")
    assert finding.advice.endswith(".")
    assert all(letter.isprintable() for letter in finding.message + finding.where)


@pytest.mark.parametrize("case", HARMLESS, ids=str)
def test_harmless_files_are_read_alike_by_two_libraries(case: HostileCase, tmp_path: Path) -> None:
    path = case.write(tmp_path)
    reading = read(path)
    triangles, volume = measured(reading)
    assert 0 < volume < 1e12
    if case.name not in LATE_PREFIX:
        others, other_volume = measured_by_trimesh(path, reading.unit)
        assert others == triangles
        assert other_volume == pytest.approx(volume, rel=1e-5)


def test_the_corpus_covers_every_category_and_names_nothing_twice() -> None:
    categories = Counter(case.category for case in CASES)
    assert len(CASES) == len({str(case) for case in CASES})
    assert len(REFUSED) >= 250
    assert len(HARMLESS) >= 40
    assert {category for category, count in categories.items() if count < 8} == set()


def test_the_corpus_is_the_same_bytes_every_time() -> None:
    small = [case for case in CASES if case.category not in ("bombs", "build")]
    assert [case.content() for case in small[::7]] == [case.content() for case in small[::7]]
    assert all(case.ending == ".3mf" for case in CASES)
