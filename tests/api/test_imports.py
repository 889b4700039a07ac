"""Tables of parts, revisions and certificates: all or nothing, the same again changes nothing, out and in again."""

from collections.abc import Iterator

import httpx
import pytest
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.service import create_organisation
from fabroute.network.service import NewNode, save_network
from tests.factories.api import Api, Json
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_network, a_node, save_a_network
from tests.factories.orders import given_owner, given_part, given_revision
from tests.factories.organisations import BUREAU, NOW
from tests.factories.problems import Refusal, problem_of, refusal_of
from tests.factories.tables import cells_of, counts_of, key_for, send_table

PARTS_CSV = """part_no,name,sector,criticality,hs_code,annual_demand,note,aliases,installations
AB-1,Impeller,water,line_down,8413.91,12,,old:4711|gtin:4006381333931,pump P-17@4*2|pump P-18@4
AB-2,"Cover, left",water,,8413.91,,see AB-1,,
"""
REVISIONS_CSV = """part_no;revision;box_x_mm;box_y_mm;box_z_mm;volume_cm3;process_materials;part_qualification
RL-0001;B;10,5;20;30;4,25;MJF:PA12-MJF|SLS:PA2241-FR;yes
RL-0001;C;;;;;MJF:PA12-MJF;
"""
CERTIFICATES_CSV = """node_id,scheme,scope,machine_id,parameter_set,number,issuer,valid_from,valid_to
N101,ISO9001,,,,Q-1,TÜV,2026-01-01,2028-12-31
N101,EN45545-HL2,MJF:PA12-MJF,N101-A,PS-1,,,2026-01-01,2028-12-31
"""


def told(problems: list[Json]) -> list[tuple[object, ...]]:
    return [(problem["pointer"], problem["code"]) for problem in problems]


def count(api: Api, table: str) -> object:
    return in_transaction(api.engine, lambda session: rows(session, f"SELECT count(*) FROM {table}"))[0][0]


# ---------------------------------------------------------------- parts


def test_parts_come_in_with_their_numbers_and_places(api: Api) -> None:
    answer = send_table(api.client, "parts", PARTS_CSV)
    part = api.client.get("/v1/parts/4711").json()
    other = api.client.get("/v1/parts/AB-2").json()

    assert counts_of(answer) == (2, 0, 0)
    assert answer.json()["results"][0] == {"row": 1, "key": "part AB-1", "outcome": "created"}
    assert (part["part_no"], part["criticality"], part["annual_demand"]) == ("AB-1", "line_down", 12)
    assert [(alias["kind"], alias["number"]) for alias in part["aliases"]] == [
        ("gtin", "4006381333931"),
        ("old", "4711"),
    ]
    assert [(place["asset"], place["position"], place["quantity"]) for place in part["installations"]] == [
        ("pump P-17", "4", 2),
        ("pump P-18", "4", 1),
    ]
    assert (other["name"], other["criticality"], other["annual_demand"], other["note"]) == (
        "Cover, left",
        "routine",
        0,
        "see AB-1",
    )


def test_the_same_table_again_changes_nothing_not_even_the_audit_log(api: Api) -> None:
    send_table(api.client, "parts", PARTS_CSV)
    before = (api.client.get("/v1/parts").content, count(api, "audit_entries"), count(api, "outbox_events"))
    again = send_table(api.client, "parts", PARTS_CSV)

    assert counts_of(again) == (0, 0, 2)
    assert (api.client.get("/v1/parts").content, count(api, "audit_entries"), count(api, "outbox_events")) == before


def test_columns_that_are_not_there_leave_a_part_as_it_is_and_empty_lists_empty_it(api: Api) -> None:
    send_table(api.client, "parts", PARTS_CSV)
    renamed = send_table(api.client, "parts", "part_no,name\nAB-1,Wheel\nAB-2,\n")
    part = api.client.get("/v1/parts/AB-1").json()
    assert counts_of(renamed) == (0, 1, 1)
    assert (part["name"], part["sector"], len(part["aliases"]), len(part["installations"])) == ("Wheel", "water", 2, 2)

    emptied = send_table(api.client, "parts", "part_no,aliases,installations\nAB-1,old:4712,pump P-17@4*3\nAB-2,,\n")
    part = api.client.get("/v1/parts/AB-1").json()
    assert counts_of(emptied) == (0, 1, 1)
    assert [alias["number"] for alias in part["aliases"]] == ["4712"]
    assert [(place["asset"], place["quantity"]) for place in part["installations"]] == [("pump P-17", 3)]


