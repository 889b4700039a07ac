"""What the processes differ in, as one table of constants. All of them are assumptions that can be overwritten."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from fabroute.estimation.facts import MachineModelFacts, Process


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessConstants:
    """How one process packs, cools, wastes and keeps people busy."""

    nested: bool
    """Parts fill the whole bed (3-D) and share a build with other orders; otherwise one layer on the plate (2-D)."""
    cools_off_machine: bool
    """The build cools in its box beside the machine: lead time, not machine time."""
    refreshes_powder: bool
    """Used powder ages, so that every build needs a share of virgin powder."""
    efficiency: float
    """Share of the nominal volume rate that serial exposure reaches."""
    part_gap_mm: float
    nesting_density: float
    """Share of the bed's volume that parts fill in a well nested build; 1 where nothing is nested."""
    preparation_hours: float
    """Work on the file, once an order line."""
    attendance: float
    """Share of the machine's time that an operator stands by."""
    consumables_minor_per_build: int
    gas_minor_per_hour: int
    loss_fraction: float
    """Material lost, as a share of what is melted, where the material does not say."""
    post_hours_per_part: float
    inspection_hours_per_part: float
    finishing_hours_per_build: float
    """Curing, sintering or stress relief beside the machine."""
    finishing_minor_per_build: int
    """Heat treatment and wire cutting as bought."""
    finishing_kwh_per_build: float


_MEX = ProcessConstants(
    nested=False,
    cools_off_machine=False,
    refreshes_powder=False,
    efficiency=0.75,
    part_gap_mm=5,
    nesting_density=1,
    preparation_hours=0.25,
    attendance=0.02,
    consumables_minor_per_build=200,
    gas_minor_per_hour=0,
    loss_fraction=0.05,
    post_hours_per_part=0.08,
    inspection_hours_per_part=0.02,
    finishing_hours_per_build=0,
    finishing_minor_per_build=0,
    finishing_kwh_per_build=0,
)
_SLS = ProcessConstants(
    nested=True,
    cools_off_machine=True,
    refreshes_powder=True,
    efficiency=0.8,
    part_gap_mm=5,
    nesting_density=0.10,
    preparation_hours=0.25,
    attendance=0.03,
    consumables_minor_per_build=1000,
    gas_minor_per_hour=50,
    loss_fraction=0.02,
    post_hours_per_part=0.03,
    inspection_hours_per_part=0.01,
    finishing_hours_per_build=0,
    finishing_minor_per_build=0,
    finishing_kwh_per_build=0,
)
_LPBF = ProcessConstants(
    nested=False,
    cools_off_machine=False,
    refreshes_powder=False,
    efficiency=0.7,
    part_gap_mm=3,
    nesting_density=1,
    preparation_hours=1,
    attendance=0.05,
    consumables_minor_per_build=4000,
    gas_minor_per_hour=200,
    loss_fraction=0.05,
    post_hours_per_part=0.5,
    inspection_hours_per_part=0.1,
    finishing_hours_per_build=8,
    finishing_minor_per_build=8000,
    finishing_kwh_per_build=25,
)

PROCESSES: Mapping[Process, ProcessConstants] = MappingProxyType(
    {
        Process.MEX: _MEX,
        Process.VPP: replace(
            _MEX,
            efficiency=0.8,
            part_gap_mm=3,
            consumables_minor_per_build=300,
            post_hours_per_part=0.1,
            finishing_hours_per_build=0.5,
            finishing_kwh_per_build=1,
        ),
        Process.SLS: _SLS,
        Process.MJF: replace(_SLS, efficiency=1, gas_minor_per_hour=0, consumables_minor_per_build=1500),
        Process.LPBF: _LPBF,
        Process.EBM: replace(
            _LPBF,
            efficiency=0.8,
            part_gap_mm=5,
            consumables_minor_per_build=6000,
            gas_minor_per_hour=100,
            post_hours_per_part=0.35,
            finishing_hours_per_build=0,
            finishing_minor_per_build=2000,
            finishing_kwh_per_build=0,
        ),
        Process.BJT: replace(
            _SLS,
            cools_off_machine=False,
            refreshes_powder=False,
            efficiency=1,
            part_gap_mm=3,
            nesting_density=0.2,
            preparation_hours=0.5,
            consumables_minor_per_build=2000,
            gas_minor_per_hour=0,
            post_hours_per_part=0.2,
            inspection_hours_per_part=0.05,
            finishing_hours_per_build=6 + 30,  # curing, then sintering: 24 to 36 h
            finishing_minor_per_build=12000,
            finishing_kwh_per_build=150,
        ),
    }
)
MULTI_LASER_RATE_CM3_PER_HOUR = 53.0
"""Laser powder bed machines from this rate on have four lasers, by the vendors' data sheets (53 to 261 cm3/h)."""
MULTI_LASER_EFFICIENCY = 0.8


def efficiency(machine: MachineModelFacts) -> float:
    """Return the share of its nominal volume rate that a machine reaches: each scan vector costs milliseconds."""
    if machine.process is Process.LPBF and machine.rate_cm3_per_hour >= MULTI_LASER_RATE_CM3_PER_HOUR:
        return MULTI_LASER_EFFICIENCY
    return PROCESSES[machine.process].efficiency
