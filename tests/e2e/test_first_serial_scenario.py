"""Scenario S4, the first serial part, over HTTP against real processes: a first article, its approval, then the rest.

The node has no endpoint yet: it is saved by the network's own service, and its builds are made to lie in the past. All
the rest, from the part to the certificate of conformity, goes through the API.
"""

import base64
import contextlib
import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.cli.stack import OWNER, Stack
from fabroute.database import create_database_engine, unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.logistics.rules import Service, Zone
from fabroute.logistics.service import LogisticsData, NewLane, save_logistics
from fabroute.network.service import NetworkData, extend_capacity, save_network
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_lot, a_machine, a_model, a_node, an_offer
from tests.factories.print_files import reference_file
from tests.factories.processes import PATIENCE_SECONDS

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

CELL, MACHINE, LOT, SET = "CELL-KIEL", "CELL-KIEL-A", "lot_steel", "316L-DOOR"
PLAN = [
    {"name": "bore", "kind": "diameter", "nominal_mm": 8.0, "lower_mm": 7.98, "upper_mm": 8.02},
    {"name": "surface", "kind": "visual"},
]
PHOTO = b"\xff\xd8\xff\xe0 the first door stopper"
_LONG_AGO = (
    "UPDATE jobs SET accepted_at = accepted_at - interval '100 days',"
    " file_released_at = file_released_at - interval '100 days' WHERE id = :job RETURNING id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The owner of the door stopper, the cell that prints it, and a look into the database."""

    owner: httpx.Client
    cell: httpx.Client
    engine: Engine


@pytest.fixture(scope="module")
def cast(stack: Stack) -> Iterator[Cast]:
    """The parties on a running installation."""
    with contextlib.ExitStack() as opened:
        engine = create_database_engine(stack.environment["FABROUTE_DATABASE_URL"])
        opened.callback(engine.dispose)
        cell, owner = (
            opened.enter_context(
                httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS)
            )
            for token in save_the_cell(engine)
        )
        yield Cast(owner=owner, cell=cell, engine=engine)


def save_the_cell(engine: Engine) -> list[str]:
    """Save a cell in Kiel whose plate holds ten door stoppers; return a key of it and one of the owner."""
    now = utc_now()
    network = NetworkData(
        nodes=(a_node(node_id=CELL, organisation_id="org_cell", city="Kiel", latitude=54.32, longitude=10.13),),
        models=(a_model(model="Plate 150", process="LPBF", box_mm=(150, 150, 95)),),
        materials=(),
        machines=(a_machine(machine_id=MACHINE, node_id=CELL, model="Plate 150"),),
        offers=(an_offer(machine_id=MACHINE, process="LPBF", material="316L", parameter_set=SET),),
        lots=(a_lot(lot_id=LOT, node_id=CELL, material="316L", grams=90_000, expires_on=now.date() + timedelta(365)),),
    )
    zones = (Zone.LOCAL, Zone.DOMESTIC, Zone.CUSTOMS_UNION)
    lanes = tuple(NewLane(node_id=CELL, zone=zone, services=(Service.EXPRESS,)) for zone in zones)
    with unit_of_work(engine) as session:
        create_organisation(session, name="Cell Kiel", kind="bureau", now=now, organisation_id="org_cell")
        save_network(session, data=network)
        extend_capacity(session, today=now.date(), horizon_days=45)
        save_logistics(session, data=LogisticsData(lanes=lanes))
        return [
            issue_api_key(session, organisation_id=who, name="S4", scopes=ALL_SCOPES, now=now).token
            for who in ("org_cell", OWNER)
        ]


