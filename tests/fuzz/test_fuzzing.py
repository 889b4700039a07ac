from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from fabroute.api.leases import WRITTEN, parse_lease
from tests.factories.documents import document
from tests.fuzz import fuzz_stl, fuzz_threemf, run
from tests.fuzz.hooks import name_formats, values_of

ROOT = Path(__file__).parents[2]
SEEDS = [
    *((fuzz_stl.fuzz_one, data) for data in fuzz_stl.SEEDS),
    *((fuzz_threemf.fuzz_one, data) for data in fuzz_threemf.SEEDS),
]


@pytest.mark.parametrize(("fuzz_one", "data"), SEEDS)
def test_every_seed_is_read_or_refused_with_a_reason(fuzz_one: Callable[[bytes], None], data: bytes) -> None:
    fuzz_one(data)
    fuzz_one(data[: len(data) // 2])


def test_a_crash_is_told_and_its_input_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    code = run.main(["1", "tests.fakes.fuzz_target"])

    assert code == 1
    assert "1 crashes" in capsys.readouterr().out
    (kept,) = {path.read_bytes() for path in (tmp_path / "fuzz-crashes").iterdir()}
    assert b"!" in kept


def test_a_clean_run_says_how_many_inputs_it_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    code = run.main(["1", "fuzz_stl"])

    assert code == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("fuzz_stl (")
    assert line.endswith(" 0 crashes")
    assert list((tmp_path / "fuzz-crashes").iterdir()) == []


def test_headers_with_a_pattern_of_more_than_letters_get_a_format_of_their_own() -> None:
    asked = document()
    before = document()["components"]["parameters"]
    found = name_formats(asked)

    after = asked["components"]["parameters"]
    changed = {name for name, parameter in after.items() if parameter != before[name]}
    assert changed == {"Fabroute-Lease", "If-Match"}
    assert found == {f"header-{name.lower()}": before[name]["schema"]["pattern"] for name in changed}
    assert after["If-Match"] == before["If-Match"] | {
        "schema": before["If-Match"]["schema"] | {"format": "header-if-match"}
    }


@settings(max_examples=50, database=None)
@given(values_of(f"^{WRITTEN}$"))
def test_leases_of_that_format_are_read_as_written(header: str) -> None:
    lease = parse_lease(header)

    assert (lease.lease_id, lease.epoch) == (header.split(";")[0].strip(), int(header.split("=")[1]))
