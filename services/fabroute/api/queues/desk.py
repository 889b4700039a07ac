"""The claim desk: claims of many clients in one transaction, and clients that wait for jobs."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import structlog
from starlette.types import Receive

from fabroute.api.errors import IdempotencyKeyInFlight, InternalError, TemporarilyUnavailable
from fabroute.api.queues.versions import QueueVersions
from fabroute.api.queues.waiting import until_gone
from fabroute.kernel.errors import DomainError
from fabroute.production.service.claims import AskedClaim, ClaimResult, NothingToClaim

MAXIMUM_BATCH = 128
_GATHER_SECONDS = 0.004
Answer = Callable[[Sequence[AskedClaim]], Sequence[ClaimResult]]
"""Answers claims by one transaction, which is committed when it returns."""
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    claim: AskedClaim
    answer: asyncio.Future[ClaimResult]


class ClaimDesk:
    """Takes claims on the event loop and has them answered by a thread. One for all requests of a process.

    While the thread is busy, what comes in gathers to the next batch; a lone claim goes straight through. All state
    belongs to the event loop's thread.
    """

    def __init__(self, *, answer: Answer, versions: QueueVersions) -> None:
        self._answer = answer
        self._versions = versions
        self._waiting: deque[_Waiting] = deque()
        self._in_flight: set[tuple[str, str]] = set()
        self._has_work, self._is_enough = asyncio.Event(), asyncio.Event()
        self._wanted = 1
        self._is_open = False
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="claims")

    def start(self) -> None:
        """Begin to take claims, on the running event loop."""
        self._is_open = True
        self._task = asyncio.create_task(self._answer_on(), name="claim-desk")

    async def stop(self) -> None:
        """Take no more claims, answer those that were taken, and let those go that wait for jobs."""
        self._is_open = False
        self._has_work.set()
        self._versions.release()
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def claim(self, claim: AskedClaim, *, wait_seconds: float, receive: Receive) -> ClaimResult:
        """Return what became of a claim, once it is committed; where there is no job, wait for one so long.

        A client that hangs up while it waits claims nothing more. Raises ``IdempotencyKeyInFlight`` and
        ``TemporarilyUnavailable``; nothing was claimed then.
        """
        key = (claim.principal.organisation_id, claim.idempotency_key)
        if key in self._in_flight:
            raise IdempotencyKeyInFlight("a request with this Idempotency-Key is being answered: repeat it in a second")
        self._in_flight.add(key)
        try:
            return await self._claim_in_time(claim, wait_seconds, receive)
        finally:
            self._in_flight.discard(key)

    async def _claim_in_time(self, claim: AskedClaim, wait_seconds: float, receive: Receive) -> ClaimResult:
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_seconds
        while True:
            seen = self._versions.seen(claim.node_id)
            result = await self._submit(claim)
            left = until - loop.time()
            if not isinstance(result, NothingToClaim) or left <= 0 or not self._is_open:
                return result
            if not await self._goes_on(claim.node_id, seen, left, receive) or not self._is_open:
                return result

    async def _goes_on(self, node_id: str, seen: tuple[str, int] | None, left: float, receive: Receive) -> bool:
        """Return whether the queue went on from where it was ``seen`` before the time is up or the client is gone."""
        with self._versions.parking(node_id) as changed:
            if self._versions.seen(node_id) != seen:
                return True
            with until_gone(receive) as gone:
                await asyncio.wait((changed, gone), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            return changed.done()

    def _submit(self, claim: AskedClaim) -> asyncio.Future[ClaimResult]:
        if not self._is_open:
            raise TemporarilyUnavailable("this process is stopping: repeat the request")
        entry = _Waiting(claim, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if len(self._waiting) >= self._wanted:
            self._is_enough.set()
        self._has_work.set()
        return entry.answer

    async def _gather(self, expected: int) -> None:
        """Give those that came lately a moment to come back together; a lone claim waits for nobody.

        A group costs ten statements, whatever its size: two halves by turns would pay for them twice.
        """
        self._wanted = min(expected, MAXIMUM_BATCH)
        if len(self._waiting) < self._wanted:
            self._is_enough.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_enough.wait(), _GATHER_SECONDS)

    async def _answer_on(self) -> None:
        expected = 0
        while self._waiting or self._is_open:
            if not self._waiting:
                self._has_work.clear()
                await self._has_work.wait()
                continue
            await self._gather(expected)
            batch = [self._waiting.popleft() for _ in range(min(MAXIMUM_BATCH, len(self._waiting)))]
            batch = [entry for entry in batch if not entry.answer.done()]  # whose client has gone already
            results = await self._answered([entry.claim for entry in batch])
            expected = len(batch) + len(self._waiting)
            for entry, result in zip(batch, results, strict=True):
                if not entry.answer.done():
                    entry.answer.set_result(result)

    async def _answered(self, claims: Sequence[AskedClaim]) -> Sequence[ClaimResult]:
        answered = asyncio.get_running_loop().run_in_executor(self._thread, self._answer, claims)
        (results,) = await asyncio.gather(answered, return_exceptions=True)
        self._versions.outdated()
        if not isinstance(results, BaseException):
            return results
        _logger.error("the claim desk failed", claims=len(claims), exc_info=results)
        failure: DomainError = InternalError("this is our mistake: repeat the request, and report its id")
        return [failure for _ in claims]
