"""What the reference parts cost conventionally, as their file says."""

import csv
from decimal import Decimal

import pytest

from fabroute.advice.service import quote_advice
from fabroute.estimation.crossover import CrossoverZone, Method
from fabroute.integrations.reference import reference_folder
from fabroute.integrations.reference.files import read_files
from fabroute.integrations.reference.rows import PartRow
from fabroute.integrations.reference.tables import Problems
from fabroute.inventory.service import ConventionalMethod


def reference_parts() -> dict[str, PartRow]:
    problems = Problems()
    found = {read.value.part_no: read.value for read in read_files(reference_folder(), problems).parts}
    assert problems.found == []
    return found


def test_every_part_has_the_figures_of_its_row() -> None:
    parts = reference_parts()
    with (reference_folder() / "parts.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert len(rows) == len(parts) == 32
    for row in rows:
        method = parts[row["part_no"]].conventional
        cents = [int(Decimal(row[name]) * 100) if row[name] else None for name in ("conv_unit_eur", "conv_tooling_eur")]
        counts = [int(row[name]) if row[name] else None for name in ("conv_moq", "conv_lead_days")]
        assert [method.unit_minor, method.tooling_minor] == cents
        assert [method.minimum_quantity, method.lead_days] == counts


def test_five_parts_have_no_conventional_way() -> None:
    unknown = {number for number, part in reference_parts().items() if not part.conventional.is_known}

    assert unknown == {"FU-0204", "FU-0205", "ME-0501", "ZZ-0901", "ZZ-0902"}
    assert reference_parts()["FU-0205"].conventional == ConventionalMethod()


@pytest.mark.parametrize(
    ("part_no", "quantity", "printed_minor", "zone", "cheaper"),
    [
        ("AP-0103", 100, 30_000, CrossoverZone.ADDITIVE, Method.PRINT),
        ("RL-0001", 120, 2_604_380, CrossoverZone.CONVENTIONAL, Method.CONVENTIONAL),
        ("MA-0304", 1, 300_000, CrossoverZone.ADDITIVE, Method.PRINT),
    ],
)
def test_a_reference_part_can_be_advised(
    part_no: str, quantity: int, printed_minor: int, zone: CrossoverZone, cheaper: Method
) -> None:
    method = reference_parts()[part_no].conventional
    found = quote_advice(quantity=quantity, printed_minor=printed_minor, conventional=method)

    assert found is not None
    assert (found.zone, found.cheaper) == (zone, cheaper)
