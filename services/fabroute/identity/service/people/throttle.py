"""How often somebody may try to sign in: by address, by account, and by device that is known to the account.

Who guesses is stopped by the address's bucket or the account's. Whoever signed in from a browser once has a bucket of
their own there, so that a stranger who fills the account's bucket locks nobody out of a browser they use (OWASP,
"device cookies").
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.identity.repository import signing_in as repository
from fabroute.kernel.errors import DomainError


class TooManyAttempts(DomainError):
    """Too many attempts to sign in, from this address or with this e-mail address."""

    code = "too_many_attempts"
    status = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many attempts within a window of time."""

    attempts: int
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What attempts are counted in."""

    name: str
    """A SHA-256."""
    limit: Limit


PER_ADDRESS = Limit(attempts=30, window=timedelta(minutes=10))
PER_ACCOUNT = Limit(attempts=10, window=timedelta(minutes=15))
PER_DEVICE = Limit(attempts=10, window=timedelta(minutes=15))


def buckets_of(*, email: str, address: str, device: str | None) -> tuple[Bucket, ...]:
    """Return what an attempt counts in: the device's bucket alone where the account knows the device."""
    if device is not None:
        return (_bucket("device", f"{email} {device}", PER_DEVICE),)
    account = _bucket("account", email, PER_ACCOUNT)
    return tuple(sorted((account, _bucket("address", address, PER_ADDRESS)), key=lambda it: it.name))


def counted_attempt(session: Session, *, buckets: Sequence[Bucket], now: datetime) -> TooManyAttempts | None:
    """Count an attempt before it is looked at, and return why it may not be looked at; ``None`` if it may.

    Many at once are no more than one after the other. Commit it whatever it returns.
    """
    waits = [_wait(session, bucket, now) for bucket in buckets]
    longest = max(waits)
    if not longest:
        return None
    return TooManyAttempts(
        f"too many attempts: try again in {longest} seconds, from a browser you have used before, or ask an admin of "
        "your organisation for a new link",
        headers={"Retry-After": str(longest)},
    )


def give_back(session: Session, *, buckets: Sequence[Bucket], now: datetime) -> None:
    """Uncount an attempt that was good, and forget windows that are over."""
    for bucket in buckets:
        repository.give_back_attempt(session, bucket.name)
    repository.forget_attempts(session, now=now)


def _wait(session: Session, bucket: Bucket, now: datetime) -> int:
    """Count an attempt and return the seconds to wait; 0 if there is nothing to wait for."""
    counted = repository.take_attempt(session, bucket.name, window_ends_at=now + bucket.limit.window, now=now)
    if counted.attempts <= bucket.limit.attempts:
        return 0
    return max(1, int((counted.window_ends_at - now).total_seconds()) + 1)


def _bucket(kind: str, whose: str, limit: Limit) -> Bucket:
    return Bucket(name=hashlib.sha256(f"{kind} {whose}".encode("utf-8", "surrogateescape")).hexdigest(), limit=limit)
