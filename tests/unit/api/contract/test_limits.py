"""Requests are counted by organisation and policy, in windows of a minute."""

import pytest
from starlette.datastructures import Headers
from starlette.types import Scope

from fabroute.api.contract.limits import (
    Policy,
    RateLimited,
    RateLimits,
    Standing,
    count_request,
    is_over_limits,
    limits_told,
    policy_of,
    rate_limits_of,
    require_within_limits,
)
from fabroute.api.contract.windows import Windows
from fabroute.settings import Settings
from tests.fakes.ringers import FakeClock


class Process:
    """What a request finds in the application."""

    def __init__(self, limits: RateLimits) -> None:
        self.state = self.resources = self
        self.limits = limits


def a_request(
    path: str = "/v1/orders", *, method: str = "GET", query: bytes = b"", limits: RateLimits | None = None
) -> Scope:
    """Return the scope of a request."""
    app = Process(limits or RateLimits({"default": 2}))
    return {"path": path, "method": method, "query_string": query, "state": {}, "app": app}


def told(scope: Scope) -> dict[str, str]:
    """Return the headers of the answer to a request."""
    return dict(Headers(raw=list(limits_told(scope))))


def test_a_window_begins_with_its_first_request_and_ends_a_minute_later() -> None:
    clock = FakeClock()
    limits = RateLimits({"default": 2}, clock=clock)
    seen = []
    for seconds in (0, 20, 10, 29.5, 0.5):
        clock.pass_seconds(seconds)
        standing = limits.count("org_1", "default")
        assert standing is not None
        seen.append((standing.remaining, standing.resets_in, standing.is_over))

    assert seen == [(1, 60, False), (0, 40, False), (0, 30, True), (0, 1, True), (1, 60, False)]
    assert limits.count("org_2", "default") == Standing("default", 2, 1, 60, False)


def test_policies_are_counted_apart_and_one_that_is_off_counts_nothing() -> None:
    limits = RateLimits({"default": 1, "polling": 1, "uploads": 0}, clock=FakeClock())
    standings = [limits.count("org_1", policy) for policy in ("default", "polling", "uploads", "uploads")]

    assert [None if it is None else it.is_over for it in standings] == [False, False, None, None]
    assert standings[0] == Standing("default", 1, 0, 60, False)


@pytest.mark.parametrize(
    ("method", "path", "query", "policy"),
    [
        ("GET", "/v1/orders", b"", "default"),
        ("POST", "/v1/orders", b"", "default"),
        ("GET", "/v1/orders/ord_1", b"wait=20", "polling"),
        ("GET", "/v1/nodes/N101/jobs", b"", "polling"),
        ("POST", "/v1/nodes/N101/claims", b"", "polling"),
        ("GET", "/v1/nodes/N101", b"", "default"),
        ("GET", "/v1/events", b"since=x", "polling"),
        ("POST", "/v1/jobs/job_1/heartbeat", b"", "polling"),
        ("PUT", "/v1/revisions/rev_1/print-file", b"", "uploads"),
        ("GET", "/v1/revisions/rev_1/print-file", b"", "default"),
        ("PUT", "/v1/jobs/job_1/evidence/photo.jpg", b"", "uploads"),
        ("PUT", "/v1/certificates/c/evidence", b"", "uploads"),
        ("PUT", "/v1/revisions/rev_1/documents/a.pdf", b"", "uploads"),
        ("PUT", "/v1/brand/logo", b"", "uploads"),
        ("POST", "/v1/imports/parts", b"dry_run=true", "uploads"),
        ("PUT", "/v1/brand", b"", "default"),
    ],
)
def test_what_polls_and_what_uploads_has_a_policy_of_its_own(
    method: str, path: str, query: bytes, policy: Policy
) -> None:
    assert policy_of(a_request(path, method=method, query=query)) == policy


def test_a_request_is_counted_once_and_its_answer_tells_what_is_left() -> None:
    scope = a_request(limits=RateLimits({"default": 6000}, clock=FakeClock()))
    before = told(scope)
    counted = [count_request(scope, "org_1") for _ in range(3)]

    assert before == {}
    assert counted == 3 * [Standing("default", 6000, 5999, 60, False)]
    assert told(scope) == {
        "ratelimit-policy": '"default";q=6000;w=60',
        "ratelimit": '"default";r=5999;t=60',
    }


def test_one_request_too_many_is_refused_with_the_seconds_to_wait() -> None:
    limits = RateLimits({"default": 2}, clock=FakeClock())
    scopes = [a_request(limits=limits) for _ in range(3)]
    assert [is_over_limits(scope, "org_1") for scope in scopes] == [False, False, True]
    with pytest.raises(RateLimited, match="you have sent 2 requests within a minute") as refusal:
        require_within_limits(scopes[2], "org_1")

    assert (refusal.value.status, refusal.value.code) == (429, "rate_limited")
    assert refusal.value.headers == {"Retry-After": "60"}
    assert told(scopes[2])["ratelimit"] == '"default";r=0;t=60'


def test_an_installation_without_limits_tells_none() -> None:
    scope = a_request(limits=RateLimits({}))
    require_within_limits(scope, "org_1")

    assert told(scope) == {}
    assert count_request(scope, "org_1") is None


def test_windows_that_are_over_are_forgotten_once_there_are_many() -> None:
    clock = FakeClock()
    windows = Windows(clock=clock, most=3)
    for name in "abc":
        windows.incr(name, 60)
    clock.pass_seconds(61)
    windows.incr("d", 60)

    assert windows.reset() == 1
    assert (windows.get("a"), windows.get_expiry("a")) == (0, clock())
    windows.incr("e", 60)
    windows.clear("e")
    assert (windows.get("e"), windows.check()) == (0, True)


def test_the_demo_may_send_a_hundred_times_as_much_unless_it_is_told_otherwise() -> None:
    def quotas(**settings: object) -> list[int]:
        limits = rate_limits_of(Settings.model_validate(settings))
        counted = [limits.count("org_1", policy) for policy in ("default", "polling", "uploads")]
        return [0 if it is None else it.quota for it in counted]

    assert quotas() == [6_000, 12_000, 600]
    assert quotas(profile="embedded") == [600_000, 1_200_000, 60_000]
    assert quotas(profile="embedded", rate_limit_default=0, rate_limit_uploads=5) == [0, 1_200_000, 5]
