"""How an inspection is judged: by the limits of the revision's plan, whatever was claimed; and which prints it covers.

Levels: ``none`` asks for nothing; ``visual``, ``ct`` and ``test_report`` for one inspection of the job as a whole, or
one of each good print; ``dimensional`` for one of each good print. CT and test report come with a report as evidence.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from fabroute.inventory.service import Characteristic
from fabroute.kernel.errors import FieldProblem

InspectionLevel = Literal["visual", "dimensional", "ct", "test_report"]
InspectionResult = Literal["pass", "fail"]
INSPECTION_LEVELS: tuple[InspectionLevel, ...] = get_args(InspectionLevel)
PIECE_BY_PIECE = frozenset({"dimensional"})
"""Levels at which each good print is inspected: one inspection of the whole job is not enough."""
WITH_REPORT = frozenset({"ct", "test_report"})
"""Levels at which evidence of the kind ``report`` is asked for."""
BY_REPORT = "report"
"""The kind of characteristic that a report as evidence answers, without a measurement."""
LONGEST_LIST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What was found about one characteristic: a length in mm, or words and whether it is as it should be."""

    name: str
    value_mm: float | None = None
    text: str = ""
    passed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an inspection comes to."""

    result: InspectionResult
    measurements: tuple[Mapping[str, object], ...]
    """With their limits, and whether each is within them."""
    findings: tuple[str, ...]
    """What is wrong, with figures; empty if nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """As much of an inspection as says which prints it covers."""

    print_number: int | None
    through_print: int
    """The last print that had been reported then."""
    level: str
    result: str


def plan_problems(
    plan: Sequence[Characteristic], measurements: Sequence[Measurement], *, whole_plan: bool, has_report: bool
) -> tuple[FieldProblem, ...]:
    """Return what is missing or can't be judged in ``measurements``; empty if nothing is.

    ``whole_plan``: whether every characteristic of the plan has to be there.
    """
    named = {it.name: index for index, it in enumerate(measurements)}
    problems = []
    if len(named) < len(measurements):
        problems.append(FieldProblem(pointer="/measurements", message="name each characteristic once"))
    for wanted in plan:
        if wanted.name in named:
            index = named[wanted.name]
            problems.extend(_unusable(wanted, measurements[index], pointer=f"/measurements/{index}"))
        elif whole_plan and not (wanted.kind == BY_REPORT and has_report):
            message = f"{wanted.name} ({wanted.kind}{_limits_in_words(wanted)}) is in the plan: add it"
            problems.append(FieldProblem(pointer="/measurements", message=message))
    return tuple(problems)


def judge(plan: Sequence[Characteristic], measurements: Iterable[Measurement], *, claimed_fail: str = "") -> Judgement:
    """Judge measurements by the limits of the plan; a limit itself is within.

    What the plan doesn't limit counts as it was said. ``claimed_fail``: why the inspector failed it whatever was
    measured; nobody can claim a pass.
    """
    wanted = {characteristic.name: characteristic for characteristic in plan}
    judged, findings = [], [claimed_fail] if claimed_fail else []
    for measured in measurements:
        finding = _finding(wanted.get(measured.name), measured)
        findings.extend([finding] if finding else [])
        judged.append(_judged(wanted.get(measured.name), measured, passed=not finding))
    return Judgement(result="fail" if findings else "pass", measurements=tuple(judged), findings=tuple(findings))


def uncovered(*, level: str, prints: Iterable[int], inspections: Sequence[Inspected]) -> tuple[int, ...]:
    """Return the good prints that lack a passed inspection of the level that the part asks for.

    ``inspections`` are those of the job, oldest first: of those that speak of a print, the latest decides. A visual
    level is met by any other, too; every failed inspection stops its prints, whatever its level.
    """
    return tuple(number for number in prints if not _covers(level, number, inspections))


