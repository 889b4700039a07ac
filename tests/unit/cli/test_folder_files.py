from pathlib import Path

import pytest

from fabroute.cli.folder_files import KnownRevision, MatchedFile, UnmatchedFile, match_files, print_files_in


def known(part_no: str, revision: str = "A", state: str = "draft") -> KnownRevision:
    return KnownRevision(part_no=part_no, revision=revision, revision_id=f"rev_{part_no}_{revision}", state=state)


def matched(name: str, *revisions: KnownRevision) -> MatchedFile:
    found, left_out = match_files([Path(name)], revisions)
    assert left_out == ()
    (file,) = found
    return file


def left_out(name: str, *revisions: KnownRevision) -> UnmatchedFile:
    found, missing = match_files([Path(name)], revisions)
    assert found == ()
    (file,) = missing
    return file


def test_a_file_named_as_a_part_is_for_its_only_draft() -> None:
    released, draft = known("RL-0001", "A", "released"), known("RL-0001", "B")

    assert matched("RL-0001.3mf", released, draft).revision == draft
    assert matched("sub folder/RL-0001.STL", released, draft).media_type == "model/stl"


@pytest.mark.parametrize("name", ["RL-0001_B.3mf", "RL-0001-revB.3mf", "RL-0001 rev B.3mf", "RL-0001-RevB.3mf"])
def test_a_file_may_name_its_revision(name: str) -> None:
    first, second = known("RL-0001", "A"), known("RL-0001", "B")

    file = matched(name, first, second)

    assert file.revision == second
    assert file.media_type == "model/3mf"


def test_a_part_number_may_hold_what_separates_revisions_and_slashes() -> None:
    tricky, slashed = known("A_B", "C"), known("10/200")

    assert matched("A_B.3mf", tricky).revision == tricky
    assert matched("A_B_C.3mf", tricky).revision == tricky
    assert matched("10~200.stl", slashed).revision == slashed


@pytest.mark.parametrize(
    ("name", "revisions", "reason"),
    [
        ("cap.3mf", (), "no part is called cap: name the file PART.3mf or PART_REVISION.3mf, or add the part first"),
        ("P1.3mf", (known("P1", "A", "released"),), "P1 has no draft revision: add one first"),
        ("P1.3mf", (known("P1", "A"), known("P1", "B")), "P1 has several drafts (A, B): name the file P1_REVISION"),
        ("P1_C.3mf", (known("P1", "A"),), "P1 has no revision C: add it first"),
        ("P1_A.3mf", (known("P1", "A", "released"),), "revision A of P1 is released: it keeps its file"),
    ],
)
def test_a_file_that_belongs_to_no_revision_says_why(
    name: str, revisions: tuple[KnownRevision, ...], reason: str
) -> None:
    assert left_out(name, *revisions).reason == reason


@pytest.mark.parametrize("name", ["P/7.3mf", "P/7_A.3mf", "P/7 rev B.stl"])
def test_a_file_for_a_part_without_any_revision_asks_for_one(name: str) -> None:
    found, (file,) = match_files([Path(name.replace("/", "~"))], [known("P/8")], part_nos=["P/7", "P/8"])

    assert found == ()
    assert file.reason == "P~7 has no revision: add one first"


def test_naming_the_parts_changes_nothing_for_those_with_revisions() -> None:
    drafts = [known("P1"), known("P2", "B")]
    files = [Path("P1.3mf"), Path("P2_B.stl"), Path("P3.3mf")]

    assert match_files(files, drafts, part_nos=["P1", "P2"]) == match_files(files, drafts)


def test_of_two_files_for_one_revision_the_first_is_taken() -> None:
    found, missing = match_files([Path("P1.3mf"), Path("P1_A.stl")], [known("P1")])

    assert [item.file.name for item in found] == ["P1.3mf"]
    assert [(item.file.name, item.reason) for item in missing] == [("P1_A.stl", "P1.3mf is for the same revision")]


def test_a_folder_is_searched_with_the_folders_in_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("b.3mf", "a.STL", "in/c.stl", "notes.txt", "d.3mf.bak"):
        (tmp_path / name).touch()

    assert [str(path.relative_to(tmp_path)) for path in print_files_in(tmp_path)] == ["a.STL", "b.3mf", "in/c.stl"]
