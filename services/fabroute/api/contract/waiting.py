"""``?wait=`` on what has a state: the answer comes when the thing is another than the client has, or time is up.

Between two looks a request holds no thread and no connection: it is read anew, by the endpoint itself, when its rows
have changed.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from fabroute.api.contract.changes import Kind
from fabroute.api.contract.etags import names_tag
from fabroute.api.errors import ValidationFailed
from fabroute.api.queues.waiting import until_gone
from fabroute.api.resources import Resources
from fabroute.kernel.errors import FieldProblem

LONGEST_SECONDS = 25
Look = Callable[[Scope, Receive, Send], Awaitable[None]]
_WAIT = re.compile(r"\d{1,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How a thing is waited for."""

    kind: Kind
    parameter: str | None
    """The part of the path that names the thing; ``None`` where it is the caller's organisation."""
    pending: frozenset[str] = frozenset()
    """States that fabroute itself ends: without If-None-Match it is these that are waited for."""
    final: frozenset[str] = frozenset()
    """States that nothing follows: they are answered at once."""


_DONE = frozenset({"done", "failed"})
WAITING: Mapping[str, Waits] = {
    "get_order": Waits(
        kind=(("orders", "id"), ("order_lines", "order_id"), ("jobs", "order_id")),
        parameter="order_id",
        pending=frozenset({"pending"}),
        final=frozenset({"cancelled"}),
    ),
    "get_job": Waits(
        kind=(("jobs", "id"),),
        parameter="job_id",
        pending=frozenset({"planned"}),
        final=frozenset({"delivered", "declined", "lapsed", "failed", "cancelled"}),
    ),
    "get_quote": Waits(
        kind=(("quotes", "id"), ("orders", "quote_id")),
        parameter="quote_id",
        final=frozenset({"accepted", "expired"}),
    ),
    "read_screening": Waits(
        kind=(("screenings", "id"),),
        parameter="screening_id",
        pending=frozenset({"queued", "running"}),
        final=_DONE,
    ),
    "read_shadow_run": Waits(
        kind=(("shadow_runs", "id"),),
        parameter="shadow_run_id",
        pending=frozenset({"waiting", "running"}),
        final=_DONE,
    ),
    "read_replay": Waits(
        kind=(("shadow_runs", "id"),),
        parameter="replay_id",
        pending=frozenset({"waiting", "running"}),
        final=_DONE,
    ),
    "get_validation": Waits(
        kind=(("print_file_submissions", "revision_id"),),
        parameter="revision_id",
        pending=frozenset({"queued", "validating"}),
    ),
    "get_readiness": Waits(kind=(("readiness_reports", "organisation_id"),), parameter=None),
}
"""By the name of the operation."""
PARAMETER: Mapping[str, Any] = {
    "name": "wait",
    "in": "query",
    "required": False,
    "description": "Seconds to wait: with If-None-Match until it is another than that, else while it is pending. What "
    "can't change any more is answered at once.",
    "schema": {"type": "integer", "minimum": 0, "maximum": LONGEST_SECONDS},
}


@dataclass(slots=True)
class Captured:
    """An answer that was not sent yet."""

    start: Message
    body: bytes = b""

    @property
    def tag(self) -> str:
        """Its ETag, empty without one."""
        return Headers(raw=self.start["headers"]).get("ETag", "")

    @property
    def state(self) -> str:
        """The ``state`` that its body names, empty without one."""
        found = json.loads(self.body).get("state", "")
        return found if isinstance(found, str) else ""

    async def send(self, send: Send, *, condition: str) -> None:
        """Send it, or 304 where the client's ``condition`` names it."""
        if self.start["status"] == 200 and names_tag(condition, self.tag):
            kept = [(name, value) for name, value in self.start["headers"] if name in (b"etag", b"cache-control")]
            await send({"type": "http.response.start", "status": 304, "headers": kept})
            await send({"type": "http.response.body", "body": b""})
            return
        await send(self.start)
        await send({"type": "http.response.body", "body": self.body})


async def answer_in_time(waits: Waits, look: Look, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a GET with ``wait`` in its query. Raises ``ValidationFailed`` for a time that can't be."""
    resources: Resources = scope["app"].state.resources
    changes = resources.changes
    seconds = min(_seconds(scope), resources.settings.longest_wait_seconds)
    condition = Headers(scope=scope).get("If-None-Match", "")
    until = asyncio.get_running_loop().time() + seconds
    found = await _look(look, scope, receive)
    if seconds and changes.is_open and _is_awaited(waits, found, condition):
        key = scope["state"]["organisation_id"] if waits.parameter is None else scope["path_params"][waits.parameter]
        first = condition or found.tag
        with changes.parking(waits.kind, key) as changed, until_gone(receive) as gone:
            while _is_awaited(waits, found, first) and await _woken(changed, gone, until=until):
                found = await _look(look, scope, receive)
    await found.send(send, condition=condition)


def _seconds(scope: Scope) -> int:
    found = parse_qs(scope["query_string"].decode("latin-1")).get("wait", ["0"])[-1]
    if not _WAIT.fullmatch(found) or int(found) > LONGEST_SECONDS:
        message = f"parameter wait: must be a whole number of seconds, 0 to {LONGEST_SECONDS}"
        raise ValidationFailed(message, problems=(FieldProblem(pointer="", message=message),))
    return int(found)


async def _look(look: Look, scope: Scope, receive: Receive) -> Captured:
    """Return what the endpoint answers now to who has nothing."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"if-none-match"]
    captured: list[Captured] = []

    async def capture(message: Message) -> None:
        if message["type"] == "http.response.start":
            captured.append(Captured(message))
        else:
            captured[0].body += message.get("body", b"")

    await look({**scope, "headers": headers}, receive, capture)
    return captured[0]


def _is_awaited(waits: Waits, found: Captured, condition: str) -> bool:
    """Tell whether another answer than ``found`` is worth waiting for."""
    if found.start["status"] != 200:
        return False
    state = found.state
    if state in waits.final:
        return False
    return names_tag(condition, found.tag) if condition else state in waits.pending


async def _woken(changed: asyncio.Event, gone: asyncio.Task[None], *, until: float) -> bool:
    """Return whether the thing may have changed before the time is up and the client has hung up."""
    changed_in_time = asyncio.ensure_future(changed.wait())
    left = until - asyncio.get_running_loop().time()
    try:
        await asyncio.wait((changed_in_time, gone), timeout=max(0, left), return_when=asyncio.FIRST_COMPLETED)
        return changed.is_set() and not gone.done()
    finally:
        changed_in_time.cancel()
        changed.clear()
