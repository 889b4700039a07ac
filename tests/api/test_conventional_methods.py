"""What parts cost where they are not printed: kept with the part, changed as a whole, in tables of euros."""

import csv
import io

import httpx
import pytest

from tests.factories.api import Api, Json
from tests.factories.problems import Refusal, problem_of, refusal_of

CAP: Json = {"part_no": "CAP-1", "name": "Leg cap", "sector": "furniture", "hs_code": "9403.99"}
MOULDED: Json = {
    "unit": {"amount_minor": 70, "currency": "EUR"},
    "tooling": {"amount_minor": 650_000, "currency": "EUR"},
    "minimum_quantity": 500,
    "lead_days": 45,
}
TABLE = """part_no,name,sector,hs_code,conventional_unit_eur,conventional_tooling_eur,conventional_minimum_quantity,\
conventional_lead_days
CAP-1,Leg cap,furniture,9403.99,0.70,6500,500,45
CAP-2,Foot cap,furniture,9403.99,1.15,,,
CAP-3,Cap,furniture,9403.99,,,,
"""


def send(api: Api, table: str) -> httpx.Response:
    return api.client.post("/v1/imports/parts", content=table.encode(), headers={"Content-Type": "text/csv"})


def conventional(api: Api, part_no: str = "CAP-1") -> Json | None:
    found: Json | None = api.client.get(f"/v1/parts/{part_no}").json()["conventional"]
    return found


def test_a_part_keeps_its_conventional_method(api: Api) -> None:
    added = api.client.post("/v1/parts", json=CAP | {"conventional": MOULDED})
    plain = api.client.post("/v1/parts", json=CAP | {"part_no": "CAP-2"})

    assert added.json()["conventional"] == MOULDED
    assert (conventional(api), conventional(api, "CAP-2")) == (MOULDED, None)
    assert (added.status_code, plain.json()["conventional"]) == (201, None)


def test_a_change_takes_the_method_as_a_whole_and_leaves_it_where_it_is_not_named(api: Api) -> None:
    api.client.post("/v1/parts", json=CAP | {"conventional": MOULDED})
    url, match = "/v1/parts/CAP-1", {"If-Match": "*"}
    renamed = api.client.patch(url, json={"name": "Cap"}, headers=match).json()
    same = api.client.patch(url, json={"conventional": MOULDED}, headers=match).json()
    free_tool = {"unit": MOULDED["unit"], "tooling": {"amount_minor": 0, "currency": "EUR"}}
    changed = api.client.patch(url, json={"conventional": free_tool}, headers=match).json()
    cleared = api.client.patch(url, json={"conventional": {}}, headers=match).json()

    assert (renamed["conventional"], renamed["version"], same["version"]) == (MOULDED, 2, 2)
    assert changed["conventional"] == free_tool | {"minimum_quantity": None, "lead_days": None}
    assert (cleared["conventional"], cleared["version"]) == (None, 4)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"unit": {"amount_minor": -1, "currency": "EUR"}}, "/conventional/unit/amount_minor"),
        ({"unit": 0.7}, "/conventional/unit"),
        ({"minimum_quantity": 0}, "/conventional/minimum_quantity"),
        ({"lead_days": 3_651}, "/conventional/lead_days"),
        ({"tool": None}, "/conventional/tool"),
    ],
)
def test_a_method_that_can_not_be_is_refused_by_its_field(api: Api, wrong: Json, pointer: str) -> None:
    refused = api.client.post("/v1/parts", json=CAP | {"conventional": wrong})

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=(pointer,))
    assert refusal_of(api.client.get("/v1/parts/CAP-1")).code == "unknown_part"


def test_the_record_holds_euros(api: Api) -> None:
    dollars = api.client.post(
        "/v1/parts", json=CAP | {"conventional": {"unit": {"amount_minor": 1, "currency": "USD"}}}
    )

    assert refusal_of(dollars) == Refusal(
        status=422, code="unsupported_currency", pointers=("/conventional/unit/currency",)
    )
    assert "convert the amount first" in str(problem_of(dollars)["errors"])


def test_a_table_brings_methods_in_euros_and_takes_them_out_again(api: Api) -> None:
    created = send(api, TABLE).json()
    half: Json = {"unit": {"amount_minor": 115, "currency": "EUR"}, "tooling": None}
    assert created["created"] == 3
    assert conventional(api) == MOULDED
    assert conventional(api, "CAP-2") == half | {"minimum_quantity": None, "lead_days": None}
    assert conventional(api, "CAP-3") is None

    text = api.client.get("/v1/exports/parts?format=csv").text
    rows = {row["part_no"]: row for row in csv.DictReader(io.StringIO(text))}
    written = [rows["CAP-1"][name] for name in TABLE.splitlines()[0].split(",")[4:]]
    assert written == ["0.7", "6500.0", "500", "45"]
    assert rows["CAP-3"]["conventional_unit_eur"] == ""
    assert send(api, text).json()["unchanged"] == len(rows)


def test_empty_cells_leave_a_method_as_it_is_and_others_change_it(api: Api) -> None:
    send(api, TABLE)
    dearer = "part_no,conventional_unit_eur,conventional_lead_days\nCAP-1,0.75,\nCAP-2,,60\n"

    assert send(api, dearer).json()["changed"] == 2
    assert conventional(api) == MOULDED | {"unit": {"amount_minor": 75, "currency": "EUR"}}
    assert (conventional(api, "CAP-2") or {})["lead_days"] == 60


def test_cells_that_are_no_amounts_are_told_row_by_row(api: Api) -> None:
    refused = send(
        api,
        "part_no,name,sector,hs_code,conventional_unit_eur,conventional_tooling_eur,conventional_minimum_quantity\n"
        "CAP-1,Cap,x,9403.99,0.705,-1,0\n"
        "CAP-2,Cap,x,9403.99,cheap,99999999,\n",
    )
    problem = problem_of(refused)

    assert (refused.status_code, problem["code"]) == (422, "import_refused")
    assert [(it["pointer"], it["message"]) for it in problem["errors"]][:2] == [
        ("/rows/1/conventional_unit_eur", "has parts of a cent: use at most two decimals"),
        ("/rows/1/conventional_tooling_eur", "must be at least 0"),
    ]
    assert [it["pointer"] for it in problem["errors"]][2:] == [
        "/rows/1/conventional_minimum_quantity",
        "/rows/2/conventional_unit_eur",
        "/rows/2/conventional_tooling_eur",
    ]
