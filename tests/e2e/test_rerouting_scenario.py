"""Re-routes over HTTP: a decline, a failure, a machine and a node that go down, a bankruptcy, a line for a person.

Three nodes of one bureau can make the part; the owner sees of each re-route why, where the line went, and the price.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.logistics.service import LogisticsData, save_logistics
from fabroute.production.service import offer_jobs
from fabroute.production.service.rerouting.settling import settle_reroutes
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.api import BERLIN, HAMBURG, Api, an_order, served_api
from tests.factories.api_jobs import token_of
from tests.factories.databases import engine_for
from tests.factories.network import a_node
from tests.factories.orders import given_owner
from tests.factories.organisations import BUREAU
from tests.factories.problems import refusal_of
from tests.factories.routable import given_routable_network

pytestmark = pytest.mark.timeout(120)

MINIMUM = {"N101": 5_000, "N102": 6_000, "N103": 7_000}
_LATER = {
    "the outbox is being emptied",
    "a certificate that was revoked",
    "no job at a node that lacked a required certificate",
}
"""No relay runs here; certificates were verified in June."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """An owner, the bureau of three nodes, the operator, and the workers' part by hand."""

    api: Api
    bureau: httpx.Client
    operator: httpx.Client

    @property
    def owner(self) -> httpx.Client:
        """The client of the owner of the parts."""
        return self.api.client

    def ordered(self, key: str) -> str:
        """Place an order of one part and route it; return its id."""
        answer = self.api.place(an_order(), key=key)
        assert answer.status_code == 201, answer.text
        self.route()
        return str(answer.json()["id"])

    def route(self) -> None:
        """Do what workers do: route what is pending, and tell what became of promises."""
        for scope in self.scopes():
            route_pending(
                self.api.engine,
                scope=scope,
                now=utc_now(),
                dispatch=offer_jobs,
                limits=RoutingLimits(deterministic_seconds=0.5, wall_seconds=10.0),
            )
        with unit_of_work(self.api.engine) as session:
            settle_reroutes(session, now=utc_now())

    def scopes(self) -> list[str]:
        """Return the planning scopes of all lines."""
        with self.api.engine.connect() as connection:
            return list(connection.exec_driver_sql("SELECT DISTINCT planning_scope FROM order_lines").scalars())

    def job(self, order_id: str) -> tuple[str, str]:
        """Return the job that an order has now, and its node."""
        query = "SELECT id, node_id FROM jobs WHERE order_id = %s AND ended_at IS NULL"
        with self.api.engine.connect() as connection:
            ((job_id, node_id),) = connection.exec_driver_sql(query, (order_id,)).all()
        return job_id, node_id

    def reroutes(self, order_id: str) -> list[tuple[str, str, str]]:
        """Return cause, node and outcome of an order's re-routes, oldest first, as its owner sees them."""
        found = self.owner.get("/v1/reroutes", params={"order_id": order_id}).json()["data"]
        return [(each["cause"], each["node_id"], each["outcome"]) for each in reversed(found)]

    def exclusions(self, order_id: str, position: int = 1) -> dict[str, Any]:
        """Return a line with the nodes that are ruled out for it."""
        answer = self.owner.get(f"/v1/orders/{order_id}/lines/{position}/exclusions")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def broken(self) -> set[str]:
        """Return the invariants that don't hold."""
        return {finding.invariant.name for finding in check_invariants(self.api.engine) if finding.broken} - _LATER


@pytest.fixture
def network(database: Database) -> Iterator[Network]:
    with engine_for(database.url) as engine:
        nodes = tuple(a_node(node_id=name, minimum_order_minor=minimum) for name, minimum in MINIMUM.items())
        given_routable_network(engine, nodes=nodes, today=utc_now().date())
        owner = given_owner(engine)
        with unit_of_work(engine) as session:
            save_logistics(session, data=LogisticsData(places=(BERLIN, HAMBURG)))
    with (
        served_api(database.url, owner=owner) as api,
        api.as_(token_of(api.engine, BUREAU, "bureau")) as bureau,
        api.as_(token_of(api.engine, "org_operator", "operator")) as operator,
    ):
        yield Network(api=api, bureau=bureau, operator=operator)


