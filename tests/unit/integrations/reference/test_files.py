"""Every bad value is found, each with its file, line, column, value and advice; a good file has no problem."""

from datetime import date
from pathlib import Path

import pytest

from fabroute.integrations.reference import InvalidReferenceData
from fabroute.logistics.rules import ExchangeRate, Mode, Service, Zone, any_weight
from tests.factories.reference import FILES, changed, problems_of, read_reference, write_reference

RATES = "currency,per_eur,valid_from,valid_to,source\n"


def test_good_files_become_typed_rows(tmp_path: Path) -> None:
    files = read_reference(write_reference(tmp_path))
    node = files.nodes[0].value
    assert (node.kind, node.minimum_order_minor, node.labour_minor_per_hour) == ("service_bureau", 5000, 4600)
    assert [row.value.pair for row in files.assets] == ["MJF:PA12-MJF", "LPBF:316L"]
    assert (files.certificates[0].value.scope, files.certificates[0].value.valid_to) == ("*", date(2028, 5, 1))
    part = files.parts[0].value
    assert (part.process_materials, part.required_certificates) == (("MJF:PA12-MJF", "LPBF:316L"), ("ISO9001",))
    assert (part.criticality, part.part_qualification, part.box_mm) == ("aog", True, (74, 28, 22))
    tariff = files.tariffs[0].value.tariff
    assert (tariff.zone, tariff.service, tariff.mode) == (Zone.DOMESTIC, Service.EXPRESS, Mode.HGV)
    assert tariff.bands == any_weight(base_minor=800, per_kg_minor=90)
    assert [row.value.duty.maximum_value_minor for row in files.duty_rules] == [15_000, None]
    assert files.materials[1].value.refresh_ratio == 0.05
    assert [row.value for row in files.exchange_rates] == [
        ExchangeRate(currency="USD", per_eur=1.1, valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31), source="D")
    ]
    assert [(row.value.country, row.value.g_per_kwh) for row in files.grid_intensities] == [("DE", 380.9), ("*", 475)]
    assert (files.tariffs[0].value.tariff.carrier, files.carbon_factors[6].value.valid_to) == (
        "reference",
        date(2099, 12, 31),
    )


