"""How many requests an organisation may send a minute: counted in each process, told in every answer.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10: ``RateLimit-Policy`` and ``RateLimit``.
"""

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter
from starlette.types import Scope

from fabroute.api.contract.windows import Windows
from fabroute.kernel.errors import DomainError
from fabroute.settings import Settings

Policy = Literal["default", "polling", "uploads"]
WINDOW_SECONDS = 60
_QUOTAS: Mapping[Policy, int] = {"default": 6_000, "polling": 12_000, "uploads": 600}
_IN_THE_DEMO = 100
"""How many times as much the demo and the tests may send."""
_STANDING = "rate_limit"
_POLLED = re.compile(r"/v1/(?:nodes/[^/]+/(?:jobs|claims)|events|jobs/[^/]+/heartbeat)")
_UPLOADED = re.compile(r"/v1/(?:imports/.*|.*/(?:print-file|evidence|logo)|.*/(?:documents|evidence)/[^/]+)")


class RateLimited(DomainError):
    """Your organisation has sent more requests in a minute than it may; Retry-After says when to go on."""

    code = "rate_limited"
    status = 429


@dataclass(frozen=True, slots=True)
class Standing:
    """What an organisation has left of a policy. Without ``kw_only``: one is made for each request."""

    policy: Policy
    quota: int
    remaining: int
    resets_in: int
    """Seconds, rounded up."""
    is_over: bool


class RateLimits:
    """Counts requests. One for all requests of a process; it belongs to the event loop's thread."""

    def __init__(self, quotas: Mapping[Policy, int], *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._strategy = FixedWindowRateLimiter(Windows(clock=clock))
        self._items = {policy: RateLimitItemPerMinute(quota) for policy, quota in quotas.items() if quota}

    def count(self, organisation_id: str, policy: Policy) -> Standing | None:
        """Count a request and return how its organisation stands; ``None`` where the policy is off."""
        item = self._items.get(policy)
        if item is None:
            return None
        is_within = self._strategy.hit(item, organisation_id, policy)
        reset_at, remaining = self._strategy.get_window_stats(item, organisation_id, policy)
        return Standing(policy, item.amount, remaining, max(1, math.ceil(reset_at - self._clock())), not is_within)


def rate_limits_of(settings: Settings) -> RateLimits:
    """Return the counters of a process, with the quotas of its settings."""
    stated: Mapping[Policy, int | None] = {
        "default": settings.rate_limit_default,
        "polling": settings.rate_limit_polling,
        "uploads": settings.rate_limit_uploads,
    }
    usual = _IN_THE_DEMO if settings.profile == "embedded" else 1
    return RateLimits({policy: _QUOTAS[policy] * usual if quota is None else quota for policy, quota in stated.items()})


def policy_of(scope: Scope) -> Policy:
    """Return which policy a request is counted under."""
    path: str = scope["path"]
    if b"wait=" in scope["query_string"] or _POLLED.fullmatch(path):
        return "polling"
    return "uploads" if scope["method"] in ("PUT", "POST") and _UPLOADED.fullmatch(path) else "default"


def count_request(scope: Scope, organisation_id: str) -> Standing | None:
    """Count a request, once however often it is asked, and have its answer tell how its organisation stands."""
    state: dict[str, object] = scope["state"]
    if _STANDING not in state:
        limits: RateLimits = scope["app"].state.resources.limits
        state[_STANDING] = limits.count(organisation_id, policy_of(scope))
    found = state[_STANDING]
    assert found is None or isinstance(found, Standing)
    return found


def require_within_limits(scope: Scope, organisation_id: str) -> None:
    """Count a request. Raises ``RateLimited`` where its organisation has sent too many."""
    standing = count_request(scope, organisation_id)
    if standing is not None and standing.is_over:
        raise RateLimited(
            f"you have sent {standing.quota:,} requests within a minute, the most that the policy "
            f"{standing.policy} allows: go on in {standing.resets_in} seconds",
            headers={"Retry-After": str(standing.resets_in)},
        )


def is_over_limits(scope: Scope, organisation_id: str) -> bool:
    """Count a request and return whether its organisation has sent too many: whoever can't refuse it passes it on."""
    standing = count_request(scope, organisation_id)
    return standing is not None and standing.is_over


def limits_told(scope: Scope) -> Sequence[tuple[bytes, bytes]]:
    """Return the headers that tell the organisation which a request is of how it stands, where it was counted."""
    standing: Standing | None = scope["state"].get(_STANDING)
    if standing is None:
        return ()
    policy = f'"{standing.policy}";q={standing.quota};w={WINDOW_SECONDS}'
    left = f'"{standing.policy}";r={standing.remaining};t={standing.resets_in}'
    return ((b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode()))