def test_a_dry_run_tells_what_would_be_and_leaves_nothing(api: Api) -> None:
    before = (count(api, "parts"), count(api, "audit_entries"), count(api, "outbox_events"))
    dry = send_table(api.client, "parts", PARTS_CSV, dry_run=True)

    assert counts_of(dry) == (2, 0, 0)
    assert (dry.json()["dry_run"], dry.json()["problems"]) == (True, [])
    assert (count(api, "parts"), count(api, "audit_entries"), count(api, "outbox_events")) == before
    assert refusal_of(api.client.get("/v1/parts/AB-1")).status == 404
    assert counts_of(send_table(api.client, "parts", PARTS_CSV)) == (2, 0, 0)


WRONG_PARTS = """part_no,name,sector,criticality,hs_code,annual_demand,aliases,installations
AB-1,Impeller,water,urgent,8413.91,many,,
,Nameless,water,,8413.91,,,
AB-3,,,,,,,
AB-4,Good,water,,8413.91,1,old:A4,
AB-5,Bad,water,,84,1,gtin:4006381333932|old:RL-0001|4711,pump@1|pump@1
AB-4,Twice,water,,8413.91,1,,
AB-7,Other,water,,8413.91,1,old:A4,a@b*c
AB-8,,water,,84,many,gtin:1|gtin:1,
"""
WRONG_PARTS_PROBLEMS = [
    ("/rows/1/criticality", "validation_failed"),
    ("/rows/1/annual_demand", "validation_failed"),
    ("/rows/2/part_no", "validation_failed"),
    ("/rows/3/name", "validation_failed"),
    ("/rows/3/sector", "validation_failed"),
    ("/rows/3/hs_code", "validation_failed"),
    ("/rows/5/aliases/2/kind", "validation_failed"),
    ("/rows/5/aliases/2/number", "validation_failed"),
    ("/rows/5/hs_code", "invalid_part"),
    ("/rows/5/installations/1", "validation_failed"),
    ("/rows/6", "duplicate_row"),
    ("/rows/7/installations/0/quantity", "validation_failed"),
    ("/rows/7/aliases/0/number", "number_taken"),
    ("/rows/8/annual_demand", "validation_failed"),
    ("/rows/8/name", "validation_failed"),
    ("/rows/8/hs_code", "invalid_part"),
    ("/rows/8/aliases/0/number", "invalid_part"),
    ("/rows/8/aliases/1/number", "invalid_part"),
    ("/rows/8/aliases/1", "validation_failed"),
]


def test_every_problem_of_every_row_is_told_at_once_and_nothing_is_kept(api: Api) -> None:
    before = (count(api, "parts"), count(api, "audit_entries"))
    dry = send_table(api.client, "parts", WRONG_PARTS, dry_run=True).json()
    refused = send_table(api.client, "parts", WRONG_PARTS)

    assert told(dry["problems"]) == WRONG_PARTS_PROBLEMS
    assert [(row["row"], row["outcome"]) for row in dry["results"]] == [(4, "created")]
    assert dry["problems"][0] | {"message": ""} == {
        "row": 1,
        "line": 2,
        "field": "criticality",
        "pointer": "/rows/1/criticality",
        "code": "validation_failed",
        "message": "",
    }
    assert "'line_down'" in dry["problems"][0]["message"]
    assert refusal_of(refused).code == "import_refused"
    assert refusal_of(refused).pointers == tuple(pointer for pointer, _ in WRONG_PARTS_PROBLEMS)
    assert problem_of(refused)["detail"].startswith("nothing was imported: line 2 criticality: must be ")
    assert "(and 16 more)" in problem_of(refused)["detail"]
    assert (count(api, "parts"), count(api, "audit_entries")) == before


