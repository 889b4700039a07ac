"""The gate: every request gets a turn or is refused before anything is read, looked up or worked out for it."""

from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fabroute.api.admission.parties import STRANGERS, party_of
from fabroute.api.admission.refusals import TooBusy, send_refusal
from fabroute.api.admission.resting import begin
from fabroute.api.admission.turns import Party
from fabroute.api.measuring.measured import REFUSED, TEMPLATE, WAITED
from fabroute.api.middleware import may_be_long
from fabroute.api.resources import Resources
from fabroute.kernel.errors import DomainError

_BODILESS = frozenset({"GET", "HEAD", "DELETE"})
_ALWAYS = frozenset({"/healthz", "/readyz"})
"""Who watches over a process must not be told that it is busy."""
_PATIENCE_OF_STRANGERS = 2.0
"""When a process has just started, everybody is a stranger to it: they wait a little longer, and for nobody else."""


class Gate:
    """Stands before everything that costs something: routing, authentication, bodies, the database.

    A short body is awaited before the turn begins: whoever sends it drop by drop takes nobody's place.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        resources: Resources | None = scope["app"].state.resources
        if scope["type"] != "http" or scope["path"] in _ALWAYS or resources is None:
            await self._app(scope, receive, send)
            return
        try:
            name = party_of(scope, resources)
            receive = await _received(scope, receive)
            party = await _turn(resources, name)
        except DomainError as refusal:
            resources.pressure.note_refused(refusal.code)
            resources.measuring.measures.refused.add((refusal.code,))
            scope[TEMPLATE] = REFUSED
            await send_refusal(refusal, scope, send, public_url=resources.settings.public_url)
            return
        turn = begin(resources.turns, party)
        try:
            await self._app(scope, receive, send)
        finally:
            resources.turns.leave(turn.party)
            if turn.has_rested:
                scope[WAITED] = True


async def _turn(resources: Resources, name: str) -> Party:
    patience = resources.settings.request_patience_seconds
    if name == STRANGERS:
        patience = max(patience, _PATIENCE_OF_STRANGERS)
    party = await resources.turns.enter(name, patience_seconds=patience)
    if party is None:
        seconds = resources.pressure.retry_after()
        raise TooBusy(
            f"more is asked of this process than it can answer in time: repeat the request in {seconds} s, with the "
            "same Idempotency-Key, and send fewer at once",
            headers={"Retry-After": str(seconds)},
        )
    resources.pressure.note_served()
    return party


async def _received(scope: Scope, receive: Receive) -> Receive:
    """Return what receives a request whose short body has come; a long one is received within the request's turn."""
    if scope["method"] in _BODILESS or may_be_long(scope):
        return receive
    messages = deque([await receive()])
    while messages[-1].get("more_body", False):
        messages.append(await receive())

    async def receive_again() -> Message:
        return messages.popleft() if messages else await receive()

    return receive_again
