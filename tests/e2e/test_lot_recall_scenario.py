"""Scenario S11, a lot is recalled, over HTTP against real processes: two bureaus share L-2291, two owners have parts.

Nodes, machines, material and lanes have no endpoint yet: the two bureaus are saved by the network's own service. All
the rest goes through the API: lots come into stores, parts are ordered, printed, shipped, and recalled in one call.
"""

import contextlib
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
from tests.factories.network import a_machine, a_material, a_node, an_offer
from tests.factories.print_files import reference_file
from tests.factories.processes import PATIENCE_SECONDS

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

ULM, LYON = "S11-ULM", "S11-LYON"
MATERIAL, LOT = "PA12-S11", "L-2291"
SECOND_OWNER = "org_s11_second"
HORIZON_DAYS = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Two owners, two bureaus, the operator; and a look into the database."""

    first: httpx.Client
    second: httpx.Client
    ulm: httpx.Client
    lyon: httpx.Client
    operator: httpx.Client
    engine: Engine

    def table(self, sql: str, **values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return in_transaction(self.engine, lambda session: rows(session, sql, **values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An order of one part, and the job of it at a node."""

    order_id: str
    job_id: str
    node_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What was ordered of the lot, and what was answered when it was recalled."""

    lots: set[str]
    fresh: set[str]
    shipped: Ordered
    waiting: Ordered
    abroad: Ordered
    certificate: Any
    dry: Any
    recall: Any
    again: Any


@pytest.fixture(scope="module")
def parties(drawn_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """A running installation of its own, on the reference network and two bureaus that alone print a material."""
    folder = tmp_path_factory.mktemp("recalls")
    shutil.copytree(drawn_home, folder, dirs_exist_ok=True)
    with contextlib.chdir(folder), running_stack(keep=False, step=_quiet) as stack, contextlib.ExitStack() as opened:
        engine = create_database_engine(stack.environment["FABROUTE_DATABASE_URL"])
        opened.callback(engine.dispose)
        clients = [
            opened.enter_context(
                httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS)
            )
            for token in save_the_bureaus(engine)
        ]
        first, second, ulm, lyon, operator = clients
        yield Parties(first=first, second=second, ulm=ulm, lyon=lyon, operator=operator, engine=engine)


def _quiet(what: str, done: int, total: int) -> None:
    """Take progress without showing it."""


def save_the_bureaus(engine: Engine) -> list[str]:
    """Save a bureau in Ulm and one in Lyon without any material yet, and a second owner; return keys of all."""
    bureaus = (
        a_node(node_id=ULM, organisation_id="org_s11_ulm", city="Ulm", latitude=48.4, longitude=9.99),
        a_node(
            node_id=LYON,
            organisation_id="org_s11_lyon",
            city="Lyon",
            country="FR",
            latitude=45.75,
            longitude=4.85,
            timezone="Europe/Paris",
        ),
    )
    now = utc_now()
    network = NetworkData(
        nodes=bureaus,
        materials=(a_material(code=MATERIAL),),
        machines=tuple(a_machine(machine_id=f"{name}-A", node_id=name) for name in (ULM, LYON)),
        offers=tuple(an_offer(machine_id=f"{name}-A", material=MATERIAL) for name in (ULM, LYON)),
    )
    zones = (Zone.LOCAL, Zone.DOMESTIC, Zone.CUSTOMS_UNION)
    lanes = tuple(
        NewLane(node_id=name, zone=zone, services=(Service.EXPRESS,)) for name in (ULM, LYON) for zone in zones
    )
    with unit_of_work(engine) as session:
        for bureau in bureaus:
            create_organisation(
                session, name=bureau.city, kind="bureau", now=now, organisation_id=bureau.organisation_id
            )
        create_organisation(session, name="Second", kind="owner", now=now, organisation_id=SECOND_OWNER)
        save_network(session, data=network)
        extend_capacity(session, today=now.date(), horizon_days=HORIZON_DAYS)
        save_logistics(session, data=LogisticsData(lanes=lanes))
        return [
            issue_api_key(session, organisation_id=who, name="scenario", scopes=ALL_SCOPES, now=now).token
            for who in (OWNER, SECOND_OWNER, "org_s11_ulm", "org_s11_lyon", OPERATOR)
        ]


def done(answer: httpx.Response, status: int = 200) -> Any:
    """Return the answer's body, which must have this status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def until(look: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    """Return what is seen once it is so; the last look where it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so(seen := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen


