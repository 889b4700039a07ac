"""Scenario S7, a licence to print, over HTTP against real processes: API, worker, PostgreSQL, Redis, object storage.

Nodes, machines, material and lanes have no endpoint yet: the two depots are saved by the network's own service. All the
rest, from the part to the fourth print that is refused, goes through the API.
"""

import base64
import contextlib
import hashlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.cli.stack import OPERATOR, OWNER, running_stack
from fabroute.database import create_database_engine, unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.logistics.rules import Service, Zone
from fabroute.logistics.service import LogisticsData, NewLane, save_logistics
from fabroute.network.service import NetworkData, extend_capacity, save_network
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_lot, a_machine, a_node, an_offer
from tests.factories.print_files import reference_file
from tests.factories.processes import PATIENCE_SECONDS

pytestmark = pytest.mark.timeout(600)

ULM, LYON = "DEPOT-ULM", "DEPOT-LYON"
HORIZON_DAYS = 45
PHOTO = b"\xff\xd8\xff\xe0 the third print, torn at layer 212"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who takes part: the part's owner, the depots in Ulm and Lyon, the operator; and a look into the database."""

    owner: httpx.Client
    ulm: httpx.Client
    lyon: httpx.Client
    operator: httpx.Client
    engine: Engine

    def table(self, sql: str, **values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return in_transaction(self.engine, lambda session: rows(session, sql, **values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Licensed:
    """A part of which C is released under a licence and D is validated, and an accepted order of it in Ulm."""

    part_no: str
    c: str
    d: str
    licence: str
    order: Any
    job: str


@pytest.fixture(scope="module")
def parties(drawn_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """A running installation of its own, on the reference network and two depots."""
    folder = tmp_path_factory.mktemp("licences")
    shutil.copytree(drawn_home, folder, dirs_exist_ok=True)
    with contextlib.chdir(folder), running_stack(keep=False, step=_quiet) as stack, contextlib.ExitStack() as opened:
        engine = create_database_engine(stack.environment["FABROUTE_DATABASE_URL"])
        opened.callback(engine.dispose)
        tokens = save_the_depots(engine)
        ulm, lyon, owner, operator = (
            opened.enter_context(
                httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS)
            )
            for token in tokens
        )
        parties = Parties(owner=owner, ulm=ulm, lyon=lyon, operator=operator, engine=engine)
        certify_the_depots(parties)
        yield parties


def _quiet(what: str, done: int, total: int) -> None:
    """Take progress without showing it."""


def save_the_depots(engine: Engine) -> list[str]:
    """Save a depot in Ulm and one in Lyon that are equal but for their places; return keys of all parties."""
    depots = (
        a_node(node_id=ULM, organisation_id="org_ulm", city="Ulm", latitude=48.4, longitude=9.99),
        a_node(
            node_id=LYON,
            organisation_id="org_lyon",
            city="Lyon",
            country="FR",
            latitude=45.75,
            longitude=4.85,
            timezone="Europe/Paris",
        ),
    )
    now, names = utc_now(), [depot.node_id for depot in depots]
    network = NetworkData(
        nodes=depots,
        models=(),
        materials=(),
        machines=tuple(a_machine(machine_id=f"{name}-A", node_id=name) for name in names),
        offers=tuple(an_offer(machine_id=f"{name}-A") for name in names),
        lots=tuple(
            a_lot(lot_id=f"lot_{name}", node_id=name, expires_on=now.date() + timedelta(days=365)) for name in names
        ),
    )
    zones = (Zone.LOCAL, Zone.DOMESTIC, Zone.CUSTOMS_UNION)
    lanes = tuple(NewLane(node_id=name, zone=zone, services=(Service.EXPRESS,)) for name in names for zone in zones)
    with unit_of_work(engine) as session:
        for depot in depots:
            create_organisation(session, name=depot.city, kind="bureau", now=now, organisation_id=depot.organisation_id)
        save_network(session, data=network)
        extend_capacity(session, today=now.date(), horizon_days=HORIZON_DAYS)
        save_logistics(session, data=LogisticsData(lanes=lanes))
        return [
            issue_api_key(session, organisation_id=who, name="scenario", scopes=ALL_SCOPES, now=now).token
            for who in ("org_ulm", "org_lyon", OWNER, OPERATOR)
        ]


def certify_the_depots(parties: Parties) -> None:
    """Both depots hand in their certificates; the operator looks at them and lets them count."""
    for depot, node_id in ((parties.ulm, ULM), (parties.lyon, LYON)):
        certificate = {
            "scheme": "ISO9001",
            "valid_from": "2020-01-01",
            "valid_to": "2099-12-31",
            "issuer": "A registrar",
        }
        added = depot.post(f"/v1/nodes/{node_id}/certificates", json=certificate).json()
        url = f"/v1/certificates/{added['id']}"
        proof = depot.put(
            f"{url}/evidence?name=iso.pdf", content=b"%PDF-1.7", headers={"Content-Type": "application/pdf"}
        )
        verified = parties.operator.post(f"{url}/verification")
        assert (added["state"], proof.status_code, verified.json()["state"]) == ("waiting", 200, "valid")


def done(answer: httpx.Response, status: int = 200) -> Any:
    """Return the answer's body, which must have this status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def until(look: Callable[[], Any], is_so: Callable[[Any], bool], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what is seen once it is so; the last look where it never is."""
    deadline = time.monotonic() + seconds
    while not is_so(seen := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen


def validated_revision(parties: Parties, part_no: str, revision: str, *, like: str) -> str:
    """Add a revision, upload its 3MF, and return its id once the worker has found the file good."""
    body = {
        "revision": revision,
        "process_materials": ["MJF:PA12-MJF"],
        "required_certificates": ["ISO9001"],
        "licence_required": True,
    }
    added = done(parties.owner.post(f"/v1/parts/{part_no}/revisions", json=body), 201)
    url = f"/v1/revisions/{added['id']}"
    headers = {"Content-Type": "model/3mf"}
    sent = parties.owner.put(f"{url}/print-file?name=cap.3mf", content=reference_file(like), headers=headers)
    assert sent.status_code == 202, sent.text
    seen = until(lambda: done(parties.owner.get(url)), lambda it: it["state"] != "draft")
    assert seen["state"] == "validated", parties.owner.get(f"{url}/validation").text
    return str(added["id"])


def release(parties: Parties, revision_id: str) -> None:
    """Approve the file that is there, and release the revision."""
    url = f"/v1/revisions/{revision_id}"
    sha256 = done(parties.owner.get(url))["print_file"]["sha256"]
    for step, body in (
        ("approval", {"reason": "measured and found good", "sha256": sha256}),
        ("release", {"reason": "for the depots"}),
    ):
        etag = parties.owner.get(url).headers["ETag"]
        answer = parties.owner.post(f"{url}/{step}", json=body, headers={"If-Match": etag})
        assert answer.status_code == 200, answer.text


def licensed_order(parties: Parties, part_no: str, *, quantity: int) -> Licensed:
    """Return a part with C released under a licence of ``quantity`` prints, ordered that often and accepted in Ulm."""
    part = {"part_no": part_no, "name": "Cap", "sector": "rail", "hs_code": "8607.19"}
    done(parties.owner.post("/v1/parts", json=part), 201)
    c = validated_revision(parties, part_no, "C", like="AP-0101")
    release(parties, c)
    d = validated_revision(parties, part_no, "D", like="AP-0103")
    wanted = {"prints": quantity, "node_ids": [ULM], "countries": ["DE"]}
    licence = done(parties.owner.post(f"/v1/revisions/{c}/licences", json=wanted), 201)
    order = placed(parties, part_no, quantity)
    (line,) = order["lines"]
    assert (order["state"], line["routing"]["node_id"]) == ("routed", ULM), order
    (job,) = (
        it for it in done(parties.ulm.get(f"/v1/nodes/{ULM}/jobs?state=offered"))["data"] if it["part"] == part_no
    )
    done(parties.ulm.post(f"/v1/jobs/{job['id']}/acceptance"))
    return Licensed(part_no=part_no, c=c, d=d, licence=licence["id"], order=order, job=f"/v1/jobs/{job['id']}")


def placed(parties: Parties, part_no: str, quantity: int) -> Any:
    """Place an order and return it once it is decided."""
    body = {"lines": [{"part": part_no, "quantity": quantity}], "ship_to": {"city": "Hamburg", "country": "DE"}}
    order = done(parties.owner.post("/v1/orders", json=body, headers={"Idempotency-Key": str(uuid.uuid4())}), 201)
    return until(lambda: done(parties.owner.get(f"/v1/orders/{order['id']}")), lambda it: it["state"] != "pending")


def licence(parties: Parties, it: Licensed) -> tuple[str, int, int, int]:
    """Return state, granted, good and leased prints of the licence."""
    (seen,) = done(parties.owner.get(f"/v1/revisions/{it.c}/licences"))["data"]
    return seen["state"], seen["granted_prints"], seen["good_prints"], seen["leased_prints"]


def reported(parties: Parties, it: Licensed, number: int, result: str) -> httpx.Response:
    """Report a print as the depot in Ulm."""
    return parties.ulm.post(f"{it.job}/prints", json={"number": number, "result": result})


def test_three_prints_are_made_in_ulm_and_a_fourth_is_refused_on_record(parties: Parties) -> None:
    it = licensed_order(parties, "S7-0001", quantity=3)
    assert licence(parties, it) == ("active", 3, 0, 3)

    fetch_the_file(parties, it)
    assert [reported(parties, it, number, "good").status_code for number in (1, 2)] == [201, 201]
    assert reported(parties, it, 3, "failed").status_code == 201
    assert licence(parties, it) == ("active", 3, 2, 1)
    assert reported(parties, it, 4, "good").json()["code"] == "no_prints_left"

    grant_a_reprint(parties, it, print_number=3)
    assert reported(parties, it, 4, "good").status_code == 201
    assert licence(parties, it) == ("active", 3, 3, 0)

    scrap = {"reason": "the clip broke at its first use", "evidence": "torn.jpg"}
    assert done(parties.ulm.post(f"{it.job}/prints/4/scrap", json=scrap))["scrap_reason"] == scrap["reason"]
    assert licence(parties, it) == ("active", 3, 2, 1)
    grant_a_reprint(parties, it, print_number=4)
    assert reported(parties, it, 5, "good").status_code == 201
    assert licence(parties, it) == ("active", 3, 3, 0)

    fourth_good = reported(parties, it, 6, "good")
    assert (fourth_good.status_code, fourth_good.json()["code"]) == (409, "no_prints_left")
    refusals = (
        "SELECT data->>'good' FROM audit_entries WHERE action = 'print.refused' AND subject_id = :job ORDER BY id"
    )
    assert parties.table(refusals, job=it.job.rpartition("/")[2]) == [("2",), ("3",)]
    assert licence(parties, it) == ("active", 3, 3, 0)

    assert the_lyon_depot_is_told_why(parties, it) == {"IP_POLICY"}
    assert placed(parties, it.part_no, 1)["state"] == "no_route"


def fetch_the_file(parties: Parties, it: Licensed) -> None:
    """Fetch the file in Ulm by a ticket, once, and check what came against what the owner signed."""
    ticket = done(parties.ulm.post(f"{it.job}/file-tickets"), 201)
    stolen = parties.lyon.get(ticket["url"])
    file = parties.ulm.get(ticket["url"])
    again = parties.ulm.get(ticket["url"])

    assert (stolen.status_code, stolen.json()["code"]) == (404, "unknown_file_ticket")
    assert (again.status_code, again.json()["code"]) == (409, "file_ticket_used")
    assert hashlib.sha256(file.content).hexdigest() == ticket["sha256"]
    assert f'"sha256":"{ticket["sha256"]}"' in ticket["statement"]
    assert ticket["public_key"] == done(parties.owner.get("/v1/signing-key"))["public_key"]
    public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(ticket["public_key"]))
    public_key.verify(base64.b64decode(ticket["signature"]), ticket["statement"].encode())
    released = done(parties.owner.get(f"/v1/revisions/{it.c}"))["print_file"]
    assert (released["sha256"], released["size_bytes"]) == (ticket["sha256"], len(file.content))
    seen = "SELECT count(*) FROM audit_entries WHERE action = 'print_file.released' AND subject_id = :job"
    assert parties.table(seen, job=ticket["job_id"]) == [(1,)]


def grant_a_reprint(parties: Parties, it: Licensed, *, print_number: int) -> None:
    """Ask for a reprint with a photo in Ulm; the owner looks at the photo and grants it."""
    photo = done(parties.ulm.put(f"{it.job}/evidence/torn.jpg", content=PHOTO, headers={"Content-Type": "image/jpeg"}))
    wish = {"print_number": print_number, "reason": "torn at layer 212", "evidence_id": photo["id"]}
    asked = done(parties.ulm.post(f"{it.job}/reprint-requests", json=wish), 201)
    (seen,) = done(parties.owner.get("/v1/reprint-requests?state=requested"))["data"]
    assert (seen, parties.owner.get(f"{it.job}/evidence/{photo['name']}").content) == (asked, PHOTO)
    assert done(parties.lyon.get("/v1/reprint-requests"))["data"] == []
    granted = done(parties.owner.post(f"/v1/reprint-requests/{asked['id']}/decision", json={"granted": True}))
    assert granted["state"] == "granted"


def the_lyon_depot_is_told_why(parties: Parties, it: Licensed) -> set[str]:
    """Return the codes by which the depot in Lyon was excluded from the order."""
    decision = done(parties.owner.get(f"/v1/orders/{it.order['id']}/decision"))["decisions"][-1]
    (lyon,) = (node for node in decision["exclusions"] if node["node_id"] == LYON)
    assert [candidate["node_id"] for candidate in decision["candidates"]] == [ULM]
    return {reason["code"] for reason in lyon["reasons"]}


def test_a_new_revision_freezes_what_is_unprinted_and_the_depot_is_told(parties: Parties) -> None:
    it = licensed_order(parties, "S7-0002", quantity=2)
    fetch_the_file(parties, it)
    assert reported(parties, it, 1, "good").status_code == 201
    unused = done(parties.ulm.post(f"{it.job}/file-tickets"), 201)

    release(parties, it.d)

    assert licence(parties, it) == ("frozen", 2, 1, 1)
    told = "SELECT data->>'node_ids', data->>'unprinted' FROM outbox_events WHERE name = 'print_licence.frozen'"
    assert parties.table(f"{told} AND subject_id = :licence", licence=it.licence) == [(ULM, "1")]
    for refused in (parties.ulm.get(unused["url"]), parties.ulm.post(f"{it.job}/file-tickets")):
        assert (refused.status_code, refused.json()["code"] in STOPPED) == (409, True)
    assert (reported(parties, it, 2, "good").status_code, licence(parties, it)) == (409, ("frozen", 2, 1, 1))
    assert done(parties.owner.get(f"/v1/revisions/{it.c}"))["state"] == "superseded"

    held = until(lambda: done(parties.ulm.get(it.job)), lambda job: job["state"] == "held")
    assert (held["state"], "the print licence is frozen" in held["held_reason"]) == ("held", True)
    taken = done(parties.owner.post(f"{it.job}/take-back", json={"reason": "D is made instead"}))
    assert (taken["state"], licence(parties, it)) == ("cancelled", ("frozen", 2, 1, 0))


STOPPED = {"job_unqualified", "print_file_refused", "file_ticket_void"}
"""Which one depends on whether the worker has held the job by then."""


def test_the_doctor_finds_nothing_after_all_this(parties: Parties) -> None:
    broken = until(
        lambda: [found.invariant.name for found in check_invariants(parties.engine) if found.broken], lambda it: not it
    )

    assert broken == []
    assert parties.table("SELECT sum(good_prints) FROM print_licences") == [(4,)]