def test_every_cause_sends_a_line_to_another_node_and_its_owner_sees_why(network: Network) -> None:
    order_id = network.ordered("declines")
    job_id, node_id = network.job(order_id)
    assert node_id == "N101"

    refused = network.bureau.post(f"/v1/jobs/{job_id}/decline", json={"reason": "capacity", "text": "full"})
    assert refused.status_code == 200, refused.text
    network.route()
    assert network.job(order_id)[1] == "N102"
    assert [each["node_id"] for each in network.exclusions(order_id)["exclusions"]] == ["N101"]

    job_id, _ = network.job(order_id)
    assert network.bureau.post(f"/v1/jobs/{job_id}/acceptance").status_code == 200
    failed = network.bureau.post(f"/v1/jobs/{job_id}/failure", json={"reason": "machine_broke"})
    assert (failed.status_code, failed.json()["state"]) == (200, "failed")
    network.route()
    job_id, node_id = network.job(order_id)
    assert node_id == "N103"

    assert network.bureau.post(f"/v1/jobs/{job_id}/decline", json={"reason": "material"}).status_code == 200
    waiting = network.exclusions(order_id)
    assert waiting["state"] == "parked"
    assert waiting["state_reason"].startswith("needs attention: 3 nodes could not make it")
    path = f"/v1/orders/{order_id}/lines/1"
    assert refusal_of(network.bureau.post(f"{path}/retry", json={})).status == 403
    lifted = network.owner.delete(f"{path}/exclusions/N102")
    assert (lifted.status_code, lifted.json()["state"]) == (200, "pending")
    assert refusal_of(network.owner.delete(f"{path}/exclusions/N102")).code == "unknown_exclusion"
    network.route()
    assert network.job(order_id)[1] == "N102"

    assert network.reroutes(order_id) == [
        ("declined", "N101", "dearer"),
        ("print_failed", "N102", "dearer"),
        ("declined", "N103", "kept"),
    ]
    story = network.owner.get(f"/v1/orders/{order_id}/timeline", params={"limit": 200}).json()["data"]
    told = [entry["what"] for entry in story]
    assert told.count("line.rerouted") == told.count("line.promise_settled") == 3
    assert told.count("line.decided") == 4
    assert "order.exclusion_lifted" in told
    assert refusal_of(network.bureau.get(f"/v1/orders/{order_id}/timeline")).status == 403
    assert network.broken() == set()


def test_machines_and_nodes_go_down_and_a_node_goes_bankrupt(network: Network) -> None:
    orders = [network.ordered(f"order-{number}") for number in range(3)]
    assert {network.job(order_id)[1] for order_id in orders} == {"N101"}

    tag = network.bureau.get("/v1/nodes/N101").headers["ETag"]
    body = {"status": "down", "reason": "pump"}
    assert refusal_of(network.bureau.patch("/v1/machines/N101-A", json=body)).code == "precondition_required"
    down = network.bureau.patch("/v1/machines/N101-A", json=body, headers={"If-Match": tag})
    assert (down.status_code, len(down.json()["rerouted"])) == (200, 3)
    assert (
        refusal_of(network.bureau.patch("/v1/machines/N101-A", json=body, headers={"If-Match": tag})).code
        == "stale_version"
    )
    network.route()
    assert {network.job(order_id)[1] for order_id in orders} == {"N102"}

    started, _ = network.job(orders[0])
    assert network.bureau.post(f"/v1/jobs/{started}/acceptance").status_code == 200
    with network.api.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET file_released_at = now() WHERE id = %s", (started,))
    closed = network.operator.post("/v1/nodes/N102/closure", json={"reason": "insolvency"})
    assert closed.status_code == 200, closed.text
    assert (len(closed.json()["rerouted"]), closed.json()["suspect"]) == (2, [started])
    network.route()
    assert {network.job(order_id)[1] for order_id in orders[1:]} == {"N103"}
    assert network.reroutes(orders[1]) == [("machine_down", "N101", "dearer"), ("node_closed", "N102", "dearer")]

    tag = network.operator.get("/v1/nodes/N102").headers["ETag"]
    up = {"status": "up", "reason": "sold"}
    refused = network.operator.patch("/v1/nodes/N102", json=up, headers={"If-Match": tag})
    assert refusal_of(refused).code == "node_closed"
    assert refusal_of(network.bureau.post("/v1/nodes/N103/closure", json={"reason": "x"})).status == 403

    waiting = network.owner.post(f"/v1/orders/{orders[0]}/cancel")
    assert waiting.status_code == 202
    assert [job["id"] for job in waiting.json()["waiting"]] == [started]
    assert network.broken() == set()


def test_a_cut_of_a_machines_days_says_what_leaves(network: Network) -> None:
    order_id = network.ordered("cut")
    today = utc_now().date()
    days = {"first_day": today.isoformat(), "last_day": today.replace(year=today.year + 1).isoformat()}
    path = "/v1/machines/N101-A/capacity"

    neither = network.bureau.post(path, json={**days, "reason": "x"})
    assert refusal_of(neither).code == "invalid_cut"
    cut = network.bureau.post(path, json={**days, "fraction": 0, "reason": "shift cancelled"})
    assert (cut.status_code, len(cut.json()["rerouted"]), cut.json()["over"]) == (200, 1, [])
    again = network.bureau.post(path, json={**days, "fraction": 0, "reason": "shift cancelled"})
    assert (again.status_code, again.json()["rerouted"]) == (200, [])
    network.route()
    assert network.job(order_id)[1] == "N102"
    assert network.reroutes(order_id) == [("capacity_cut", "N101", "dearer")]
    assert refusal_of(network.bureau.post("/v1/machines/none/capacity", json={})).code == "unknown_machine"
