"""Requests that are answered once: the first answer is kept with its effect, and given again for thirty days.

Orders, accepted quotes and claims keep theirs by statements of their own, in the same table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic_core import to_json
from sqlmodel import Session

from fabroute.identity.repository import idempotency as repository
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id

KEPT_FOR = timedelta(days=30)
_PURGED_AT_ONCE = 10_000


class KeyInFlight(DomainError):
    """A request with the same ``Idempotency-Key`` is being answered just now."""

    code = "idempotency_key_in_flight"
    status = 409


class KeyReused(DomainError):
    """The ``Idempotency-Key`` belongs to another request: another path, body or lease."""

    code = "idempotency_key_reused"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    """What a client asks for under an ``Idempotency-Key``."""

    organisation_id: str
    key: str
    request_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer as it was given first."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    is_sealed: bool = False
    """Whether the body is encrypted under the credential of whoever got it first."""


def claim_request(session: Session, *, request: KeyedRequest) -> KeptAnswer | None:
    """Return the first answer to a request, ``None`` where it is to be given now: nobody else gives it meanwhile.

    The claim lasts as long as the session's transaction. Raises ``KeyInFlight`` and ``KeyReused``.
    """
    if not repository.try_to_lock(session, f"{request.organisation_id} {request.key}"):
        raise KeyInFlight("a request with this Idempotency-Key is being answered: repeat it in a second")
    found = repository.find_answer(session, organisation_id=request.organisation_id, key=request.key)
    if found is None:
        return None
    if found.request_sha256 != request.request_sha256:
        raise KeyReused("this Idempotency-Key belongs to a request with another path or body: use a new key")
    return KeptAnswer(status=found.status, body=found.body, headers=dict(found.headers), is_sealed=found.is_sealed)


def keep_answer(session: Session, *, request: KeyedRequest, answer: KeptAnswer, now: datetime) -> None:
    """Store an answer in the transaction of its effect. Raises ``KeyInFlight`` if an order took the key meanwhile."""
    kept = repository.insert_answer(
        session,
        {
            "organisation_id": request.organisation_id,
            "key": request.key,
            "request_sha256": request.request_sha256,
            "status": answer.status,
            "body": answer.body,
            "subject_id": new_id("ans"),
            "created_at": now,
            "headers": to_json(answer.headers).decode(),
            "is_sealed": answer.is_sealed,
        },
    )
    if not kept:
        raise KeyInFlight("another request took this Idempotency-Key at the same time: repeat this one in a second")


def purge_answers(session: Session, *, now: datetime, limit: int = _PURGED_AT_ONCE) -> int:
    """Remove answers that are older than thirty days, the oldest first; return how many."""
    return repository.delete_answers(session, before=now - KEPT_FOR, limit=limit)
