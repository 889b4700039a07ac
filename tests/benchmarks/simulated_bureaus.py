"""Bureaus that take what they are offered: one connection for each node, that waits for jobs and accepts them at once.

``work`` runs in a process of its own, until it is told to end. With ``makes`` jobs are made, too: their file is
fetched, they are reported as printed, shipped and delivered, so that nothing stays behind.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Event
from typing import Any

from tests.factories.wire import Reply, Wire

MOST_JOBS = 10
"""Of one claim: what the API gives at most."""
_WAIT_SECONDS = 5
_REST_SECONDS = 0.2
_AT_ONCE = 4
"""Jobs that a node works on at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A node, the key of its bureau, and the API process that it asks."""

    node_id: str
    token: str
    socket: str


@dataclass(slots=True, kw_only=True)
class Taken:
    """What bureaus got and did; times are of the wall clock."""

    claimed: dict[str, float] = field(default_factory=dict)
    """When the answer with a job was here, by job."""
    accepted: int = 0
    delivered: int = 0
    polls: int = 0
    """Claims that were answered with nothing."""
    refused: dict[str, int] = field(default_factory=dict)
    """What was not done, by what was asked and the answer's status."""


class Phone:
    """A connection of a desk to its API process, made anew where the server has closed it because nobody spoke."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wire: Wire | None = None

    async def get(self, path: str, **headers: str) -> Reply:
        """Read something."""
        return await self._insist(lambda it: it.get(path, **headers))

    async def post(self, path: str, body: object, **headers: str) -> Reply:
        """Send something; where no answer comes it is sent once more."""
        return await self._insist(lambda it: it.post(path, body, **headers))

    def close(self) -> None:
        """Let go of the connection."""
        if self._wire is not None:
            self._wire.writer.close()
            self._wire = None

    async def _insist(self, ask: Callable[[Wire], Awaitable[Reply]]) -> Reply:
        try:
            return await ask(await self._connected())
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            return await ask(await self._connected())

    async def _connected(self) -> Wire:
        if self._wire is None:
            reader, writer = await asyncio.open_unix_connection(self._desk.socket)
            self._wire = Wire(reader=reader, writer=writer, token=self._desk.token)
        return self._wire


def work(desks: Sequence[Desk], stop: Event, makes: bool) -> Taken:
    """Take and accept jobs at all desks until ``stop`` is set; return what came of it."""
    return asyncio.run(_work(desks, stop, makes))


async def _work(desks: Sequence[Desk], stop: Event, makes: bool) -> Taken:
    found = Taken()
    tasks = [asyncio.create_task(_claim_on(desk, stop, makes, found)) for desk in desks]
    await asyncio.gather(*tasks)
    return found


async def _claim_on(desk: Desk, stop: Event, makes: bool, found: Taken) -> None:
    """Claim at one desk, one request after the other; what was claimed is worked on beside."""
    jobs: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    hands = [asyncio.create_task(_work_off(desk, jobs, makes, found)) for _ in range(_AT_ONCE)]
    phone = Phone(desk)
    for number in count():
        if stop.is_set():
            break
        answer = await phone.post(
            f"/v1/nodes/{desk.node_id}/claims",
            {"max": MOST_JOBS, "wait_seconds": _WAIT_SECONDS},
            Idempotency_Key=f"e2e-{desk.node_id}-{number}",
        )
        await _keep(answer, jobs, found)
    phone.close()
    await asyncio.wait([asyncio.create_task(jobs.join()), *hands], return_when=asyncio.FIRST_COMPLETED)
    for hand in hands:
        hand.cancel()
    for ended in await asyncio.gather(*hands, return_exceptions=True):
        if not isinstance(ended, asyncio.CancelledError):
            raise RuntimeError(f"work at {desk.node_id} ended early") from ended


async def _keep(answer: Reply, jobs: "asyncio.Queue[Mapping[str, Any]]", found: Taken) -> None:
    if answer.status == 204:
        found.polls += 1
    elif answer.status != 200:
        _note(found, "claim", answer)
        await asyncio.sleep(_REST_SECONDS)
    else:
        now = time.time()
        for packet in answer.json()["data"]:
            found.claimed[packet["job"]["id"]] = now
            jobs.put_nowait(packet)


async def _work_off(desk: Desk, jobs: "asyncio.Queue[Mapping[str, Any]]", makes: bool, found: Taken) -> None:
    """Accept what comes, and make it where that is wanted."""
    phone = Phone(desk)
    try:
        while True:
            packet = await jobs.get()
            if await _accepted(phone, packet, found) and makes:
                await _made(phone, packet, found)
            jobs.task_done()
    finally:
        phone.close()


async def _accepted(it: Phone, packet: Mapping[str, Any], found: Taken) -> bool:
    answer = await _asked(it, f"/v1/jobs/{packet['job']['id']}/acceptance", {}, packet, found)
    found.accepted += answer.status < 300
    return answer.status < 300


async def _made(it: Phone, packet: Mapping[str, Any], found: Taken) -> None:
    """Print, report, ship and deliver a job."""
    path, quantity = f"/v1/jobs/{packet['job']['id']}", int(packet["job"]["quantity"])
    ticket = await _asked(it, f"{path}/file-tickets", {}, packet, found)
    if ticket.status >= 300:
        return
    await it.get(ticket.json()["url"], Fabroute_Lease=_lease(packet))
    await _asked(it, f"{path}/reports", {"reports": _reports(packet, quantity)}, packet, found)
    parcel = {"quantity": quantity, "weight_grams": 50 * quantity}
    body = {"carrier": "dhl", "tracking_number": f"T{packet['job']['id'][-12:]}", "parcels": [parcel]}
    shipment = await _asked(it, f"{path}/shipments", body, packet, found)
    if shipment.status >= 300:
        return
    at = f"/v1/shipments/{shipment.json()['id']}"
    await _asked(it, f"{at}/handover", {}, packet, found)
    told = {"status": "delivered", "occurred_at": datetime.now(UTC).isoformat()}
    delivered = await _asked(it, f"{at}/events", told, packet, found)
    found.delivered += delivered.status < 300


def _reports(packet: Mapping[str, Any], quantity: int) -> list[dict[str, Any]]:
    """Return that a job was begun, printed, and looked at where that is asked for."""
    job_id = packet["job"]["id"]
    wanted: list[dict[str, Any]] = [{"name": "started"}]
    wanted += [
        {"name": "printed", "data": {"number": number, "serial": f"{job_id[-10:]}-{number}"}}
        for number in range(1, quantity + 1)
    ]
    if packet["inspection"]["level"] != "none":
        data = {"level": packet["inspection"]["level"], "inspector": "A. Weber", "result": "pass"}
        wanted.append({"name": "inspected", "data": data})
    at = datetime.now(UTC).isoformat()
    return [{"sequence": number, "occurred_at": at, "data": {}, **it} for number, it in enumerate(wanted, start=1)]


async def _asked(it: Phone, path: str, body: object, packet: Mapping[str, Any], found: Taken) -> Reply:
    """Ask until there was room; what is refused then is noted."""
    while True:
        answer = await it.post(path, body, Fabroute_Lease=_lease(packet))
        if answer.status not in (429, 503):
            break
        await asyncio.sleep(_REST_SECONDS)
    if answer.status >= 300:
        _note(found, path.rpartition("/")[2], answer)
    return answer


def _lease(packet: Mapping[str, Any]) -> str:
    return f"{packet['lease']['lease_id']};epoch={packet['lease']['epoch']}"


def _note(found: Taken, what: str, answer: Reply) -> None:
    name = f"{what} {answer.status}"
    found.refused[name] = found.refused.get(name, 0) + 1
