"""How long a build takes, and what follows from the formula."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.build_time import build_time, exposure_hours, layer_count
from fabroute.estimation.facts import Process
from tests.factories.estimation import a_machine, reference_machine

volumes = st.floats(min_value=0, max_value=5000)
layers = st.integers(min_value=1, max_value=5000)
thicknesses = st.integers(min_value=10, max_value=600)
PARALLEL = [Process.MJF, Process.BJT, Process.VPP]


def test_a_build_is_the_sum_of_its_parts() -> None:
    machine = a_machine(process=Process.LPBF, layer_um=40, layer_fixed_s=9, rate_cm3_per_hour=10, cooldown_hours=2)
    time = build_time(machine, height_mm=34, melted_cm3=70)
    # 850 layers x 9 s = 2.125 h; 70 / (10 x 0.7) = 10 h.
    assert (time.setup, time.warmup, time.cooldown, time.unload) == (1, 1, 2, 1)
    assert time.layers == 2.125
    assert time.exposure == pytest.approx(10)
    assert time.machine_hours == pytest.approx(17.125)
    assert time.cooldown_off_machine == 0


def test_polymer_powder_cools_beside_the_machine() -> None:
    sls = build_time(a_machine(process=Process.SLS, cooldown_hours=24), height_mm=100, melted_cm3=0)
    bjt = build_time(a_machine(process=Process.BJT, cooldown_hours=24), height_mm=100, melted_cm3=0)
    assert (sls.cooldown, sls.cooldown_off_machine, sls.machine_hours) == (0, 24, 3)
    assert (bjt.cooldown, bjt.cooldown_off_machine, bjt.machine_hours) == (24, 0, 27)


@pytest.mark.parametrize(
    ("height_mm", "layer_um", "count"),
    [(58, 40, 1450), (0.3, 100, 3), (0.31, 100, 4), (380, 80, 4750), (0.001, 100, 1), (36, 254, 142)],
)
def test_a_started_layer_is_a_layer(height_mm: float, layer_um: float, count: int) -> None:
    assert layer_count(height_mm, layer_um=layer_um) == count


@given(count=layers, layer_um=thicknesses)
def test_twice_the_height_is_twice_the_layers(count: int, layer_um: int) -> None:
    height_mm = count * layer_um / 1000
    assert layer_count(height_mm, layer_um=layer_um) == count
    assert layer_count(2 * height_mm, layer_um=layer_um) == 2 * count


@given(first=volumes, second=volumes, process=st.sampled_from(PARALLEL))
def test_what_a_layer_holds_costs_a_parallel_machine_no_time(first: float, second: float, process: Process) -> None:
    machine = a_machine(process=process, layer_fixed_s=7.5, rate_cm3_per_hour=0)
    assert build_time(machine, height_mm=50, melted_cm3=first) == build_time(machine, height_mm=50, melted_cm3=second)
    assert exposure_hours(first, machine) == 0


@given(first=volumes, second=volumes)
def test_exposure_adds_up_on_a_serial_machine(first: float, second: float) -> None:
    machine = a_machine(process=Process.LPBF, layer_fixed_s=9)
    together = exposure_hours(first + second, machine)
    assert together == pytest.approx(exposure_hours(first, machine) + exposure_hours(second, machine))


def test_nesting_fifty_parts_instead_of_five_raises_throughput_at_the_same_time_per_layer() -> None:
    machine = a_machine(process=Process.SLS, layer_fixed_s=14, rate_cm3_per_hour=780)
    five = build_time(machine, height_mm=200, melted_cm3=5 * 20)
    fifty = build_time(machine, height_mm=200, melted_cm3=50 * 20)
    assert fifty.layers == five.layers
    assert 50 / fifty.machine_hours > 6 * 5 / five.machine_hours


def test_the_hundredth_run_takes_as_long_as_the_first() -> None:
    machine = a_machine(process=Process.LPBF, layer_fixed_s=9)
    runs = {build_time(machine, height_mm=42, melted_cm3=33) for _ in range(100)}
    assert len(runs) == 1
    assert runs.pop().machine_hours == pytest.approx(4.025 + 33 / 14)


def test_four_lasers_reach_more_of_their_rate_than_one() -> None:
    single = reference_machine("EOS M 290")
    four = reference_machine("EOS M 400-4")
    assert exposure_hours(13.3, single) == pytest.approx(1 / 0.7)
    assert exposure_hours(53.3, four) == pytest.approx(1 / 0.8)


def test_a_full_jet_fusion_bed_takes_ten_hours_of_layers() -> None:
    slow = build_time(reference_machine("HP MJF 4200"), height_mm=380, melted_cm3=4000)
    assert slow.layers == pytest.approx(9.96, abs=0.005)
    assert slow.cooldown_off_machine == 30


@given(
    height=st.integers(min_value=1, max_value=300),
    volumes_cm3=st.lists(st.floats(min_value=0.1, max_value=500), min_size=1, max_size=9),
)
def test_a_build_is_what_the_scheduling_literature_writes(height: int, volumes_cm3: list[float]) -> None:
    # ST + VT x sum of volumes + HT x greatest height, with VT = 1 / rate and HT = layer time / layer thickness.
    machine = a_machine(process=Process.LPBF, layer_um=50, layer_fixed_s=14, rate_cm3_per_hour=46.4)
    st_hours, vt, ht_per_cm = 3 + 0.5, 1 / (46.4 * 0.7), 200 * 14 / 3600
    expected = st_hours + vt * math.fsum(volumes_cm3) + ht_per_cm * height / 10
    assert build_time(machine, height_mm=height, melted_cm3=math.fsum(volumes_cm3)).machine_hours == pytest.approx(
        expected
    )
    # The published constants of 250 to 400 mm laser powder bed machines: 0.0308 h/cm3, 0.70 to 0.85 h/cm.
    assert round(vt, 4) == 0.0308
    assert 0.70 <= ht_per_cm <= 0.85


@pytest.mark.parametrize("process", [Process.SLS, Process.MJF])
def test_ten_times_the_parts_in_a_bed_take_the_same_layers(process: Process) -> None:
    machine = a_machine(process=process, layer_fixed_s=9, rate_cm3_per_hour=0 if process is Process.MJF else 780)
    five, fifty = (build_time(machine, height_mm=200, melted_cm3=20 * count) for count in (5, 50))
    assert five.layers == fifty.layers == 2.5
    throughput = (50 / fifty.machine_hours) / (5 / five.machine_hours)
    assert throughput == pytest.approx(10 if process is Process.MJF else 10 * (5.5 + 100 / 624) / (5.5 + 1000 / 624))