def test_empty_required_certificates_and_optional_numbers_are_none(tmp_path: Path) -> None:
    changes = changed("parts", "ISO9001,1", ",1") | changed("materials", "7.97,4.5,60,0.05", "7.97,,60,")
    files = read_reference(write_reference(tmp_path, **changes))
    assert files.parts[0].value.required_certificates == ()
    assert (files.materials[1].value.bulk_density_g_per_cm3, files.materials[1].value.refresh_ratio) == (None, None)


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "column", "advice"),
    [
        ("node_assets", "N1-B", "N1/B", 3, "machine_id", "use letters, digits and . _ + -, 64 at most"),
        ("nodes", "bureau", "shop", 2, "kind", "use one of in_house, bureau, hub"),
        ("nodes", "Berlin,DE", ",DE", 2, "city", "is empty: fill it in"),
        ("nodes", "Berlin,DE", "Berlin,DD", 2, "country", "is no two-letter code of ISO 3166, such as DE"),
        ("nodes", "52.5244", "95", 2, "lat", "give a number from -90 up to 90, such as 12.5"),
        ("nodes", "13.4105", "east", 2, "lon", "give a number from -180 up to 180, such as 12.5"),
        ("nodes", "Europe/Berlin", "Berlin", 2, "timezone", "is no time zone: use an IANA name such as Europe/Berlin"),
        ("nodes", ",46,", ",-1,", 2, "labour_eur_h", "give a number from 0 up to 100000, such as 12.5"),
        ("nodes", "16:00", "25:00", 2, "cutoff_local", "give a time of day as HH:MM"),
        ("nodes", "Mon-Fri", "daily", 2, "calendar", "use one of Mon-Fri, Mon-Sat, Mon-Sun"),
        ("nodes", "0.958", "0", 2, "first_pass_yield", "give a number from 0.001 up to 1, such as 12.5"),
        (
            "machine_models",
            "HP MJF 5200,MJF,380",
            "HP MJF 5200,MJF,nan",
            2,
            "x_mm",
            "give a number from 0.01 up to 100000, such as 12.5",
        ),
        ("machine_models", "5200,MJF", "5200,XXX", 2, "process", "use one of MEX, VPP, SLS, MJF, LPBF, EBM, BJT"),
        (
            "machine_models",
            "80,6.2,0,",
            "80,0,0,",
            2,
            "rate_cm3_h",
            "is 0 like layer_fixed_s: such a machine prints in no time, give one of them",
        ),
        ("materials", "1.01,0.425", "1.01,", 2, "bulk_density_g_cm3", "is needed: MJF refreshes used powder"),
        ("materials", "60,0.2", "60,", 2, "refresh_ratio", "is needed: MJF refreshes used powder"),
        ("materials", "60,0.2", "6e7,0.2", 2, "price_eur_kg", "give a number from 0.01 up to 1e+06, such as 12.5"),
        ("places", "DE,Berlin", "DE,Ber\x00lin", 2, "city", "holds a control character: remove it"),
        ("places", "DE,Berlin", "DE," + "x" * 501, 2, "city", "is longer than 500 characters: shorten it"),
        ("materials", "0.2,0,V", "1.2,0,V", 2, "refresh_ratio", "give a number from 0 up to 1, such as 12.5"),
        ("node_assets", "PS-1,0.5", "PS-1,50%", 2, "utilisation", "give a number from 0 up to 1, such as 12.5"),
        ("node_certs", "2025-08-05", "05.08.2025", 2, "valid_from", "give a day as YYYY-MM-DD, such as 2026-06-15"),
        (
            "node_certs",
            "2028-05-01",
            "2020-05-01",
            2,
            "valid_to",
            "is before valid_from (2025-08-05): swap or correct them",
        ),
        (
            "node_certs",
            "site,*",
            "site+process+material,*",
            2,
            "scope_kind",
            "does not go with the scope *: * is site, a pair is site+process+material",
        ),
        (
            "node_certs",
            "MJF:PA12-MJF",
            "MJF/PA12",
            3,
            "scope_process_material",
            "use * or PROCESS:MATERIAL, such as LPBF:316L",
        ),
        (
            "parts",
            "6.2,MJF",
            "62,MJF",
            2,
            "volume_cm3",
            "is more than the bounding box holds: check the units (cm3 and mm)",
        ),
        (
            "parts",
            "MJF:PA12-MJF|LPBF:316L",
            "",
            2,
            "allowed_process_material",
            "name at least one PROCESS:MATERIAL, several with | between them",
        ),
        ("parts", "AOG", "urgent", 2, "criticality", "use one of aog, line_down, routine, consumer, patient, safety"),
        ("parts", ",160,", ",1.5,", 2, "annual_demand", "give a whole number from 0 to 2,000,000,000"),
        ("parts", ",2.10,", ",free,", 2, "conv_unit_eur", "give a number from 0 up to 2e+07, such as 12.5"),
        ("parts", ",5000,", ",0,", 2, "conv_moq", "give a whole number from 1 to 2,000,000,000"),
        ("parts", ",18000,", ",-1,", 2, "conv_tooling_eur", "give a number from 0 up to 2e+07, such as 12.5"),
        ("parts", ",55", ",1.5", 2, "conv_lead_days", "give a whole number from 0 to 3,650"),
        ("parts", "9405.99", "lamp", 2, "hs_code", "give a tariff number such as 8607.19"),
        ("parts", "none,any", "secret,any", 2, "export_class", "use one of none, dual_use, itar"),
        ("parts", "none,any", "none,moon", 2, "ip_zone", "use one of any, EU, US, EU_US, same_country"),
        ("parts", "ISO9001,1", "ISO9001,yes", 2, "part_qualification", "use one of 0, 1"),
        ("places", ",1,", ",?,", 2, "is_capital", "use one of 0, 1"),
        ("carrier_tariffs", "Z1", "Z9", 2, "zone", "use one of Z0, Z1, Z2, Z3, Z4, Z5"),
        ("carrier_tariffs", "express", "rocket", 2, "service", "use one of economy, express, next_flight"),
        (
            "carrier_tariffs",
            "1,1,hgv",
            "3,1,hgv",
            2,
            "transit_p95_days",
            "is less than transit_p50_days (3): late is not sooner",
        ),
        ("duty_rules", "b2c", "c2c", 2, "consignment", "use one of b2c, b2b"),
        ("duty_rules", "*,b2b", "Europe,b2b", 3, "territory", "use *, EU or a country's two-letter code"),
        (
            "duty_rules",
            "2028-07-01",
            "2025-07-01",
            2,
            "valid_to",
            "is before valid_from (2026-07-01): swap or correct them",
        ),
        ("carbon_factors", "125", "-1", 3, "g_per_tonne_km", "give a number from 0, such as 12.5"),
        (
            "carbon_factors",
            "35,2010-01-01,2099-12-31",
            "35,2010-01-01,2009-12-31",
            7,
            "valid_to",
            "is before valid_from (2010-01-01): swap or correct them",
        ),
        ("grid_intensities", "DE,", "XX,", 2, "country", "is no two-letter code of ISO 3166, such as DE"),
        ("grid_intensities", "380.9", "x", 2, "g_per_kwh", "give a number from 0 up to 5000, such as 12.5"),
        ("exchange_rates", "USD", "usd", 2, "currency", "use three capital letters of ISO 4217; EUR is always 1"),
        ("exchange_rates", "USD", "EUR", 2, "currency", "use three capital letters of ISO 4217; EUR is always 1"),
        ("exchange_rates", "1.1", "0", 2, "per_eur", "give a number over 0, such as 12.5"),
    ],
)
def test_a_bad_value_is_found_and_says_what_to_do(
    tmp_path: Path, file: str, old: str, new: str, line: int, column: str, advice: str
) -> None:
    found = problems_of(write_reference(tmp_path, **changed(file, old, new)))
    assert [(problem.file, problem.line, problem.column, problem.advice) for problem in found] == [
        (f"{file}.csv", line, column, advice)
    ]
    assert found[0].value in new or found[0].value in new.split(",")


