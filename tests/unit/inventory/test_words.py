"""Each check yields a problem for what can't be, at the place where it stands, and none for what can."""

import pytest

from fabroute.inventory.rules import words
from fabroute.kernel.errors import FieldProblem


def messages(problems: words.Problems) -> list[str]:
    return [problem.message for problem in problems]


def pointers(problems: words.Problems) -> list[str]:
    return [problem.pointer for problem in problems]


@pytest.mark.parametrize("gtin", ["4006381333931", "73513537", "614141000036", "10614141000415", "00012345600012"])
def test_published_gtins_have_the_right_check_digit(gtin: str) -> None:
    """An EAN-13, an EAN-8, a UPC-A and two GTIN-14 that GS1 and others print as examples."""
    assert messages(words.is_gtin(gtin, pointer="/number")) == []
    wrong = gtin[:-1] + str((int(gtin[-1]) + 1) % 10)
    assert messages(words.is_gtin(wrong, pointer="/number")) == [
        f"{wrong} has the check digit {wrong[-1]}, should be {gtin[-1]}: look for a typing error"
    ]


@pytest.mark.parametrize("text", ["", "1234567", "12345678901", "400638133393X", "٤٠٠٦٣٨١٣٣٣٩٣١", "123456789012345"])
def test_what_has_not_the_digits_of_a_gtin_is_none(text: str) -> None:
    problems = list(words.is_gtin(text, pointer="/number"))
    assert [problem.pointer for problem in problems] == ["/number"]
    assert problems[0].message == f"{text!r} is no GTIN: it has 8, 12, 13 or 14 digits"


@pytest.mark.parametrize("pair", ["MJF:PA12-MJF", "LPBF:316L", "SLS:PA2241-FR", "MEX:ULTEM_9085", "BJT:17-4.PH"])
def test_a_pair_is_a_known_process_and_a_material(pair: str) -> None:
    assert messages(words.are_process_materials((pair,), pointer="/p")) == []
    assert pointers(words.are_process_materials((pair, pair.lower()), pointer="/p")) == ["/p/1"]


@pytest.mark.parametrize("pair", ["PA12", "MJF:", ":PA12", "MJF:PA12:x", "DLP:RESIN", "MJF:PA 12", "MJF:" + "x" * 65])
def test_any_other_pair_is_refused_with_the_processes_that_there_are(pair: str) -> None:
    (problem,) = words.are_process_materials((pair,), pointer="/process_materials")
    assert problem.pointer == "/process_materials/0"
    assert problem.message.endswith("e.g. MJF:PA12-MJF; processes are MEX, VPP, SLS, MJF, LPBF, EBM, BJT")


def test_no_pair_at_all_is_refused() -> None:
    assert list(words.are_process_materials((), pointer="/p")) == [
        FieldProblem(pointer="/p", message="name at least one PROCESS:MATERIAL pair, e.g. MJF:PA12-MJF")
    ]


@pytest.mark.parametrize("code", ["8508", "8508.70", "850870", "8508.70.00", "8508700090"])
def test_a_customs_number_has_four_to_ten_digits_in_pairs(code: str) -> None:
    assert messages(words.is_hs_code(code, pointer="/hs_code")) == []
    assert pointers(words.is_hs_code(code + "1", pointer="/hs_code")) == ["/hs_code"]
    assert pointers(words.is_hs_code("." + code, pointer="/hs_code")) == ["/hs_code"]


def test_countries_are_capital_letters_of_the_standard() -> None:
    assert {"DE", "FR", "US", "GB"} <= words.COUNTRIES
    assert pointers(words.are_countries(("DE", "de", "UK", "EU", "AT"), pointer="/c")) == ["/c/1", "/c/2", "/c/3"]
    assert len(words.COUNTRIES) == 249


def test_words_are_known_or_named_with_those_that_are() -> None:
    assert messages(words.is_one_of("z", words.ORIENTATIONS, pointer="/o")) == []
    assert messages(words.is_one_of("up", words.ORIENTATIONS, pointer="/o")) == ["'up' is not known: use x, y, z"]
    assert pointers(words.are_some_of(("in_house", "garage"), words.NODE_KINDS, pointer="/k")) == ["/k/1"]


def test_a_list_holds_nothing_twice_and_not_too_much() -> None:
    assert pointers(words.are_different(("a", "b", "a", "a"), pointer="/l")) == ["/l/2", "/l/3"]
    many = [f"n{number}" for number in range(201)]
    assert messages(words.are_different(many, pointer="/l")) == ["holds 201 entries: 200 are allowed"]
    assert messages(words.are_different(many[:200], pointer="/l")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must not be empty"),
        (" a", "' a' has spaces around it: leave them out"),
        ("a\n", "must not hold control characters"),
        ("\x00", "must not hold control characters"),
        ("abcdef", "has 6 characters: 5 are allowed"),
    ],
)
def test_a_line_of_text_is_plain_trimmed_and_short(text: str, message: str) -> None:
    assert messages(words.is_text(text, pointer="/t", longest=5)) == [message]
    assert messages(words.is_text("a-Ü 1", pointer="/t", longest=5)) == []
    assert messages(words.is_text("", pointer="/t", longest=5, empty=True)) == []


@pytest.mark.parametrize("name", ["N001", "EN45545-HL3", "PS-450mc-ASA-v3", "ISO/ASTM52920", "a" * 64])
def test_a_name_has_no_spaces(name: str) -> None:
    assert messages(words.are_names((name,), pointer="/n")) == []
    assert pointers(words.are_names((name, f"{name} ", "", "a" * 65, "-x"), pointer="/n")) == [
        "/n/1",
        "/n/2",
        "/n/3",
        "/n/4",
    ]


def test_a_count_lies_between_its_ends() -> None:
    assert messages(words.is_count(0, pointer="/n", least=0, most=2)) == []
    assert messages(words.is_count(2, pointer="/n", least=0, most=2)) == []
    assert messages(words.is_count(3, pointer="/n", least=0, most=2)) == ["is 3: use a whole number from 0 to 2"]
    assert pointers(words.is_count(-1, pointer="/n", least=0)) == ["/n"]
