"""Every constant that an estimate may stand on can be listed, with where it comes from."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

import pytest

import fabroute.estimation
from fabroute.estimation.calibration import P90_BEFORE_EVIDENCE, PRIOR_BUILDS, PRIOR_PRINTS
from fabroute.estimation.facts import Process
from fabroute.estimation.processes import PROCESSES, ProcessConstants
from fabroute.estimation.sources import Mark, SourcedFigure, all_constants, figures_used
from tests.factories.estimation import (
    a_machine,
    a_material,
    reference_machine,
    reference_machines,
    reference_material,
    reference_materials,
    reference_offers,
)

LIMITS = {
    # What is refused, and where times are read: no estimate changes with them.
    "SMALLEST_SIDE_MM",
    "LARGEST_SIDE_MM",
    "SMALLEST_VOLUME_CM3",
    "HEAVIEST_G_PER_CM3",
    "MOST_HOURS",
    "MOST_MINOR_PER_HOUR",
    "MOST_MINOR_PER_KG",
    "MOST_PIECES",
    "MOST_COUNTED",
    "WHOLE_BUILD",
    "LARGEST_RATIO",
}


def listed() -> dict[tuple[str, str], SourcedFigure]:
    return {(each.subject, each.code): each for each in all_constants([a_machine()], [a_material()])}


def of_the_reference() -> tuple[SourcedFigure, ...]:
    return all_constants(reference_machines(), reference_materials())


def numbers_of_the_package() -> Iterator[tuple[str, float]]:
    """Yield every public module constant of the room that is a number."""
    for module in pkgutil.iter_modules(fabroute.estimation.__path__):
        names = vars(importlib.import_module(f"fabroute.estimation.{module.name}"))
        yield from ((name, value) for name, value in names.items() if name.isupper() and isinstance(value, int | float))


def test_every_constant_is_named_once_with_unit_and_source() -> None:
    constants = of_the_reference()
    assert len({(each.subject, each.code) for each in constants}) == len(constants)
    assert [each for each in constants if not (each.code and each.unit and each.source)] == []


def test_no_number_of_the_package_is_left_out() -> None:
    values = {each.value for each in all_constants([], [])}
    hidden = {name for name, value in numbers_of_the_package() if not name.startswith("_") and value not in values}
    assert hidden <= LIMITS
    assert {"FIT_MARGIN_MM", "PRIOR_BUILDS", "CAPITAL_YEARS"} <= {name for name, _ in numbers_of_the_package()}


@pytest.mark.parametrize("process", list(Process))
def test_every_constant_of_a_process_is_an_assumption_that_is_listed(process: Process) -> None:
    numbers = [field.name for field in fields(ProcessConstants) if field.type != "bool" and field.type is not bool]
    found = {code: each for (subject, code), each in listed().items() if subject == process.value}
    assert sorted(found) == sorted(numbers)
    assert {code: each.value for code, each in found.items()} == {
        name: getattr(PROCESSES[process], name) for name in numbers
    }
    assert {each.mark for each in found.values()} == {Mark.ASSUMPTION}


@pytest.mark.parametrize(
    ("code", "value", "unit", "mark"),
    [
        ("fit_margin_mm", 3.0, "mm", Mark.ASSUMPTION),
        ("finishing_hands", 2, "people", Mark.ASSUMPTION),
        ("prior_builds", PRIOR_BUILDS, "builds", Mark.ASSUMPTION),
        ("p90_before_evidence", P90_BEFORE_EVIDENCE, "share of P50", Mark.ASSUMPTION),
        ("most_learnt_ratio", 3.0, "times the estimate", Mark.ASSUMPTION),
        ("prior_prints", PRIOR_PRINTS, "prints", Mark.ASSUMPTION),
        ("multi_laser_from", 53.0, "cm3 per h", Mark.VENDOR),
        ("multi_laser_efficiency", 0.8, "share of the volume rate", Mark.ASSUMPTION),
        ("crossover_additive_below", 0.5, "share of the crossover", Mark.ASSUMPTION),
        ("crossover_conventional_above", 2.0, "share of the crossover", Mark.ASSUMPTION),
        ("capital_interest", 0.07, "share per year", Mark.SECOND_HAND),
        ("capital_years", 7, "years", Mark.SECOND_HAND),
        ("machine_hours_per_year", pytest.approx(3744), "h per year", Mark.SECOND_HAND),
    ],
)
def test_constants_of_every_estimate_are_listed_by_name(code: str, value: float, unit: str, mark: Mark) -> None:
    found = listed()["", code]
    assert (found.unit, found.mark) == (unit, mark)
    assert found.value == value


def test_a_machine_and_a_material_are_listed_under_their_names() -> None:
    constants = listed()
    assert constants["Model MEX", "warmup_hours"].source == "Model MEX: V box; the rest M"
    assert constants["Model MEX", "warmup_hours"].mark is Mark.MEMORY
    assert (constants["STUFF", "density_g_per_cm3"].value, constants["STUFF", "density_g_per_cm3"].mark) == (
        1.0,
        Mark.VENDOR,
    )
    assert (constants["STUFF", "embodied_g_per_kg"].value, constants["STUFF", "embodied_g_per_kg"].mark) == (
        5000,
        Mark.ASSUMPTION,
    )


def test_what_is_given_twice_is_listed_once() -> None:
    once = all_constants([a_machine()], [a_material()])
    assert all_constants([a_machine(), a_machine()], [a_material(), a_material()]) == once
    assert Counter(each.subject for each in once)["Model MEX"] == 9


def test_without_machines_and_materials_the_assumptions_of_the_room_are_left() -> None:
    marks = Counter(each.mark for each in all_constants([], []))
    assert marks == {Mark.ASSUMPTION: 9 + 7 * 13, Mark.SECOND_HAND: 3, Mark.VENDOR: 1}
    assert marks[Mark.MEASURED] == marks[Mark.STATED] == 0


def test_every_figure_of_an_estimate_is_in_the_list() -> None:
    constants = {(each.subject, each.code): each for each in of_the_reference()}
    learnt = {"time_factor_p50", "time_factor_p90"}
    for _, model, material in reference_offers():
        for figure in figures_used(reference_machine(model), reference_material(material)):
            if figure.code in learnt or (figure.subject, figure.code) == ("LPBF", "efficiency"):
                continue
            assert constants[figure.subject, figure.code] == figure
    assert constants["LPBF", "efficiency"].value == 0.7


def test_the_reference_tables_say_of_most_figures_how_they_are_known() -> None:
    marks = Counter(each.mark for each in of_the_reference())
    models, materials = len(reference_machines()), len(reference_materials())
    assert marks[Mark.ASSUMPTION] == 9 + 7 * 13 + materials
    assert marks.total() == 13 + 7 * 13 + 9 * models + sum(
        1 + 3 + (each.bulk_density_g_per_cm3 is not None) + (each.refresh_ratio is not None)
        for each in reference_materials()
    )
    assert marks[Mark.MEASURED] == 0
