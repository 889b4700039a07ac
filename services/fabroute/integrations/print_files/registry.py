"""Which recipe draws which part."""

from collections.abc import Mapping
from types import MappingProxyType

from manifold3d import Manifold

from fabroute.integrations.print_files.boxes import RIBBED_BOX
from fabroute.integrations.print_files.brackets import (
    DUCT_BRACKET,
    PANTOGRAPH_HOUSING,
    PAYLOAD_MOUNT,
    SLIDE_BRACKET,
    SPACE_FRAME,
)
from fabroute.integrations.print_files.caps import END_CAP, GLAND_COVER, LATCH_COVER, LEG_CAP
from fabroute.integrations.print_files.fitting import Box, Recipe, ShapeOutOfReach, solve_shape
from fabroute.integrations.print_files.hinges import BUTTERFLY_HINGE, FLAP_HINGE
from fabroute.integrations.print_files.interiors import DECOR_PANEL, LAMP_SHADE
from fabroute.integrations.print_files.levers import BREW_LEVER, DOOR_LATCH, SUSPENSION_LINK, TILT_LEVER, WINCH_LEVER
from fabroute.integrations.print_files.medical import CUP_TRIAL, DENTAL_BAR, DRILL_GUIDE
from fabroute.integrations.print_files.rotors import IMPELLER, JAW_COUPLING, KNOB, SEAL_CARRIER, THREADED_PLUG
from fabroute.integrations.print_files.stops import DOOR_STOPPER, RAIL_END_STOP, TUBE_CLIP
from fabroute.integrations.print_files.tubes import NOZZLE_ADAPTER, SEPARATOR_SCOOP, VALVE_ADAPTER

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "RL-0001": DOOR_STOPPER,
        "RL-0002": END_CAP,
        "RL-0003": TUBE_CLIP,
        "RL-0004": SUSPENSION_LINK,
        "RL-0005": PANTOGRAPH_HOUSING,
        "RL-0006": FLAP_HINGE,
        "AP-0101": NOZZLE_ADAPTER,
        "AP-0102": BREW_LEVER,
        "AP-0103": RAIL_END_STOP,
        "AP-0104": JAW_COUPLING,
        "AP-0105": KNOB,
        "FU-0201": LEG_CAP,
        "FU-0202": SLIDE_BRACKET,
        "FU-0203": TILT_LEVER,
        "FU-0204": LAMP_SHADE,
        "FU-0205": DECOR_PANEL,
        "MA-0301": IMPELLER,
        "MA-0302": SEPARATOR_SCOOP,
        "MA-0303": GLAND_COVER,
        "MA-0304": SEAL_CARRIER,
        "MA-0305": WINCH_LEVER,
        "AE-0401": LATCH_COVER,
        "AE-0402": DUCT_BRACKET,
        "AE-0403": THREADED_PLUG,
        "AE-0404": BUTTERFLY_HINGE,
        "AE-0405": PAYLOAD_MOUNT,
        "ME-0501": DRILL_GUIDE,
        "ME-0502": CUP_TRIAL,
        "ME-0503": VALVE_ADAPTER,
        "ME-0504": DOOR_LATCH,
        "ZZ-0901": SPACE_FRAME,
        "ZZ-0902": DENTAL_BAR,
    }
)
"""The reference inventory: one recipe for every part."""

_BY_WORD = (
    ("impeller", IMPELLER),
    ("coupling", JAW_COUPLING),
    ("knob", KNOB),
    ("plug", THREADED_PLUG),
    ("carrier", SEAL_CARRIER),
    ("ring", SEAL_CARRIER),
    ("nozzle", NOZZLE_ADAPTER),
    ("adapter", VALVE_ADAPTER),
    ("scoop", SEPARATOR_SCOOP),
    ("hinge", FLAP_HINGE),
    ("housing", PANTOGRAPH_HOUSING),
    ("bracket", SLIDE_BRACKET),
    ("mount", PAYLOAD_MOUNT),
    ("frame", SPACE_FRAME),
    ("cover", LATCH_COVER),
    ("cap", LEG_CAP),
    ("clip", TUBE_CLIP),
    ("stopper", DOOR_STOPPER),
    ("stop", RAIL_END_STOP),
    ("latch", DOOR_LATCH),
    ("lever", TILT_LEVER),
    ("handle", WINCH_LEVER),
    ("link", SUSPENSION_LINK),
    ("shade", LAMP_SHADE),
    ("panel", DECOR_PANEL),
    ("guide", DRILL_GUIDE),
    ("cup", CUP_TRIAL),
    ("bar", DENTAL_BAR),
)
"""What a word in a part's name suggests; the first that fits is taken."""


def part_geometry(*, part_no: str, name: str, box_mm: tuple[float, float, float], volume_cm3: float) -> Manifold:
    """Return a solid that looks like the part's name and has exactly its box (mm) and, within 0.1 %, its volume.

    A part of the reference inventory is drawn by its own recipe. Any other takes the recipe that a word in its name
    suggests and, where that can't hold the volume, an open box with ribs. ``ShapeOutOfReach`` if nothing fits.
    """
    box = Box(x=box_mm[0], y=box_mm[1], z=box_mm[2])
    if part_no in RECIPES:
        return solve_shape(RECIPES[part_no], box, volume_cm3 * 1000)
    return _by_name(name, box, volume_cm3 * 1000)


def _by_name(name: str, box: Box, volume_mm3: float) -> Manifold:
    words = name.lower().replace(",", " ").replace("-", " ").split()
    suggested = next((recipe for word, recipe in _BY_WORD if word in words), RIBBED_BOX)
    try:
        return solve_shape(suggested, box, volume_mm3)
    except ShapeOutOfReach:
        return solve_shape(RIBBED_BOX, box, volume_mm3)