def test_what_the_inventory_refuses_points_to_the_place_in_the_row(api: Api) -> None:
    table: list[Json] = [
        {"part_no": "AB-1", "name": "A", "sector": "w", "hs_code": "84", "annual_demand": 1},
        {"part_no": "AB-2", "name": "B", "sector": "w", "hs_code": "8413.91", "aliases": ["old:X", "old:RL-0001"]},
        {"part_no": "AB-3", "name": "C", "sector": "w", "hs_code": "8413.91", "aliases": ["gtin:4006381333932"]},
        {"part_no": "AB-4", "name": "D", "sector": "w", "hs_code": "8413.91", "installations": ["a@1", "a@1"]},
        {"part_no": "AB-5", "name": "E", "sector": "w", "hs_code": "8413.91", "installations": [{"asset": " x"}]},
        {"part_no": "AB-6", "name": "F", "sector": "w", "hs_code": "8413.91", "colour": "red"},
    ]
    dry = send_table(api.client, "parts", table, dry_run=True).json()

    assert told(dry["problems"]) == [
        ("/rows/1/hs_code", "invalid_part"),
        ("/rows/2/aliases/1/number", "number_taken"),
        ("/rows/3/aliases/0/number", "invalid_part"),
        ("/rows/4/installations/1", "validation_failed"),
        ("/rows/5/installations/0/asset", "invalid_part"),
        ("/rows/6/colour", "validation_failed"),
    ]
    assert dry["results"] == []


def test_rows_are_judged_as_the_rows_before_leave_the_numbers(api: Api) -> None:
    send_table(api.client, "parts", PARTS_CSV)
    moved: list[Json] = [
        {"part_no": "AB-1", "aliases": ["supplier:4711"]},
        {"part_no": "AB-2", "aliases": ["gtin:4006381333931"]},
    ]
    early: list[Json] = [{"part_no": "AB-1", "aliases": ["gtin:4006381333931"]}, {"part_no": "AB-2", "aliases": []}]
    figures: Json = {"name": "x", "sector": "w", "hs_code": "8413.91"}
    both: list[Json] = [{"part_no": "N-1", "aliases": ["old:N-2"], **figures}, {"part_no": "N-2", **figures}]

    assert counts_of(send_table(api.client, "parts", moved)) == (0, 2, 0)
    assert api.client.get("/v1/parts/4006381333931").json()["part_no"] == "AB-2"
    assert api.client.get("/v1/parts/AB-1").json()["aliases"] == [{"kind": "supplier", "number": "4711"}]
    assert refusal_of(send_table(api.client, "parts", early)).pointers == ("/rows/1/aliases/0/number",)
    assert refusal_of(send_table(api.client, "parts", both)).pointers == ("/rows/2/part_no",)


def test_places_are_told_apart_by_asset_and_position(api: Api) -> None:
    places: list[Json] = [{"asset": "a@b", "position": "c"}, {"asset": "a", "position": "b@c"}]
    table: list[Json] = [{"part_no": "N-1", "name": "x", "sector": "w", "hs_code": "8413.91", "installations": places}]

    assert counts_of(send_table(api.client, "parts", table)) == (1, 0, 0)
    assert counts_of(send_table(api.client, "parts", table)) == (0, 0, 1)
    found = api.client.get("/v1/parts/N-1").json()["installations"]
    assert [(place["asset"], place["position"]) for place in found] == [("a", "b@c"), ("a@b", "c")]


def test_an_old_number_is_no_row_of_its_own(api: Api) -> None:
    send_table(api.client, "parts", PARTS_CSV)
    refused = send_table(api.client, "parts", "part_no,name\n4711,Other\n")
    assert refusal_of(refused) == Refusal(status=422, code="import_refused", pointers=("/rows/1/part_no",))
    assert "AB-1" in problem_of(refused)["detail"]


@pytest.mark.parametrize("format", ["csv", "json"])
def test_an_export_taken_back_changes_nothing(api: Api, format: str) -> None:
    hostile: list[Json] = [
        {
            "part_no": "=1+1",
            "name": '@SUM(A1) "x", y',
            "sector": "-2",
            "hs_code": "8413.91",
            "note": "'=quoted; ö|ü",
            "aliases": ["old:a|b", "supplier:+1"],
            "installations": [{"asset": "a@b*c", "position": "1|2", "quantity": 2, "note": "=x"}, "+pump@4"],
        }
    ]
    assert counts_of(send_table(api.client, "parts", hostile)) == (1, 0, 0)
    send_table(api.client, "parts", PARTS_CSV)
    before = (api.client.get("/v1/parts").content, count(api, "audit_entries"))
    exported = api.client.get(f"/v1/exports/parts?format={format}")
    back = send_table(api.client, "parts", exported.text if format == "csv" else exported.json())

    assert exported.headers["Content-Disposition"] == f'attachment; filename="parts.{format}"'
    assert counts_of(back) == (0, 0, 4)
    assert (api.client.get("/v1/parts").content, count(api, "audit_entries")) == before


