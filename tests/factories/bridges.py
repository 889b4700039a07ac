"""A bridge between a foreign system and the API as it is served, step by step, with a clock that tests turn on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from starlette.testclient import TestClient

from fabroute.bridges.bench import Bench, ForeignSystem
from fabroute.bridges.fabroute import FabrouteWire
from fabroute.bridges.journal import Entry, Journal
from fabroute.bridges.orders import OrderRules
from fabroute.bridges.receiving import Inbox, receiver
from fabroute.bridges.running import Bridge, Step
from fabroute.bridges.wire import Unavailable
from fabroute.kernel.time import utc_now
from fabroute.webhooks.service.sequencing import sequence_events
from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, given_offered_jobs, make_old, token_of
from tests.factories.api_shipments import given_inspected_job, given_shipment
from tests.factories.organisations import BUREAU

RULES = OrderRules(
    parts={"SKU2006-001": "RL-0001", "WOO-SINGLE-1": "RL-0001"},
    left_alone=("SHIRT-*",),
    rates={"USD": Decimal("0.9")},
    price_cap_percent=100,
    criticality="consumer",
)


@dataclass(kw_only=True)
class Bridged:
    """A bridge with what it said, and hands to send it messages and to let time pass."""

    bench: Bench
    bridge: Bridge
    client: TestClient | None
    api: Api
    seconds: list[float]
    said: list[str] = field(default_factory=list)

    def hear(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a webhook and return the status of its answer."""
        assert self.client is not None
        return int(self.client.post("/", content=body, headers=dict(headers)).status_code)

    def work(self) -> None:
        """Have the API tell what happened, and the bridge do all that it can."""
        sequence_events(self.api.engine, now=utc_now())
        self.bridge.run_once()

    def work_in_vain(self) -> str:
        """Have the bridge do all that it can while something does not answer; return what it says."""
        sequence_events(self.api.engine, now=utc_now())
        try:
            self.bridge.run_once()
        except Unavailable as error:
            return error.message
        return ""

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds[0] += seconds

    def entry(self) -> Entry:
        """Return the one order that was heard of."""
        (found,) = self.bench.journal.all()
        return found

    def order(self) -> Any:
        """Return the one order as the API knows it."""
        return self.api.client.get(f"/v1/orders/{self.entry().order_id}").json()


@contextmanager
def bridged(
    api: Api,
    journal: Path,
    foreign: ForeignSystem | Callable[[FabrouteWire], ForeignSystem],
    *,
    inbox: Inbox | None = None,
    rules: OrderRules = RULES,
    before: Sequence[Step] = (),
    after: Sequence[Step] = (),
    transport: httpx.BaseTransport | None = None,
) -> Iterator[Bridged]:
    """Yield a bridge on the journal at a path, to the served API."""
    wire = FabrouteWire(url="http://fabroute", key=api.owner.token, transport=transport or transport_to(api))
    seconds, said, kept = [0.0], list[str](), Journal(journal)
    bench = Bench(
        journal=kept,
        fabroute=wire,
        foreign=foreign(wire) if callable(foreign) else foreign,
        rules=rules,
        now=lambda: clock(seconds),
        say=said.append,
    )
    bridge = Bridge(bench, before=before, after=after)
    client = None if inbox is None else TestClient(receiver(inbox, kept, wake=bridge.wake.set))
    with closing(wire), closing(kept):
        yield Bridged(bench=bench, bridge=bridge, client=client, api=api, seconds=seconds, said=said)


def clock(seconds: Sequence[float]) -> datetime:
    """Return the time, turned on by so many seconds."""
    return utc_now() + timedelta(seconds=seconds[0])


def transport_to(api: Api) -> httpx.HTTPTransport:
    """Return a way to the served API."""
    return httpx.HTTPTransport(uds=api.socket, verify=False)


@contextmanager
def bureau_of(api: Api, order_id: str) -> Iterator[JobWorld]:
    """Yield a world whose bureau has the one job of an order of three prints in its queue."""
    (job_id,) = given_offered_jobs(api.engine)
    content = api.owner.revision_id.encode()
    api.resources.store.put(content)
    with api.as_(token_of(api.engine, BUREAU, "bureau")) as bureau:
        yield JobWorld(
            api=api,
            job_id=job_id,
            order_id=order_id,
            content=content,
            owner=api.client,
            bureau=bureau,
            rival=bureau,
            stranger=bureau,
            operator=bureau,
        )


def given_shipped(world: JobWorld, *, tracking_number: str = "JD014600006281230704", certify: bool = False) -> Any:
    """Have the bureau make, inspect and hand over the three prints; return the shipment."""
    given_inspected_job(world)
    if certify:
        answer = world.bureau.post(f"{world.job}/conformity-certificate")
        assert answer.status_code in (200, 201), answer.text
    made = given_shipment(world, tracking_number=tracking_number)
    answer = world.bureau.post(f"/v1/shipments/{made['id']}/handover")
    assert answer.status_code == 200, answer.text
    make_old(world.api.engine)
    return answer.json()


def given_delivered(world: JobWorld, shipment_id: str) -> str:
    """Have the carrier say that a shipment arrived, and return when."""
    at = (utc_now() - timedelta(minutes=1)).isoformat(timespec="seconds")
    body = {"status": "delivered", "occurred_at": at}
    answer = world.bureau.post(f"/v1/shipments/{shipment_id}/events", json=body)
    assert answer.status_code in (200, 201), answer.text
    told: str = answer.json()["delivered_at"]
    return told
