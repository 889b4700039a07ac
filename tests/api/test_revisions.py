"""Revisions over HTTP: stated, changed as drafts, approved, released under a signature, superseded, withdrawn."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fabroute.integrations.validation.signing import open_signer, verify
from tests.conftest import Database
from tests.factories.api import Api, Json, served_api
from tests.factories.databases import in_transaction, rows
from tests.factories.network import save_a_network
from tests.factories.orders import given_owner, given_revision
from tests.factories.problems import Refusal, messages_of, problem_of, refusal_of


@pytest.fixture
def exposed(database: Database, tmp_path: Path) -> Iterator[Api]:
    """An API whose signing key anybody may read."""
    key = tmp_path / "signing-key.pem"
    open_signer(key, create=True)
    key.chmod(0o644)
    with served_api(database.url, signing_key_file=key) as served:
        yield served


DRAFT: Json = {"revision": "B", "process_materials": ["MJF:PA12-MJF", "SLS:PA2241-FR"]}
FULL: Json = DRAFT | {
    "box": {"x_mm": 86, "y_mm": 58, "z_mm": 54.5},
    "volume_cm3": 24.5,
    "required_certificates": ["ISO9001"],
    "part_qualification": True,
    "export_class": "dual_use",
    "ip_zone": "EU",
    "parameter_sets": ["PS-1"],
    "qualified_orientation": "z",
    "inspection_level": "dimensional",
    "inspection_plan": [
        {"name": "bore", "kind": "diameter", "nominal_mm": 12.0, "lower_mm": 11.9, "upper_mm": 12.1},
        {"name": "surface", "kind": "visual", "nominal_mm": None, "lower_mm": None, "upper_mm": None},
    ],
    "packaging": "esd",
    "ip_countries": ["DE", "FR"],
    "ip_nodes": ["N101"],
    "ip_kinds": ["in_house"],
    "ip_share_cap": 0.5,
    "licence_required": True,
}


def add(api: Api, body: Json) -> httpx.Response:
    return api.client.post("/v1/parts/RL-0001/revisions", json=body)


def do(api: Api, revision_id: str, what: str, **body: object) -> httpx.Response:
    return api.client.post(f"/v1/revisions/{revision_id}/{what}", json={"reason": "as agreed"} | body)


def validated(api: Api, revision: str = "B") -> str:
    return given_revision(api.engine, part_id=api.owner.part_id, revision=revision, state="validated")


def test_a_draft_states_all_that_a_node_has_to_prove(api: Api) -> None:
    added = add(api, FULL)
    read = api.client.get(added.headers["Location"])

    revision = added.json()
    assert (added.status_code, revision["state"], revision["part_no"]) == (201, "draft", "RL-0001")
    assert {name: revision[name] for name in FULL} == FULL
    assert (revision["print_file"], revision["approval"], revision["signature"]) == (None, None, None)
    assert (revision["created_by"], revision["version"]) == (api.owner.key_id, 1)
    assert read.json() == revision
    assert read.headers["ETag"].startswith('"v1-')
    assert api.client.get(added.headers["Location"], headers={"If-None-Match": read.headers["ETag"]}).status_code == 304


def test_a_draft_may_leave_its_size_to_its_file(api: Api) -> None:
    revision = add(api, DRAFT).json()
    assert (revision["box"], revision["volume_cm3"], revision["inspection_level"]) == (None, None, "visual")
    assert (revision["packaging"], revision["ip_zone"], revision["licence_required"]) == ("plain", "any", False)
    assert [item["revision"] for item in api.client.get("/v1/parts/RL-0001").json()["revisions"]] == ["A", "B"]


@pytest.mark.parametrize(
    ("change", "code", "pointers"),
    [
        ({"process_materials": []}, "invalid_revision", ("/process_materials",)),
        ({"process_materials": ["PA12"]}, "invalid_revision", ("/process_materials/0",)),
        ({"volume_cm3": None}, "validation_failed", ("",)),
        ({"box": {"x_mm": 0, "y_mm": 1, "z_mm": 1}}, "validation_failed", ("/box/x_mm",)),
        (
            {"ip_countries": ["DE", "XX"], "ip_kinds": ["garage"]},
            "invalid_revision",
            ("/ip_countries/1", "/ip_kinds/0"),
        ),
        ({"export_class": "secret"}, "validation_failed", ("/export_class",)),
        ({"ip_share_cap": 0}, "validation_failed", ("/ip_share_cap",)),
        ({"inspection_plan": [{"name": "a", "kind": "length"}]}, "invalid_revision", ("/inspection_plan/0",)),
        ({"weight": 3}, "validation_failed", ("/weight",)),
    ],
)
def test_a_revision_that_can_not_be_is_refused_with_each_wrong_field(
    api: Api, change: Json, code: str, pointers: tuple[str, ...]
) -> None:
    assert refusal_of(add(api, FULL | change)) == Refusal(status=422, code=code, pointers=pointers)
    assert len(api.client.get("/v1/parts/RL-0001").json()["revisions"]) == 1


def test_a_name_is_given_once_to_a_part(api: Api) -> None:
    assert add(api, DRAFT).status_code == 201
    assert refusal_of(add(api, DRAFT)) == Refusal(status=409, code="revision_exists")


def test_a_draft_is_changed_under_the_version_that_was_seen(api: Api) -> None:
    here = add(api, FULL).headers["Location"]
    etag = api.client.get(here).headers["ETag"]
    change = {"packaging": "brand", "qualified_orientation": None, "box": None, "volume_cm3": None}
    changed = api.client.patch(here, json=change, headers={"If-Match": etag})
    late = api.client.patch(here, json={"packaging": "plain"}, headers={"If-Match": etag})
    wrong = api.client.patch(here, json={"ip_countries": ["QQ"]}, headers={"If-Match": "*"})

    assert changed.status_code == 200
    assert {name: changed.json()[name] for name in change} == change
    assert (changed.json()["ip_share_cap"], changed.json()["version"]) == (0.5, 2)
    assert refusal_of(late) == Refusal(status=412, code="stale_version")
    assert refusal_of(wrong) == Refusal(status=422, code="invalid_revision", pointers=("/ip_countries/0",))
    assert refusal_of(api.client.patch(here, json={})) == Refusal(status=428, code="precondition_required")


def test_past_its_draft_a_revision_never_changes(api: Api) -> None:
    for revision_id in (validated(api), api.owner.revision_id):
        here = f"/v1/revisions/{revision_id}"
        before = api.client.get(here).content
        refused = api.client.patch(here, json={"packaging": "esd"}, headers={"If-Match": "*"})
        assert refusal_of(refused) == Refusal(status=409, code="revision_frozen")
        assert api.client.get(here).content == before


def test_a_release_needs_a_file_then_an_approval(api: Api) -> None:
    draft = add(api, DRAFT).json()["id"]
    revision_id = validated(api, "C")

    assert refusal_of(do(api, draft, "approval")) == Refusal(status=409, code="revision_state_conflict")
    assert refusal_of(do(api, draft, "release")) == Refusal(status=409, code="revision_state_conflict")
    assert refusal_of(do(api, revision_id, "release")) == Refusal(status=409, code="approval_missing")
    other_file = do(api, revision_id, "approval", sha256="0" * 64)
    assert refusal_of(other_file) == Refusal(status=409, code="approval_missing")
    assert api.client.get(f"/v1/revisions/{revision_id}").json()["state"] == "validated"


@pytest.mark.parametrize("what", ["approval", "release", "withdrawal"])
def test_every_move_says_why(api: Api, what: str) -> None:
    revision_id = validated(api)
    url = f"/v1/revisions/{revision_id}/{what}"

    assert refusal_of(api.client.post(url, json={})).pointers == ("/reason",)
    assert refusal_of(api.client.post(url, json={"reason": ""})).pointers == ("/reason",)
    assert refusal_of(api.client.post(url, json={"reason": "  "})).pointers == ("/reason",)
    assert refusal_of(api.client.post(url, content=b"why not")).code == "unsupported_media_type"
    assert api.client.get(f"/v1/revisions/{revision_id}").json()["version"] == 2


def test_a_release_is_signed_and_takes_the_place_of_the_one_before(api: Api) -> None:
    revision_id = validated(api)
    sha256 = hashlib.sha256(revision_id.encode()).hexdigest()
    approved = do(api, revision_id, "approval", sha256=sha256, reason="measured twice").json()
    released = do(api, revision_id, "release", reason="first parts are good").json()
    key = api.client.get("/v1/signing-key").json()

    assert approved["approval"] | {"approved_at": None} == {
        "approved_by": api.owner.key_id,
        "approved_at": None,
        "reason": "measured twice",
        "sha256": sha256,
    }
    assert (released["state"], released["released_by"]) == ("released", api.owner.key_id)
    signature = released["signature"]
    assert key == {"algorithm": "Ed25519", "public_key": signature["public_key"]}
    assert verify(key["public_key"], signature["statement"].encode(), signature["signature"])
    assert not verify(
        key["public_key"], signature["statement"].replace("RL-0001", "RL-0002").encode(), signature["signature"]
    )
    statement = json.loads(signature["statement"])
    assert (statement["part_no"], statement["revision"], statement["print_file"]["sha256"]) == ("RL-0001", "B", sha256)
    part = api.client.get("/v1/parts/RL-0001").json()
    assert part["released_revision"] == "B"
    assert [(item["revision"], item["state"]) for item in part["revisions"]] == [("A", "superseded"), ("B", "released")]
    assert refusal_of(do(api, revision_id, "release")) == Refusal(status=409, code="revision_state_conflict")


def test_the_history_tells_who_did_what_and_why(api: Api) -> None:
    revision_id = validated(api)
    do(api, revision_id, "approval", reason="measured twice")
    do(api, revision_id, "release", reason="first parts are good")
    do(api, revision_id, "withdrawal", reason="cracks")
    found = api.client.get(f"/v1/revisions/{revision_id}/history").json()["data"]

    assert [(entry["action"], entry["reason"]) for entry in found[-3:]] == [
        ("revision.approved", "measured twice"),
        ("revision.released", "first parts are good"),
        ("revision.withdrawn", "cracks"),
    ]
    assert {entry["actor"] for entry in found[-3:]} == {api.owner.key_id}
    assert found[-1]["data"]["from"] == "released"


def test_a_withdrawn_revision_is_never_ordered_again(api: Api) -> None:
    withdrawn = do(api, api.owner.revision_id, "withdrawal", reason="cracks")
    again = do(api, api.owner.revision_id, "withdrawal")

    assert (withdrawn.status_code, withdrawn.json()["state"], withdrawn.json()["held_jobs"]) == (200, "withdrawn", 0)
    assert refusal_of(again) == Refusal(status=409, code="revision_state_conflict")
    assert api.place().status_code == 422


def test_what_is_someone_elses_is_not_there(api: Api) -> None:
    stranger = given_owner(api.engine, name="Stranger", part_no="ST-1")
    here = f"/v1/revisions/{api.owner.revision_id}"
    with api.as_(stranger.token) as client:
        answers = [
            client.get(here),
            client.get(f"{here}/history"),
            client.get(f"{here}/licences"),
            client.patch(here, json={"packaging": "esd"}, headers={"If-Match": "*"}),
            client.post(f"{here}/licences", json={"prints": 1}),
            *(client.post(f"{here}/{what}", json={"reason": "x"}) for what in ("approval", "release", "withdrawal")),
        ]
    assert {refusal_of(answer) for answer in answers} == {Refusal(status=404, code="unknown_revision")}
    assert api.client.get(here).json()["state"] == "released"


def test_a_release_without_a_key_waits_and_changes_nothing(exposed: Api) -> None:
    api = exposed
    revision_id = validated(api)
    do(api, revision_id, "approval")
    refused = do(api, revision_id, "release")

    assert refusal_of(refused) == Refusal(status=503, code="signing_key_exposed")
    assert "chmod 600" in problem_of(refused)["detail"]
    assert api.client.get(f"/v1/revisions/{revision_id}").json()["state"] == "validated"
    assert refusal_of(api.client.get("/v1/signing-key")).code == "signing_key_exposed"


# ---------------------------------------------------------------- licences


def test_prints_are_granted_listed_and_revoked_with_a_reason(api: Api) -> None:
    here = f"/v1/revisions/{api.owner.revision_id}/licences"
    in_transaction(api.engine, save_a_network)
    terms = {"prints": 3, "node_ids": ["N101"], "countries": ["DE"], "valid_to": "2099-12-31", "note": "depot in Ulm"}
    granted = api.client.post(here, json=terms)
    listed = api.client.get(here).json()["data"]
    licence = granted.json()

    assert granted.status_code == 201
    assert {name: licence[name] for name in terms if name != "prints"} == {
        name: value for name, value in terms.items() if name != "prints"
    }
    assert (licence["granted_prints"], licence["good_prints"], licence["leased_prints"], licence["left"]) == (
        3,
        0,
        0,
        3,
    )
    assert listed == [licence]

    revoke = f"/v1/licences/{licence['id']}/revocation"
    assert refusal_of(api.client.post(revoke, json={"reason": " "})).pointers == ("/reason",)
    revoked = api.client.post(revoke, json={"reason": "contract ended"}).json()
    assert (revoked["state"], revoked["state_reason"]) == ("revoked", "contract ended")
    assert refusal_of(api.client.post(revoke, json={"reason": "again"})) == Refusal(status=409, code="licence_revoked")
    entries = "SELECT action, data->>'reason' FROM audit_entries WHERE subject_type = 'print_licence' ORDER BY id"
    assert in_transaction(api.engine, lambda session: rows(session, entries)) == [
        ("print_licence.granted", None),
        ("print_licence.revoked", "contract ended"),
    ]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"prints": 0}, "validation_failed", "/prints"),
        ({"countries": ["Germany"]}, "invalid_licence", "/countries/0"),
        ({"node_ids": ["N101", "N101"]}, "invalid_licence", "/node_ids/1"),
        ({"node_ids": ["N999"]}, "invalid_licence", "/node_ids/0"),
        ({"node_ids": ["N101", "n101"]}, "invalid_licence", "/node_ids/1"),
        ({"valid_to": "2020-01-01"}, "invalid_licence", "/valid_to"),
        ({"valid_to": "soon"}, "validation_failed", "/valid_to"),
    ],
)
def test_a_licence_that_could_never_be_used_is_refused(api: Api, change: Json, code: str, pointer: str) -> None:
    here = f"/v1/revisions/{api.owner.revision_id}/licences"
    in_transaction(api.engine, save_a_network)
    refused = api.client.post(here, json={"prints": 3} | change)
    assert refusal_of(refused) == Refusal(status=422, code=code, pointers=(pointer,))
    assert api.client.get(here).json()["data"] == []
    assert messages_of(refused)


def test_licences_freeze_when_a_newer_revision_is_released(api: Api) -> None:
    here = f"/v1/revisions/{api.owner.revision_id}/licences"
    licence = api.client.post(here, json={"prints": 3}).json()
    revision_id = validated(api)
    do(api, revision_id, "approval")
    do(api, revision_id, "release")
    (frozen,) = api.client.get(here).json()["data"]
    events = "SELECT name FROM outbox_events WHERE subject_id = :id ORDER BY id"

    assert (frozen["id"], frozen["state"]) == (licence["id"], "frozen")
    assert frozen["state_reason"] == "superseded by revision B"
    told = in_transaction(api.engine, lambda session: rows(session, events, id=licence["id"]))
    assert told == [("print_licence.granted",), ("print_licence.frozen",)]
    assert refusal_of(api.client.post(here, json={"prints": 1})) == Refusal(status=409, code="revision_state_conflict")


def test_a_licence_of_someone_else_can_not_be_revoked(api: Api) -> None:
    here = f"/v1/revisions/{api.owner.revision_id}/licences"
    licence_id = api.client.post(here, json={"prints": 3}).json()["id"]
    stranger = given_owner(api.engine, name="Stranger", part_no="ST-1")
    with api.as_(stranger.token) as client:
        refused = client.post(f"/v1/licences/{licence_id}/revocation", json={"reason": "mine"})
    assert refusal_of(refused) == Refusal(status=404, code="unknown_licence")
    assert api.client.get(here).json()["data"][0]["state"] == "active"
