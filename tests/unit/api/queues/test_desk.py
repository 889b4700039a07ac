import asyncio
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Message, Receive

from fabroute.api.errors import IdempotencyKeyInFlight, InternalError, TemporarilyUnavailable
from fabroute.api.queues.desk import MAXIMUM_BATCH, ClaimDesk
from fabroute.api.queues.versions import QueueVersions
from fabroute.network.service.queues import QueuePositions
from fabroute.production.service.claims import AskedClaim, Claimed, ClaimResult, NothingToClaim
from tests.factories.production import BUREAU_KEY


def a_claim(key: str = "k1", *, node_id: str = "N1") -> AskedClaim:
    return AskedClaim(principal=BUREAU_KEY, node_id=node_id, idempotency_key=key, request_sha256="x")


@dataclass(slots=True)
class Shelf:
    """So many jobs lie in it; it notes which claims were answered together."""

    jobs: int = 0
    batches: list[int] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    breaks: bool = False

    def answer(self, claims: Sequence[AskedClaim]) -> Sequence[ClaimResult]:
        self.gate.wait(5)
        if self.breaks:
            raise ValueError("broken")
        self.batches.append(len(claims))
        given = min(self.jobs, len(claims))
        self.jobs -= given
        return [Claimed(body=b"job")] * given + [NothingToClaim()] * (len(claims) - given)


async def stays() -> Message:
    """Receive nothing: the client stays on the line."""
    await asyncio.Event().wait()
    raise AssertionError("nothing comes")


async def hangs_up() -> Message:
    """Receive that the client has gone."""
    return {"type": "http.disconnect"}


class World:
    """A desk on a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.versions = QueueVersions()
        self.desk = ClaimDesk(answer=shelf.answer, versions=self.versions)

    def goes_on(self, version: int) -> None:
        nodes = {"N1": (version, "org_1")}
        self.versions.take(QueuePositions(epoch="e", nodes=nodes), mark=self.versions.mark)

    def claim(self, key: str, *, wait: float = 0, receive: Receive = stays) -> "asyncio.Task[ClaimResult]":
        return asyncio.ensure_future(self.desk.claim(a_claim(key), wait_seconds=wait, receive=receive))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 20))


def test_claims_that_come_while_others_are_answered_are_answered_together() -> None:
    async def work() -> tuple[list[ClaimResult], list[int]]:
        shelf = Shelf(jobs=100)
        world = World(shelf)
        world.desk.start()
        first = world.claim("first")
        await asyncio.sleep(0.05)
        others = [world.claim(f"k{n}") for n in range(9)]
        await asyncio.sleep(0.05)
        shelf.gate.set()
        results = await asyncio.gather(first, *others)
        await world.desk.stop()
        return results, shelf.batches

    results, batches = run(work())
    assert results == [Claimed(body=b"job")] * 10
    assert batches == [1, 9]


def test_at_most_so_many_are_answered_together() -> None:
    async def work() -> list[int]:
        shelf = Shelf()
        world = World(shelf)
        world.desk.start()
        claims = [world.claim(f"k{n}") for n in range(MAXIMUM_BATCH + 2)]
        await asyncio.sleep(0.05)
        shelf.gate.set()
        await asyncio.gather(*claims)
        await world.desk.stop()
        return shelf.batches

    batches = run(work())
    assert sum(batches) == MAXIMUM_BATCH + 2
    assert max(batches) == MAXIMUM_BATCH


def test_a_claim_that_waits_gets_the_job_that_comes() -> None:
    async def work() -> tuple[bool, ClaimResult, int]:
        shelf = Shelf()
        shelf.gate.set()
        world = World(shelf)
        world.goes_on(1)
        world.desk.start()
        waiting = world.claim("k1", wait=15)
        await asyncio.sleep(0.1)
        was_parked = not waiting.done() and world.versions.parked == 1
        shelf.jobs = 1
        world.goes_on(2)
        result = await waiting
        await world.desk.stop()
        return was_parked, result, world.versions.parked

    assert run(work()) == (True, Claimed(body=b"job"), 0)


def test_a_claim_that_waits_in_vain_is_told_that_there_is_nothing() -> None:
    async def work() -> tuple[ClaimResult, int, int]:
        shelf = Shelf()
        shelf.gate.set()
        world = World(shelf)
        world.desk.start()
        result = await world.claim("k1", wait=0.05)
        await world.desk.stop()
        return result, len(shelf.batches), world.versions.parked

    assert run(work()) == (NothingToClaim(), 1, 0)


def test_a_client_that_hangs_up_while_it_waits_claims_nothing_more() -> None:
    async def work() -> tuple[ClaimResult, int, int]:
        shelf = Shelf()
        shelf.gate.set()
        world = World(shelf)
        world.goes_on(1)
        world.desk.start()
        result = await world.claim("k1", wait=15, receive=hangs_up)
        shelf.jobs = 1
        world.goes_on(2)
        await asyncio.sleep(0.02)
        await world.desk.stop()
        return result, shelf.jobs, world.versions.parked

    assert run(work()) == (NothingToClaim(), 1, 0)


def test_a_job_that_came_between_the_claim_and_the_waiting_is_not_missed() -> None:
    async def work() -> ClaimResult:
        shelf = Shelf()
        world = World(shelf)
        world.goes_on(1)
        world.desk.start()
        waiting = world.claim("k1", wait=15)
        await asyncio.sleep(0.05)
        world.goes_on(2)  # while the claim is being answered with nothing
        shelf.gate.set()
        await asyncio.sleep(0.05)
        shelf.jobs = 1
        world.goes_on(3)
        result = await waiting
        assert len(shelf.batches) == 3
        await world.desk.stop()
        return result

    assert run(work()) == Claimed(body=b"job")


def test_a_key_is_answered_once_at_a_time() -> None:
    async def work() -> None:
        shelf = Shelf()
        world = World(shelf)
        world.desk.start()
        first = world.claim("same")
        await asyncio.sleep(0.05)
        with pytest.raises(IdempotencyKeyInFlight, match="repeat it in a second"):
            await world.claim("same")
        shelf.gate.set()
        assert await first == NothingToClaim()
        assert await world.claim("same") == NothingToClaim()
        await world.desk.stop()

    run(work())


def test_a_mistake_of_ours_is_told_to_everyone_in_the_batch() -> None:
    async def work() -> list[ClaimResult]:
        shelf = Shelf(breaks=True)
        shelf.gate.set()
        world = World(shelf)
        world.desk.start()
        results = await asyncio.gather(world.claim("k1"), world.claim("k2"))
        await world.desk.stop()
        return list(results)

    results = run(work())
    assert [type(result) for result in results] == [InternalError, InternalError]


def test_a_desk_that_stops_lets_those_who_wait_go_and_takes_no_more() -> None:
    async def work() -> ClaimResult:
        shelf = Shelf()
        shelf.gate.set()
        world = World(shelf)
        world.desk.start()
        waiting = world.claim("k1", wait=15)
        await asyncio.sleep(0.05)
        await world.desk.stop()
        with pytest.raises(TemporarilyUnavailable, match="repeat the request"):
            await world.claim("k2")
        return await waiting

    assert run(work()) == NothingToClaim()
