"""Scenario S2, eternal spares, over HTTP: seven customers of a shop order four leg caps each within 36 hours.

The week has its holiday-free working days; the shop is a Wednesday morning's, its customers are due in seven days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.orders.service import scopes_with_due_lines
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import route_pending
from tests.conftest import Database
from tests.factories.api import Api, Json, served_api
from tests.factories.organisations import BUREAU
from tests.factories.spares_database import RUN_LIMITS, Shop, given_caps, given_shop

pytestmark = pytest.mark.timeout(600)

WEDNESDAY = datetime(2026, 6, 17, 8, tzinfo=UTC)
WINDOW_HOURS = 36
EVERY = timedelta(hours=5, minutes=50)
"""Seven orders within 35 hours."""
SCOPE = "polymer_filament/europe"
CAP = "leg cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The served API with its clock, the shop's database, and the bureau's client."""

    api: Api
    shop: Shop
    bureau: httpx.Client
    clock: time_machine.Traveller

    def ordered(self, number: int, **changes: object) -> str:
        """Place the order of a customer now and have it routed; return its location."""
        body: Json = {
            "objective": "cheapest",
            "criticality": "consumer",
            "need_by": (utc_now() + timedelta(days=7)).isoformat(),
            "ship_to": {"name": f"Customer {number}", "city": "Hamburg", "country": "DE"},
            "lines": [{"part": CAP, "quantity": 4}],
        }
        response = self.api.place(body | changes, key=f"basket {number}")
        assert response.status_code == 201, response.text
        self.routed()
        return response.headers["Location"]

    def routed(self) -> None:
        """Do what workers do: route what is due, then improve what is planned."""
        with unit_of_work(self.api.engine) as session:
            scopes = scopes_with_due_lines(session)
        for scope in scopes:
            route_pending(self.api.engine, scope=scope, now=utc_now(), dispatch=offer_jobs, limits=RUN_LIMITS)
            self.shop.improved(at=utc_now(), scope=scope)

    def queue(self, client: httpx.Client) -> list[dict[str, Any]]:
        """Return the jobs of the node, as the client sees them."""
        response = client.get("/v1/nodes/N101/jobs")
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["data"]
        return found

    def get(self, path: str) -> Any:
        """Return what the shop reads."""
        response = self.api.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    with time_machine.travel(WEDNESDAY, tick=False) as clock, served_api(database.url) as api:
        shop = given_shop(api.engine)
        with unit_of_work(api.engine) as session:
            given_caps(session, organisation_id=api.owner.organisation_id, part_no=CAP)
            key = issue_api_key(session, organisation_id=BUREAU, name="test", scopes=ALL_SCOPES, now=WEDNESDAY)
        stated = api.client.post("/v1/routing-policies", json={"consolidation_window_hours": WINDOW_HOURS})
        assert stated.status_code == 201, stated.text
        with api.as_(key.token) as bureau:
            yield Scene(api=api, shop=shop, bureau=bureau, clock=clock)


def decision_of(scene: Scene, location: str) -> dict[str, Any]:
    """Return the decision that holds for the only line of an order."""
    decisions: list[dict[str, Any]] = scene.get(f"{location}/decision")["decisions"]
    assert decisions == sorted(decisions, key=lambda decision: datetime.fromisoformat(decision["decided_at"]))
    return decisions[-1]


def test_s2_over_http(scene: Scene) -> None:
    orders = []
    for number in range(7):
        scene.clock.move_to(WEDNESDAY + number * EVERY)
        orders.append(scene.ordered(number))
    hurried = scene.ordered(8, objective="fastest")

    # Until the window is over the bureau knows of the order in a hurry only; the shop sees all, with their time.
    (at_once,) = scene.queue(scene.bureau)
    waiting = [job for job in scene.queue(scene.api.client) if job["state"] == "planned"]
    assert f"/v1/orders/{at_once['order_id']}" == hurried
    assert [datetime.fromisoformat(job["dispatch_at"]) for job in waiting] == [WEDNESDAY + timedelta(hours=36)] * 7
    assert scene.bureau.get(f"/v1/jobs/{waiting[0]['id']}").status_code == 404

    scene.clock.move_to(WEDNESDAY + timedelta(hours=WINDOW_HOURS))
    assert scene.shop.dispatched(at=utc_now()).offered == 7

    offered = [job for job in scene.queue(scene.bureau) if job["id"] != at_once["id"]]
    assert {job["state"] for job in offered} == {"offered"}
    assert len({job["build_key"] for job in offered}) == 1
    assert len({job["order_id"] for job in offered}) == 7
    assert sum(job["quantity"] for job in offered) == 28
    assert sum(job["price"]["amount_minor"] for job in offered) == 75_80
    assert at_once["price"]["amount_minor"] == 49_40
    for location in orders:
        order, decision = scene.get(location), decision_of(scene, location)
        arrival = datetime.fromisoformat(decision["chosen"]["promised_at"])
        assert arrival <= datetime.fromisoformat(order["need_by"])
        assert decision["build"]["lines"] == 7
        assert decision["build"]["saved_minor"] in (38_57, 38_58)
    assert {finding.invariant.name for finding in check_invariants(scene.api.engine) if finding.broken} <= {
        "the outbox is being emptied",
        "an open line waits for something",
    }
