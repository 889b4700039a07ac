from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz import fuzz_stl, fuzz_threemf, run

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
