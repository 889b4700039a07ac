"""Parts over HTTP: added, found by any of their numbers and places, changed under the version that was seen."""

import pytest

from tests.factories.api import Api, Json
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import given_owner, given_part
from tests.factories.problems import Refusal, messages_of, problem_of, refusal_of

IMPELLER: Json = {
    "part_no": "PU-17/4 ö",
    "name": "Impeller",
    "sector": "water",
    "criticality": "line_down",
    "hs_code": "8413.91",
    "annual_demand": 12,
}


def audited(api: Api, action: str) -> list[tuple[object, ...]]:
    query = "SELECT actor, organisation_id, subject_type FROM audit_entries WHERE action = :action"
    return in_transaction(api.engine, lambda session: rows(session, query, action=action))


def test_a_part_is_added_and_read_where_the_answer_says(api: Api) -> None:
    added = api.client.post("/v1/parts", json=IMPELLER)
    read = api.client.get(added.headers["Location"])

    assert added.status_code == 201
    assert added.headers["Location"] == "/v1/parts/PU-17%2F4%20%C3%B6"
    assert read.json() == added.json()
    assert {name: added.json()[name] for name in IMPELLER} == IMPELLER
    assert (added.json()["revisions"], added.json()["released_revision"], added.json()["version"]) == ([], None, 1)
    assert audited(api, "part.registered")[-1] == (api.owner.key_id, api.owner.organisation_id, "part")


def test_a_number_is_given_once_to_each_owner(api: Api) -> None:
    api.client.post("/v1/parts", json=IMPELLER)
    again = api.client.post("/v1/parts", json=IMPELLER)
    other = given_owner(api.engine, name="Other", part_no="OT-1")
    with api.as_(other.token) as stranger:
        assert stranger.post("/v1/parts", json=IMPELLER).status_code == 201

    assert refusal_of(again) == Refusal(status=409, code="part_exists", pointers=("/part_no",))
    assert len(api.client.get("/v1/parts?q=Impeller").json()["data"]) == 1


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"part_no": ""}, Refusal(status=422, code="validation_failed", pointers=("/part_no",))),
        ({"name": None}, Refusal(status=422, code="validation_failed", pointers=("/name",))),
        ({"criticality": "high"}, Refusal(status=422, code="validation_failed", pointers=("/criticality",))),
        ({"annual_demand": -1}, Refusal(status=422, code="validation_failed", pointers=("/annual_demand",))),
        ({"colour": "red"}, Refusal(status=422, code="validation_failed", pointers=("/colour",))),
        ({"hs_code": "84"}, Refusal(status=422, code="invalid_part", pointers=("/hs_code",))),
        ({"part_no": " x", "name": "a\tb"}, Refusal(status=422, code="validation_failed", pointers=("/name",))),
    ],
)
def test_a_part_that_can_not_be_is_refused_with_each_wrong_field(api: Api, change: Json, refusal: Refusal) -> None:
    assert refusal_of(api.client.post("/v1/parts", json=IMPELLER | change)) == refusal
    assert api.client.get("/v1/parts?q=Impeller").json()["data"] == []


def test_a_part_is_changed_under_the_version_that_was_seen(api: Api) -> None:
    etag = api.client.get("/v1/parts/RL-0001").headers["ETag"]
    changed = api.client.patch("/v1/parts/RL-0001", json={"name": "Nozzle"}, headers={"If-Match": etag})
    late = api.client.patch("/v1/parts/RL-0001", json={"name": "Jet"}, headers={"If-Match": etag})
    blind = api.client.patch("/v1/parts/RL-0001", json={"name": "Jet"})
    strange = api.client.patch("/v1/parts/RL-0001", json={"name": "Jet"}, headers={"If-Match": '"x"'})
    whatever = api.client.patch("/v1/parts/RL-0001", json={"annual_demand": 7}, headers={"If-Match": "*"})

    assert (changed.status_code, changed.json()["name"], changed.json()["version"]) == (200, "Nozzle", 2)
    assert changed.headers["ETag"].startswith('"v2-')
    assert refusal_of(late) == Refusal(status=412, code="stale_version")
    assert refusal_of(blind) == Refusal(status=428, code="precondition_required")
    assert refusal_of(strange) == Refusal(status=412, code="unknown_tag")
    assert (whatever.json()["name"], whatever.json()["annual_demand"], whatever.json()["version"]) == ("Nozzle", 7, 3)
    assert len(audited(api, "part.changed")) == 2


