"""The words that facts about parts are told in, and the checks that name the field that is wrong."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence

import pycountry

from fabroute.estimation.facts import Process
from fabroute.kernel.errors import FieldProblem

CRITICALITIES = ("routine", "line_down", "aog", "consumer", "patient", "safety")
EXPORT_CLASSES = ("none", "dual_use", "itar")
IP_ZONES = ("any", "EU", "US", "EU_US", "same_country")
NODE_KINDS = ("in_house", "service_bureau", "regional_hub")
PACKAGINGS = ("plain", "brand", "esd", "medical_clean")
ORIENTATIONS = ("x", "y", "z")
INSPECTION_LEVELS = ("none", "visual", "dimensional", "ct", "test_report")
ALIAS_KINDS = ("old", "supplier", "manufacturer", "gtin")
DOCUMENT_KINDS = ("drawing", "bom", "finish", "other")
COUNTRIES = frozenset(country.alpha_2 for country in pycountry.countries)
"""ISO 3166-1 alpha-2 codes."""

LONGEST_NUMBER = 64
LONGEST_NAME = 120
LONGEST_NOTE = 2_000
MOST_OF_A_LIST = 200

_PAIR = re.compile(rf"(?P<process>{'|'.join(process.value for process in Process)}):[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/-]{0,63}")
_HS_CODE = re.compile(r"\d{4}(\.?\d{2}){0,3}")

Problems = Iterator[FieldProblem]


def is_one_of(value: str, known: Collection[str], *, pointer: str) -> Problems:
    """Yield a problem unless ``value`` is one of the known words."""
    if value not in known:
        yield FieldProblem(pointer=pointer, message=f"{value!r} is not known: use {', '.join(known)}")


def are_some_of(values: Sequence[str], known: Collection[str], *, pointer: str) -> Problems:
    """Yield a problem for each of ``values`` that is no known word."""
    for index, value in enumerate(values):
        yield from is_one_of(value, known, pointer=f"{pointer}/{index}")


def are_countries(values: Sequence[str], *, pointer: str) -> Problems:
    """Yield a problem for each of ``values`` that is no country."""
    for index, value in enumerate(values):
        if value not in COUNTRIES:
            message = f"{value!r} is no country: use two capital letters of ISO 3166-1, such as DE"
            yield FieldProblem(pointer=f"{pointer}/{index}", message=message)


def are_names(values: Sequence[str], *, pointer: str) -> Problems:
    """Yield a problem for each of ``values`` that can't be the name of a node, certificate or parameter set."""
    for index, value in enumerate(values):
        if not _NAME.fullmatch(value):
            message = f"{value!r} is no name: up to 64 letters, digits and . _ : + / - without spaces"
            yield FieldProblem(pointer=f"{pointer}/{index}", message=message)


def are_different(values: Sequence[str], *, pointer: str) -> Problems:
    """Yield a problem for each value that stands in the list twice, and one for a list that is far too long."""
    if len(values) > MOST_OF_A_LIST:
        yield FieldProblem(pointer=pointer, message=f"holds {len(values)} entries: {MOST_OF_A_LIST} are allowed")
    for index, value in enumerate(values):
        if value in values[:index]:
            yield FieldProblem(pointer=f"{pointer}/{index}", message=f"{value!r} stands in the list twice")


def are_process_materials(values: Sequence[str], *, pointer: str) -> Problems:
    """Yield a problem unless there is at least one pair and every one names a known process and a material."""
    if not values:
        yield FieldProblem(pointer=pointer, message="name at least one PROCESS:MATERIAL pair, e.g. MJF:PA12-MJF")
    for index, value in enumerate(values):
        if not _PAIR.fullmatch(value):
            processes = ", ".join(process.value for process in Process)
            message = f"{value!r} is no PROCESS:MATERIAL pair, e.g. MJF:PA12-MJF; processes are {processes}"
            yield FieldProblem(pointer=f"{pointer}/{index}", message=message)


def is_text(value: str, *, pointer: str, longest: int, empty: bool = False) -> Problems:
    """Yield a problem unless ``value`` is a plain line of text, without spaces around it."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        yield FieldProblem(pointer=pointer, message="must not hold control characters")
    elif value != value.strip():
        yield FieldProblem(pointer=pointer, message=f"{value!r} has spaces around it: leave them out")
    elif not value and not empty:
        yield FieldProblem(pointer=pointer, message="must not be empty")
    elif len(value) > longest:
        yield FieldProblem(pointer=pointer, message=f"has {len(value)} characters: {longest} are allowed")


def is_hs_code(value: str, *, pointer: str) -> Problems:
    """Yield a problem unless ``value`` is a customs tariff number of 4 to 10 digits."""
    if not _HS_CODE.fullmatch(value):
        message = f"{value!r} is no HS code: use 4, 6, 8 or 10 digits, e.g. 8508.70"
        yield FieldProblem(pointer=pointer, message=message)


def is_gtin(value: str, *, pointer: str) -> Problems:
    """Yield a problem unless ``value`` is a GTIN with a right check digit (GS1: weights 3 and 1 from the right)."""
    if not (value.isascii() and value.isdigit() and len(value) in (8, 12, 13, 14)):
        yield FieldProblem(pointer=pointer, message=f"{value!r} is no GTIN: it has 8, 12, 13 or 14 digits")
        return
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(value[:-1])))
    check = -weighted % 10
    if check != int(value[-1]):
        message = f"{value} has the check digit {value[-1]}, should be {check}: look for a typing error"
        yield FieldProblem(pointer=pointer, message=message)


def is_count(value: int, *, pointer: str, least: int, most: int = 2_000_000_000) -> Problems:
    """Yield a problem unless ``value`` lies between ``least`` and ``most``."""
    if not least <= value <= most:
        yield FieldProblem(pointer=pointer, message=f"is {value}: use a whole number from {least} to {most}")