def test_every_problem_of_every_file_is_reported_at_once(tmp_path: Path) -> None:
    changes = changed("nodes", "bureau", "shop") | changed("parts", "none,any", "secret,moon")
    changes |= {"machine_models": FILES["machine_models.csv"].replace("380", "x"), "places": "country\nDE\n"}
    folder = write_reference(tmp_path, **changes)
    (folder / "materials.csv").unlink()
    with pytest.raises(InvalidReferenceData) as refusal:
        read_reference(folder)
    lines = str(refusal.value).splitlines()
    assert lines[0] == f"{len(lines) - 1} problems in the reference data, so nothing was loaded:"
    assert "  nodes.csv line 2, kind: 'shop': use one of in_house, bureau, hub" in lines
    assert "  machine_models.csv line 2, x_mm: 'x': give a number from 0.01 up to 100000, such as 12.5" in lines
    assert "  parts.csv line 2, ip_zone: 'moon': use one of any, EU, US, EU_US, same_country" in lines
    assert f"  materials.csv: is not in {tmp_path}: put it there, or name the right folder" in lines
    assert any(line.startswith("  places.csv line 1, city: the column is missing") for line in lines)
    assert {problem.pointer for problem in refusal.value.problems} >= {"/nodes.csv/2/kind", "/places.csv/1/city"}
    assert (refusal.value.code, refusal.value.status) == ("reference_data_invalid", 422)


def test_a_long_value_is_shown_by_its_beginning(tmp_path: Path) -> None:
    found = problems_of(write_reference(tmp_path, **changed("nodes", "bureau", "s" * 200)))
    assert str(found[0]) == f"nodes.csv line 2, kind: '{'s' * 60}': use one of in_house, bureau, hub"


@pytest.mark.parametrize(
    ("content", "line", "column", "advice"),
    [
        ("", 1, "currency", "the column is missing: the header is currency,per_eur,valid_from,valid_to,source"),
        (
            RATES.replace("per_eur,", ""),
            1,
            "per_eur",
            "the column is missing: the header is currency,per_eur,valid_from",
        ),
        ("currency," + RATES, 1, "currency", "the column is there twice: remove one"),
        (RATES + "USD,1,1,2026-01-01,2026-12-31,D\n", 2, "", "has 6 values, the header has 5: check commas and quotes"),
        (RATES + 'USD,"1"1,2026-01-01,2026-12-31,D\n', 2, "", "is not well-formed CSV"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: str, line: int, column: str, advice: str) -> None:
    found = problems_of(write_reference(tmp_path, exchange_rates=content))
    assert any(
        (problem.line, problem.column) == (line, column) and problem.advice.startswith(advice) for problem in found
    )


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "places.csv").write_bytes(b"country,city\nDE,M\xfcnchen\n")
    assert [str(problem) for problem in problems_of(folder)] == ["places.csv: is not UTF-8 (byte 17): save it as UTF-8"]


def test_a_byte_order_mark_blank_lines_spaces_other_columns_and_line_breaks_in_quotes_are_fine(tmp_path: Path) -> None:
    header = "\ufeffcountry, city ,latitude,longitude,is_capital,population,remark\r\n\r\n"
    content = header + 'DE, Berlin ,52.5,13.4,1,,"a\nb"\r\n'
    files = read_reference(write_reference(tmp_path, places=content))
    assert [(read.value.city, read.value.latitude) for read in files.places] == [("Berlin", 52.5)]
    again = problems_of(write_reference(tmp_path, places=content + "XX,Nowhere,1,1,0,,\r\n"))
    assert [(problem.line, problem.value) for problem in again] == [(5, "XX")]
