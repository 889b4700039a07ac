"""What the inventory adds to a row, and how a row is kept."""

import dataclasses
import json
from typing import Any

import pytest

from fabroute.advice.rules.screening_parts import ScreenedPart
from fabroute.advice.service.screening_facts import ListedPart, given_document, listed_part, with_inventory
from fabroute.inventory.service import ConventionalMethod, PartView, RevisionSize, RevisionView
from tests.factories.screenings import a_spare_part

SIZE = RevisionSize(box_x_mm=40, box_y_mm=30, box_z_mm=20, volume_cm3=10)


def a_revision_view(**changes: Any) -> RevisionView:
    """Return a draft without a file, 40 × 30 × 20 mm."""
    figures: dict[str, Any] = {
        "revision_id": "rev_1",
        "part_id": "part_1",
        "organisation_id": "org_1",
        "part_no": "P-1",
        "name": "Nozzle",
        "sector": "paper",
        "criticality": "routine",
        "hs_code": "8439",
        "revision": "A",
        "state": "draft",
        "size": SIZE,
        "process_materials": ("MJF:PA12-MJF",),
        "required_certificates": ("ISO9001",),
        "part_qualification": False,
        "export_class": "none",
        "ip_zone": "any",
        "released_at": None,
        "file": None,
    }
    return RevisionView(**(figures | changes))


def a_part_view(*revisions: RevisionView, annual_demand: int = 12, **method: int) -> PartView:
    return PartView(
        part_id="part_1",
        organisation_id="org_1",
        part_no="P-1",
        name="Nozzle",
        sector="paper",
        criticality="routine",
        hs_code="8439",
        annual_demand=annual_demand,
        note="",
        revisions=revisions,
        conventional=ConventionalMethod(**method),
    )


BARE = ScreenedPart(part_no="P-1")


def test_a_part_that_nobody_knows_is_left_as_it_is() -> None:
    assert with_inventory(BARE, None) == (BARE, ())
    assert with_inventory(BARE, a_part_view(annual_demand=0)) == (BARE, ())


def test_everything_that_is_left_out_is_filled_and_named() -> None:
    known = a_part_view(a_revision_view(), unit_minor=900, tooling_minor=50_000, minimum_quantity=250, lead_days=80)
    part, taken = with_inventory(BARE, known)
    assert (part.unit_price_minor, part.tooling_minor, part.minimum_quantity, part.lead_days) == (900, 50_000, 250, 80)
    assert (part.demand, part.box_mm, part.volume_cm3) == (12, (40, 30, 20), 10)
    assert (part.process_materials, part.required_certificates) == (("MJF:PA12-MJF",), ("ISO9001",))
    assert not part.has_print_file
    assert taken == tuple(
        f"{name}: from your inventory"
        for name in (
            *("unit_price", "tooling", "minimum_quantity", "lead_days", "demand"),
            *("box_mm", "volume_cm3", "process_materials", "required_certificates"),
        )
    )


def test_what_the_row_says_is_kept() -> None:
    known = a_part_view(a_revision_view(), unit_minor=900, tooling_minor=50_000, minimum_quantity=7, lead_days=8)
    stated = a_spare_part(required_certificates=("X",), tooling_minor=0.0)
    assert with_inventory(stated, known) == (stated, ())
    history = dataclasses.replace(stated, demand=None, history=(1.0, 0.0))
    assert with_inventory(history, known)[0].demand is None
    needed = dataclasses.replace(stated, demand=None, need=3.0)
    assert with_inventory(needed, known)[0].demand is None


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({"box_mm": None}, True),
        ({"volume_cm3": None}, True),
        ({"volume_cm3": None, "mass_g": 12.0}, False),
        ({}, False),
    ],
)
def test_box_and_volume_come_together_or_not_at_all(changes: dict[str, Any], taken: bool) -> None:
    other = RevisionSize(box_x_mm=4, box_y_mm=3, box_z_mm=2, volume_cm3=0.01)
    row = a_spare_part(**({"required_certificates": ("X",)} | changes))
    part, words = with_inventory(row, a_part_view(a_revision_view(size=other)))
    assert (part.box_mm == (4, 3, 2), part.volume_cm3 == 0.01) == (taken, taken)
    assert words == (("box_mm: from your inventory", "volume_cm3: from your inventory") if taken else ())


def test_the_released_revision_speaks_else_the_last_one_with_a_size() -> None:
    old = a_revision_view(revision="A", state="released", process_materials=("OLD",))
    measured = a_revision_view(revision="B", process_materials=("MEASURED",))
    empty = a_revision_view(revision="C", size=None, process_materials=("EMPTY",))

    def speaks(*revisions: RevisionView) -> tuple[str, ...]:
        return with_inventory(BARE, a_part_view(*revisions))[0].process_materials

    assert speaks(old, measured, empty) == ("OLD",)
    assert speaks(measured, empty) == ("MEASURED",)
    assert speaks(empty) == ("EMPTY",)
    assert with_inventory(BARE, a_part_view(empty))[0].box_mm is None


def test_a_row_is_kept_as_plain_json_and_comes_back_the_same() -> None:
    part = a_spare_part(history=(1.0, 0.0), required_certificates=("X",), stock=3.0, printable=True)
    kept = given_document(ListedPart(part=part, name="Nozzle", currency="SEK", per_eur=11.25))
    back = json.loads(json.dumps(kept))
    assert (back["name"], back["currency"], back["per_eur"]) == ("Nozzle", "SEK", 11.25)
    assert listed_part("P-1", back) == part
    assert listed_part("P-2", json.loads(json.dumps(given_document(ListedPart(part=BARE))))).part_no == "P-2"


def test_a_row_of_which_too_little_was_kept_is_noticed() -> None:
    with pytest.raises(KeyError):
        listed_part("P-1", {})
    with pytest.raises(TypeError):
        listed_part("P-1", given_document(ListedPart(part=BARE)) | {"history": 7})