def test_a_change_that_can_not_be_leaves_all_as_it_was(api: Api) -> None:
    wrong = api.client.patch("/v1/parts/RL-0001", json={"hs_code": "x", "name": "J"}, headers={"If-Match": "*"})
    unknown = api.client.patch("/v1/parts/NO-1", json={"name": "J"}, headers={"If-Match": "*"})

    assert refusal_of(wrong) == Refusal(status=422, code="invalid_part", pointers=("/hs_code",))
    assert refusal_of(unknown) == Refusal(status=404, code="unknown_part")
    assert api.client.get("/v1/parts/RL-0001").json()["name"] == "Vacuum nozzle adapter"


def test_a_part_is_found_and_ordered_by_its_old_number(api: Api) -> None:
    alias = {"kind": "old", "number": "4711/08"}
    given = api.client.post("/v1/parts/RL-0001/aliases", json=alias)
    again = api.client.post("/v1/parts/RL-0001/aliases", json=alias)
    ordered = api.place(
        {"ship_to": {"city": "Hamburg", "country": "DE"}, "lines": [{"part": "4711/08", "quantity": 1}]}
    )

    assert given.json()["aliases"] == again.json()["aliases"] == [alias]
    assert api.client.get("/v1/parts/4711%2F08").json()["part_no"] == "RL-0001"
    assert [part["part_no"] for part in api.client.get("/v1/parts?q=711/0").json()["data"]] == ["RL-0001"]
    assert ordered.status_code == 201
    assert len(audited(api, "part.alias_added")) == 1

    removed = api.client.delete("/v1/parts/RL-0001/aliases/4711%2F08")
    assert (removed.status_code, removed.content) == (204, b"")
    assert refusal_of(api.client.get("/v1/parts/4711%2F08")) == Refusal(status=404, code="unknown_part")
    assert refusal_of(api.client.delete("/v1/parts/RL-0001/aliases/4711%2F08")).code == "unknown_alias"


def test_a_path_of_something_of_a_part_is_a_part_number_only_where_there_is_such_a_part(api: Api) -> None:
    places = {
        "aliases": "POST",
        "aliases/4711%2F08": "DELETE",
        "installations": "POST",
        "installations/ins_1": "DELETE",
    }
    for number in ("RL-0001", "RL-0099", "PU-17%2F4"):
        for place, allowed in (places | {"revisions": "POST"}).items():
            changed = api.client.patch(f"/v1/parts/{number}/{place}", json={"name": "x"})
            read = api.client.get(f"/v1/parts/{number}/{place}", headers={"If-None-Match": "*"})

            assert (refusal_of(changed).status, changed.headers["Allow"]) == (405, allowed), place
            assert (refusal_of(read).code, read.headers["Allow"]) == ("method_not_allowed", allowed), place

    made = api.client.post("/v1/parts", json=IMPELLER | {"part_no": "PU-17/aliases/4"})
    read = api.client.get(made.headers["Location"])
    change = api.client.patch(
        "/v1/parts/PU-17/aliases/4", json={"name": "Wheel"}, headers={"If-Match": read.headers["ETag"]}
    )

    assert (made.status_code, read.status_code, change.json()["name"]) == (201, 200, "Wheel")
    assert refusal_of(api.client.patch("/v1/parts/PU-17/aliases/4", json={"name": "x"})).code == "precondition_required"


def test_who_may_not_read_parts_is_told_that_first(api: Api) -> None:
    with api.as_("fr_live_unknown") as stranger:
        refused = stranger.patch("/v1/parts/RL-0001/aliases", json={"name": "x"})

    assert refusal_of(refused) == Refusal(status=401, code="unauthenticated")
    assert "Allow" not in refused.headers


