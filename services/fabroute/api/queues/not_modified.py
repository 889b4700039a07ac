"""Answers polls of an unchanged queue with 304: no statement, no routing, no thread."""

import asyncio
import re
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from fabroute.api.contract.limits import is_over_limits
from fabroute.api.keys import KeyCache
from fabroute.api.measuring.measured import TEMPLATE
from fabroute.api.queues.room import Queues
from fabroute.api.queues.tags import may_read, poll_interval, queue_tag
from fabroute.api.queues.versions import QueueVersions
from fabroute.api.queues.waiting import until_gone
from fabroute.identity.rules import Principal
from fabroute.kernel.time import utc_now

_TEMPLATE = "/v1/nodes/{node_id}/jobs"
_PREFIX, _SUFFIX = "/v1/nodes/", "/jobs"
_WAIT = re.compile(rb"(?:^|&)wait=(\d{1,2})(?:&|$)")
_LONGEST_WAIT_SECONDS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class _Poll:
    node_id: str
    tag: str
    token: str
    query: bytes


class UnchangedQueues:
    """Stands before the application. What it does not know for certain, it passes on.

    With ``wait`` in the query it parks the poll until the queue goes on, then passes it on, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        poll = _poll(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        tag = None if poll is None else await _unchanged(scope, receive, poll)
        if tag is None:
            await self._app(scope, receive, send)
            return
        scope[TEMPLATE] = _TEMPLATE
        headers = [
            (b"etag", tag.encode()),
            (b"cache-control", b"private, no-cache"),
            (b"fabroute-poll-interval", poll_interval().encode()),
        ]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _poll(scope: Scope) -> _Poll | None:
    path: str = scope["path"]
    if not (path.startswith(_PREFIX) and path.endswith(_SUFFIX)):
        return None
    tag = authorization = ""
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            tag = value.decode("latin-1")
        elif name == b"authorization":
            authorization = value.decode("latin-1")
    kind, _, token = authorization.partition(" ")
    if not tag or kind.lower() != "bearer":
        return None
    node_id = path[len(_PREFIX) : -len(_SUFFIX)]
    return _Poll(node_id=node_id, tag=tag, token=token, query=scope["query_string"])


async def _unchanged(scope: Scope, receive: Receive, poll: _Poll) -> str | None:
    """Return the ETag if the client has what there is, after waiting as long as it asks to; ``None`` otherwise."""
    resources = scope["app"].state.resources
    keys: KeyCache = resources.keys
    queues: Queues = resources.queues
    versions = queues.versions
    principal = queues.pollers.recall(poll.token) or keys.recall(poll.token, now=utc_now())
    if principal is None or "jobs:read" not in principal.scopes:
        return None
    tag = _present_tag(versions, principal, poll)
    if tag != poll.tag or is_over_limits(scope, principal.organisation_id):
        return None
    keys.note_use(principal, at=utc_now())
    wait = _WAIT.search(poll.query)
    if wait is None:
        return tag
    longest = min(resources.settings.longest_wait_seconds, _LONGEST_WAIT_SECONDS)
    await _wait(versions, receive, poll, seconds=min(int(wait[1]), longest))
    return tag if _present_tag(versions, principal, poll) == poll.tag else None


async def _wait(versions: QueueVersions, receive: Receive, poll: _Poll, *, seconds: int) -> None:
    with versions.parking(poll.node_id) as changed, until_gone(receive) as gone:
        await asyncio.wait((changed, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


def _present_tag(versions: QueueVersions, principal: Principal, poll: _Poll) -> str | None:
    position = versions.known(poll.node_id)
    if position is None or not may_read(position, principal):
        return None
    return queue_tag(position, principal=principal, query=poll.query, today=utc_now().date())
