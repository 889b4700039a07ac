"""How often a job may be printed, and what a piece of evidence may be called."""

import pytest

from fabroute.production.rules import attempts_left, file_name_of, name_problem


@pytest.mark.parametrize(
    ("quantity", "granted", "good", "failed", "left"),
    [
        (3, 0, 0, 0, 3),
        (3, 0, 2, 0, 1),
        (3, 0, 2, 1, 0),
        (3, 1, 2, 1, 1),
        (3, 1, 3, 1, 0),
        (3, 1, 2, 2, 0),
        (3, 2, 3, 0, 0),
        (1, 0, 0, 1, 0),
    ],
)
def test_a_granted_reprint_is_one_more_try_and_never_one_more_good_part(
    quantity: int, granted: int, good: int, failed: int, left: int
) -> None:
    found = attempts_left(quantity=quantity, granted_reprints=granted, good_prints=good, failed_prints=failed)
    assert found == left
    assert good + found <= quantity + granted


@pytest.mark.parametrize("name", ["crack.jpg", "Maß 12,7 mm.pdf", "a" * 120])
def test_a_plain_file_name_is_taken(name: str) -> None:
    assert name_problem(name) is None
    assert name_problem(name + "/") is not None


@pytest.mark.parametrize("name", ["", "a" * 121])
def test_a_name_has_1_to_120_characters(name: str) -> None:
    assert name_problem(name) == "give a name of 1 to 120 characters"
    assert name_problem("x") is None


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", ".", "..", "a\nb", "a\x00b"])
def test_a_name_leads_into_no_folder(name: str) -> None:
    assert name_problem(name) == "give a file name without folders and control characters"
    assert "/" not in "crack.jpg"


@pytest.mark.parametrize(
    ("part_no", "revision", "name"),
    [
        ("RL-0001", "A", "RL-0001-A.3mf"),
        ("PUMP/17 (old)", "B.2", "PUMP_17__old_-B.2.3mf"),
        ("../../etc", "1", ".._.._etc-1.3mf"),
        ('a"b\r\nc', "ö", "a_b__c-ö.3mf"),
    ],
)
def test_a_files_name_leads_into_no_folder_and_breaks_no_header(part_no: str, revision: str, name: str) -> None:
    assert file_name_of(part_no, revision) == name
    assert name_problem(name) is None
