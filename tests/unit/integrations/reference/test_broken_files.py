"""Whatever is in the files: they are read, or refused with places and advice; nothing else ever happens."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabroute.integrations.reference.dates import calendar_for
from fabroute.integrations.reference.description import describe, moved
from tests.factories.reference import FILES, problems_of, read_reference, write_reference

NASTY = (
    *(
        "",
        " ",
        "0",
        "-0",
        "-1",
        "1e400",
        "1e-400",
        "NaN",
        "-Infinity",
        "0x10",
        "1_000",
        "٣",
        "½",
        "1.7976931348623157e308",
    ),
    *(
        "9999-12-31",
        "0001-01-01",
        "2026-02-30",
        "2026-W01-1",
        "20260615",
        "24:00",
        "*",
        "|",
        "||",
        ":",
        "A:B:C",
        "MJF:",
    ),
    *(
        "DE\x00",
        "\ufeff",
        "\u202e",
        "'; DROP TABLE nodes; --",
        "=1+1",
        "x" * 5000,
        "N1",
        "N1-A",
        "PA12-MJF",
        "LPBF",
        "true",
    ),
)
text = st.one_of(st.sampled_from(NASTY), st.text(max_size=12).filter(lambda value: "\r" not in value))


@st.composite
def changed_cells(draw: st.DrawFn) -> dict[str, str]:
    """Return the small files with up to four cells changed."""
    tables = {file: list(csv.reader(io.StringIO(content))) for file, content in FILES.items()}
    for _ in range(draw(st.integers(1, 4))):
        table = tables[draw(st.sampled_from(sorted(tables)))]
        row = draw(st.integers(0, len(table) - 1))
        column = draw(st.integers(0, len(table[row]) - 1))
        table[row][column] = draw(text)
    return {file.removesuffix(".csv"): written(table) for file, table in tables.items()}


def written(table: list[list[str]]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(table)
    return target.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("broken")


def read_or_refuse(folder: Path, contents: Mapping[str, str]) -> str:
    """Return what became of the files; anything but reading or refusing them raises."""
    write_reference(folder, **contents)
    found = problems_of(folder)
    assert all(problem.file in FILES and problem.advice for problem in found)
    assert all(len(str(problem)) < 400 for problem in found)
    if found:
        return "refused"
    files = read_reference(folder)
    description = describe(files)
    assert len(moved(description, calendar_for(None)).parts) == len(files.parts)
    return "read"


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=changed_cells())
def test_any_cell_may_hold_anything(folder: Path, contents: dict[str, str]) -> None:
    assert read_or_refuse(folder, contents) in ("read", "refused")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(sorted(FILES)), content=st.text(max_size=300), cut=st.integers(0, 400))
def test_any_file_may_be_cut_short_or_be_something_else(folder: Path, file: str, content: str, cut: int) -> None:
    name = file.removesuffix(".csv")
    for broken in (content.replace("\r", "\n"), FILES[file][:cut], FILES[file] + content.replace("\r", "\n")):
        assert read_or_refuse(folder, {name: broken}) in ("read", "refused")


@pytest.mark.parametrize("file", sorted(FILES))
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00" * 100, b'"' * 99, b"a,b\n" * 50])
def test_a_file_of_rubbish_is_refused_in_its_own_name(tmp_path: Path, file: str, content: bytes) -> None:
    folder = write_reference(tmp_path)
    (folder / file).write_bytes(content)
    found = problems_of(folder)
    assert found
    assert file in {problem.file for problem in found}


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "nodes.csv").unlink()
    (folder / "nodes.csv").mkdir()
    assert [str(problem) for problem in problems_of(folder)] == [
        f"nodes.csv: is not in {folder}: put it there, or name the right folder"
    ]


def test_a_folder_that_is_not_there_misses_every_file(tmp_path: Path) -> None:
    found = problems_of(tmp_path / "nowhere")
    assert {problem.file for problem in found} == set(FILES)
    assert all(problem.line == 0 for problem in found)


def test_files_with_a_header_only_are_an_empty_network(tmp_path: Path) -> None:
    headers = {file.removesuffix(".csv"): content.splitlines()[0] + "\n" for file, content in FILES.items()}
    headers["carbon_factors"] = FILES["carbon_factors.csv"]
    description = describe(read_reference(write_reference(tmp_path, **headers)))
    assert (description.parts, description.certificates, description.first_articles) == ((), (), ())
    assert (description.network.nodes, description.network.machines, description.network.lots) == ((), (), ())
    assert [row.organisation_id for row in description.organisations] == ["org_owner", "org_operator"]
