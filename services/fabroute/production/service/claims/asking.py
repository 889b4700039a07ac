"""What a claim asks for, and what may become of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.production.service.claims.book import GateBook
from fabroute.production.service.claims.packets import Packet


class JobAlreadyClaimed(DomainError):
    """Another client has claimed this job."""

    code = "job_already_claimed"
    status = 409


class ClaimKeyReused(DomainError):
    """The idempotency key belongs to a request with another body."""

    code = "idempotency_key_reused"
    status = 422


class ClaimKeyContended(DomainError):
    """A request with the same idempotency key was answered in the same instant; nothing of this one was kept."""

    code = "idempotency_key_in_flight"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedClaim:
    """A node's client asks for up to ``most`` jobs, or for one by its id."""

    principal: Principal
    node_id: str
    idempotency_key: str
    request_sha256: str
    most: int = 1
    job_id: str | None = None
    traceparent: str | None = None
    """What names the span of the request, where spans are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTerms:
    """How a claim is answered: the bytes that its packets become, and the seconds that a node has unless it says."""

    answer: Callable[[Sequence[Packet]], bytes]
    offer_seconds: int
    book: GateBook = field(default_factory=GateBook)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Jobs were claimed, and this is the answer: of now, or the stored one of the same request before."""

    body: bytes
    is_replay: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToClaim:
    """No job for this node now. Nothing was stored: the same key may ask again."""


ClaimResult = Claimed | NothingToClaim | DomainError
