"""Small reference folders to load and to break: valid files of one or two lines, and ways to change them."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from fabroute.integrations.reference import InvalidReferenceData, Problem, reference_folder
from fabroute.integrations.reference.checks import check_together
from fabroute.integrations.reference.description import Description, describe
from fabroute.integrations.reference.files import ReferenceFiles, read_files
from fabroute.integrations.reference.tables import Problems

FILES: Mapping[str, str] = {
    "nodes.csv": (
        "node_id,kind,city,country,lat,lon,timezone,labour_eur_h,grid_g_co2_kwh,cutoff_local,calendar,min_order_eur,"
        "margin,on_time_score,first_pass_yield\n"
        "N1,bureau,Berlin,DE,52.5244,13.4105,Europe/Berlin,46,380.9,16:00,Mon-Fri,50,0.25,0.945,0.958\n"
    ),
    "machine_models.csv": (
        "model,process,x_mm,y_mm,z_mm,layer_um,layer_fixed_s,rate_cm3_h,warmup_h,cooldown_h,setup_h,unload_h,"
        "machine_rate_eur_h,avg_power_kw,source\n"
        "HP MJF 5200,MJF,380,284,380,80,6.2,0,1.0,24,0.5,1.0,45,9.0,V box\n"
        "EOS M 290,LPBF,250,250,325,40,9,13.3,1,2,1.5,1.0,60,3.2,V box\n"
    ),
    "materials.csv": (
        "code,process,density_g_cm3,bulk_density_g_cm3,price_eur_kg,refresh_ratio,support_fraction,source\n"
        "PA12-MJF,MJF,1.01,0.425,60,0.2,0,V\n"
        "316L,LPBF,7.97,4.5,60,0.05,0.15,V\n"
    ),
    "node_assets.csv": (
        "node_id,machine_id,model,process,material,parameter_set,utilisation\n"
        "N1,N1-A,HP MJF 5200,MJF,PA12-MJF,PS-1,0.5\n"
        "N1,N1-B,EOS M 290,LPBF,316L,PS-2,0.6\n"
    ),
    "node_certs.csv": (
        "node_id,cert,scope_kind,scope_process_material,valid_from,valid_to\n"
        "N1,ISO9001,site,*,2025-08-05,2028-05-01\n"
        "N1,FOOD,site+process+material,MJF:PA12-MJF,2025-08-05,2028-05-01\n"
    ),
    "parts.csv": (
        "part_no,name,sector,bx_mm,by_mm,bz_mm,volume_cm3,allowed_process_material,required_certs,part_qualification,"
        "criticality,annual_demand,hs_code,export_class,ip_zone,note,conv_unit_eur,conv_moq,conv_tooling_eur,"
        "conv_lead_days\n"
        "XX-1,Clip,rail,74,28,22,6.2,MJF:PA12-MJF|LPBF:316L,ISO9001,1,AOG,160,9405.99,none,any,,2.10,5000,18000,55\n"
    ),
    "places.csv": "country,city,latitude,longitude,is_capital,population\nDE,Berlin,52.5244,13.4105,1,3426354\n",
    "carrier_tariffs.csv": (
        "carrier,zone,service,valid_from,valid_to,base_eur,per_kg_eur,fuel_fraction,surcharge_eur,transit_p50_days,"
        "transit_p95_days,mode,source\n"
        "reference,Z1,express,2010-01-01,2099-12-31,8.00,0.90,0.18,0.00,1,1,hgv,D\n"
    ),
    "duty_rules.csv": (
        "rule_id,territory,consignment,maximum_value_eur,fixed_eur,fraction,valid_from,valid_to,source\n"
        "EU-1,EU,b2c,150,3,0,2026-07-01,2028-07-01,V2\n"
        "OTHER,*,b2b,,0,0.05,2010-01-01,2099-12-31,D\n"
    ),
    "carbon_factors.csv": (
        "mode,g_per_tonne_km,valid_from,valid_to,source\n"
        "van,782,2010-01-01,2099-12-31,V\nhgv,125,2010-01-01,2099-12-31,V\narticulated,96,2010-01-01,2099-12-31,V\n"
        "flight_short,961,2010-01-01,2099-12-31,V\nflight_long,666,2010-01-01,2099-12-31,V\n"
        "rail,35,2010-01-01,2099-12-31,V\nship,20,2010-01-01,2099-12-31,V\n"
    ),
    "grid_intensities.csv": (
        "country,g_per_kwh,valid_from,valid_to,source\nDE,380.9,2023-01-01,2099-12-31,V\n*,475,2023-01-01,2099-12-31,V\n"
    ),
    "exchange_rates.csv": "currency,per_eur,valid_from,valid_to,source\nUSD,1.1,2026-01-01,2026-12-31,D\n",
}


PART_NUMBERS = "part_no,kind,number\nXX-1,old,KP-1987\nXX-1,gtin,2000000001012\n"
PART_INSTALLATIONS = "part_no,asset,position,quantity,note\nXX-1,pump P-17,impeller,2,\nXX-1,pump P-18,,1,spare\n"


def write_names(folder: Path, *, numbers: str = PART_NUMBERS, installations: str = PART_INSTALLATIONS) -> Path:
    """Write the files that a folder may do without: other numbers of parts, and where they are installed."""
    (folder / "part_numbers.csv").write_text(numbers, encoding="utf8")
    (folder / "part_installations.csv").write_text(installations, encoding="utf8")
    return folder


def write_reference(folder: Path, **changes: str) -> Path:
    """Write the small files into ``folder``; ``nodes=…`` puts other content into nodes.csv, and so on."""
    for file, content in FILES.items():
        (folder / file).write_text(changes.get(file.removesuffix(".csv"), content), encoding="utf8")
    return folder


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Return a change for ``write_reference`` that puts ``new`` for ``old``, which must be there."""
    content = FILES[f"{file}.csv"]
    assert old in content, f"{old!r} is not in {file}.csv"
    return {file: content.replace(old, new, 1)}


def read_reference(folder: Path) -> ReferenceFiles:
    """Return the checked files of a folder; ``InvalidReferenceData`` if something is wrong with them."""
    problems = Problems()
    files = read_files(folder, problems)
    check_together(files, problems)
    problems.require_none()
    return files


def problems_of(folder: Path) -> list[Problem]:
    """Return what is wrong with the files of a folder."""
    try:
        read_reference(folder)
    except InvalidReferenceData as error:
        return list(error.found)
    return []


@lru_cache(maxsize=1)
def reference_files() -> ReferenceFiles:
    """Return the files of the real reference network, read once."""
    return read_reference(reference_folder())


@lru_cache(maxsize=1)
def reference_description() -> Description:
    """Return the real reference network, completed by its seed."""
    return describe(reference_files())