def still_failed(*, prints: Iterable[int], inspections: Sequence[Inspected], by: Inspected) -> tuple[int, ...]:
    """Return the good prints that ``by`` speaks of, and that failed the latest of ``inspections``, oldest first."""
    return tuple(
        number
        for number in prints
        if _speaks_of(by, number) and any(it.result == "fail" for it in _about(inspections, number)[-1:])
    )


def _about(inspections: Sequence[Inspected], number: int) -> list[Inspected]:
    return [it for it in inspections if _speaks_of(it, number)]


def _covers(level: str, number: int, inspections: Sequence[Inspected]) -> bool:
    about = _about(inspections, number)
    if any(latest.result == "fail" for latest in about[-1:]):
        return False
    return level == "none" or any(it.result == "pass" and _meets(level, it) for it in _since_failed(about))


def _since_failed(about: Sequence[Inspected]) -> Sequence[Inspected]:
    """Return the inspections after the last failed one: what was passed before it counts no longer."""
    failed = [index for index, it in enumerate(about) if it.result == "fail"]
    return about[failed[-1] + 1 :] if failed else about


def _speaks_of(inspected: Inspected, number: int) -> bool:
    if inspected.print_number is None:
        return number <= inspected.through_print
    return inspected.print_number == number


def _meets(level: str, inspected: Inspected) -> bool:
    if level in PIECE_BY_PIECE and inspected.print_number is None:
        return False
    return level in ("visual", inspected.level)


def _unusable(wanted: Characteristic, measured: Measurement, *, pointer: str) -> Iterable[FieldProblem]:
    if measured.value_mm is not None and not math.isfinite(measured.value_mm):
        yield FieldProblem(pointer=f"{pointer}/value_mm", message="give a finite number of millimetres")
    elif _is_limited(wanted) and measured.value_mm is None:
        message = f"{wanted.name} has limits{_limits_in_words(wanted)}: give value_mm"
        yield FieldProblem(pointer=f"{pointer}/value_mm", message=message)
    elif not _is_limited(wanted) and measured.passed is None:
        yield FieldProblem(pointer=f"{pointer}/passed", message=f"say whether {wanted.name} is as it should be")


def _finding(wanted: Characteristic | None, measured: Measurement) -> str:
    """Return what is wrong, in words with figures; empty if nothing is."""
    value = measured.value_mm
    if wanted is not None and value is not None:
        if wanted.upper_mm is not None and value > wanted.upper_mm:
            return f"{measured.name} {value:g} mm, limit {wanted.upper_mm:g}"
        if wanted.lower_mm is not None and value < wanted.lower_mm:
            return f"{measured.name} {value:g} mm, limit {wanted.lower_mm:g}"
        if _is_limited(wanted):
            return ""
    if measured.passed is False:
        return f"{measured.name}: {measured.text}" if measured.text else f"{measured.name} is not as it should be"
    return ""


def _judged(wanted: Characteristic | None, measured: Measurement, *, passed: bool) -> Mapping[str, object]:
    return {
        "name": measured.name,
        "kind": "" if wanted is None else wanted.kind,
        "nominal_mm": None if wanted is None else wanted.nominal_mm,
        "lower_mm": None if wanted is None else wanted.lower_mm,
        "upper_mm": None if wanted is None else wanted.upper_mm,
        "value_mm": measured.value_mm,
        "text": measured.text,
        "passed": passed,
    }


def _is_limited(wanted: Characteristic) -> bool:
    return wanted.lower_mm is not None or wanted.upper_mm is not None


def _limits_in_words(wanted: Characteristic) -> str:
    if wanted.lower_mm is not None and wanted.upper_mm is not None:
        return f", {wanted.lower_mm:g} to {wanted.upper_mm:g} mm"
    if wanted.upper_mm is not None:
        return f", up to {wanted.upper_mm:g} mm"
    return "" if wanted.lower_mm is None else f", {wanted.lower_mm:g} mm or more"