def test_an_export_holds_nothing_that_a_spreadsheet_would_run(api: Api) -> None:
    formula: Json = {"part_no": "=1+1", "name": "+2", "sector": "-3", "hs_code": "8413.91", "note": "@4"}
    send_table(api.client, "parts", [formula])
    (row, _) = cells_of(api.client.get("/v1/exports/parts").text)

    assert (row["part_no"], row["name"], row["sector"], row["note"]) == ("'=1+1", "'+2", "'-3", "'@4")
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_an_export_of_many_pages_is_whole(api: Api) -> None:
    table: list[Json] = [
        {"part_no": f"P-{number:04}", "name": "x", "sector": "w", "hs_code": "8413.91"} for number in range(450)
    ]
    assert counts_of(send_table(api.client, "parts", table)) == (450, 0, 0)
    found = [row["part_no"] for row in cells_of(api.client.get("/v1/exports/parts").text)]

    assert found == [*(f"P-{number:04}" for number in range(450)), "RL-0001"]
    assert len(api.client.get("/v1/exports/parts?format=json").json()) == 451


def test_everyone_exports_what_is_theirs(api: Api) -> None:
    send_table(api.client, "parts", PARTS_CSV)
    stranger = given_owner(api.engine, name="Stranger", part_no="ST-1")
    with api.as_(stranger.token) as client:
        assert [row["part_no"] for row in cells_of(client.get("/v1/exports/parts").text)] == ["ST-1"]
        assert [row["part_no"] for row in client.get("/v1/exports/revisions?format=json").json()] == ["ST-1"]
        assert counts_of(send_table(client, "parts", PARTS_CSV)) == (2, 0, 0)
        assert told(send_table(client, "revisions", REVISIONS_CSV, dry_run=True).json()["problems"]) == [
            ("/rows/1/part_no", "unknown_part"),
            ("/rows/2/part_no", "unknown_part"),
        ]
    assert refusal_of(api.client.get("/v1/exports/parts?format=xml")).code == "validation_failed"


@pytest.mark.parametrize("media_type", ["text/html", "application/x-www-form-urlencoded", ""])
def test_a_table_says_what_it_is(api: Api, media_type: str) -> None:
    refused = api.client.post("/v1/imports/parts", content=b"part_no\n", headers={"Content-Type": media_type})
    assert refusal_of(refused) == Refusal(status=415, code="unsupported_media_type")
    assert "text/csv or application/json" in problem_of(refused)["detail"]


def test_what_is_no_table_is_refused_in_words(api: Api) -> None:
    empty, header = send_table(api.client, "parts", ""), send_table(api.client, "parts", "Number,name\nA,B\n")
    large = api.client.post("/v1/imports/parts", content=b"x" * (16 * 2**20 + 1), headers={"Content-Type": "text/csv"})
    assert refusal_of(empty) == Refusal(status=422, code="import_refused", pointers=("",))  # the whole file
    assert refusal_of(header) == Refusal(status=422, code="import_refused", pointers=("/Number", "/part_no"))
    assert refusal_of(large) == Refusal(status=413, code="body_too_large")


# ---------------------------------------------------------------- revisions


def test_revisions_come_in_as_drafts(api: Api) -> None:
    answer = send_table(api.client, "revisions", REVISIONS_CSV)
    _, b, c = api.client.get("/v1/parts/RL-0001").json()["revisions"]

    assert counts_of(answer) == (2, 0, 0)
    assert answer.json()["results"][1]["key"] == "revision C of RL-0001"
    assert (b["state"], b["box"], b["volume_cm3"]) == ("draft", {"x_mm": 10.5, "y_mm": 20, "z_mm": 30}, 4.25)
    assert (b["process_materials"], b["part_qualification"]) == (["MJF:PA12-MJF", "SLS:PA2241-FR"], True)
    assert (c["box"], c["part_qualification"], c["packaging"]) == (None, False, "plain")
    assert counts_of(send_table(api.client, "revisions", REVISIONS_CSV)) == (0, 0, 2)


def test_a_draft_takes_what_is_new_and_any_other_revision_keeps_what_it_has(api: Api) -> None:
    send_table(api.client, "revisions", REVISIONS_CSV)
    changed = send_table(api.client, "revisions", "part_no,revision,packaging,box_x_mm\nRL-0001,B,esd,11\n")
    frozen = send_table(api.client, "revisions", "part_no,revision,packaging\nRL-0001,A,plain\nRL-0001,B,brand\n")
    refused = send_table(api.client, "revisions", "part_no,revision,packaging\nRL-0001,A,esd\nRL-0001,B,plain\n")
    _, b, _ = api.client.get("/v1/parts/RL-0001").json()["revisions"]

    assert counts_of(changed) == (0, 1, 0)
    assert counts_of(frozen) == (0, 1, 1)
    assert refusal_of(refused) == Refusal(status=422, code="import_refused", pointers=("/rows/1",))
    assert (b["packaging"], b["box"], b["volume_cm3"]) == ("brand", {"x_mm": 11, "y_mm": 20, "z_mm": 30}, 4.25)


