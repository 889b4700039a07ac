"""Everything that is done to make and ship parts, asked for by everyone: nobody sees or does what is someone else's."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import httpx
import pytest

from fabroute.kernel.time import utc_now
from tests.api import test_tenants_of_jobs as jobs
from tests.api.test_tenants import OUTAGES, TAGS_OF_JOBS, TAGS_OF_PRODUCTION
from tests.api.test_tenants_of_jobs import AT_THE_NODE, EVERYONE, NOT_RIVALS, PARTIES, Answer, key_without_scopes, only
from tests.factories.api import Api, an_order
from tests.factories.api_jobs import JobWorld, a_job_world, given_offered_jobs
from tests.factories.api_shipments import PARCEL, given_inspected_job, given_shipment
from tests.factories.databases import in_transaction, rows
from tests.factories.documents import document
from tests.factories.papers import a_picture
from tests.factories.problems import Refusal, refusal_of

OWNERS = only("owner", "stranger", "operator", bureau=403, rival=403)
"""Each for itself."""
ITS_ORDER = only("owner", "operator", bureau=403, rival=403)
LIFTED_BY_ITS_OWNER: Mapping[str, Answer] = {**ITS_ORDER, "operator": 404}
"""The operator comes too late: there is nothing to lift any more."""
PLANNED_BY_NODES = only("bureau", "operator", owner=403, stranger=403)
"""Everyone but a rival may know of a node."""
DECIDED_BY_OWNERS = only("owner", "operator", bureau=403)

EXPECTED: Mapping[str, Mapping[str, Answer]] = {
    "POST /v1/jobs/{job_id}/start": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/heartbeat": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/offline-lease": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/cancellation": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/reports": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/decline": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/counter-offers": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/failure": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/suspicion": DECIDED_BY_OWNERS,
    "POST /v1/jobs/{job_id}/inspections": AT_THE_NODE,
    "GET /v1/jobs/{job_id}/inspections": PARTIES,
    "POST /v1/jobs/{job_id}/prints/{number}/scrap": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/first-article": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/first-article/decision": only("owner", bureau=403, operator=403),
    "POST /v1/jobs/{job_id}/conformity-certificate": PARTIES,
    "GET /v1/jobs/{job_id}/conformity-certificates": PARTIES,
    "GET /v1/conformity-certificates/{certificate_id}": PARTIES,
    "GET /v1/conformity-certificates/{certificate_id}.pdf": PARTIES,
    "GET /v1/counter-offers": only(*EVERYONE),
    "POST /v1/counter-offers/{counter_id}/decision": DECIDED_BY_OWNERS,
    "GET /v1/owner-notes": only(*EVERYONE),
    "POST /v1/owner-notes/{note_id}/closing": DECIDED_BY_OWNERS,
    "GET /v1/reconciliations": only(*EVERYONE),
    "POST /v1/reconciliations/{reconciliation_id}/closing": DECIDED_BY_OWNERS,
    "GET /v1/nodes/{node_id}/build-plan": PLANNED_BY_NODES,
    "POST /v1/nodes/{node_id}/builds": PLANNED_BY_NODES,
    "GET /v1/nodes/{node_id}/builds": NOT_RIVALS,
    "GET /v1/builds/{build_id}": PARTIES,
    "PATCH /v1/builds/{build_id}": AT_THE_NODE,
    "POST /v1/builds/{build_id}/start": AT_THE_NODE,
    "POST /v1/builds/{build_id}/closing": AT_THE_NODE,
    "POST /v1/builds/{build_id}/abort": AT_THE_NODE,
    "POST /v1/builds/{build_id}/cancellation": AT_THE_NODE,
    "POST /v1/jobs/{job_id}/shipments": AT_THE_NODE,
    "GET /v1/jobs/{job_id}/shipments": PARTIES,
    "GET /v1/orders/{order_id}/shipments": only("owner"),
    "GET /v1/shipments/{shipment_id}": PARTIES,
    "GET /v1/shipments/{shipment_id}/packing-slip.pdf": PARTIES,
    "GET /v1/shipments/{shipment_id}/label.pdf": PARTIES,
    "POST /v1/shipments/{shipment_id}/handover": AT_THE_NODE,
    "POST /v1/shipments/{shipment_id}/cancellation": AT_THE_NODE,
    "POST /v1/shipments/{shipment_id}/events": AT_THE_NODE,
    "POST /v1/shipments/{shipment_id}/loss": DECIDED_BY_OWNERS,
    "GET /v1/brand": OWNERS,
    "PUT /v1/brand": OWNERS,
    "PUT /v1/brand/logo": OWNERS,
    "GET /v1/brand/logo": OWNERS,
    "DELETE /v1/brand/logo": OWNERS,
    "GET /v1/reroutes": OWNERS,
    "GET /v1/orders/{order_id}/timeline": ITS_ORDER,
    "GET /v1/orders/{order_id}/lines/{position}/exclusions": ITS_ORDER,
    "DELETE /v1/orders/{order_id}/lines/{position}/exclusions/{node_id}": LIFTED_BY_ITS_OWNER,
    "POST /v1/orders/{order_id}/lines/{position}/retry": ITS_ORDER,
    "POST /v1/orders/{order_id}/objective": ITS_ORDER,
    "PATCH /v1/machines/{machine_id}": only("bureau", "operator", owner=403, stranger=403, rival=403),
    "POST /v1/machines/{machine_id}/capacity": only("bureau", "operator", owner=403, stranger=403, rival=403),
    "GET /v1/passports/{token}": only(*EVERYONE),
    "POST /v1/nodes/{node_id}/closure": only("operator", owner=403, stranger=403, bureau=403, rival=403),
}
"""Who may, and what the others get, in the order in which it is asked: a node is closed at the end."""

OPEN_TO_ALL = ("GET /v1/passports/{token}",)
"""Whoever holds the part reads its code."""

HIDDEN = ("order_id", "node_id", "machine_id", "job_id", "shipment_id")
REASON: dict[str, object] = {"reason": "asked by everyone"}
LISTS = ("/v1/counter-offers", "/v1/owner-notes", "/v1/reconciliations", "/v1/reroutes")
A_PASSPORT = "SELECT token FROM passports ORDER BY print_number LIMIT 1"

RECONCILIATION = (
    "INSERT INTO reconciliations (id, organisation_id, job_id, order_id, order_line_id, node_id, kind, what, quantity,"
    " lease_id, epoch, current_epoch, reported, reported_by, reported_at, state, resolution)"
    " SELECT 'rec_1', organisation_id, id, order_id, order_line_id, node_id, 'late_report', 'print', 1, 'lse_1', 1, 2,"
    " '{}', 'key_1', now(), 'open', '' FROM jobs WHERE id = :job_id RETURNING id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """The ids of things that belong to an owner and its bureau, and clients of everyone."""

    world: JobWorld
    ids: Mapping[str, str]
    photo: str
    clients: Mapping[str, httpx.Client]


@pytest.fixture(scope="module")
def things(standing_api: Api) -> Iterator[Things]:
    """An inspected job with a build, a certificate, passports, a shipment; a declined job; one with a counter-offer."""
    with ExitStack() as opened:
        world = opened.enter_context(a_job_world(standing_api))
        ids = {"node_id": "N101", "machine_id": "N101-A", "position": "1", "number": "1"}
        ids |= {"job_id": world.job_id} | given_remarks(world) | given_made_parts(world)
        clients = {who: getattr(world, who) for who in EVERYONE} | {
            "nobody": opened.enter_context(standing_api.as_(None)),
            "scopeless": opened.enter_context(standing_api.as_(key_without_scopes(standing_api))),
        }
        logo, png = a_picture(), {"Content-Type": "image/png"}
        for who in ("owner", "stranger", "operator"):
            assert clients[who].put("/v1/brand/logo", content=logo, headers=png).status_code == 200
        yield Things(world=world, ids=ids, photo=world.photo(), clients=clients)


def given_remarks(world: JobWorld) -> dict[str, str]:
    """Decline a job, so that its owner gets a note and its line excludes a node; ask for more money for another."""
    for key in ("one", "two"):
        world.api.place(an_order(), key=key)
    first, second = given_offered_jobs(world.api.engine)
    thin = {"reason": "not_manufacturable", "text": "wall 0.4 mm"}
    told = world.bureau.post(f"/v1/jobs/{first}/decline", json=thin).json()
    price = world.bureau.get(f"/v1/jobs/{second}").json()["price"]
    dear = {"price": price | {"amount_minor": price["amount_minor"] * 2}, "reason": "powder"}
    countered = world.bureau.post(f"/v1/jobs/{second}/counter-offers", json=dear).json()
    in_transaction(world.api.engine, lambda session: rows(session, RECONCILIATION, job_id=second))
    return {
        "order_id": told["job"]["order_id"],
        "note_id": told["note"]["id"],
        "counter_id": countered["counter_offer"]["id"],
        "reconciliation_id": "rec_1",
    }


def given_made_parts(world: JobWorld) -> dict[str, str]:
    """Plan a build and give it up; make and look at all parts; prepare a parcel of one of them."""
    world.fetched()
    build = world.bureau.post("/v1/nodes/N101/builds", json={"jobs": [{"job_id": world.job_id, "parts": 1}]})
    assert build.status_code == 201, build.text
    world.bureau.post(f"{build.headers['Location']}/cancellation", json={})
    given_inspected_job(world)
    shipment = given_shipment(world, PARCEL | {"quantity": 1})
    (certificate,) = world.owner.get(f"{world.job}/conformity-certificates").json()["data"]
    ((token,),) = in_transaction(world.api.engine, lambda session: rows(session, A_PASSPORT))
    return {
        "shipment_id": shipment["id"],
        "certificate_id": certificate["id"],
        "build_id": build.json()["id"],
        "token": str(token),
    }


def bodies(things: Things) -> Mapping[str, object]:
    """Return what is sent, by the end of the path or, where two end alike, by all of it."""
    job_id, today = things.ids["job_id"], utc_now().date()
    yesterday = (utc_now() - timedelta(days=1)).isoformat()
    resolution = {"resolution": "asked by everyone"}
    build = {"jobs": [{"job_id": job_id, "parts": 1}]}
    report = {"sequence": 1, "name": "started", "occurred_at": yesterday, "data": {}}
    return {
        "decline": {"reason": "capacity"},
        "counter-offers": {"produce_by": today.isoformat(), "reason": "asked by everyone"},
        "offline-lease": {"hours": 1},
        "cancellation": {"agreed": True},
        "POST /v1/builds/{build_id}/cancellation": {},
        "POST /v1/shipments/{shipment_id}/cancellation": None,
        "suspicion": REASON | {"decision": "wait"},
        "reports": {"reports": [report]},
        "failure": {"reason": "machine_broke"},
        "inspections": {"level": "visual", "inspector": "A. Weber"},
        "scrap": REASON | {"evidence": things.photo},
        "first-article": {"evidence": [things.photo]},
        "POST /v1/jobs/{job_id}/first-article/decision": {"approved": True},
        "POST /v1/counter-offers/{counter_id}/decision": {"decision": "accept"},
        "POST /v1/owner-notes/{note_id}/closing": resolution,
        "POST /v1/reconciliations/{reconciliation_id}/closing": resolution,
        "builds": build,
        "PATCH /v1/builds/{build_id}": build,
        "POST /v1/builds/{build_id}/start": {},
        "POST /v1/builds/{build_id}/abort": {"reason": "the bed came loose"},
        "POST /v1/builds/{build_id}/closing": {"finished_at": yesterday, "machine_minutes": 60, "grams_used": 5},
        "shipments": {"carrier": "DHL", "parcels": [PARCEL | {"quantity": 1}]},
        "events": {"status": "in_transit", "occurred_at": yesterday},
        "loss": REASON | {"decision": "wait"},
        "brand": {"name": "Nordbahn"},
        "retry": {},
        "objective": {"objective": "fastest"},
        "{machine_id}": REASON | {"status": "up"},
        "capacity": REASON | {"first_day": str(today), "last_day": str(today), "fraction": 1.0},
        "closure": REASON,
    }


def ask(things: Things, who: str, operation: str) -> httpx.Response:
    """Do ``operation`` as ``who``."""
    method, path = operation.split(" ")
    url, last, client = path.format(**things.ids), path.rpartition("/")[2], things.clients[who]
    if method == "PUT" and last == "logo":
        return client.put(url, content=a_picture(), headers={"Content-Type": "image/png"})
    wanted = bodies(things)
    body = wanted.get(operation, wanted.get(last)) if method not in ("GET", "DELETE") else None
    return client.request(method, url, json=body, headers={"Idempotency-Key": f"{who}: {operation}", "If-Match": "*"})


def test_every_operation_has_its_row() -> None:
    found = [
        (f"{method.upper()} {path}", operation["tags"][0])
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]
    mine = [name for name, tag in found if tag in TAGS_OF_PRODUCTION or name in OUTAGES]
    mine += [name for name, tag in found if tag in TAGS_OF_JOBS and name not in jobs.EXPECTED]

    assert sorted(mine) == sorted(EXPECTED)
    assert list(EXPECTED)[-1] == "POST /v1/nodes/{node_id}/closure"


@pytest.mark.parametrize("path", LISTS)
def test_no_list_shows_what_is_someone_else_s(things: Things, path: str) -> None:
    shown = {who: things.clients[who].get(path).json()["data"] for who in ("owner", "stranger", "operator")}

    assert (len(shown["owner"]), shown["stranger"]) == (1, [])
    assert shown["operator"] == shown["owner"]
    assert things.clients["rival"].get(path).json().get("data", []) == []


def test_an_owner_of_parts_sees_no_build_of_others(things: Things) -> None:
    path = "/v1/nodes/N101/builds"
    shown = {who: things.clients[who].get(path).json()["data"] for who in ("owner", "stranger", "bureau")}

    assert [build["id"] for build in shown["bureau"]] == [things.ids["build_id"]]
    assert shown["owner"][0]["id"] == things.ids["build_id"]
    assert shown["stranger"] == []


@pytest.mark.parametrize("operation", EXPECTED)
def test_everyone_gets_what_is_theirs(things: Things, operation: str) -> None:
    answers = {who: ask(things, who, operation) for who in EVERYONE}
    seen = {who: it.status_code if it.status_code in (401, 403, 404) else "yes" for who, it in answers.items()}

    assert seen == EXPECTED[operation]
    assert {who: it.text for who, it in answers.items() if it.status_code in (400, 412, 422, 428, 500, 503)} == {}


@pytest.mark.parametrize("operation", [operation for operation in EXPECTED if operation not in OPEN_TO_ALL])
def test_a_key_without_the_scope_and_no_key_open_nothing(things: Things, operation: str) -> None:
    assert refusal_of(ask(things, "scopeless", operation)) == Refusal(status=403, code="missing_scope")
    assert refusal_of(ask(things, "nobody", operation)) == Refusal(status=401, code="unauthenticated")


@pytest.mark.parametrize("operation", OPEN_TO_ALL)
def test_whoever_has_the_part_reads_its_passport_and_nothing_of_the_order(things: Things, operation: str) -> None:
    answer = ask(things, "nobody", operation)

    assert (answer.status_code, answer.json()["part"]) == (200, "RL-0001")
    assert [word for name, word in things.ids.items() if name in HIDDEN and word in answer.text] == []


def test_what_others_were_refused_left_no_trace(things: Things) -> None:
    refused = "SELECT action FROM audit_entries WHERE actor IN (SELECT id FROM api_keys WHERE organisation_id = :it)"
    acted = {
        who: {str(action) for (action,) in in_transaction(things.world.api.engine, partial(rows, sql=refused, it=who))}
        for who in ("org_rival", "org_stranger")
    }
    assert acted["org_rival"] == set()
    assert {action.partition(".")[0] for action in acted["org_stranger"]} <= {"brand"}