def receive(bureau: httpx.Client, node_id: str, supplier_lot: str) -> str:
    """Have a bureau put a lot into its store; return its id."""
    body = {
        "material": MATERIAL,
        "grams": 10_000,
        "expires_on": (utc_now().date() + timedelta(days=365)).isoformat(),
        "supplier_lot": supplier_lot,
    }
    lot = done(bureau.post(f"/v1/nodes/{node_id}/lots", json=body), 201)
    assert (lot["supplier_lot"], lot["remaining_grams"], lot["runway_days"]) == (supplier_lot, 10_000, None)
    return str(lot["id"])


def released_part(owner: httpx.Client, part_no: str) -> None:
    """Add a part, send its print file, approve and release it."""
    part = {"part_no": part_no, "name": "Cap", "sector": "rail", "hs_code": "8607.19"}
    done(owner.post("/v1/parts", json=part), 201)
    revision = {"revision": "A", "process_materials": [f"MJF:{MATERIAL}"]}
    url = f"/v1/revisions/{done(owner.post(f'/v1/parts/{part_no}/revisions', json=revision), 201)['id']}"
    file = reference_file("AP-0101")
    sent = owner.put(f"{url}/print-file?name=cap.3mf", content=file, headers={"Content-Type": "model/3mf"})
    assert sent.status_code == 202, sent.text
    seen = until(lambda: done(owner.get(url)), lambda it: it["state"] != "draft")
    assert seen["state"] == "validated", owner.get(f"{url}/validation").text
    sha256 = seen["print_file"]["sha256"]
    for step, body in (("approval", {"reason": "measured", "sha256": sha256}), ("release", {"reason": "for all"})):
        done(owner.post(f"{url}/{step}", json=body, headers={"If-Match": owner.get(url).headers["ETag"]}))


def ordered(owner: httpx.Client, bureau: httpx.Client, part_no: str, *, city: str, country: str) -> Ordered:
    """Order two pieces to a city, and have the bureau that gets the job accept it."""
    body = {"lines": [{"part": part_no, "quantity": 2}], "ship_to": {"city": city, "country": country}}
    placed = done(owner.post("/v1/orders", json=body, headers={"Idempotency-Key": str(uuid.uuid4())}), 201)
    order = routed(owner, placed["id"])
    node_id = order["lines"][0]["routing"]["node_id"]
    queue = f"/v1/nodes/{node_id}/jobs?state=offered"
    found = until(
        lambda: [job for job in done(bureau.get(queue))["data"] if job["part"] == part_no], lambda jobs: len(jobs) == 1
    )
    job_id = found[0]["id"]
    done(bureau.post(f"/v1/jobs/{job_id}/acceptance"))
    return Ordered(order_id=placed["id"], job_id=job_id, node_id=node_id)


def routed(owner: httpx.Client, order_id: str) -> Any:
    """Return an order once it is decided: it must have a route."""
    order = until(lambda: done(owner.get(f"/v1/orders/{order_id}")), lambda it: it["state"] != "pending")
    assert order["state"] == "routed", order
    return order


def print_and_ship(bureau: httpx.Client, job_id: str) -> None:
    """Fetch the file, report two good prints, look at them and hand the parcel over."""
    ticket = done(bureau.post(f"/v1/jobs/{job_id}/file-tickets"), 201)
    assert bureau.get(ticket["url"]).status_code == 200
    for number in (1, 2):
        report = {"number": number, "result": "good", "serial": f"S11-{number}"}
        done(bureau.post(f"/v1/jobs/{job_id}/prints", json=report), 201)
    looked = {"level": "visual", "inspector": "A. Weber", "result": "pass"}
    done(bureau.post(f"/v1/jobs/{job_id}/inspections", json=looked), 201)
    parcel = {"carrier": "courier", "parcels": [{"quantity": 2, "weight_grams": 300}]}
    shipment = done(bureau.post(f"/v1/jobs/{job_id}/shipments", json=parcel), 201)
    done(bureau.post(f"/v1/shipments/{shipment['id']}/handover"))
    assert done(bureau.get(f"/v1/jobs/{job_id}"))["state"] == "shipped"


