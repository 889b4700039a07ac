"""What each process can make, by its limits, and that the limits fit the reference tables."""

import csv

import pytest
from manifold3d import Manifold

from fabroute.integrations.validation.geometry import Geometry, measure
from fabroute.integrations.validation.printability import judge
from fabroute.integrations.validation.process_limits import LIMITS
from fabroute.inventory.ports import Finding, Printability
from tests.factories.meshes import a_geometry, a_mesh, a_reading, a_request
from tests.factories.print_files import PARTS_CSV

MACHINES_CSV = PARTS_CSV.with_name("machine_models.csv")
PROCESSES = ("MEX", "VPP", "SLS", "MJF", "LPBF", "EBM", "BJT")


def judged(geometry: Geometry, process: str) -> Printability:
    (printability,) = judge(geometry, [process])
    return printability


def the_finding(geometry: Geometry, process: str) -> Finding:
    (finding,) = judged(geometry, process).findings
    return finding


def severities(geometry: Geometry, code: str) -> dict[str, str]:
    return {
        it.process: finding.severity
        for it in judge(geometry, PROCESSES)
        for finding in it.findings
        if finding.code == code
    }


def test_a_plain_part_is_printable_by_every_process() -> None:
    verdicts = judge(a_geometry(), PROCESSES)
    assert [it.process for it in verdicts] == list(PROCESSES)
    assert all(it.printable and it.findings == () for it in verdicts)


def test_nothing_asked_nothing_judged() -> None:
    assert judge(a_geometry(), ()) == ()
    assert judge(a_geometry(wall_mm=0.1), ()) == ()


def test_every_process_of_the_reference_network_has_limits() -> None:
    with MACHINES_CSV.open(encoding="utf8", newline="") as file:
        machines = list(csv.DictReader(file))
    assert {machine["process"] for machine in machines} == set(LIMITS) == set(PROCESSES)
    for process, limits in LIMITS.items():
        boxes = [
            tuple(sorted(float(machine[side]) for side in ("x_mm", "y_mm", "z_mm")))
            for machine in machines
            if machine["process"] == process
        ]
        assert tuple(sorted(limits.largest_box)) in boxes
        assert max(box[0] * box[1] * box[2] for box in boxes) == pytest.approx(
            limits.largest_box[0] * limits.largest_box[1] * limits.largest_box[2]
        )
        layers = [float(machine["layer_um"]) / 1000 for machine in machines if machine["process"] == process]
        assert limits.layer in layers


@pytest.mark.parametrize("process", PROCESSES)
def test_each_limit_says_where_it_is_from(process: str) -> None:
    limits = LIMITS[process]
    marks = ("V:", "V2:", "M:", "D:")
    for source in (limits.wall_source, limits.layer_source, limits.box_source):
        assert source.startswith(marks)
    assert 0 < limits.layer < limits.thinnest_wall < limits.safe_wall <= 2.0


@pytest.mark.parametrize("process", PROCESSES)
def test_walls_go_from_impossible_over_risky_to_safe(process: str) -> None:
    limits = LIMITS[process]
    thin = the_finding(a_geometry(wall_mm=limits.thinnest_wall * 0.9), process)
    risky = the_finding(a_geometry(wall_mm=(limits.thinnest_wall + limits.safe_wall) / 2), process)
    assert (thin.code, thin.severity) == ("THIN_WALL", "error")
    assert (risky.code, risky.severity) == ("THIN_WALL", "warning")
    assert judged(a_geometry(wall_mm=limits.safe_wall), process).findings == ()


@pytest.mark.parametrize("process", PROCESSES)
def test_a_wall_exactly_at_the_limit_is_not_too_thin(process: str) -> None:
    at_limit = judged(a_geometry(wall_mm=LIMITS[process].thinnest_wall - 0.001), process)
    assert at_limit.printable
    assert [finding.severity for finding in at_limit.findings] == ["warning"]


def test_a_thin_wall_rules_out_the_processes_that_cannot_make_it_only() -> None:
    verdicts = {it.process: it.printable for it in judge(a_geometry(wall_mm=0.6), PROCESSES)}
    assert verdicts == {
        "MEX": False,
        "VPP": True,
        "SLS": False,
        "MJF": True,
        "LPBF": True,
        "EBM": False,
        "BJT": False,
    }
    assert all(severity == "warning" for process, severity in severities(a_geometry(wall_mm=0.6), "THIN_WALL").items()
               if verdicts[process])  # fmt: skip


