"""Spare-part lists over HTTP: asked for, followed, ranked, downloaded, removed; each owner's own."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from fabroute.advice.service.screening_work import ScreeningLimits, judge_screenings
from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.logistics.rules import ExchangeRate
from fabroute.logistics.service import LogisticsData, save_logistics
from tests.factories.api import Api
from tests.factories.databases import in_transaction, rows
from tests.factories.network import save_a_network
from tests.factories.orders import given_owner
from tests.factories.problems import Refusal, problem_of, refusal_of
from tests.factories.screenings import a_spare_part_list, as_csv

Row = dict[str, Any]
PATH = "/v1/advice/screenings"
MILL = """part_no;name;demand_history;unit_price;moq;lead_days;stock;\
box_x_mm;box_y_mm;box_z_mm;volume_cm3;process_materials
D-1;Nozzle;0|2|0|0|1|0|0|2|0|0|1|0;400,50;25;90;;40;30;20;10;PA12
D-2;Bolt;40|40|40;0,10;100;5;;8;8;30;1,2;steel
D-3;Bracket;0|0|0;80;1;20;2;90;40;20;30;PA12|316L
D-4;Guide;1|0|1;;1;20;;90;40;20;30;PA12
"""
BARE = "horizon_years=1&holding_cost=0&obsolescence=0&digitisation_minor=0&upkeep_minor=0&print_freight_minor=0"


@pytest.fixture
def mill(api: Api) -> Api:
    """The API beside a network of one node that prints PA12."""
    in_transaction(api.engine, save_a_network)
    return api


def send(client: httpx.Client, table: str | list[Row], query: str = "") -> httpx.Response:
    media_type = "text/csv" if isinstance(table, str) else "application/json"
    content = table if isinstance(table, str) else json.dumps(table)
    return client.post(f"{PATH}?{query}", content=content.encode(), headers={"Content-Type": media_type})


def judged(api: Api, table: str | list[Row], query: str = "") -> Row:
    """A screening once it is done."""
    asked = send(api.client, table, query)
    assert asked.status_code == 202, asked.text
    assert judge_screenings(api.engine, limits=ScreeningLimits(), now=utc_now()) == asked.json()["rows"]
    done: Row = api.client.get(asked.headers["Location"]).json()
    assert done["state"] == "done"
    return done


def ranked(client: httpx.Client, screening: Row, query: str = "") -> list[Row]:
    answer = client.get(f"{PATH}/{screening['id']}/rows?{query}")
    assert answer.status_code == 200, answer.text
    found: list[Row] = answer.json()["data"]
    return found


def one(api: Api, row: Row, query: str = "") -> Row:
    """What becomes of a single part."""
    (found,) = ranked(api.client, judged(api, [{"part_no": "P-1"} | row], query))
    return found


def reasons(row: Row) -> list[str]:
    told = row["reasons"]
    assert isinstance(told, list)
    return [reason["code"] for reason in told]


def test_a_list_is_accepted_judged_and_told(mill: Api) -> None:
    asked = send(mill.client, MILL, "name=pulp+mill")
    body = asked.json()
    assert (asked.status_code, asked.headers["Location"]) == (202, f"{PATH}/{body['id']}")
    assert (body["name"], body["state"], body["rows"], body["judged"]) == ("pulp mill", "queued", 4, 0)
    assert body["summary"] == {
        "digital_twin": 0,
        "no": 0,
        "unclear": 0,
        "share_worth_it": 0.0,
        "yearly_saving": {"amount_minor": 0, "currency": "EUR"},
        "reasons": [],
    }
    assert judge_screenings(mill.engine, limits=ScreeningLimits(), now=utc_now()) == 4
    done = mill.client.get(asked.headers["Location"]).json()
    (first, *others) = ranked(mill.client, done)
    assert (done["state"], done["judged"], done["summary"]["share_worth_it"]) == ("done", 4, 0.25)
    assert done["summary"]["yearly_saving"] == first["yearly_saving"]
    assert done["summary"]["reasons"] == [
        {"verdict": "digital_twin", "code": "saves", "rows": 1},
        {"verdict": "no", "code": "material_not_printed", "rows": 1},
        {"verdict": "no", "code": "no_demand", "rows": 1},
        {"verdict": "unclear", "code": "price_unknown", "rows": 1},
    ]
    assert (first["part_no"], first["verdict"], first["demand_class"], first["adi"]) == (
        "D-1",
        "digital_twin",
        "intermittent",
        3.0,
    )
    assert (first["need"], first["to_buy"], first["scrap_quantity"]) == (30, 30, 0)
    assert first["printed"]["node_id"] == "N101"
    assert sum(row["amount"]["amount_minor"] for row in first["saving_rows"]) == first["yearly_saving"]["amount_minor"]
    assert [row["verdict"] for row in others] == ["no", "no", "unclear"]
    assert others[2]["missing"] == ["unit_price"]


def test_need_ten_and_a_minimum_order_of_250_leave_240_and_241_with_one_in_stock(mill: Api) -> None:
    row: Row = {"need": 10, "moq": 250, "unit_price": 4.0}
    assert one(mill, row)["scrap_quantity"] == 240
    with_stock = one(mill, row | {"stock": 1})
    assert (with_stock["need"], with_stock["to_buy"], with_stock["scrap_quantity"]) == (10, 9, 241)
    a_year = one(mill, {"demand": 10, "moq": 250, "unit_price": 4.0}, "horizon_years=1")
    assert a_year["scrap_quantity"] == 240


def test_the_scrap_of_the_minimum_order_is_counted_in_money(mill: Api) -> None:
    row: Row = {"need": 10, "stock": 1, "moq": 250, "unit_price": 40.0, "process_materials": ["PA12"]}
    sized: Row = row | {"box_x_mm": 40, "box_y_mm": 30, "box_z_mm": 20, "volume_cm3": 10}
    found = one(mill, sized, BARE)
    rows_ = {item["code"]: item["amount"]["amount_minor"] for item in found["saving_rows"]}
    assert (rows_["purchase"], rows_["moq_scrap"]) == (9 * 4_000, 241 * 4_000)
    assert set(rows_) <= {"purchase", "moq_scrap", "printing", "printed_stock"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"demand": 10, "demand_history": [4] * 12}, "demand says 10 a year, the history comes to 48"),
        ({"demand": 5, "demand_history": [0] * 24}, "demand says 5 a year, the history comes to 0"),
    ],
)
def test_a_demand_that_its_own_history_contradicts_is_refused(mill: Api, row: Row, words: str) -> None:
    refused = send(mill.client, [{"part_no": "P-1"} | row])
    (told,) = problem_of(refused)["errors"]
    assert (refused.status_code, told["pointer"]) == (422, "/rows/1/demand")
    assert words in told["message"]
    assert send(mill.client, [{"part_no": "P-1", "demand": 48, "demand_history": [3] * 12}]).status_code == 202
    assert send(mill.client, [{"part_no": "P-1", "demand": 2, "demand_history": [0, 0, 1]}]).status_code == 202


def test_months_are_columns_and_only_empty_ones_are_no_history(mill: Api) -> None:
    table = "part_no,demand_2026-02,demand_2025-12,demand_2026-01\nP-1,3,0,0\nP-2,,,\n"
    first, second = ranked(mill.client, judged(mill, table))
    assert (first["part_no"], first["adi"], first["yearly_demand"], first["demand_class"]) == (
        "P-1",
        3.0,
        12.0,
        "intermittent",
    )
    assert (second["yearly_demand"], reasons(second)[0]) == (None, "demand_unknown")
    as_json = one(mill, {"demand_2026-01": 4, "demand_2026-02": 0})
    assert (as_json["adi"], as_json["yearly_demand"]) == (2.0, 24.0)


def test_other_currencies_are_converted_by_the_days_rate(mill: Api) -> None:
    rate = ExchangeRate(currency="SEK", per_eur=11.25, valid_from=date(2020, 1, 1), source="test")
    with unit_of_work(mill.engine) as session:
        save_logistics(session, data=LogisticsData(exchange_rates=(replace(rate, valid_to=date(2099, 12, 31)),)))
    row: Row = {"demand": 1, "moq": 1, "lead_days": 0, "box_x_mm": 9, "printable": False}
    euro = one(mill, row | {"unit_price": 400})
    krona = one(mill, row | {"unit_price": 4_500, "currency": "SEK"})
    assert euro["at_most"] == krona["at_most"]
    refused = send(mill.client, [{"part_no": "P-1", "unit_price": 1, "currency": "XYZ"}, {"part_no": "P-2"}])
    assert refusal_of(refused) == Refusal(status=422, code="import_refused", pointers=("/rows/1/currency",))
    assert "XYZ" in problem_of(refused)["detail"]


def test_terms_are_set_in_the_query_and_told_back(mill: Api) -> None:
    query = "holding_cost=0.3&process_materials=PA12&process_materials=LPBF&scrap_rule=keep&upkeep_minor=7"
    terms = send(mill.client, MILL, query).json()["terms"]
    assert (terms["holding_cost"], terms["process_materials"], terms["scrap_rule"]) == (0.3, ["PA12", "LPBF"], "keep")
    assert (terms["upkeep_minor"], terms["horizon_years"], terms["minimum_saving_minor"]) == (7, 5.0, 10_000)


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("holding_cost=much", "validation_failed", "parameter holding_cost"),
        ("holding_cost=1.5", "invalid_term", "holding_cost must be a share from 0 to 1"),
        ("horizon_years=0", "invalid_term", "horizon_years must be above 0"),
        ("upkeep_minor=1.5", "validation_failed", "parameter upkeep_minor"),
        ("holdingcost=0.2", "validation_failed", "parameter holdingcost: "),
        ("scrap_rule=burn", "validation_failed", "parameter scrap_rule: must be 'scrap' or 'keep'"),
        ("holding_cost=nan", "invalid_term", "holding_cost must be a number"),
    ],
)
def test_terms_that_can_not_be_are_refused(mill: Api, query: str, code: str, words: str) -> None:
    refused = send(mill.client, MILL, query)
    assert (refused.status_code, problem_of(refused)["code"]) == (422, code)
    assert words in problem_of(refused)["detail"]


WRONG = """part_no,demand_2026-01,demand_2026-03,unit_price,moq,printable,demand_history,currency
A,1,1,1,1,yes,,EUR
B,x,-1,1,1,perhaps,,EUR
A,1,,1,0,,,
C,,,-1,,,1|two,EURO
D,2,2,1,,,1|2,
,,,,,,,
"""


def test_every_problem_of_every_row_is_told_and_nothing_is_kept(mill: Api) -> None:
    refused = send(mill.client, WRONG)
    assert refusal_of(refused).code == "import_refused"
    assert [problem["pointer"] for problem in problem_of(refused)["errors"]] == [
        "/demand_2026-03",
        "/rows/2/demand_2026-01",
        "/rows/2/demand_2026-03",
        "/rows/2/printable",
        "/rows/3/demand_2026-03",
        "/rows/3/moq",
        "/rows/3",
        "/rows/4/demand_history/1",
        "/rows/4/unit_price",
        "/rows/4/currency",
        "/rows/5/demand_history",
        "/rows/6/part_no",
    ]
    assert problem_of(refused)["errors"][0]["message"] == (
        "does not follow demand_2026-01: give a column for every month"
    )
    assert in_transaction(mill.engine, lambda it: rows(it, "SELECT count(*) FROM screenings")) == [(0,)]


@pytest.mark.parametrize(
    ("table", "pointers"),
    [
        ("", ("",)),
        ("part_no\n", ("",)),
        ("name\nx\n", ("/part_no",)),
        ("part_no,price\nA,1\n", ("/price",)),
        ("part_no,demand_2026-13\nA,1\n", ("/demand_2026-13",)),
    ],
)
def test_what_is_no_list_is_refused(mill: Api, table: str, pointers: tuple[str, ...]) -> None:
    assert refusal_of(send(mill.client, table)) == Refusal(status=422, code="import_refused", pointers=pointers)
    other = mill.client.post(PATH, content=b"x", headers={"Content-Type": "text/html"})
    assert refusal_of(other) == Refusal(status=415, code="unsupported_media_type")


def test_twenty_thousand_rows_are_taken_and_not_one_more(mill: Api) -> None:
    table = "part_no\n" + "".join(f"P-{number}\n" for number in range(20_000))
    asked = send(mill.client, table)
    assert (asked.status_code, asked.json()["rows"]) == (202, 20_000)
    refused = send(mill.client, table + "P-x\n")
    assert "the table has 20,001 rows: send at most 20,000 at once" in problem_of(refused)["detail"]


def test_ranked_parts_come_in_pages_and_by_verdict(mill: Api) -> None:
    screening = judged(mill, as_csv(a_spare_part_list(60)))
    whole = ranked(mill.client, screening, "limit=200")
    found: list[Row] = []
    url: str | None = f"{PATH}/{screening['id']}/rows?limit=25"
    while url is not None:
        page = mill.client.get(url)
        found += page.json()["data"]
        url = page.links["next"]["url"] if "next" in page.links else None
    assert found == whole
    assert len(whole) == 60
    unclear = ranked(mill.client, screening, "verdict=unclear&limit=200")
    assert unclear == [row for row in whole if row["verdict"] == "unclear"]
    assert refusal_of(mill.client.get(f"{PATH}/{screening['id']}/rows?verdict=maybe")).code == "validation_failed"
    cursor = "bm9uZQ"  # "none" in base 64
    assert refusal_of(mill.client.get(f"{PATH}/{screening['id']}/rows?cursor={cursor}")).code == "invalid_cursor"


def test_the_result_is_downloaded_as_a_table_in_the_order_of_the_ranking(mill: Api) -> None:
    screening = judged(mill, MILL)
    answer = mill.client.get(f"{PATH}/{screening['id']}/result")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    (first, *_) = ranked(mill.client, screening)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="screening.csv"'
    assert [(row["rank"], row["part_no"], row["verdict"]) for row in table] == [
        ("1", "D-1", "digital_twin"),
        ("2", "D-2", "no"),
        ("3", "D-3", "no"),
        ("4", "D-4", "unclear"),
    ]
    assert float(table[0]["yearly_saving_eur"]) * 100 == pytest.approx(first["yearly_saving"]["amount_minor"])
    amounts = [float(table[0][f"{code}_eur"] or 0) for code in PARTS]
    assert sum(amounts) == pytest.approx(float(table[0]["yearly_saving_eur"]))
    assert (table[0]["unit_price_eur"], table[3]["unit_price_eur"], table[3]["missing"]) == ("400.5", "", "unit_price")
    as_json = mill.client.get(f"{PATH}/{screening['id']}/result?format=json").json()
    assert [row["part_no"] for row in as_json] == ["D-1", "D-2", "D-3", "D-4"]


PARTS = (
    *("purchase", "tooling", "moq_scrap", "holding", "obsolescence", "stockout"),
    *("printing", "freight", "printed_stock", "digitisation", "qualification", "upkeep"),
)


def test_a_download_holds_nothing_that_a_spreadsheet_would_run(mill: Api) -> None:
    screening = judged(mill, [{"part_no": "=1+1", "name": "@SUM(A1)", "process_materials": ["+cmd"]}])
    (row,) = csv.DictReader(io.StringIO(mill.client.get(f"{PATH}/{screening['id']}/result").text))
    assert (row["part_no"], row["name"]) == ("'=1+1", "'@SUM(A1)")
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "@"))]


def test_a_long_download_is_whole(mill: Api) -> None:
    table = "part_no\n" + "".join(f"P-{number:04}\n" for number in range(1_100))
    screening = judged(mill, table)
    answer = mill.client.get(f"{PATH}/{screening['id']}/result")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["part_no"] for row in found] == [f"P-{number:04}" for number in range(1_100)]
    assert [int(row["rank"]) for row in found] == list(range(1, 1_101))


def test_everyone_sees_the_own_lists_only(mill: Api) -> None:
    screening = judged(mill, MILL)
    stranger = given_owner(mill.engine, name="Stranger", part_no="ST-1")
    path = f"{PATH}/{screening['id']}"
    with mill.as_(stranger.token) as client:
        assert client.get(PATH).json()["data"] == []
        refused = [client.get(path), client.get(f"{path}/rows"), client.get(f"{path}/result"), client.delete(path)]
        assert [refusal_of(answer) for answer in refused] == [Refusal(status=404, code="unknown_screening")] * 4
        assert send(client, MILL).status_code == 202
        assert len(client.get(PATH).json()["data"]) == 1
    assert [item["id"] for item in mill.client.get(PATH).json()["data"]] == [screening["id"]]


def test_keys_need_the_scope_of_the_inventory(mill: Api) -> None:
    reader = given_owner(mill.engine, name="Reader", part_no="R-1", scopes=["inventory:read"])
    orders = given_owner(mill.engine, name="Orders", part_no="O-1", scopes=["orders:read", "orders:write"])
    with mill.as_(reader.token) as client:
        assert refusal_of(send(client, MILL)).status == 403
        assert client.get(PATH).status_code == 200
        assert refusal_of(client.delete(f"{PATH}/scr_1")).status == 403
    with mill.as_(orders.token) as client:
        assert refusal_of(client.get(PATH)).status == 403
    with mill.as_(None) as client:
        assert refusal_of(send(client, MILL)).status == 401


def test_a_removed_list_is_gone(mill: Api) -> None:
    first, second = judged(mill, MILL), send(mill.client, MILL).json()
    assert mill.client.delete(f"{PATH}/{first['id']}").status_code == 204
    assert refusal_of(mill.client.get(f"{PATH}/{first['id']}")).status == 404
    assert refusal_of(mill.client.delete(f"{PATH}/{first['id']}")).code == "unknown_screening"
    assert mill.client.delete(f"{PATH}/{second['id']}").status_code == 204
    assert in_transaction(mill.engine, lambda it: rows(it, "SELECT count(*) FROM screening_rows")) == [(0,)]
    assert judge_screenings(mill.engine, limits=ScreeningLimits(), now=utc_now()) is None


def test_lists_are_listed_the_newest_first(mill: Api) -> None:
    made = [send(mill.client, MILL, f"name=list+{number}").json()["id"] for number in range(3)]
    page = mill.client.get(f"{PATH}?limit=2")
    rest = mill.client.get(page.links["next"]["url"])
    found = [item["id"] for item in (*page.json()["data"], *rest.json()["data"])]
    assert found == sorted(made, reverse=True)
    assert (page.json()["has_more"], rest.json()["has_more"]) == (True, False)
