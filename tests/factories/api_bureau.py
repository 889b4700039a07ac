"""A bureau with the cap printer of S2, over HTTP: several owners order leg caps of it, and it makes them in builds.

28 caps fill a build; each takes 6.6 minutes after the 258 that open it. The clock stands still on a Wednesday.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import time_machine

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.orders.service import scopes_with_due_lines
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import route_pending
from tests.factories.api import Api, served_api
from tests.factories.api_jobs import token_of
from tests.factories.orders import Owner
from tests.factories.organisations import BUREAU
from tests.factories.spares_database import RUN_LIMITS, Shop, given_shop

WEDNESDAY = datetime(2026, 6, 17, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BureauWorld:
    """The served API with its clock, the bureau's client, and one of each owner by name."""

    api: Api
    shop: Shop
    bureau: httpx.Client
    rival: httpx.Client
    operator: httpx.Client
    clock: time_machine.Traveller
    stack: ExitStack
    owners: dict[str, tuple[Owner, httpx.Client]] = field(default_factory=dict)

    def owner(self, name: str, *, sector: str = "furniture", share_builds: bool = True) -> httpx.Client:
        """Return the client of an owner of a cap, who is new if nobody is called so."""
        if name not in self.owners:
            number = len(self.owners) + 1
            owner = self.shop.owner(number, window_hours=0, sector=sector, share_builds=share_builds)
            self.api.resources.store.put(owner.revision_id.encode())
            self.owners[name] = (owner, self.stack.enter_context(self.api.as_(owner.token)))
        return self.owners[name][1]

    def ordered(self, name: str, quantity: int = 4, **changes: object) -> str:
        """Place an owner's order for caps, due in seven days; return its location. It waits to be routed."""
        client = self.owner(name)
        body: dict[str, object] = {
            "objective": "cheapest",
            "criticality": "consumer",
            "need_by": (utc_now() + timedelta(days=7)).isoformat(),
            "ship_to": {"name": f"Customer of {name}", "city": "Hamburg", "country": "DE"},
            "lines": [{"part": self.owners[name][0].part_no, "quantity": quantity}],
        }
        headers = {"Idempotency-Key": f"{name} {quantity} {changes}"}
        response = client.post("/v1/orders", json=body | changes, headers=headers)
        assert response.status_code == 201, response.text
        return response.headers["Location"]

    def routed(self) -> None:
        """Route all that is due, by one run."""
        with unit_of_work(self.api.engine) as session:
            scopes = scopes_with_due_lines(session)
        for scope in scopes:
            route_pending(self.api.engine, scope=scope, now=utc_now(), dispatch=offer_jobs, limits=RUN_LIMITS)

    def jobs(self, client: httpx.Client | None = None) -> list[dict[str, Any]]:
        """Return the node's jobs as the bureau, or another client, sees them."""
        response = (client or self.bureau).get("/v1/nodes/N101/jobs")
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["data"]
        return found

    def job_of(self, name: str) -> dict[str, Any]:
        """Return an owner's only job."""
        (job,) = self.jobs(self.owner(name))
        return job

    def fetched(self, *names: str) -> tuple[str, ...]:
        """Have the orders of owners routed, accepted by the bureau and their files fetched; return the jobs' ids."""
        self.routed()
        ids = tuple(str(self.job_of(name)["id"]) for name in names)
        for job_id in ids:
            assert self.bureau.post(f"/v1/jobs/{job_id}/acceptance").status_code == 200
            ticket = self.bureau.post(f"/v1/jobs/{job_id}/file-tickets")
            assert ticket.status_code == 201, ticket.text
            assert self.bureau.get(ticket.json()["url"]).status_code == 200
        return ids

    def plan(self) -> dict[str, Any]:
        """Return the bureau's build plan."""
        response = self.bureau.get("/v1/nodes/N101/build-plan")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def opened(self, parts: Mapping[str, int], **more: object) -> httpx.Response:
        """Open a build with so many parts of each job."""
        jobs = [{"job_id": job_id, "parts": count} for job_id, count in parts.items()]
        return self.bureau.post("/v1/nodes/N101/builds", json={"jobs": jobs} | more)

    def running(self, parts: Mapping[str, int]) -> str:
        """Open and start a build; return where it is read."""
        answer = self.opened(parts)
        assert answer.status_code == 201, answer.text
        build: str = answer.headers["Location"]
        started = self.bureau.post(f"{build}/start", json={})
        assert started.status_code == 200, started.text
        return build

    def closed(self, build: str, *, minutes: int = 443, grams: int = 445, **more: object) -> httpx.Response:
        """Close a build that ends now."""
        body = {"finished_at": utc_now().isoformat(), "machine_minutes": minutes, "grams_used": grams}
        return self.bureau.post(f"{build}/closing", json=body | more)


@contextmanager
def a_bureau_world(url: str) -> Iterator[BureauWorld]:
    """Yield a world on the database at ``url``."""
    with (
        time_machine.travel(WEDNESDAY, tick=False) as clock,
        served_api(url) as api,
        ExitStack() as stack,
    ):
        shop = given_shop(api.engine)
        with unit_of_work(api.engine) as session:
            key = issue_api_key(session, organisation_id=BUREAU, name="test", scopes=ALL_SCOPES, now=WEDNESDAY)
        yield BureauWorld(
            api=api,
            shop=shop,
            bureau=stack.enter_context(api.as_(key.token)),
            rival=stack.enter_context(api.as_(token_of(api.engine, "org_rival", "bureau"))),
            operator=stack.enter_context(api.as_(token_of(api.engine, "org_operator", "operator"))),
            clock=clock,
            stack=stack,
        )
