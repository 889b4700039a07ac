"""Where the constants of shipping come from; what is dated data has its source in its own row."""

from fabroute.estimation.sources import Mark, SourcedFigure
from fabroute.logistics.rules.grids import DEFAULT_G_PER_KWH
from fabroute.logistics.rules.parcels import (
    PACKAGING_BASE_GRAMS,
    PACKAGING_GRAMS_PER_LITRE,
    PADDING_MM,
    VOLUMETRIC_CM3_PER_KG,
    WEIGHT_STEP_GRAMS,
)
from fabroute.logistics.rules.places import LOCAL_KM
from fabroute.logistics.rules.quote import PACKAGING_CO2_G_PER_KG
from fabroute.logistics.rules.tariffs import (
    AIRPORT_DETOUR_KM,
    CUSTOMS_DAYS,
    LONG_HAUL_KM,
    ROAD_KM_PER_DAY,
    ROAD_LIMIT_KM,
    SURFACE_DETOUR,
    Service,
)

SUBJECT = "shipping"
_V, _M, _D = Mark.VENDOR, Mark.MEMORY, Mark.ASSUMPTION
_FIGURES = (
    ("volumetric_cm3_per_kg", VOLUMETRIC_CM3_PER_KG, "cm3 per kg", _V, "V carriers' rule of chargeable weight"),
    ("weight_step_grams", WEIGHT_STEP_GRAMS, "g", _V, "V carriers' rule of chargeable weight"),
    ("padding_mm", PADDING_MM, "mm", _D, "D between the parts and each wall of the box"),
    ("packaging_base_grams", PACKAGING_BASE_GRAMS, "g", _D, "D box and filling"),
    ("packaging_grams_per_litre", PACKAGING_GRAMS_PER_LITRE, "g per l", _D, "D box and filling"),
    ("packaging_co2_g_per_kg", PACKAGING_CO2_G_PER_KG, "g CO2e per kg", _D, "D carbon in packaging"),
    ("local_km", LOCAL_KM, "km", _D, "D how far a local courier goes"),
    ("surface_detour", SURFACE_DETOUR, "of the great circle", _D, "D road, rail and sea"),
    ("airport_detour_km", AIRPORT_DETOUR_KM, "km", _M, "M added to the great circle of a flight"),
    ("long_haul_km", LONG_HAUL_KM, "km", _M, "M flights over this count as long-haul"),
    ("economy_road_limit_km", ROAD_LIMIT_KM[Service.ECONOMY], "km", _D, "D economy is flown beyond it"),
    ("express_road_limit_km", ROAD_LIMIT_KM[Service.EXPRESS], "km", _D, "D express is flown beyond it"),
    ("road_km_per_day", ROAD_KM_PER_DAY, "km per day", _D, "D economy by road"),
    ("customs_days", CUSTOMS_DAYS, "working days", _D, "D at the border of an intercontinental way"),
    ("default_grid_g_per_kwh", DEFAULT_G_PER_KWH, "g CO2e per kWh", _V, "V world average of 2023, where no row is"),
)


def freight_constants() -> tuple[SourcedFigure, ...]:
    """Return every constant that freight, transit and transport carbon stand on, with value, unit, mark and source."""
    return tuple(
        SourcedFigure(subject=SUBJECT, code=code, value=value, unit=unit, mark=mark, source=source)
        for code, value, unit, mark, source in _FIGURES
    )
