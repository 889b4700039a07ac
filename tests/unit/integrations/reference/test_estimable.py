"""What is loaded can be estimated: the limits of estimates are held where the files are read, with place and advice."""

from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabroute.estimation.facts import InvalidFact, MachineModelFacts, MaterialFacts, PartGeometry
from fabroute.integrations.reference.files import ReferenceFiles
from fabroute.network.service import NewMachineModel, NewMaterial
from fabroute.network.service.facts import machine_facts, material_facts
from fabroute.network.snapshot import MachineModelView, MaterialView
from tests.factories.reference import changed, problems_of, read_reference, reference_files, write_reference

SIDE = "give a number from 0.01 up to 100000, such as 12.5"
HOURS = "give a number from 0 up to 1000, such as 12.5"
DENSITY = "give a number from 0.001 up to 25, such as 12.5"
EUR_PER_HOUR = "give a number from 0.01 up to 100000, such as 12.5"
EUR_PER_KG = "give a number from 0.01 up to 1e+06, such as 12.5"
NO_DENSER = "is more than density_g_cm3 (1.01): loose powder holds air, swap them"
MODEL, RATE, MATERIAL = ",380,284,380,80,6.2,0,1.0,24,0.5,1.0,45,9.0", ",40,9,13.3,", "1.01,0.425,60"
NUMBERS = ("0", "1e-9", "0.001", "0.004", "0.005", "0.01", "0.1", "1", "5", "25", "26", "1000", "1001")
LARGE = ("9999", "10001", "86401", "100000", "100001", "1000000", "1000001", "20000000", "1e11")

REFUSED = [
    ("machine_models", MODEL, MODEL.replace("45,9.0", "0,9.0"), 2, "machine_rate_eur_h", EUR_PER_HOUR),
    ("machine_models", MODEL, MODEL.replace("45,9.0", "0.004,9.0"), 2, "machine_rate_eur_h", EUR_PER_HOUR),
    ("machine_models", MODEL, MODEL.replace("45,9.0", "100001,9.0"), 2, "machine_rate_eur_h", EUR_PER_HOUR),
    ("machine_models", MODEL, MODEL.replace(",380,284", ",0,284"), 2, "x_mm", SIDE),
    ("machine_models", MODEL, MODEL.replace("284", "100001"), 2, "y_mm", SIDE),
    ("machine_models", MODEL, MODEL.replace("380,80", "0.009,80"), 2, "z_mm", SIDE),
    ("machine_models", MODEL, MODEL.replace("24,0.5", "1001,0.5"), 2, "cooldown_h", HOURS),
    ("machine_models", MODEL, MODEL.replace("9.0", "10001"), 2, "avg_power_kw", HOURS.replace("1000,", "10000,")),
    ("machine_models", MODEL, MODEL.replace("6.2", "86401"), 2, "layer_fixed_s", HOURS.replace("1000,", "86400,")),
    ("machine_models", RATE, ",0.05,9,13.3,", 3, "layer_um", "give a number from 0.1 up to 100000, such as 12.5"),
    (
        "machine_models",
        RATE,
        ",40,9,1e-4,",
        3,
        "rate_cm3_h",
        "is less than 0.001: check its unit, or give 0 if layers count",
    ),
    ("materials", MATERIAL, "1.01,0.425,0", 2, "price_eur_kg", EUR_PER_KG),
    ("materials", MATERIAL, "1.01,0.425,1000001", 2, "price_eur_kg", EUR_PER_KG),
    ("materials", MATERIAL, "1.01,1.02,60", 2, "bulk_density_g_cm3", NO_DENSER),
    ("materials", MATERIAL, "1.01,0,60", 2, "bulk_density_g_cm3", DENSITY),
    ("materials", MATERIAL, "1010,0.425,60", 2, "density_g_cm3", DENSITY),
    ("parts", ",74,28,22,", ",74,28,100001,", 2, "bz_mm", SIDE),
    ("nodes", ",46,", ",100001,", 2, "labour_eur_h", "give a number from 0 up to 100000, such as 12.5"),
    ("nodes", "16:00,Mon-Fri,50,", "16:00,Mon-Fri,10000001,", 2, "min_order_eur", "give a number from 0 up to 1e+07"),
]


def model_facts(model: NewMachineModel) -> MachineModelFacts:
    return machine_facts(MachineModelView(**asdict(model)))


def facts_of(material: NewMaterial) -> MaterialFacts:
    return material_facts(MaterialView(**asdict(material)))


def everything_estimated(files: ReferenceFiles) -> int:
    """Make facts of every row, which raises where estimates take none, and return how many there are."""
    models = [model_facts(read.value) for read in files.models]
    materials = [facts_of(read.value) for read in files.materials]
    parts = [PartGeometry(box_mm=it.value.box_mm, volume_cm3=it.value.volume_cm3) for it in files.parts]
    return len(models) + len(materials) + len(parts)


@pytest.mark.parametrize(("file", "old", "new", "line", "column", "advice"), REFUSED)
def test_what_no_estimate_takes_is_refused_when_it_is_loaded(
    tmp_path: Path, file: str, old: str, new: str, line: int, column: str, advice: str
) -> None:
    (found,) = problems_of(write_reference(tmp_path, **changed(file, old, new)))

    assert (found.file, found.line, found.column) == (f"{file}.csv", line, column)
    assert found.advice.startswith(advice)
    assert found.value in new


def test_powder_may_be_as_dense_as_what_it_melts_to_and_a_price_as_low_as_a_cent(tmp_path: Path) -> None:
    changes = changed("materials", MATERIAL, "1.01,1.01,0.01")
    changes |= changed("machine_models", MODEL, MODEL.replace("45,9.0", "0.01,9.0"))
    files = read_reference(write_reference(tmp_path, **changes))

    assert (files.materials[0].value.bulk_density_g_per_cm3, files.materials[0].value.price_minor_per_kg) == (1.01, 1)
    assert files.models[0].value.rate_minor_per_hour == 1
    assert everything_estimated(files) == 5


def test_a_density_that_can_not_be_is_told_once(tmp_path: Path) -> None:
    found = problems_of(write_reference(tmp_path, **changed("materials", "7.97,4.5", "797,4.5")))

    assert [(problem.line, problem.column, problem.advice) for problem in found] == [(3, "density_g_cm3", DENSITY)]


def test_the_reference_network_can_be_estimated() -> None:
    files = reference_files()

    assert everything_estimated(files) == len(files.models) + len(files.materials) + len(files.parts)
    with pytest.raises(InvalidFact, match="has no rate"):
        model_facts(NewMachineModel(**(asdict(files.models[0].value) | {"rate_minor_per_hour": 0})))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("estimable")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cell=st.sampled_from([("machine_models", MODEL, at) for at in range(1, 13)] + [("materials", MATERIAL, 0)]),
    number=st.sampled_from(NUMBERS + LARGE),
)
def test_whatever_number_stands_in_a_cell_it_is_refused_or_estimated(
    folder: Path, cell: tuple[str, str, int], number: str
) -> None:
    file, old, at = cell
    values = old.split(",")
    values[at] = number
    write_reference(folder, **changed(file, old, ",".join(values)))

    found = problems_of(folder)

    assert found != [] or everything_estimated(read_reference(folder)) == 5
    assert {problem.file for problem in found} <= {f"{file}.csv"}
