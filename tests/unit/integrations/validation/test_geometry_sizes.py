"""Files in metres or inches show in their box; so do parts no machine can hold."""

from collections.abc import Iterator

import pytest
from manifold3d import Manifold

from fabroute.integrations.validation.geometry import measure
from fabroute.inventory.ports import Finding, PrintFileFormat
from tests.factories.meshes import (
    REAL_PRINTS,
    a_mesh,
    a_reading,
    a_request,
    moved,
    needs_real_prints,
    real_part,
)

Box = tuple[float, float, float]


def findings_of(box: Box, *, expected: Box | None = None, format: PrintFileFormat = "stl") -> tuple[Finding, ...]:
    reading = a_reading(a_mesh(Manifold.cube(box)), format=format, unit="" if format == "stl" else "millimeter")
    return measure(reading, a_request(expected_box_mm=expected)).findings


def the_finding(box: Box, *, expected: Box | None = None, format: PrintFileFormat = "stl") -> Finding:
    (finding,) = findings_of(box, expected=expected, format=format)
    return finding


def _scaled(factor: float) -> Box:
    return 62 / factor, 48 / factor, 34 / factor


@pytest.mark.parametrize(
    ("factor", "code", "words"),
    [
        (1000.0, "UNITS_METRES", "1000 times smaller, as a drawing in metres is."),
        (25.4, "UNITS_INCHES", "25.4 times smaller, as a drawing in inches is."),
        (10.0, "UNITS_CENTIMETRES", "10 times smaller, as a drawing in centimetres is."),
        (0.001, "UNITS_MICRONS", "1000 times larger, as a drawing in micrometres is."),
    ],
)
def test_a_box_off_by_the_factor_of_a_unit_is_an_error(factor: float, code: str, words: str) -> None:
    findings = findings_of(_scaled(factor), expected=(62, 48, 34))
    assert (findings[0].code, findings[0].severity) == (code, "error")
    assert findings[0].message.endswith(f"its revision says 62 × 48 × 34 mm: {words}")
    assert f"Scale the part by {factor:g}" in findings[0].advice


def test_the_part_may_lie_in_any_direction() -> None:
    assert findings_of((34, 62, 48), expected=(62, 48, 34)) == ()
    assert the_finding((0.034, 0.062, 0.048), expected=(62, 48, 34)).code == "UNITS_METRES"


def test_a_box_within_two_percent_and_half_a_millimetre_is_the_same() -> None:
    assert findings_of((63, 48.9, 34.5), expected=(62, 48, 34)) == ()
    assert the_finding((65, 48, 34), expected=(62, 48, 34)).code == "BOX_DIFFERS"


def test_a_tiny_part_in_metres_is_noticed_too() -> None:
    assert the_finding((4e-4, 4e-4, 3e-4), expected=(0.4, 0.4, 0.3)).code == "UNITS_METRES"
    assert the_finding((0.4, 0.4, 0.3), expected=(0.4, 0.45, 0.3)).code == "THIN_WALL"


def test_another_size_is_only_a_warning() -> None:
    finding = the_finding((80, 48, 34), expected=(62, 48, 34))
    assert (finding.code, finding.severity) == ("BOX_DIFFERS", "warning")
    assert finding.message == "The part measures 80 × 48 × 34 mm, its revision says 62 × 48 × 34 mm."
    assert "correct whichever is wrong" in finding.advice


def test_a_small_part_is_no_suspect_if_that_is_its_size() -> None:
    assert findings_of((5, 4, 3), expected=(5, 4, 3)) == ()
    assert the_finding((5, 4, 3)).code == "UNITS_SUSPECT"


def test_an_stl_smaller_than_a_millimetre_is_in_metres() -> None:
    finding = the_finding((0.062, 0.048, 0.034))
    assert (finding.code, finding.severity) == ("UNITS_METRES", "error")
    assert finding.message == "The part measures only 0.062 × 0.048 × 0.034 mm; read in metres it is 62 × 48 × 34 mm."
    assert "send it as 3MF, which states its unit" in finding.advice