def done(answer: httpx.Response, status: int = 200) -> Any:
    """Return the answer's body, which must have this status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


def until(look: Any, is_so: Any) -> Any:
    """Return what is seen once it is so; the last look where it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so(seen := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen


def released_door_stopper(cast: Cast) -> str:
    """Return the id of the released revision A, which asks for a first article and for measured bores."""
    part = {"part_no": "S4-STOPPER", "name": "Door stopper", "sector": "rail", "hs_code": "8607.19"}
    done(cast.owner.post("/v1/parts", json=part), 201)
    body = {
        "revision": "A",
        "process_materials": ["LPBF:316L"],
        "part_qualification": True,
        "inspection_level": "dimensional",
        "inspection_plan": PLAN,
        "ip_nodes": [CELL],
    }
    revision = done(cast.owner.post("/v1/parts/S4-STOPPER/revisions", json=body), 201)["id"]
    url = f"/v1/revisions/{revision}"
    headers = {"Content-Type": "model/3mf"}
    sent = cast.owner.put(f"{url}/print-file?name=stopper.3mf", content=reference_file("ME-0504"), headers=headers)
    assert sent.status_code == 202, sent.text
    seen = until(lambda: done(cast.owner.get(url)), lambda it: it["state"] != "draft")
    assert seen["state"] == "validated", cast.owner.get(f"{url}/validation").text
    sha256 = seen["print_file"]["sha256"]
    for step, said in (("approval", {"reason": "measured", "sha256": sha256}), ("release", {"reason": "for S4"})):
        etag = cast.owner.get(url).headers["ETag"]
        done(cast.owner.post(f"{url}/{step}", json=said, headers={"If-Match": etag}))
    return str(revision)


def ordered(cast: Cast, **wishes: object) -> Any:
    """Return an order of 24 door stoppers once it is decided."""
    body = {"lines": [{"part": "S4-STOPPER", "quantity": 24}], "ship_to": {"city": "Hamburg", "country": "DE"}}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    order = done(cast.owner.post("/v1/orders", json=body | wishes, headers=headers), 201)
    return until(lambda: done(cast.owner.get(f"/v1/orders/{order['id']}")), lambda it: it["state"] != "pending")


def planned(cast: Cast) -> list[dict[str, Any]]:
    """Return the builds that the cell's plan proposes."""
    found: list[dict[str, Any]] = done(cast.cell.get(f"/v1/nodes/{CELL}/build-plan"))["builds"]
    return found


def printed(cast: Cast, job: str, numbers: range, *, started_at: datetime) -> str:
    """Open the next build for these prints, run it, report each print, close it; return its id."""
    job_id = job.rpartition("/")[2]
    wish = {"jobs": [{"job_id": job_id, "parts": len(numbers)}]}
    build = done(cast.cell.post(f"/v1/nodes/{CELL}/builds", json=wish), 201)
    url, minutes = f"/v1/builds/{build['id']}", build["planned_minutes"]
    done(cast.cell.post(f"{url}/start", json={"started_at": started_at.isoformat()}))
    for number in numbers:
        done(cast.cell.post(f"{job}/prints", json={"number": number, "result": "good", "serial": f"DS-{number}"}), 201)
    closing = {
        "finished_at": (started_at + timedelta(minutes=minutes)).isoformat(),
        "machine_minutes": minutes,
        "grams_used": 70 * len(numbers),
        "results": [{"job_id": job_id, "good": len(numbers), "failed": 0}],
    }
    done(cast.cell.post(f"{url}/closing", json=closing))
    return str(build["id"])


def measured(cast: Cast, job: str, number: int, bore: float, **more: object) -> httpx.Response:
    """Report the inspection of a print."""
    body = {
        "level": "dimensional",
        "print_number": number,
        "inspector": "A. Weber",
        "measurements": [{"name": "bore", "value_mm": bore}, {"name": "surface", "passed": True}],
    }
    return cast.cell.post(f"{job}/inspections", json=body | more)


def uploaded(cast: Cast, job: str, name: str) -> str:
    """Add a photo; return its id."""
    sent = cast.cell.put(
        f"{job}/evidence/{name}", content=PHOTO + name.encode(), headers={"Content-Type": "image/jpeg"}
    )
    return str(done(sent)["id"])


def fetched(cast: Cast, job: str) -> str:
    """Fetch the print file by a ticket; return its SHA-256."""
    ticket = done(cast.cell.post(f"{job}/file-tickets"), 201)
    return hashlib.sha256(cast.cell.get(ticket["url"]).content).hexdigest()


def nothing_more_is_released(cast: Cast, job: str) -> None:
    """Check that a job that waits for its first article gives out no file, takes no print and can't be resumed."""
    assert refused(cast.cell.post(f"{job}/file-tickets")) == (409, "print_file_refused")
    assert refused(cast.cell.post(f"{job}/prints", json={"number": 2, "result": "good"})) == (409, "job_state_conflict")
    for client in (cast.cell, cast.owner):
        assert refused(client.post(f"{job}/resumption")) == (409, "job_state_conflict")
    assert refused(cast.cell.post(f"{job}/conformity-certificate")) == (409, "not_inspected")
    assert planned(cast) == []
    assert done(cast.cell.get(job))["good_prints"] == 1


def test_one_part_is_made_and_approved_then_the_rest_in_three_builds(cast: Cast) -> None:
    revision = released_door_stopper(cast)
    without = ordered(cast)
    decision = done(cast.owner.get(f"/v1/orders/{without['id']}/decision"))["decisions"][-1]
    (cell,) = (node for node in decision["exclusions"] if node["node_id"] == CELL)
    assert without["state"] == "no_route"
    assert {reason["code"] for reason in cell["reasons"]} == {"PART_NOT_QUALIFIED"}

    order = ordered(cast, first_article=True)
    assert (order["state"], order["first_article"]) == ("routed", True), order
    (offered,) = done(cast.cell.get(f"/v1/nodes/{CELL}/jobs?state=offered"))["data"]
    job = f"/v1/jobs/{offered['id']}"
    assert (offered["quantity"], offered["first_article"], offered["prints_left"]) == (24, True, 1)
    done(cast.cell.post(f"{job}/acceptance"))
    file_sha256 = fetched(cast, job)
    in_transaction(cast.engine, lambda session: rows(session, _LONG_AGO, job=offered["id"]))

    first_day = utc_now() - timedelta(days=30)
    assert [build["parts"] for build in planned(cast)] == [1]
    builds = [printed(cast, job, range(1, 2), started_at=first_day)]
    held = done(cast.cell.get(job))
    assert (held["state"], held["held_kind"], held["good_prints"]) == ("held", "first_article", 1)
    nothing_more_is_released(cast, job)

    decision_url = f"{job}/first-article/decision"
    assert refused(cast.owner.post(decision_url, json={"approved": True})) == (409, "no_first_article")
    photo = uploaded(cast, job, "first.jpg")
    assert done(measured(cast, job, 1, 8.01, evidence="first.jpg"), 201)["inspection"]["result"] == "pass"
    done(cast.cell.post(f"{job}/first-article", json={"evidence": [photo]}))
    nothing_more_is_released(cast, job)
    assert refused(cast.cell.post(decision_url, json={"approved": True})) == (403, "not_the_owner")
    approved = done(cast.owner.post(decision_url, json={"approved": True, "reason": "looks right"}))
    assert (approved["state"], approved["prints_left"]) == ("in_production", 23)
    (article,) = done(cast.owner.get(f"/v1/revisions/{revision}/first-articles"))["data"]
    assert (article["machine_id"], article["material"], article["parameter_set"]) == (MACHINE, "316L", SET)

    assert [build["parts"] for build in planned(cast)] == [10, 10, 3]
    assert fetched(cast, job) == file_sha256
    for index, numbers in enumerate((range(2, 12), range(12, 22), range(22, 25)), start=1):
        builds.append(printed(cast, job, numbers, started_at=first_day + timedelta(days=5 * index)))
    for number in range(2, 24):
        assert done(measured(cast, job, number, 8.0), 201)["job_state"] == "in_production"
    assert refused(cast.cell.post(f"{job}/conformity-certificate")) == (409, "not_inspected")
    assert done(measured(cast, job, 24, 8.0), 201)["job_state"] == "inspected"

    (certificate,) = done(cast.owner.get(f"{job}/conformity-certificates"))["data"]
    certified = verified(certificate, done(cast.owner.get("/v1/signing-key"))["public_key"])
    assert certified["revision"]["file_sha256"] == file_sha256
    assert certified["parameters"]["sha256"] == hashed("Plate 150")
    assert (certified["maker"]["node_id"], certified["maker"]["machine_id"]) == (CELL, MACHINE)
    assert certified["lot"]["lot_id"] == LOT
    parts = certified["parts"]
    assert [part["serial"] for part in parts] == [f"DS-{number}" for number in range(1, 25)]
    assert [part["build"]["build_id"] for part in parts] == [
        builds[index] for index, size in enumerate((1, 10, 10, 3)) for _ in range(size)
    ]
    bores = [part["inspections"][-1]["measurements"][0] for part in parts]
    assert [bore["value_mm"] for bore in bores] == [8.01] + [8.0] * 23
    assert {(bore["lower_mm"], bore["upper_mm"]) for bore in bores} == {(7.98, 8.02)}
    assert parts[0]["inspections"][0]["evidence_sha256"] == hashlib.sha256(PHOTO + b"first.jpg").hexdigest()
    passports = f"SELECT count(*) FROM passports WHERE job_id = '{job.rpartition('/')[2]}'"
    assert in_transaction(cast.engine, lambda session: rows(session, passports)) == [(24,)]


def verified(certificate: dict[str, Any], public_key: str) -> Any:
    """Return what a certificate says, after checking hash and signature with nothing but ``cryptography``."""
    statement = certificate["statement"].encode()
    assert certificate["public_key"] == public_key
    assert certificate["sha256"] == hashlib.sha256(statement).hexdigest()
    Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key)).verify(
        base64.b64decode(certificate["signature"]), statement
    )
    return json.loads(statement)


def hashed(model: str) -> str:
    """Return the SHA-256 of how it was printed, from the text that it is of."""
    text = f'{{"machine_model":"{model}","material":"316L","parameter_set":"{SET}","process":"LPBF"}}'
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_doctor_finds_nothing_after_all_this(cast: Cast) -> None:
    broken = until(
        lambda: [found.invariant.name for found in check_invariants(cast.engine) if found.broken], lambda it: not it
    )

    assert broken == []
