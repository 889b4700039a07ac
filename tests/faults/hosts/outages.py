"""What is done to a host, and what is seen meanwhile: who held which scope, who took it over, when it is back."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy.exc import DBAPIError

from tests.faults.chaos.installation import answers
from tests.faults.hosts.hosts import APIS, BROKER, DATABASE, WORKERS, Holding, Hosts

How = Literal["cut off", "taken away"]
_HOLDS_SECONDS = 15.0
"""So long it is waited for a worker host to hold a scope before that host is struck."""
_BACK_SECONDS = 90.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One host that is out of reach for a while."""

    host: str
    how: How
    seconds: float


@dataclass(slots=True, kw_only=True)
class Seen:
    """An outage as it went; times by the clock of this machine."""

    outage: Outage
    began: float = 0.0
    ended: float = 0.0
    """When the host could be reached again."""
    held: tuple[Holding, ...] = ()
    """The scopes that it held when it was struck."""
    taken_over: dict[str, float] = field(default_factory=dict)
    """After how many seconds another host had each of them."""
    back_after: float | None = None
    """Seconds from its return until it worked again; ``None``: it did not."""


def outages(*, seconds: float, how: tuple[How, ...] = ("cut off", "taken away")) -> Iterator[Outage]:
    """Yield an outage of each host that serves or works, in each way; then a silent broker and a silent database."""
    for way in how:
        for host in (*APIS, *WORKERS):
            yield Outage(host=host, how=way, seconds=seconds)
    for host in (BROKER, DATABASE):
        yield Outage(host=host, how="cut off", seconds=seconds)


def suffer(hosts: Hosts, outage: Outage, *, rest_seconds: float) -> Seen:
    """Strike a host, leave it so for a while, bring it back, and watch until it works again."""
    seen, lan = Seen(outage=outage), hosts.lan
    seen.held = _cut_with_holdings(hosts, outage.host)
    seen.began = time.time()
    until = time.monotonic() + outage.seconds
    if outage.how == "taken away":
        lan.take_away(outage.host)
    _watch(hosts, seen, until=until)
    restore = lan.join if outage.how == "cut off" else lan.put_back
    restore(outage.host)
    seen.ended = time.time()
    seen.back_after = _back_after(hosts, seen)
    time.sleep(max(0.0, seen.ended + rest_seconds - time.time()))
    return seen


def _cut_with_holdings(hosts: Hosts, host: str) -> tuple[Holding, ...]:
    """Cut a host off; a worker in the middle of deciding scopes, which are returned. None where it can't be caught."""
    until = time.monotonic() + (_HOLDS_SECONDS if host in WORKERS else 0)
    while time.monotonic() < until:
        found = _held_by(hosts, host)
        if found:
            hosts.lan.cut(host)
            held = tuple(it for it in hosts.holdings() if it in found)
            if held:
                return held
            hosts.lan.join(host)
        time.sleep(_LOOK_SECONDS / 10)
    hosts.lan.cut(host)
    return ()


def _held_by(hosts: Hosts, host: str) -> tuple[Holding, ...]:
    return tuple(it for it in hosts.holdings() if it.host == host)


def _watch(hosts: Hosts, seen: Seen, *, until: float) -> None:
    """Note when scopes that the host held are somebody else's."""
    while time.monotonic() < until:
        for scope, fence in _fences(hosts, seen.held).items():
            if any(it.scope == scope and fence > it.fence for it in seen.held) and scope not in seen.taken_over:
                seen.taken_over[scope] = time.time() - seen.began
        time.sleep(_LOOK_SECONDS)


def _fences(hosts: Hosts, held: tuple[Holding, ...]) -> Mapping[str, int]:
    if not held:
        return {}
    with suppress(DBAPIError):
        return hosts.fences(tuple(it.scope for it in held))
    return {}


def _back_after(hosts: Hosts, seen: Seen) -> float | None:
    """Wait until the host worked again, and return how long after its return that was; ``None``: it did not."""
    until = time.monotonic() + _BACK_SECONDS
    while time.monotonic() < until:
        at = _worked_at(hosts, seen)
        if at is not None:
            return max(0.0, at - seen.ended)
        time.sleep(_LOOK_SECONDS * 4)
    return None


def _worked_at(hosts: Hosts, seen: Seen) -> float | None:
    """Return when a worker took its first task after its return, an API answered, or a server let a line be decided.

    ``None`` while that has not happened.
    """
    host = seen.outage.host
    if host in WORKERS:
        return hosts.first_task_after(host, seen.ended)
    if host in APIS:
        return time.time() if answers(hosts.api_urls[APIS.index(host)]) else None
    return hosts.first_decision_after(seen.ended)
