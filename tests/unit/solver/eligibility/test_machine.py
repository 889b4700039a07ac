"""Gates of file and machine."""

import pytest

from fabroute.solver.eligibility.machine import (
    build_volume,
    file_validated,
    machine_up,
    node_up,
    parameter_set_allowed,
    parameter_set_qualified,
    process_material,
)
from tests.factories.eligibility import line_facts, node_facts, offer_facts


def test_a_released_revision_with_a_validated_file_passes() -> None:
    assert file_validated(line_facts()) is None


def test_what_was_ordered_before_a_newer_revision_came_is_still_made() -> None:
    assert file_validated(line_facts(revision_state="superseded")) is None
    assert file_validated(line_facts(revision_state="superseded", file_validated=False)) is not None


@pytest.mark.parametrize(
    ("state", "validated", "words"),
    [
        ("released", False, "the revision is released and its print file not validated"),
        ("withdrawn", True, "the revision is withdrawn and its print file validated"),
    ],
)
def test_any_other_revision_has_no_file_to_print(state: str, validated: bool, words: str) -> None:
    refusal = file_validated(line_facts(revision_state=state, file_validated=validated))

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("FILE_NOT_VALIDATED", words)
    assert refusal.figures == {"revision_state": state, "file_validated": validated}


def test_a_node_and_a_machine_that_work_pass() -> None:
    assert node_up(node_facts()) is None
    assert machine_up(offer_facts()) is None


def test_a_node_or_machine_that_is_down_says_so() -> None:
    silent, told = node_up(node_facts(status="down")), node_up(node_facts(status="down", status_reason="flood"))
    machine = machine_up(offer_facts(machine_status="maintenance"))

    assert silent is not None
    assert told is not None
    assert machine is not None
    assert (silent.message, told.message) == ("the node is down", "the node is down: flood")
    assert (machine.code, machine.message, machine.machine_id) == (
        "NODE_DOWN",
        "machine N1-M290 is maintenance",
        "N1-M290",
    )


def test_an_allowed_process_and_material_passes_even_beside_others() -> None:
    offers = (offer_facts(material="TI64"), offer_facts())

    assert process_material(line_facts(), offers) is None


def test_a_node_without_the_process_or_material_shows_what_is_allowed_and_what_it_offers() -> None:
    line = line_facts(process_materials=frozenset({"LPBF:316L", "BJT:316L-BJ"}))

    refusal, empty = process_material(line, (offer_facts(material="TI64"),)), process_material(line, ())

    assert refusal is not None
    assert empty is not None
    assert refusal.figures == {"allowed": "BJT:316L-BJ, LPBF:316L", "offered": "LPBF:TI64"}
    assert (refusal.code, empty.figures["offered"]) == ("PROCESS_MATERIAL", "nothing")


def test_only_a_qualified_parameter_set_passes() -> None:
    refusal = parameter_set_qualified(offer_facts(parameter_set_state="development"))

    assert parameter_set_qualified(offer_facts()) is None
    assert refusal is not None
    assert (refusal.code, refusal.machine_id) == ("NO_PARAMETER_SET", "N1-M290")
    assert refusal.message == "parameter set PS-290-316L-v2 is in development, not qualified"


def test_a_part_that_fits_exactly_within_the_margins_passes_in_any_rotation() -> None:
    machine = offer_facts(build_box_mm=(106.0, 56.0, 46.0))

    assert build_volume(line_facts(box_mm=(40.0, 100.0, 50.0)), machine) is None
    assert build_volume(line_facts(box_mm=(100.0, 50.0, 40.0)), machine) is None


def test_a_part_one_tenth_too_long_names_what_it_needs_and_what_there_is() -> None:
    refusal = build_volume(line_facts(box_mm=(410.0, 20.0, 20.0)), offer_facts(build_box_mm=(340.0, 340.0, 340.0)))
    close = build_volume(line_facts(box_mm=(100.1, 50.0, 40.0)), offer_facts(build_box_mm=(106.0, 56.0, 46.0)))

    assert refusal is not None
    assert close is not None
    assert refusal.message == "needs 410 mm, has 334 mm of 340 × 340 × 340 less margins"
    assert (close.code, close.figures["needs_mm"], close.figures["has_mm"]) == ("BUILD_VOLUME", 100.1, 100.0)


def test_a_qualified_orientation_is_not_turned() -> None:
    machine = offer_facts(build_box_mm=(256.0, 256.0, 106.0))
    flat, upright = (200.0, 80.0, 90.0), (80.0, 90.0, 200.0)

    assert build_volume(line_facts(box_mm=upright), machine) is None
    assert build_volume(line_facts(box_mm=upright, orientation_mm=flat), machine) is None
    refusal = build_volume(line_facts(box_mm=flat, orientation_mm=upright), machine)
    assert refusal is not None
    assert (refusal.figures["needs_mm"], refusal.figures["has_mm"]) == (200.0, 100.0)


def test_a_part_that_must_stand_in_one_way_may_be_turned_about_its_vertical_axis() -> None:
    machine = offer_facts(build_box_mm=(206.0, 106.0, 56.0))
    lengthwise, crosswise, on_edge = (200.0, 100.0, 50.0), (100.0, 200.0, 50.0), (200.0, 50.0, 100.0)

    assert build_volume(line_facts(box_mm=lengthwise, orientation_mm=lengthwise), machine) is None
    assert build_volume(line_facts(box_mm=lengthwise, orientation_mm=crosswise), machine) is None
    refusal = build_volume(line_facts(box_mm=lengthwise, orientation_mm=on_edge), machine)
    assert refusal is not None
    assert (refusal.figures["needs_mm"], refusal.figures["has_mm"]) == (100.0, 50.0)


def test_a_part_that_names_parameter_sets_is_made_with_one_of_them() -> None:
    line = line_facts(parameter_sets=frozenset({"PS-290-316L-v1", "PS-400-316L-v1"}))

    refusal = parameter_set_allowed(line, offer_facts())

    assert parameter_set_allowed(line_facts(), offer_facts()) is None
    assert parameter_set_allowed(line, offer_facts(parameter_set="PS-290-316L-v1")) is None
    assert refusal is not None
    assert (refusal.code, refusal.machine_id) == ("NO_PARAMETER_SET", "N1-M290")
    assert refusal.message == "the part allows only PS-290-316L-v1, PS-400-316L-v1; this is PS-290-316L-v2"
    assert refusal.figures["allowed"] == "PS-290-316L-v1, PS-400-316L-v1"