def test_a_thin_wall_is_told_with_figures_place_and_source() -> None:
    finding = the_finding(a_geometry(wall_mm=0.42), "SLS")
    assert finding.message == (
        "A wall is about 0.42 mm thin; laser sintering needs at least 0.7 mm (assumption, V2: 0.7, and 1.0 for "
        "consistent results (bureaus' design guides))."
    )
    assert finding.where == "(1.0, 2.0, 3.0) mm"
    assert finding.advice == "Make the wall 1 mm thick, or choose another process."


def test_an_unknown_wall_is_not_held_against_a_part() -> None:
    verdicts = judge(a_geometry(wall_mm=None), PROCESSES)
    assert all(it.printable for it in verdicts)
    assert [it.findings for it in verdicts] == [()] * 7


def test_what_stays_in_a_cavity_decides_how_bad_it_is() -> None:
    found = severities(a_geometry(cavities=2), "CAVITY")
    assert found == {
        "VPP": "error",
        "SLS": "warning",
        "MJF": "warning",
        "LPBF": "error",
        "EBM": "error",
        "BJT": "error",
    }
    assert the_finding(a_geometry(cavities=2), "LPBF").message.startswith("2 closed cavities: metal powder stays")
    assert the_finding(a_geometry(cavities=1), "VPP").message.startswith("1 closed cavity: liquid resin stays")
    assert judged(a_geometry(cavities=1), "MEX").findings == ()


@pytest.mark.parametrize(
    ("box", "process", "large"),
    [
        ((380.0, 284.0, 380.0), "MJF", False),
        ((284.0, 380.0, 380.0), "MJF", False),
        ((381.0, 100.0, 100.0), "MJF", True),
        ((300.0, 300.0, 300.0), "MJF", True),
        ((210.0, 210.0, 100.0), "EBM", True),
        ((1500.0, 700.0, 500.0), "VPP", False),
        ((1006.0, 20.0, 20.0), "MEX", True),
    ],
)
def test_a_part_larger_than_the_largest_known_machine_is_warned_of(
    box: tuple[float, float, float], process: str, large: bool
) -> None:
    verdict = judged(a_geometry(box_mm=box), process)
    assert [finding.code for finding in verdict.findings] == (["TOO_LARGE"] if large else [])
    assert verdict.printable


def test_a_large_part_is_told_with_both_boxes() -> None:
    finding = the_finding(a_geometry(box_mm=(500.0, 100.0, 50.0)), "LPBF")
    assert finding.message == (
        "500 × 100 × 50 mm is more than the largest known machine of laser powder bed fusion builds, "
        "400 × 400 × 400 mm (V: EOS M 400-4)."
    )
    assert finding.severity == "warning"


def test_parts_that_get_lost_in_the_powder_are_warned_of() -> None:
    small = a_geometry(box_mm=(4.0, 3.0, 1.5))
    assert severities(small, "TOO_SMALL") == {"SLS": "warning", "MJF": "warning"}
    assert severities(a_geometry(box_mm=(4.0, 3.0, 2.0)), "TOO_SMALL") == {}


def test_parts_of_few_layers_are_warned_of() -> None:
    flat = a_geometry(box_mm=(40.0, 30.0, 0.5), wall_mm=None)
    assert severities(flat, "FEW_LAYERS") == {"MEX": "warning", "SLS": "warning"}
    assert the_finding(flat, "MEX").message == (
        "0.50 mm lying flat is less than 5 layers of 0.2 mm (M: usual layer of a 0.4 mm nozzle)."
    )


def test_an_unknown_process_is_said_to_be_unknown() -> None:
    verdict = judged(a_geometry(), "LENS")
    (finding,) = verdict.findings
    assert verdict.printable
    assert (finding.code, finding.severity) == ("PROCESS_UNKNOWN", "warning")
    assert finding.message == "No limits are known of process LENS; known are MEX, VPP, SLS, MJF, LPBF, EBM, BJT."


def test_a_real_geometry_is_judged_by_what_was_measured() -> None:
    shell = Manifold.sphere(20, 64) - Manifold.sphere(19.4, 64)
    geometry = measure(a_reading(a_mesh(shell)), a_request())
    codes = {it.process: [finding.code for finding in it.findings] for it in judge(geometry, PROCESSES)}
    assert geometry.cavities == 1
    assert codes["MEX"] == ["THIN_WALL"]
    assert codes["LPBF"] == ["THIN_WALL", "CAVITY"]
    assert not judged(geometry, "LPBF").printable
    assert judged(geometry, "MJF").printable
