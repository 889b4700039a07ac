from collections.abc import Iterator
from pathlib import Path

import pytest

from fabroute.integrations.validation.sandbox import LimitedValidator
from tests.benchmarks import bench_files
from tests.benchmarks.bench_files import Bench, Run, Tally
from tests.benchmarks.big_parts import torus, write_3mf, write_stl
from tests.factories.print_files import a_package
from tests.factories.validation import a_finding, a_report
from tests.hostile.case import HostileCase
from tests.hostile.stl import TETRAHEDRON, binary, scaled


@pytest.fixture(scope="module")
def validator() -> Iterator[LimitedValidator]:
    """One validator for all tests of this module."""
    with LimitedValidator() as limited:
        yield limited


@pytest.fixture
def bench(validator: LimitedValidator, tmp_path: Path) -> Bench:
    """A bench over an empty folder."""
    return Bench(validator=validator, folder=tmp_path)


def _put(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def test_sections_without_files_are_skipped_and_break_nothing(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    for section in (bench_files._conformance, bench_files._awkward, bench_files._parts, bench_files._speed):
        section(bench)

    assert bench.broken == []
    assert capsys.readouterr().out.count("skipped: no print files in") == 5


def test_a_published_verdict_that_is_not_met_breaks_a_promise(bench: Bench) -> None:
    _put(bench.folder / "3mf" / "must_fail", "good.3mf", a_package())
    _put(bench.folder / "3mf" / "must_pass", "bad.3mf", b"PK\x03\x04")

    bench_files._conformance(bench)

    assert bench.broken == ["must-fail files are accepted: ['good.3mf']", "must-pass files are refused: {'bad.3mf'}"]


def test_a_wrong_diagnosis_breaks_a_promise(bench: Bench) -> None:
    _put(bench.folder / "awkward", "empty.stl", b"solid a\nendsolid a")
    _put(bench.folder / "awkward", "halfdonut.stl", binary(scaled(TETRAHEDRON, 4.0)))

    bench_files._awkward(bench)

    assert bench.broken == ["halfdonut.stl is valid with []"]


@pytest.mark.parametrize(("listed", "broken"), [(64 / 6, 0), (64 / 6 * 1.0009, 0), (64 / 6 * 1.0011, 1)])
def test_a_volume_that_is_off_by_more_than_a_thousandth_breaks_a_promise(
    bench: Bench, listed: float, broken: int
) -> None:
    _put(bench.folder / "parts", "part.stl", binary(scaled(TETRAHEDRON, 4.0)))
    _put(bench.folder, "parts.csv", f"file,volume_cm3_trimesh\npart.stl,{listed!r}\n".encode())

    bench_files._parts(bench)

    assert len(bench.broken) == broken
    assert all("0.1 %" in promise for promise in bench.broken)


def test_hostile_files_are_counted_as_refused_alike_or_wrong(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "hostile.stl"
    path.write_bytes(binary(scaled(TETRAHEDRON, 4.0)))
    good = bench.run(path)
    refused = Run(report=a_report(findings=(a_finding(code="BOMB", severity="error"),), valid=False), seconds=3.0)
    tally = Tally()

    for run, code in ((good, ""), (refused, "BOMB"), (refused, "OTHER"), (refused, ""), (good, "BOMB")):
        tally.add(HostileCase(category="c", name="n", content=bytes, code=code), run, path)

    assert (tally.refused, tally.identical, len(tally.wrong)) == (1, 1, 3)
    assert tally.wrong[0] == "c: n: wanted OTHER, got ['BOMB']"
    assert (tally.seconds, tally.mebibytes) == (3.0, max(70.0, good.mebibytes))


def test_big_parts_are_the_same_in_both_formats(bench: Bench, tmp_path: Path) -> None:
    vertices, triangles = torus(around=60, across=30)
    write_stl(tmp_path / "ring.stl", vertices, triangles)
    write_3mf(tmp_path / "ring.3mf", vertices, triangles)

    measures = [bench.run(tmp_path / name).report.measures for name in ("ring.stl", "ring.3mf")]

    assert [it.triangles for it in measures if it] == [3_600, 3_600]
    assert [it.bodies for it in measures if it] == [1, 1]
    first, second = (it.volume_cm3 for it in measures if it)
    assert first == pytest.approx(second, rel=1e-5)
