"""How many copies a build holds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.facts import Box, PartGeometry, Process
from fabroute.estimation.packing import pack
from fabroute.estimation.processes import PROCESSES
from fabroute.estimation.rotations import PartDoesNotFit
from tests.factories.estimation import a_machine, a_part, reference_machine, reference_part

sides = st.integers(min_value=5, max_value=200).map(float)
parts = st.builds(
    lambda box, fill: PartGeometry(box_mm=box, volume_cm3=math.prod(box) / 1000 * fill),
    st.tuples(sides, sides, sides),
    st.floats(min_value=0.02, max_value=1),
)


def test_a_plate_holds_a_grid_of_the_part_lying_low() -> None:
    # 200 mm of room: 4 times 40 mm and 5 times 30 mm with 5 mm between.
    packing = pack(a_part(box_mm=(20.0, 30.0, 40.0)), a_machine(process=Process.MEX))
    assert packing.copies == 20
    assert packing.standing_mm[2] == 20.0


def test_a_fixed_orientation_is_kept_and_turned_on_the_plate_where_that_packs_more() -> None:
    long_plate = a_machine(box_mm=(406.0, 66.0, 206.0))
    part = a_part(box_mm=(50.0, 30.0, 20.0), orientation_mm=(50.0, 20.0, 30.0))
    # Room for 400 x 60: 7 x 2 as given (50 x 20), 16 x 1 turned (20 x 50).
    packing = pack(part, long_plate)
    assert packing.standing_mm == (20.0, 50.0, 30.0)
    assert packing.copies == 16


def test_a_bed_is_filled_in_three_dimensions() -> None:
    # 4 x 5 x 8 boxes of 40 x 30 x 20 with 5 mm between: geometry says 160, the nesting density 174.
    assert pack(a_part(volume_cm3=5), a_machine(process=Process.MJF)).copies == 160


def test_no_bed_is_packed_denser_than_parts_are_nested() -> None:
    # A massive 24 cm3 part: 10 % of 8,741.8 cm3 is 36 parts, however many boxes would go in.
    massive = a_part(volume_cm3=24.0)
    assert pack(massive, a_machine(process=Process.SLS)).copies == 36
    assert pack(massive, a_machine(process=Process.BJT)).copies == 72


def test_a_part_that_fills_the_bed_is_built_once_whatever_its_density() -> None:
    block = a_part(box_mm=(200.0, 200.0, 200.0), volume_cm3=8000.0)
    assert pack(block, a_machine(process=Process.SLS)).copies == 1
    assert pack(block, a_machine(process=Process.MEX)).copies == 1


@given(part=parts, process=st.sampled_from(list(Process)))
def test_never_more_copies_than_geometry_and_density_allow(part: PartGeometry, process: Process) -> None:
    machine = a_machine(process=process)
    packing = pack(part, machine)
    gap = PROCESSES[process].part_gap_mm
    boxes = packing.copies * math.prod(side + gap for side in packing.standing_mm)
    assert boxes <= (200 + gap) ** 3 + 1e-3
    assert sorted(packing.standing_mm) == sorted(part.box_mm)
    density = packing.copies * part.volume_cm3 / (206**3 / 1000)
    assert packing.copies == 1 or density <= PROCESSES[process].nesting_density + 1e-9


@given(part=parts)
def test_nesting_never_holds_fewer_than_one_layer_of_the_density_allows(part: PartGeometry) -> None:
    nested = pack(part, a_machine(process=Process.MJF)).copies
    layer = pack(part, a_machine(process=Process.MEX)).copies
    allowed = max(1, math.floor(0.1 * 206**3 / 1000 / part.volume_cm3 + 1e-9))
    assert nested >= min(layer, allowed)


@pytest.mark.parametrize(
    ("part_no", "model", "copies", "standing"),
    [
        ("RL-0001", "EOS M 290", 12, (48.0, 62.0, 34.0)),
        ("FU-0205", "Stratasys F900", 1, (890.0, 590.0, 40.0)),
        ("FU-0201", "HP MJF 5200", 288, (44.0, 44.0, 36.0)),
        ("FU-0204", "EOS P 396", 2, (305.0, 305.0, 290.0)),
    ],
)
def test_reference_parts_pack_as_counted_by_hand(part_no: str, model: str, copies: int, standing: Box) -> None:
    packing = pack(reference_part(part_no), reference_machine(model))
    assert packing.copies == copies
    assert packing.standing_mm[2] == standing[2]
    assert sorted(packing.standing_mm) == sorted(standing)


def test_what_does_not_fit_is_not_packed() -> None:
    with pytest.raises(PartDoesNotFit):
        pack(a_part(box_mm=(201.0, 30.0, 20.0)), a_machine())


# ---------------------------------------------------------------- what a copy occupies


def test_powder_without_supports_nests_in_three_dimensions_and_the_rest_on_the_plate() -> None:
    nested = {process for process, constants in PROCESSES.items() if constants.nested}
    assert nested == {Process.SLS, Process.MJF, Process.BJT}
    cube = a_part(box_mm=(20.0, 20.0, 20.0), volume_cm3=0.5)
    # 8 x 8 on the plate with 5 mm between, 8 x 8 x 8 in the bed; with 3 mm 8 and 8 of each.
    assert [pack(cube, a_machine(process=process)).copies for process in Process] == [64, 64, 512, 512, 64, 64, 512]


@given(part=parts, process=st.sampled_from([Process.SLS, Process.MJF, Process.BJT]))
def test_a_copy_in_the_bed_stands_for_at_least_its_own_share_of_the_volume(
    part: PartGeometry, process: Process
) -> None:
    share = 1 / pack(part, a_machine(process=process)).copies
    assert share >= part.volume_cm3 * 1000 / 206**3
    gap = PROCESSES[process].part_gap_mm
    assert share >= min(1.0, math.prod(side + gap for side in part.box_mm) / (200 + gap) ** 3) - 1e-9


@given(part=parts, process=st.sampled_from([Process.MEX, Process.VPP, Process.LPBF, Process.EBM]))
def test_a_copy_on_the_plate_stands_for_at_least_its_own_share_of_the_area(
    part: PartGeometry, process: Process
) -> None:
    packing = pack(part, a_machine(process=process))
    gap = PROCESSES[process].part_gap_mm
    footprint = (packing.standing_mm[0] + gap) * (packing.standing_mm[1] + gap)
    assert 1 / packing.copies >= footprint / (200 + gap) ** 2 - 1e-9
    assert packing.standing_mm[2] == min(part.box_mm)


@given(
    volume=st.floats(min_value=0.2, max_value=100),
    process=st.sampled_from([Process.SLS, Process.MJF, Process.BJT]),
)
def test_massive_parts_fill_the_bed_to_its_nesting_density(volume: float, process: Process) -> None:
    # A nearly solid cube: density is what limits it, never the grid.
    side = (volume * 1000 / 0.99) ** (1 / 3)
    copies = pack(a_part(box_mm=(side, side, side), volume_cm3=volume), a_machine(process=process)).copies
    allowed = PROCESSES[process].nesting_density * 206**3 / 1000
    assert copies * volume <= allowed + 1e-6
    assert copies <= allowed / volume < copies + 1 or grid_of(side, PROCESSES[process].part_gap_mm) == copies


def grid_of(side: float, gap: float) -> int:
    along = 0
    while (along + 1) * side + along * gap <= 200 + 1e-9:
        along += 1
    return along**3
