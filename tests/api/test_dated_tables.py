"""Tables of carriers, customs, carbon, grids and currencies over HTTP: in, listed, out, and in again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.factories.api import Api
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, refusal_of
from tests.factories.tables import cells_of, counts_of, key_for, problems_of, send_table

REFERENCE = Path(__file__).parents[2] / "infra" / "reference"

TARIFFS = """carrier,zone,service,valid_from,valid_to,over_kg,up_to_kg,base_eur,per_kg_eur,minimum_eur,fuel_fraction,\
surcharge_eur,transit,mode,source
Swift,Z1,express,2026-01-01,2026-12-31,0,2,5.50,0,6.50,0.18,0,1:900|2:100,hgv,contract 7
Swift,Z1,express,2026-01-01,2026-12-31,2,31.5,5.50,0.8,6.50,0.18,0,1:900|2:100,hgv,contract 7
Snail,Z1,economy,2026-01-01,2026-12-31,,,4,0.5,,0.1,1.25,2:500|4:450|5:50,articulated,contract 8
"""
DUTIES = """rule_id,territory,consignment,maximum_value_eur,fixed_eur,fraction,valid_from,valid_to,source
EU-B2C-150-2026,EU,b2c,150,3,0,2026-07-01,2028-07-01,V2: per item category
US-B2C,US,b2c,,0,0.1,2010-01-01,2099-12-31,D: a plain share
"""
FACTORS = """mode,g_per_tonne_km,valid_from,valid_to,source
van,782,2025-01-01,2025-12-31,V: DEFRA 2025
van,770,2026-01-01,2099-12-31,V: DEFRA 2026
"""
GRIDS = """country,g_per_kwh,valid_from,valid_to,source
DE,380.9,2023-01-01,2099-12-31,V: 2023
*,475,2023-01-01,2099-12-31,V: 2023
"""
RATES = """currency,per_eur,valid_from,valid_to,source
USD,1.08,2026-11-16,2026-11-22,bank
USD,1.1,2026-11-23,2026-11-29,bank
CHF,0.94,2026-11-23,2026-11-29,bank
"""
TABLES = [
    ("carrier-tariffs", "carrier_tariffs", TARIFFS),
    ("duty-rules", "duty_rules", DUTIES),
    ("carbon-factors", "carbon_factors", FACTORS),
    ("grid-intensities", "grid_intensities", GRIDS),
    ("exchange-rates", "exchange_rates", RATES),
]
SAID = """
SELECT subject_type, data->>'reason' FROM outbox_events
WHERE name = 'network.changed' AND data->>'reason' LIKE '%_imported' ORDER BY id
"""
AUDITED = "SELECT action, organisation_id, data FROM audit_entries WHERE action LIKE '%.imported' ORDER BY id"
EURO = "EUR"


@pytest.fixture
def operator(api: Api) -> Iterator[httpx.Client]:
    """A client with a key of the operator."""
    with api.as_(key_for(api, organisation_id="org_operator", kind="operator")) as client:
        yield client


@pytest.fixture(scope="module")
def refused_operator(standing_api: Api) -> Iterator[httpx.Client]:
    """A client with a key of the operator, for tables of which nothing is kept."""
    with standing_api.as_(key_for(standing_api, organisation_id="org_operator", kind="operator")) as client:
        yield client


def found(api: Api, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(api.engine, lambda session: rows(session, sql))


# ---------------------------------------------------------------- in and out


@pytest.mark.parametrize(("name", "table", "content"), TABLES)
def test_a_table_comes_in_once_and_what_goes_out_comes_in_as_it_is(
    api: Api, operator: httpx.Client, name: str, table: str, content: str
) -> None:
    count = len(content.strip().splitlines()) - 1
    assert counts_of(send_table(operator, name, content)) == (count, 0, 0)
    assert counts_of(send_table(operator, name, content)) == (0, 0, count)

    exported = operator.get(f"/v1/exports/{name}")
    assert exported.headers["Content-Disposition"] == f'attachment; filename="{name}.csv"'
    assert counts_of(send_table(operator, name, exported.text)) == (0, 0, count)
    as_json = operator.get(f"/v1/exports/{name}", params={"format": "json"}).json()
    assert counts_of(send_table(operator, name, as_json)) == (0, 0, count)
    assert found(api, SAID) == [(table, f"{table}_imported")]


@pytest.mark.parametrize(("name", "table", "content"), TABLES)
def test_an_import_that_changes_something_is_audited_and_a_dry_run_is_not(
    api: Api, operator: httpx.Client, name: str, table: str, content: str
) -> None:
    count = len(content.strip().splitlines()) - 1
    assert counts_of(send_table(operator, name, content, dry_run=True)) == (count, 0, 0)
    assert found(api, f"SELECT count(*) FROM {table}") == [(0,)]
    assert found(api, AUDITED) == found(api, SAID) == []

    send_table(operator, name, content)
    expected = {"carrier-tariffs": 2}.get(name, count)  # three bands are two tariffs
    assert found(api, AUDITED) == [(f"{table}.imported", "org_operator", {"created": expected, "changed": 0})]
    assert found(api, SAID) == [(table, f"{table}_imported")]


@pytest.mark.parametrize(("name", "table", "content"), TABLES)
def test_only_the_operator_puts_tables_in_and_everyone_reads_them(
    api: Api, operator: httpx.Client, name: str, table: str, content: str
) -> None:
    assert refusal_of(send_table(api.client, name, content)) == Refusal(status=403, code="operator_only")
    with api.as_(key_for(api, organisation_id="org_b", kind="bureau")) as bureau:
        assert refusal_of(send_table(bureau, name, content)).code == "operator_only"
        send_table(operator, name, content)
        assert bureau.get(f"/v1/{name}").json() == api.client.get(f"/v1/{name}").json()
        assert bureau.get(f"/v1/exports/{name}").text == api.client.get(f"/v1/exports/{name}").text
    assert refusal_of(httpx_without_key(api, f"/v1/{name}")) == Refusal(status=401, code="unauthenticated")


def httpx_without_key(api: Api, path: str) -> httpx.Response:
    with api.as_(None) as stranger:
        return stranger.get(path)


@pytest.mark.parametrize("name", [name for name, _, _ in TABLES])
def test_the_reference_files_are_tables_of_this_kind(operator: httpx.Client, name: str) -> None:
    content = (REFERENCE / f"{name.replace('-', '_')}.csv").read_text(encoding="utf8")
    count = len(cells_of(content))
    assert counts_of(send_table(operator, name, content)) == (count, 0, 0)
    assert counts_of(send_table(operator, name, operator.get(f"/v1/exports/{name}").text)) == (0, 0, count)


# ---------------------------------------------------------------- lists


def test_tariffs_are_listed_with_bands_and_transit(operator: httpx.Client) -> None:
    send_table(operator, "carrier-tariffs", TARIFFS)
    snail, swift = operator.get("/v1/carrier-tariffs").json()["data"]
    assert swift == {
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
        "source": "contract 7",
        "carrier": "Swift",
        "zone": "Z1",
        "service": "express",
        "bands": [
            {
                "up_to_grams": 2000,
                "base": {"amount_minor": 550, "currency": EURO},
                "per_kg": {"amount_minor": 0, "currency": EURO},
            },
            {
                "up_to_grams": 31500,
                "base": {"amount_minor": 550, "currency": EURO},
                "per_kg": {"amount_minor": 80, "currency": EURO},
            },
        ],
        "minimum": {"amount_minor": 650, "currency": EURO},
        "fuel_fraction": 0.18,
        "surcharge": {"amount_minor": 0, "currency": EURO},
        "transit": [{"working_days": 1, "per_mille": 900}, {"working_days": 2, "per_mille": 100}],
        "transit_p50_days": 1,
        "transit_p95_days": 2,
        "mode": "hgv",
    }
    assert [band["up_to_grams"] for band in snail["bands"]] == [None]
    assert (snail["transit_p50_days"], snail["transit_p95_days"]) == (2, 4)
    assert (snail["minimum"]["amount_minor"], snail["surcharge"]["amount_minor"]) == (0, 125)


@pytest.mark.parametrize(
    ("name", "query", "count"),
    [
        ("carrier-tariffs", {"zone": "Z1"}, 2),
        ("carrier-tariffs", {"service": "express"}, 1),
        ("carrier-tariffs", {"carrier": "Snail", "service": "express"}, 0),
        ("carrier-tariffs", {"on": "2026-12-31"}, 2),
        ("carrier-tariffs", {"on": "2027-01-01"}, 0),
        ("duty-rules", {"on": "2026-06-30"}, 1),
        ("duty-rules", {"on": "2026-07-01", "territory": "EU"}, 1),
        ("duty-rules", {"on": "2028-07-02", "territory": "EU"}, 0),
        ("duty-rules", {"consignment": "b2b"}, 0),
        ("carbon-factors", {"mode": "van", "on": "2025-12-31"}, 1),
        ("carbon-factors", {"mode": "van"}, 2),
        ("grid-intensities", {"country": "*"}, 1),
        ("exchange-rates", {"currency": "USD"}, 2),
        ("exchange-rates", {"on": "2026-11-22"}, 1),
    ],
)
def test_lists_are_narrowed_to_a_day_and_to_values(
    operator: httpx.Client, name: str, query: dict[str, str], count: int
) -> None:
    send_table(operator, name, {table: content for table, _, content in TABLES}[name])
    answer = operator.get(f"/v1/{name}", params=query).json()
    assert len(answer["data"]) == count
    assert answer["has_more"] is False


@pytest.mark.parametrize("name", [name for name, _, _ in TABLES])
def test_pages_follow_one_another_without_loss(operator: httpx.Client, name: str) -> None:
    content = (REFERENCE / f"{name.replace('-', '_')}.csv").read_text(encoding="utf8")
    send_table(operator, name, content)
    whole = operator.get(f"/v1/{name}", params={"limit": 200}).json()["data"]
    pages, cursor = [], None
    while True:
        page = operator.get(f"/v1/{name}", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        pages += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == whole
    assert len(whole) == len(cells_of(content))


def test_a_parameter_that_is_none_is_refused(operator: httpx.Client) -> None:
    assert refusal_of(operator.get("/v1/carrier-tariffs", params={"zone": "Z9"})).status == 422
    assert refusal_of(operator.get("/v1/exchange-rates", params={"day": "2026-01-01"})).code == "validation_failed"
    assert refusal_of(operator.get("/v1/duty-rules", params={"on": "tomorrow"})).code == "validation_failed"


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("name", "old", "new", "pointer", "message"),
    [
        ("carrier-tariffs", ",Z1,economy", ",Z9,economy", "/rows/3/zone", "must be 'Z0', 'Z1'"),
        (
            "carrier-tariffs",
            ",Z1,economy",
            ",Z1,slow",
            "/rows/3/service",
            "must be 'economy', 'express' or 'next_flight'",
        ),
        ("carrier-tariffs", "articulated", "bicycle", "/rows/3/mode", "must be 'van', 'hgv'"),
        ("carrier-tariffs", ",4,0.5,", ",-4,0.5,", "/rows/3/base_eur", "must be at least 0"),
        ("carrier-tariffs", ",4,0.5,", ",4.005,0.5,", "/rows/3/base_eur", "has parts of a cent: give two decimals"),
        ("carrier-tariffs", ",2,31.5,", ",5,31.5,", "/rows/2/over_kg", "is 5: it leaves a gap after the band up to 2"),
        (
            "carrier-tariffs",
            ",2,31.5,",
            ",1,31.5,",
            "/rows/2/over_kg",
            "is 1: it overlaps the band up to 2 kg, let one",
        ),
        ("carrier-tariffs", ",0,2,", ",1,2,", "/rows/1/over_kg", "is 1: no band covers lighter parcels"),
        (
            "carrier-tariffs",
            ",2,31.5,",
            ",5,3,",
            "/rows/2/over_kg",
            "is 5 and up_to_kg 3: a band goes from the lighter to the heavier parcel, swap or correct them",
        ),
        ("duty-rules", ",0,0.1,", ",0,5,", "/rows/2/fraction", "is a share: 0.05 for 5 %, 1 at the most"),
        ("exchange-rates", "CHF", "XXX", "/rows/3/currency", "is no currency: use three capital letters of ISO 4217"),
        ("exchange-rates", "CHF", "XTS", "/rows/3/currency", "is no currency: use three capital letters of ISO 4217"),
        ("carrier-tariffs", ",0,2,", ",0,31.5,", "/rows/2", "up to 31.5 kg stands in line 2 already"),
        ("carrier-tariffs", "2:500|4:450", "2:500|4:400", "/rows/3/transit", "adds up to 950 of a thousand parcels"),
        ("carrier-tariffs", "2:500|4:450", "4:500|2:450", "/rows/3/transit", "the quickest first"),
        ("carrier-tariffs", "2:500|4:450|5:50", "", "/rows/3/transit", "is missing: give days:per mille"),
        (
            "carrier-tariffs",
            "2:500|4:450|5:50",
            "soon",
            "/rows/3/transit/0",
            "is not days:per mille, as in 1:500|2:450|3:50",
        ),
        (
            "carrier-tariffs",
            "0.8,6.50,0.18",
            "0.8,6.50,0.2",
            "/rows/2/fuel_fraction",
            "differs from the band up to 2 kg",
        ),
        (
            "carrier-tariffs",
            "2026-12-31,,,4",
            "2025-12-31,,,4",
            "/rows/3/valid_to",
            "is before valid_from (2026-01-01)",
        ),
        (
            "duty-rules",
            "EU,b2c",
            "DE,b2c",
            "/rows/1/territory",
            "belongs to the customs territory of EU: give its rules",
        ),
        ("duty-rules", "US,b2c", "XX,b2c", "/rows/2/territory", "use *, EU or a country's code of ISO 3166-1"),
        ("duty-rules", "US,b2c", "US,c2c", "/rows/2/consignment", "must be 'b2c' or 'b2b'"),
        ("duty-rules", ",0,0.1,", ",0,,", "/rows/2/fraction", "is missing: give it in every row"),
        ("carbon-factors", "van,770", "car,770", "/rows/2/mode", "must be 'van', 'hgv'"),
        ("carbon-factors", "2026-01-01", "2025-12-31", "/rows/2/valid_from", "let that one end on 2025-12-30"),
        (
            "carbon-factors",
            "2026-01-01",
            "2026-02-01",
            "/rows/2/valid_from",
            "no row of van covers 2026-01-01 to 2026-01",
        ),
        ("grid-intensities", "DE,", "XX,", "/rows/1/country", "use * or a country's code of ISO 3166-1 alpha-2"),
        ("grid-intensities", "380.9", "-1", "/rows/1/g_per_kwh", "must be at least 0"),
        ("exchange-rates", "CHF", "CHX", "/rows/3/currency", "is no currency: use three capital letters of ISO 4217"),
        ("exchange-rates", "CHF", "EUR", "/rows/3/currency", "a euro is always one euro: leave the row out"),
        ("exchange-rates", "0.94", "0", "/rows/3/per_eur", "must be more than 0"),
        (
            "exchange-rates",
            "1.1,2026-11-23",
            "1.1,2026-11-22",
            "/rows/2/valid_from",
            "overlaps 2026-11-16 to 2026-11-22",
        ),
    ],
)
def test_every_wrong_value_is_told_with_row_and_field_and_nothing_is_kept(
    standing_api: Api, refused_operator: httpx.Client, name: str, old: str, new: str, pointer: str, message: str
) -> None:
    content = {table: text for table, _, text in TABLES}[name]
    assert old in content
    answer = send_table(refused_operator, name, content.replace(old, new, 1))
    assert answer.status_code == 422
    told = problems_of(answer)
    assert [place for place, _ in told] == [pointer]
    assert message in told[0][1]
    assert found(standing_api, f"SELECT count(*) FROM {name.replace('-', '_')}") == [(0,)]


@pytest.mark.parametrize("dry_run", [True, False])
def test_days_to_come_without_a_row_and_high_duties_are_warned_of(operator: httpx.Client, dry_run: bool) -> None:
    told = {name: send_table(operator, name, content, dry_run=dry_run).json() for name, _, content in TABLES}
    high = send_table(operator, "duty-rules", DUTIES.replace(",0,0.1,", ",0,0.6,"), dry_run=dry_run).json()

    assert told["carbon-factors"]["warnings"] == told["exchange-rates"]["warnings"] == []
    assert high["warnings"] == ["duty rule US-B2C: fraction 0.6 takes 60% of the value: 5 % are 0.05"]
    assert high["problems"] == told["duty-rules"]["warnings"] == []


def test_a_tariff_that_ends_within_a_year_is_warned_of(operator: httpx.Client) -> None:
    today = datetime.now(tz=UTC).date()
    last = today + timedelta(days=20)
    table = TARIFFS.replace("2026-01-01,2026-12-31", f"2020-01-01,{last}")

    told = send_table(operator, "carrier-tariffs", table).json()["warnings"]

    begins = last + timedelta(days=1)
    assert told == [
        f"{lane}: a row holds today and none from {begins} on: import what follows"
        for lane in ("Z1 economy", "Z1 express")
    ]
    longer = table.replace(f",{last},", f",{today + timedelta(days=365)},")
    assert send_table(operator, "carrier-tariffs", longer).json()["warnings"] == []


def test_all_problems_of_a_table_are_told_at_once(refused_operator: httpx.Client) -> None:
    broken = TARIFFS.replace(",0,2,5.50", ",0.5,2,x").replace("1:900|2:100,hgv", "1:900|2:90,hgv").replace("1.25", "")
    told = problems_of(send_table(refused_operator, "carrier-tariffs", broken, dry_run=True))
    assert [pointer for pointer, _ in told] == [
        "/rows/1/base_eur",
        "/rows/1/over_kg",
        "/rows/1/transit",
        "/rows/3/surcharge_eur",
    ]
    assert told == problems_of(send_table(refused_operator, "carrier-tariffs", broken))


def test_a_new_edition_needs_the_end_of_the_old_one(operator: httpx.Client) -> None:
    send_table(operator, "grid-intensities", GRIDS)
    header = GRIDS.splitlines()[0] + "\n"
    new = "DE,350,2026-01-01,2099-12-31,V: 2025\n"
    (problem,) = problems_of(send_table(operator, "grid-intensities", header + new))
    assert problem == (
        "/rows/1/valid_from",
        "2026-01-01 to 2099-12-31 overlaps 2023-01-01 to 2099-12-31 of DE, which is there already: "
        "let that one end on 2025-12-31, in the same table",
    )
    both = header + "DE,380.9,2023-01-01,2025-12-31,V: 2023\n" + new
    assert counts_of(send_table(operator, "grid-intensities", both)) == (1, 1, 0)
    assert [
        operator.get("/v1/grid-intensities", params={"country": "DE", "on": day}).json()["data"][0]["g_per_kwh"]
        for day in ("2025-12-31", "2026-01-01")
    ] == [380.9, 350]


def test_the_bands_of_a_table_take_the_place_of_those_that_are_there(operator: httpx.Client) -> None:
    send_table(operator, "carrier-tariffs", TARIFFS)
    lines = TARIFFS.splitlines()
    one_band = "\n".join([lines[0], lines[1].replace("0,2,5.50,0,", ",70,7.20,0.1,")]) + "\n"
    assert counts_of(send_table(operator, "carrier-tariffs", one_band)) == (0, 1, 0)
    (swift,) = operator.get("/v1/carrier-tariffs", params={"carrier": "Swift"}).json()["data"]
    assert [(band["up_to_grams"], band["base"]["amount_minor"]) for band in swift["bands"]] == [(70_000, 720)]


def test_two_percentiles_do_for_a_transit_distribution(operator: httpx.Client) -> None:
    content = (
        "carrier,zone,service,valid_from,valid_to,base_eur,per_kg_eur,fuel_fraction,surcharge_eur,transit_p50_days,"
        "transit_p95_days,mode,source\nSwift,Z2,express,2026-01-01,2026-12-31,9,1,0.18,0,1,3,hgv,contract 7\n"
    )
    assert counts_of(send_table(operator, "carrier-tariffs", content)) == (1, 0, 0)
    (row,) = cells_of(operator.get("/v1/exports/carrier-tariffs").text)
    assert (row["transit"], row["transit_p50_days"]) == ("1:500|3:450|4:50", "")
    late = content.replace(",1,3,hgv", ",3,1,hgv")
    assert problems_of(send_table(operator, "carrier-tariffs", late)) == [
        ("/rows/1/transit_p95_days", "is less than transit_p50_days (3): late is not sooner")
    ]