def test_a_3mf_that_small_states_its_unit_and_is_only_warned_of() -> None:
    finding = the_finding((0.062, 0.048, 0.034), format="3mf")
    assert (finding.code, finding.severity) == ("UNITS_METRES", "warning")
    assert finding.advice == "Scale the part by 1000, or state the right unit in the file."


def test_sixty_fourths_give_a_drawing_in_inches_away() -> None:
    finding = the_finding((2.65625, 2.953125, 0.625))
    assert (finding.code, finding.severity) == ("UNITS_INCHES", "warning")
    assert finding.message.endswith("read in inches it is 67.47 × 75.01 × 15.88 mm.")
    assert "Scale the part by 25.4" in finding.advice


def test_round_numbers_give_nothing_away() -> None:
    finding = the_finding((6, 1, 1))
    assert (finding.code, finding.severity) == ("UNITS_SUSPECT", "warning")
    assert finding.message == (
        "The part measures only 6 × 1 × 1 mm; in inches it would be 152.4 × 25.4 × 25.4 mm, in centimetres "
        "60 × 10 × 10 mm."
    )


@pytest.mark.parametrize(("box", "suspect"), [((7.9, 5, 5), True), ((8.1, 5, 5), False), ((29.3, 8.3, 21.9), False)])
def test_from_eight_millimetres_on_a_part_is_nothing_strange(box: Box, suspect: bool) -> None:
    codes = [finding.code for finding in findings_of(box)]
    assert codes == (["UNITS_SUSPECT"] if suspect else [])
    assert findings_of(box, format="3mf") == findings_of(box)


def test_no_machine_is_known_for_more_than_two_metres() -> None:
    finding = the_finding((2720.07, 371.5, 371.5))
    assert (finding.code, finding.severity) == ("HUGE", "warning")
    assert finding.message == (
        "The part measures 2720 × 371.5 × 371.5 mm; no machine that we know of builds more than 2,000 mm."
    )
    assert findings_of((2000, 371.5, 371.5)) == ()


def test_coordinates_far_from_the_origin_are_rough() -> None:
    far = a_reading(moved(a_mesh(Manifold.cube((20, 20, 20))), 200_000))
    (finding,) = measure(far, a_request()).findings
    assert (finding.code, finding.severity) == ("FAR_FROM_ORIGIN", "warning")
    assert finding.message == "Coordinates reach 200,020 mm, where single precision steps by 0.016 mm."
    near = a_reading(moved(a_mesh(Manifold.cube((20, 20, 20))), 100_000))
    assert measure(near, a_request()).findings == ()


def test_thin_walls_are_not_spoken_of_where_the_unit_is_in_doubt() -> None:
    assert [finding.code for finding in findings_of((0.5, 0.4, 0.01))] == ["UNITS_METRES"]
    assert [finding.code for finding in findings_of((50, 40, 0.3))] == ["THIN_WALL"]


def _awkward() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    yield "fixed_jaw_motor.stl", [("UNITS_METRES", "error")]
    yield "idler_riser.stl", [("UNITS_INCHES", "warning")]
    yield "large_block_obb.stl", [("HUGE", "warning")]
    yield "moon_chinese.stl", [("UNITS_SUSPECT", "warning")]
    yield "cubeinvalidunicode.stl", [("UNITS_SUSPECT", "warning")]
    yield "two_objects_mixed_case_names.stl", [("LOOSE_BODIES", "warning"), ("UNITS_SUSPECT", "warning")]
    yield "cube_and_sphere_same_name.3mf", [("LOOSE_BODIES", "warning")]
    yield "p_xpm_0331_01.3mf", [("FLAT_TRIANGLES", "note")]


@needs_real_prints
@pytest.mark.parametrize(("name", "found"), list(_awkward()), ids=lambda it: it if isinstance(it, str) else "")
def test_awkward_real_files_get_the_right_diagnosis(name: str, found: list[tuple[str, str]]) -> None:
    format: PrintFileFormat = "stl" if name.endswith(".stl") else "3mf"
    mesh = real_part(REAL_PRINTS / "awkward" / name)
    findings = measure(a_reading(mesh, format=format), a_request()).findings
    assert [(finding.code, finding.severity) for finding in findings] == found
    assert all(finding.advice.endswith(".") and finding.message.endswith(".") for finding in findings)