def test_a_revision_has_one_row_whichever_number_of_its_part_is_named(api: Api) -> None:
    send_table(api.client, "parts", PARTS_CSV)
    stated: Json = {"revision": "A", "process_materials": ["MJF:PA12-MJF"]}
    refused = send_table(api.client, "revisions", [{"part_no": "AB-1", **stated}, {"part_no": "4711", **stated}])

    assert refusal_of(refused) == Refusal(status=422, code="import_refused", pointers=("/rows/2",))
    assert "under another number of the part" in problem_of(refused)["detail"]
    assert counts_of(send_table(api.client, "revisions", [{"part_no": "4711", **stated}])) == (1, 0, 0)


def test_revisions_that_can_not_be_are_told_by_row_and_field(api: Api) -> None:
    table: list[Json] = [
        {"part_no": "NO-1", "revision": "B", "process_materials": ["PA12-MJF"]},
        {"part_no": "RL-0001", "revision": "B"},
        {"part_no": "RL-0001", "revision": "C", "process_materials": ["MJF:X"], "ip_countries": ["DE", "XX"]},
        {"part_no": "RL-0001", "revision": "D", "process_materials": ["MJF:X"], "box_x_mm": 3},
        {"part_no": "RL-0001", "revision": "E", "process_materials": ["X"], "box_x_mm": 0, "ip_zone": "Mars"},
        {"part_no": "RL-0001", "revision": "F", "process_materials": ["MJF:X"], "inspection_plan": [{"name": "a"}]},
    ]
    dry = send_table(api.client, "revisions", table, dry_run=True).json()
    assert told(dry["problems"]) == [
        ("/rows/1/part_no", "unknown_part"),
        ("/rows/1/process_materials/0", "invalid_revision"),
        ("/rows/2/process_materials", "invalid_revision"),
        ("/rows/3/ip_countries/1", "invalid_revision"),
        ("/rows/4/box_x_mm", "invalid_revision"),
        ("/rows/5/box_x_mm", "validation_failed"),
        ("/rows/5/ip_zone", "validation_failed"),
        ("/rows/5/process_materials/0", "invalid_revision"),
        ("/rows/6/inspection_plan/0/kind", "validation_failed"),
    ]
    assert len(api.client.get("/v1/parts/RL-0001").json()["revisions"]) == 1


@pytest.mark.parametrize("format", ["csv", "json"])
def test_an_export_of_revisions_taken_back_changes_nothing(api: Api, format: str) -> None:
    plan: Json = {
        "part_no": "RL-0001",
        "revision": "B",
        "process_materials": ["MJF:PA12-MJF"],
        "inspection_plan": [
            {"name": "bore; =1", "kind": "diameter", "nominal_mm": 0, "lower_mm": -0.1, "upper_mm": 0.1}
        ],
        "qualified_orientation": "z",
        "ip_share_cap": 0.5,
        "licence_required": True,
    }
    assert counts_of(send_table(api.client, "revisions", [plan])) == (1, 0, 0)
    given_revision(api.engine, part_id=api.owner.part_id, revision="C", state="validated")
    given_part(api.engine, organisation_id=api.owner.organisation_id, part_no="without revisions")
    before = (api.client.get("/v1/parts").content, count(api, "audit_entries"))
    exported = api.client.get(f"/v1/exports/revisions?format={format}")
    back = send_table(api.client, "revisions", exported.text if format == "csv" else exported.json())

    assert counts_of(back) == (0, 0, 3)
    assert (api.client.get("/v1/parts").content, count(api, "audit_entries")) == before


# ---------------------------------------------------------------- certificates


@pytest.fixture
def bureau(api: Api) -> Iterator[httpx.Client]:
    """The bureau of node N101; there is another node, of another bureau."""
    with unit_of_work(api.engine) as session:
        save_a_network(session)
        create_organisation(session, name="Rival", kind="bureau", now=NOW, organisation_id="org_rival")
        rival = a_node(node_id="N102", organisation_id="org_rival")
        save_network_of(session, rival)
    with api.as_(key_for(api, organisation_id=BUREAU, kind="bureau")) as client:
        yield client