def test_a_number_leads_to_one_part_only(api: Api) -> None:
    given_part(api.engine, organisation_id=api.owner.organisation_id, part_no="RL-0002")
    taken = api.client.post("/v1/parts/RL-0002/aliases", json={"kind": "old", "number": "RL-0001"})
    mistyped = api.client.post("/v1/parts/RL-0002/aliases", json={"kind": "gtin", "number": "4006381333932"})
    right = api.client.post("/v1/parts/RL-0002/aliases", json={"kind": "gtin", "number": "4006381333931"})
    as_part = api.client.post("/v1/parts", json=IMPELLER | {"part_no": "4006381333931"})

    assert refusal_of(taken) == Refusal(status=409, code="number_taken", pointers=("/number",))
    assert refusal_of(mistyped) == Refusal(status=422, code="invalid_part", pointers=("/number",))
    assert "should be 1" in messages_of(mistyped)[0]
    assert right.status_code == 200
    assert refusal_of(as_part) == Refusal(status=409, code="number_taken", pointers=("/part_no",))


def test_a_part_is_found_by_the_place_where_it_is_installed(api: Api) -> None:
    given_part(api.engine, organisation_id=api.owner.organisation_id, part_no="RL-0002")
    place = {"asset": "pump P-17", "position": "4", "quantity": 2, "note": "suction side"}
    installed = api.client.post("/v1/parts/RL-0001/installations", json=place)
    api.client.post("/v1/parts/RL-0002/installations", json={"asset": "pump P-17", "position": "5"})
    again = api.client.post("/v1/parts/RL-0001/installations", json=place | {"quantity": 3})

    assert installed.json() == place | {"id": installed.json()["id"]}
    assert again.json() == place | {"id": installed.json()["id"], "quantity": 3}
    found = [
        [part["part_no"] for part in api.client.get("/v1/parts", params=query).json()["data"]]
        for query in ({"asset": "Pump P-17"}, {"asset": "pump P-17", "position": "4"}, {"asset": "pump P-18"})
    ]
    assert found == [["RL-0001", "RL-0002"], ["RL-0001"], []]

    gone = api.client.delete(f"/v1/parts/RL-0001/installations/{installed.json()['id']}")
    assert gone.status_code == 204
    assert refusal_of(api.client.delete(gone.request.url.path)) == Refusal(status=404, code="unknown_installation")
    assert api.client.get("/v1/parts/RL-0001").json()["installations"] == []


def test_words_find_parts_by_number_and_name_page_by_page(api: Api) -> None:
    for number in ("AB-1", "AB-2", "AB-3"):
        api.client.post("/v1/parts", json=IMPELLER | {"part_no": number})
    first = api.client.get("/v1/parts?q=impell&limit=2")
    second = api.client.get(first.links["next"]["url"])

    assert [part["part_no"] for part in first.json()["data"] + second.json()["data"]] == ["AB-1", "AB-2", "AB-3"]
    assert [part["part_no"] for part in api.client.get("/v1/parts?q=b-2").json()["data"]] == ["AB-2"]
    assert api.client.get("/v1/parts?q=%25").json()["data"] == []
    assert refusal_of(api.client.get("/v1/parts?q=a%00b")).code == "validation_failed"


def test_what_is_someone_elses_is_not_there(api: Api) -> None:
    stranger = given_owner(api.engine, name="Stranger", part_no="ST-1")
    place = api.client.post("/v1/parts/RL-0001/installations", json={"asset": "A"}).json()["id"]
    with api.as_(stranger.token) as client:
        answers = (
            client.get("/v1/parts/RL-0001"),
            client.patch("/v1/parts/RL-0001", json={"name": "mine"}, headers={"If-Match": "*"}),
            client.post("/v1/parts/RL-0001/aliases", json={"kind": "old", "number": "1"}),
            client.delete("/v1/parts/RL-0001/aliases/1"),
            client.post("/v1/parts/RL-0001/installations", json={"asset": "A"}),
            client.delete(f"/v1/parts/RL-0001/installations/{place}"),
            client.post("/v1/parts/RL-0001/revisions", json={"revision": "Z", "process_materials": ["MJF:PA12-MJF"]}),
        )
        foreign = client.delete(f"/v1/parts/ST-1/installations/{place}")
    assert {refusal_of(answer) for answer in answers} == {Refusal(status=404, code="unknown_part")}
    assert refusal_of(foreign) == Refusal(status=404, code="unknown_installation")
    part = api.client.get("/v1/parts/RL-0001").json()
    assert (part["aliases"], len(part["installations"]), part["name"]) == ([], 1, "Vacuum nozzle adapter")
    assert "mine" not in problem_of(answers[0])["detail"]
