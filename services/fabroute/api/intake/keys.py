"""Requests that are answered at once: each Idempotency-Key by one request at a time, and the same answer ever after."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from fabroute.api.errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from fabroute.api.intake.desk import Submission
from fabroute.database import unit_of_work
from fabroute.orders.service import KeyReused, Placed, Replayed, find_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysInFlight:
    """The keys that are being answered. One for all requests of a process; it belongs to the event loop's thread."""

    tenants: Engine
    keys: set[tuple[str, str]] = field(default_factory=set)

    async def answered(
        self, submission: Submission, answer: Callable[[Submission], Placed | Replayed | KeyReused]
    ) -> Placed | Replayed:
        """Return what ``answer`` returns for a submission, in a thread of its own.

        Raises ``IdempotencyKeyInFlight`` and ``IdempotencyKeyReused``, and what ``answer`` raises.
        """
        key = (submission.principal.organisation_id, submission.idempotency_key)
        if key in self.keys:
            raise IdempotencyKeyInFlight("a request with this Idempotency-Key is being answered: repeat it in a second")
        self.keys.add(key)
        try:
            placing = await run_in_threadpool(answer, submission)
        finally:
            self.keys.discard(key)
        if isinstance(placing, KeyReused):
            raise IdempotencyKeyReused("this Idempotency-Key belongs to a request with another body: use a new key")
        return placing

    def earlier(self, submission: Submission) -> Replayed | KeyReused | None:
        """Return what became of an earlier request with this key, ``None`` if there was none."""
        with unit_of_work(self.tenants, tenant=submission.principal.tenant) as session:
            return find_answer(
                session,
                organisation_id=submission.principal.organisation_id,
                idempotency_key=submission.idempotency_key,
                request_sha256=submission.request_sha256,
            )