def save_network_of(session: Session, node: NewNode) -> None:
    save_network(session, data=a_network(nodes=(node,), machines=(), offers=(), lots=(), models=(), materials=()))


def held(api: Api) -> list[tuple[object, ...]]:
    query = "SELECT scheme, scope, verified_at IS NOT NULL FROM certificates ORDER BY id"
    return in_transaction(api.engine, lambda session: rows(session, query))


def test_a_bureau_hands_in_certificates_which_wait_for_the_operator(api: Api, bureau: httpx.Client) -> None:
    first = send_table(bureau, "certificates", CERTIFICATES_CSV)
    again = send_table(bureau, "certificates", CERTIFICATES_CSV)

    assert counts_of(first) == (2, 0, 0)
    assert counts_of(again) == (0, 0, 2)
    assert sorted(held(api)) == [("EN45545-HL2", "MJF:PA12-MJF", False), ("ISO9001", "*", False)]


def test_certificates_of_the_operator_count_at_once(api: Api, bureau: httpx.Client) -> None:
    with api.as_(key_for(api, organisation_id="org_operator", kind="operator")) as operator:
        assert counts_of(send_table(operator, "certificates", CERTIFICATES_CSV)) == (2, 0, 0)
        exported = operator.get("/v1/exports/certificates").text
        assert counts_of(send_table(operator, "certificates", exported)) == (0, 0, 2)
    assert {counts_now for _, _, counts_now in held(api)} == {True}
    assert exported == bureau.get("/v1/exports/certificates").text
    assert sorted(row["number"] for row in cells_of(exported)) == ["", "Q-1"]


def test_certificates_that_can_not_be_are_told_with_what_is_allowed(api: Api, bureau: httpx.Client) -> None:
    table = """node_id,scheme,scope,machine_id,parameter_set,valid_from,valid_to
N101,ISO9001,SLS,,,2028-01-01,2026-01-01
N101,ISO9001,SLS,,,2026-01-01,2028-01-01
N101,ISO9001,MJF,N101-B,,2026-01-01,2028-01-01
N101,ISO9001,MJF,,PS-9,2026-01-01,2028-01-01
N101,,*,,,01.01.2026,2028-01-01
N102,ISO9001,*,,,2026-01-01,2028-01-01
N999,ISO9001,*,,,2026-01-01,2028-01-01
N101,ISO14001,*,,,2026-01-01,2028-01-01
"""
    dry = send_table(bureau, "certificates", table, dry_run=True).json()

    assert told(dry["problems"]) == [
        ("/rows/1/valid_to", "invalid_certificate"),
        ("/rows/1/scope", "invalid_certificate"),
        ("/rows/2/scope", "invalid_certificate"),
        ("/rows/3/machine_id", "invalid_certificate"),
        ("/rows/4/parameter_set", "invalid_certificate"),
        ("/rows/5/scheme", "validation_failed"),
        ("/rows/5/valid_from", "validation_failed"),
        ("/rows/6/node_id", "node_not_yours"),
        ("/rows/7/node_id", "node_not_yours"),
    ]
    assert "Allowed: MJF" in dry["problems"][2]["message"]
    assert "Allowed: N101-A" in dry["problems"][3]["message"]
    assert refusal_of(send_table(bureau, "certificates", table)).code == "import_refused"
    assert held(api) == []


def test_a_revoked_certificate_does_not_come_back_by_an_old_file(api: Api, bureau: httpx.Client) -> None:
    send_table(bureau, "certificates", CERTIFICATES_CSV)
    certificates = bureau.get("/v1/nodes/N101/certificates").json()["data"]
    (revoked,) = [item["id"] for item in certificates if item["scheme"] == "ISO9001"]
    bureau.post(f"/v1/certificates/{revoked}/revocation", json={"reason": "withdrawn by the TÜV"})
    again = send_table(bureau, "certificates", CERTIFICATES_CSV, dry_run=True).json()

    assert told(again["problems"]) == [("/rows/1", "certificate_revoked")]
    assert [row["scheme"] for row in cells_of(bureau.get("/v1/exports/certificates").text)] == ["EN45545-HL2"]
    renewed = CERTIFICATES_CSV.replace("Q-1", "Q-2")
    assert counts_of(send_table(bureau, "certificates", renewed)) == (1, 0, 1)
