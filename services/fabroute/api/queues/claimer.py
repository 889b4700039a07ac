"""Answers batches of claims in the database, and lets none suffer for another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from fabroute.api.errors import InternalError, TemporarilyUnavailable
from fabroute.database import ring_otherwise, unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.network.service.nodes import QUEUE_CHANNEL
from fabroute.production.service.claims import (
    AskedClaim,
    ClaimKeyContended,
    ClaimResult,
    ClaimTerms,
    claim_jobs,
)

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimer:
    """Answers claims, for one thread at a time."""

    engine: Engine
    terms: ClaimTerms
    on_claimed: Callable[[], None]
    """Called after a commit that changed a queue, in place of the notice within the answer's time."""

    def answer(self, claims: Sequence[AskedClaim]) -> Sequence[ClaimResult]:
        """Answer claims by one transaction; if that fails, each by one of its own. Committed when it returns."""
        if len(claims) > 1:
            try:
                return self._answer(claims)
            except (DBAPIError, PoolTimeout, ClaimKeyContended) as error:
                _logger.warning("claims failed together, each is repeated", claims=len(claims), error=str(error))
        results: list[ClaimResult] = []
        for claim in claims:
            is_down = bool(results) and isinstance(results[-1], TemporarilyUnavailable)
            results.append(_unavailable() if is_down else self._answer_one(claim))
        return results

    def _answer_one(self, claim: AskedClaim) -> ClaimResult:
        try:
            return self._answer((claim,))[0]
        except ClaimKeyContended as error:
            return error
        except (OperationalError, PoolTimeout) as error:
            _logger.warning("the database does not take claims", error=str(error))
            return _unavailable()
        except DBAPIError as error:
            _logger.error("a claim can't be answered", node_id=claim.node_id, exc_info=error)
            return InternalError("this is our mistake: nothing was claimed; report the request id")

    def _answer(self, claims: Sequence[AskedClaim]) -> Sequence[ClaimResult]:
        with unit_of_work(self.engine) as session:
            results = claim_jobs(session, asked=claims, terms=self.terms, now=utc_now())
            has_changed = ring_otherwise(session, QUEUE_CHANNEL)
        if has_changed:
            self.on_claimed()
        return results


def _unavailable() -> TemporarilyUnavailable:
    return TemporarilyUnavailable("the database does not answer: repeat the request with the same Idempotency-Key")