@pytest.fixture(scope="module")
def recalled(parties: Parties) -> Recalled:
    """A lot in two stores, parts of it shipped and waiting, recalled: tried first, then twice."""
    lots = {receive(parties.ulm, ULM, LOT), receive(parties.lyon, LYON, LOT)}
    released_part(parties.first, "S11-0001")
    released_part(parties.second, "S11-0002")
    shipped = ordered(parties.first, parties.ulm, "S11-0001", city="Ulm", country="DE")
    waiting = ordered(parties.first, parties.ulm, "S11-0001", city="Ulm", country="DE")
    abroad = ordered(parties.second, parties.lyon, "S11-0002", city="Lyon", country="FR")
    assert [it.node_id for it in (shipped, waiting, abroad)] == [ULM, ULM, LYON]
    print_and_ship(parties.ulm, shipped.job_id)
    certificate = done(parties.ulm.post(f"/v1/jobs/{shipped.job_id}/conformity-certificate"))
    fresh = {receive(parties.ulm, ULM, "L-3000"), receive(parties.lyon, LYON, "L-3000")}

    asked = {"supplier_lot": LOT, "material": MATERIAL, "reason": "contaminated"}
    dry = done(parties.operator.post("/v1/recalls?dry_run=true", json=asked))
    recall = done(parties.operator.post("/v1/recalls", json=asked))
    again = done(parties.operator.post("/v1/recalls", json=asked))
    return Recalled(
        lots=lots,
        fresh=fresh,
        shipped=shipped,
        waiting=waiting,
        abroad=abroad,
        certificate=certificate,
        dry=dry,
        recall=recall,
        again=again,
    )


def test_a_recalled_lot_is_answered_for_in_one_call(parties: Parties, recalled: Recalled) -> None:
    shipped, waiting, abroad = recalled.shipped, recalled.waiting, recalled.abroad
    dry, recall, again = recalled.dry, recalled.recall, recalled.again

    assert (dry["id"], dry["jobs"], dry["owners"]) == (None, recall["jobs"], recall["owners"])
    assert (again["id"], again["repeated"], recall["repeated"]) == (recall["id"], True, False)
    assert {lot["id"] for lot in recall["lots"]} == recalled.lots
    assert {job["job_id"]: job["outcome"] for job in recall["jobs"]} == {
        shipped.job_id: "shipped",
        waiting.job_id: "rerouted",
        abroad.job_id: "rerouted",
    }
    assert recall["orders"] == sorted([shipped.order_id, waiting.order_id, abroad.order_id])
    assert {owner["id"]: owner["shipped_parts"] for owner in recall["owners"]} == {OWNER: 2, SECOND_OWNER: 0}
    assert {node["id"]: node["unshipped_jobs"] for node in recall["nodes"]} == {ULM: 1, LYON: 1}
    serials = [each["serial"] for job in recall["jobs"] for each in job["prints"] if each["result"] == "good"]
    assert serials == ["S11-1", "S11-2"]

    withdrawn = done(parties.first.get(f"/v1/conformity-certificates/{recalled.certificate['id']}"))
    assert withdrawn["withdrawal_reason"] == "material recalled: contaminated"
    told = "SELECT organisation_id, data ->> 'parts' FROM outbox_events WHERE name = 'recall.parts_shipped'"
    assert parties.table(told) == [(OWNER, "2")]
    papers_say_so(parties, shipped, recall)
    goes_on_with_another_lot(parties, waiting, abroad, fresh=recalled.fresh)
    everyone_sees_what_is_theirs(parties, str(recall["id"]), shipped, waiting, abroad)


def papers_say_so(parties: Parties, shipped: Ordered, recall: Any) -> None:
    """Whoever has one of the shipped parts in hand reads of the recall on its passport."""
    tokens = parties.table("SELECT token FROM passports WHERE job_id = :it ORDER BY print_number", it=shipped.job_id)
    assert len(tokens) == 2
    for (token,), serial in zip(tokens, ("S11-1", "S11-2"), strict=True):
        url = f"{parties.first.base_url}/v1/passports/{token}"
        passport = done(httpx.get(url, timeout=PATIENCE_SECONDS))
        page = httpx.get(url, headers={"Accept": "text/html"}, timeout=PATIENCE_SECONDS).text
        assert (passport["serial"], passport["recall"]["id"]) == (serial, recall["id"])
        assert (passport["recall"]["supplier_lot"], passport["recall"]["reason"]) == (LOT, "contaminated")
        assert "Recalled: ask before you use this part" in page


