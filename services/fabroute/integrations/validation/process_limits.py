"""What each process can make; apart from the judging, so that naming the processes loads no geometry."""

from collections.abc import Mapping
from dataclasses import dataclass

from fabroute.inventory.ports import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimits:
    """What a process can make, in mm, by rules of thumb that bureaus publish; each with where it is from.

    Marks as in the reference tables: V2 read second-hand, M from memory, D a design value of ours. All of them are
    assumptions: machine, material and orientation move them by a factor of two.
    """

    name: str
    thinnest_wall: float
    """Thinner walls don't come out: an error."""
    safe_wall: float
    """Thinner walls come out with luck, and may break in finishing: a warning."""
    wall_source: str
    layer: float
    layer_source: str
    largest_box: tuple[float, float, float]
    """Of one known machine; the part may lie in any direction."""
    box_source: str
    cavity: Severity | None
    """How bad a closed cavity is; None if it is nothing."""
    cavity_reason: str = ""
    smallest_sum: float = 0.0
    """Least x + y + z of a part that is found again after printing."""


LIMITS: Mapping[str, ProcessLimits] = {
    "MEX": ProcessLimits(
        name="material extrusion",
        thinnest_wall=0.8,
        safe_wall=1.2,
        wall_source="V2: two lines of a 0.4 mm nozzle (bureaus' design guides: 0.8 to 1.2)",
        layer=0.2,
        layer_source="M: usual layer of a 0.4 mm nozzle",
        largest_box=(1005.0, 1005.0, 1005.0),
        box_source="M: BigRep ONE",
        cavity=None,
    ),
    "VPP": ProcessLimits(
        name="vat photopolymerisation",
        thinnest_wall=0.4,
        safe_wall=0.8,
        wall_source="M: 0.4; V2: 0.5 unsupported, 0.8 safe (bureaus' design guides)",
        layer=0.05,
        layer_source="M: usual layer of a desktop printer",
        largest_box=(1500.0, 750.0, 550.0),
        box_source="V: 3DS ProX 950",
        cavity="error",
        cavity_reason="liquid resin stays inside, cracks the part as it cures and leaks",
    ),
    "SLS": ProcessLimits(
        name="laser sintering",
        thinnest_wall=0.7,
        safe_wall=1.0,
        wall_source="V2: 0.7, and 1.0 for consistent results (bureaus' design guides)",
        layer=0.12,
        layer_source="V: usual layer, reference tables",
        largest_box=(700.0, 380.0, 560.0),
        box_source="V: EOSINT P 800",
        cavity="warning",
        cavity_reason="the powder stays inside; the part gets heavier",
        smallest_sum=9.0,
    ),
    "MJF": ProcessLimits(
        name="multi-jet fusion",
        thinnest_wall=0.5,
        safe_wall=1.0,
        wall_source="V2: HP 0.3 along the layers and 0.5 across; 3Faktur 0.5, 1.0 recommended",
        layer=0.08,
        layer_source="V: HP MJF 5200",
        largest_box=(380.0, 284.0, 380.0),
        box_source="V: HP MJF 5200",
        cavity="warning",
        cavity_reason="the powder stays inside; the part gets heavier",
        smallest_sum=9.0,
    ),
    "LPBF": ProcessLimits(
        name="laser powder bed fusion",
        thinnest_wall=0.4,
        safe_wall=1.0,
        wall_source="V2: 0.4 supported, 1.0 unsupported (bureaus' design guides)",
        layer=0.04,
        layer_source="V: EOS M 290",
        largest_box=(400.0, 400.0, 400.0),
        box_source="V: EOS M 400-4",
        cavity="error",
        cavity_reason="metal powder stays inside, a hazard and a flaw that inspection rejects",
    ),
    "EBM": ProcessLimits(
        name="electron beam melting",
        thinnest_wall=0.8,
        safe_wall=1.5,
        wall_source="M: melt pool and powder are coarser than with a laser",
        layer=0.05,
        layer_source="M: Arcam A2X",
        largest_box=(200.0, 200.0, 380.0),
        box_source="M: Arcam A2X",
        cavity="error",
        cavity_reason="half-sintered metal powder stays inside and can't be blasted out",
    ),
    "BJT": ProcessLimits(
        name="metal binder jetting",
        thinnest_wall=1.0,
        safe_wall=2.0,
        wall_source="M: thinner green parts break before they are sintered",
        layer=0.065,
        layer_source="M: ExOne X25Pro",
        largest_box=(400.0, 250.0, 250.0),
        box_source="M: ExOne X25Pro",
        cavity="error",
        cavity_reason="the powder stays inside and sinters there, so that the part warps",
    ),
}
