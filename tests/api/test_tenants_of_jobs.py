"""Every operation on certificates, first articles and jobs, asked by everyone: nobody does what is someone else's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.identity.service import issue_api_key
from tests.api.test_tenants import TAGS_OF_JOBS
from tests.factories.api import Api
from tests.factories.api_builds import days_ago, timed
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.documents import document
from tests.factories.organisations import BUREAU, NOW

Who = Literal["owner", "stranger", "bureau", "rival", "operator"]
Answer = Literal["yes", 403, 404]

EVERYONE: tuple[Who, ...] = ("owner", "stranger", "bureau", "rival", "operator")
PHOTO = {"Content-Type": "image/jpeg"}


def only(*allowed: Who, **others: Answer) -> Mapping[str, Answer]:
    """Return who may, and what the others get: 404 where nothing else is said."""
    return {who: "yes" if who in allowed else others.get(who, 404) for who in EVERYONE}


PARTIES = only("owner", "bureau", "operator")
AT_THE_NODE = only("bureau", "operator", owner=403)
NOT_RIVALS = only("owner", "stranger", "bureau", "operator")
NODE_S_OWN = only("bureau", "operator", owner=403, stranger=403)

EXPECTED: Mapping[str, Mapping[str, Answer]] = {
    "POST /v1/nodes/{node_id}/certificates": {**NODE_S_OWN, "rival": 403},
    "GET /v1/nodes/{node_id}/certificates": NOT_RIVALS,
    "GET /v1/certificates": only(*EVERYONE),
    "GET /v1/certificates/{certificate_id}": NOT_RIVALS,
    "POST /v1/certificates/{certificate_id}/verification": only("operator", owner=403, stranger=403, bureau=403),
    "POST /v1/certificates/{certificate_id}/revocation": only("bureau", "operator"),
    "PUT /v1/certificates/{certificate_id}/evidence": NODE_S_OWN,
    "GET /v1/certificates/{certificate_id}/evidence": NOT_RIVALS,
    "POST /v1/revisions/{revision_id}/first-articles": only("owner"),
    "GET /v1/revisions/{revision_id}/first-articles": only("owner", "operator"),
    "GET /v1/first-articles": only(*EVERYONE),
    "GET /v1/first-articles/{first_article_id}": PARTIES,
    "PUT /v1/first-articles/{first_article_id}/evidence": only("owner"),
    "GET /v1/first-articles/{first_article_id}/evidence": PARTIES,
    "POST /v1/first-articles/{first_article_id}/revocation": only("owner", "operator"),
    "GET /v1/nodes/{node_id}/jobs": NOT_RIVALS,
    "POST /v1/nodes/{node_id}/claims": only("bureau", "operator"),
    "GET /v1/jobs/{job_id}": PARTIES,
    "GET /v1/jobs/{job_id}/packet": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/acceptance": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/resumption": PARTIES,
    "POST /v1/jobs/{job_id}/take-back": only("owner", "operator", bureau=403),
    "POST /v1/jobs/{job_id}/file-tickets": only("bureau", owner=403, operator=403),
    "GET /v1/print-files/{token}": only("bureau"),
    "PUT /v1/jobs/{job_id}/evidence/{name}": AT_THE_NODE,
    "GET /v1/jobs/{job_id}/evidence/{name}": PARTIES,
    "GET /v1/jobs/{job_id}/evidence": PARTIES,
    "POST /v1/jobs/{job_id}/prints": AT_THE_NODE,
    "GET /v1/jobs/{job_id}/prints": PARTIES,
    "POST /v1/jobs/{job_id}/build-times": AT_THE_NODE,
    "GET /v1/jobs/{job_id}/build-times": PARTIES,
    "POST /v1/jobs/{job_id}/build-times/{number}/withdrawal": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/reprint-requests": AT_THE_NODE,
    "GET /v1/reprint-requests": only(*EVERYONE),
    "GET /v1/reprint-requests/{request_id}": PARTIES,
    "POST /v1/reprint-requests/{request_id}/decision": only("owner", bureau=403, operator=403),
}
"""Who may, and what the others get. A new operation has to be entered here before its document is accepted."""

BODIES: Mapping[str, Any] = {
    "certificates": {"scheme": "EN9100", "valid_from": "2020-01-01", "valid_to": "2099-12-31"},
    "first-articles": {
        "node_id": "N101",
        "machine_id": "N101-A",
        "material": "PA12-MJF",
        "parameter_set": "PS-1",
        "approved_on": "2025-06-01",
    },
    "revocation": {"reason": "asked by everyone"},
    "take-back": {"reason": "asked by everyone"},
    "claims": {"max": 2},
    "prints": {"number": 2, "result": "good"},
    "build-times": {"parts": 1, "machine_minutes": 700, "height_mm": 380.0},
    "withdrawal": {"reason": "asked by everyone"},
    "decision": {"granted": True},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """The ids of things that belong to the owner and its bureau, and clients of everyone."""

    world: JobWorld
    ids: Mapping[str, str]
    evidence_id: str
    clients: Mapping[str, httpx.Client]


@pytest.fixture(scope="module")
def things(standing_api: Api) -> Iterator[Things]:
    """A job with a failed print, a photo, a reprint request and an unused ticket; a certificate; a first article."""
    with a_job_world(standing_api) as world, standing_api.as_(key_without_scopes(standing_api)) as scopeless:
        world.fetched_long_ago()
        timed(world.bureau, world.job, finished_at=days_ago(50))
        photo = world.photo()
        world.printed(1, "failed")
        wish = {"print_number": 1, "reason": "warped", "evidence_id": photo}
        certificate = world.bureau.post("/v1/nodes/N101/certificates", json=BODIES["certificates"]).json()["id"]
        world.bureau.put(f"/v1/certificates/{certificate}/evidence", content=b"1", headers=PHOTO)
        articles = f"/v1/revisions/{standing_api.owner.revision_id}/first-articles"
        article = world.owner.post(articles, json=BODIES["first-articles"]).json()["id"]
        world.owner.put(f"/v1/first-articles/{article}/evidence", content=b"1", headers=PHOTO)
        ids = {
            "node_id": "N101",
            "certificate_id": certificate,
            "revision_id": standing_api.owner.revision_id,
            "first_article_id": article,
            "job_id": world.job_id,
            "name": "crack.jpg",
            "number": "1",
            "token": world.ticket().rpartition("/")[2],
            "request_id": world.bureau.post(f"{world.job}/reprint-requests", json=wish).json()["id"],
        }
        clients = {who: getattr(world, who) for who in EVERYONE}
        with standing_api.as_(None) as nobody:
            everyone = clients | {"nobody": nobody, "scopeless": scopeless}
            yield Things(world=world, ids=ids, evidence_id=photo, clients=everyone)


def key_without_scopes(api: Api) -> str:
    with unit_of_work(api.engine) as session:
        return issue_api_key(
            session, organisation_id=api.owner.organisation_id, name="no scopes", scopes=(), now=NOW
        ).token


def ask(things: Things, who: str, operation: str) -> httpx.Response:
    """Do ``operation`` as ``who``."""
    method, path = operation.split(" ")
    url, last = path.format(**things.ids), path.rpartition("/")[2]
    if method == "PUT":
        return things.clients[who].put(url, content=b"\xff\xd8 a photo", headers=PHOTO)
    body = BODIES.get(last)
    if last == "reprint-requests":
        body = {"print_number": 1, "reason": "warped", "evidence_id": things.evidence_id}
    headers = {"Idempotency-Key": f"{who}: {operation}"}
    return things.clients[who].request(method, url, json=body if method == "POST" else None, headers=headers)


def test_every_operation_has_its_row() -> None:
    told = document()
    found = [
        f"{method.upper()} {path}"
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
        if operation["tags"][0] in TAGS_OF_JOBS
    ]
    # What else is done on jobs stands in ``test_tenants_of_production``, which looks that none is left out.
    assert set(EXPECTED) <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("operation", sorted(EXPECTED))
def test_everyone_gets_what_is_theirs(things: Things, operation: str) -> None:
    statuses = {who: ask(things, who, operation).status_code for who in EVERYONE}
    answers = {who: status if status in (401, 403, 404) else "yes" for who, status in statuses.items()}

    assert answers == EXPECTED[operation]
    assert max(statuses.values()) < 500


@pytest.mark.parametrize("operation", sorted(EXPECTED))
def test_a_key_without_the_scope_and_no_key_open_nothing(things: Things, operation: str) -> None:
    scopeless, nobody = ask(things, "scopeless", operation), ask(things, "nobody", operation)

    assert (scopeless.status_code, scopeless.json()["code"]) == (403, "missing_scope")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("who", ["stranger", "rival"])
def test_no_list_shows_a_job_or_its_files_to_someone_else(things: Things, who: str) -> None:
    lists = ("/v1/nodes/N101/jobs", "/v1/reprint-requests", "/v1/first-articles?expiring_within_days=3650")
    for path in lists:
        answer = things.clients[who].get(path).text
        assert things.ids["job_id"] not in answer
        assert things.ids["first_article_id"] not in answer
        assert things.ids["job_id"] in things.world.owner.get(path).text or path == lists[2]


def test_what_others_were_refused_left_no_trace(things: Things) -> None:
    refused = "SELECT count(*) FROM audit_entries WHERE actor IN (SELECT id FROM api_keys WHERE organisation_id IN {})"
    others = refused.format("('org_rival', 'org_stranger') AND action <> 'print_file.refused'")
    bureau = refused.format(f"('{BUREAU}')")

    assert in_transaction(things.world.api.engine, lambda session: rows(session, others)) == [(0,)]
    assert in_transaction(things.world.api.engine, lambda session: rows(session, bureau)) != [(0,)]