def goes_on_with_another_lot(parties: Parties, waiting: Ordered, abroad: Ordered, *, fresh: set[str]) -> None:
    """The unshipped orders get new jobs that draw from other lots; the old jobs are over."""
    for owner, it in ((parties.first, waiting), (parties.second, abroad)):
        routed(owner, it.order_id)
        assert done(owner.get(f"/v1/jobs/{it.job_id}"))["state"] == "cancelled"
        drawn = "SELECT lot_id FROM jobs WHERE order_id = :order AND state <> 'cancelled'"
        ((lot_id,),) = parties.table(drawn, order=it.order_id)
        assert lot_id in fresh
    causes = parties.table("SELECT DISTINCT cause, detail FROM reroutes")
    assert causes == [("lot_blocked", "material recalled: contaminated")]


def everyone_sees_what_is_theirs(
    parties: Parties, recall_id: str, shipped: Ordered, waiting: Ordered, abroad: Ordered
) -> None:
    """A bureau sees its own jobs, an owner its own parts, nobody else's."""
    first_jobs, second_jobs = {shipped.job_id, waiting.job_id}, {abroad.job_id}
    for client, jobs in (
        (parties.ulm, first_jobs),
        (parties.first, first_jobs),
        (parties.lyon, second_jobs),
        (parties.second, second_jobs),
        (parties.operator, first_jobs | second_jobs),
    ):
        seen = done(client.get(f"/v1/recalls/{recall_id}"))
        assert {job["job_id"] for job in seen["jobs"]} == jobs
        assert [each["id"] for each in done(client.get("/v1/recalls"))["data"]] == [recall_id]


@pytest.mark.usefixtures("recalled")
def test_a_recalled_lot_can_not_come_back(parties: Parties) -> None:
    body = {"material": MATERIAL, "grams": 10, "expires_on": "2099-01-01", "supplier_lot": LOT}
    refused = parties.ulm.post(f"/v1/nodes/{ULM}/lots", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "lot_recalled")
    (blocked,) = done(parties.ulm.get(f"/v1/nodes/{ULM}/lots?state=blocked"))["data"]
    released = parties.ulm.patch(f"/v1/lots/{blocked['id']}", json={"state": "available", "reason": "looks fine"})
    assert (released.status_code, released.json()["code"]) == (409, "lot_is_blocked")
    moved = done(parties.ulm.get(f"/v1/lots/{blocked['id']}/movements"))["data"]
    assert [each["kind"] for each in moved] == ["received", "consumed", "blocked"]
    held = "SELECT job_id, grams FROM material_allocations WHERE lot_id = :it AND released_at IS NULL"
    ((job_id, grams),) = parties.table(held, it=blocked["id"])
    assert (moved[1]["job_id"], moved[1]["grams"]) == (job_id, -int(str(grams)))
    assert parties.table("SELECT state FROM jobs WHERE id = :it", it=job_id) == [("shipped",)]


@pytest.mark.usefixtures("recalled")
def test_the_bureau_s_figures_know_the_shipped_job(parties: Parties) -> None:
    scores = done(parties.ulm.get(f"/v1/nodes/{ULM}/scores"))["overall"]
    assert (scores["first_pass_yield"]["so"], scores["first_pass_yield"]["counted"]) == (2, 2)
    assert scores["lapses"]["so"] == 0
    assert parties.lyon.get(f"/v1/nodes/{ULM}/scores").json()["code"] == "not_the_node"


@pytest.mark.usefixtures("recalled")
def test_the_doctor_finds_nothing_after_the_recall(parties: Parties) -> None:
    broken = until(
        lambda: [found.invariant.name for found in check_invariants(parties.engine) if found.broken], lambda it: not it
    )
    assert broken == []
    assert parties.table("SELECT count(*) FROM recalls") == [(1,)]
