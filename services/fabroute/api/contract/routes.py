"""The class of every route: a POST with an ``Idempotency-Key`` is answered once."""

import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from fabroute.api.bodies import read_at_most
from fabroute.api.contract.attempts import AnsweredBefore, Attempt, answering
from fabroute.api.contract.deprecation import DEPRECATED, note_deprecation, words_of
from fabroute.api.contract.described import describe
from fabroute.api.contract.etags import tagged
from fabroute.api.contract.locations import LOCATIONS, located
from fabroute.api.contract.secrets import holds_secret
from fabroute.api.contract.waiting import WAITING, answer_in_time
from fabroute.api.dependencies import get_idempotency_key, get_principal, get_resources
from fabroute.api.schemas.base import Listing
from fabroute.database import unit_of_work
from fabroute.identity.service.idempotency import KeyedRequest
from fabroute.telemetry.binding import bind_known

Answer = Callable[[Request], Awaitable[Response]]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
OWN_WAY = frozenset({"place_order", "claim_jobs"})
"""Operations that keep their answers by statements of their own, in groups of many requests."""
_SECRET_WAYS = frozenset({"issue_file_ticket"})
"""Operations whose answers hold a secret in a field that is none elsewhere."""
_SESSION_COOKIE = "fabroute_session"
_MOST_BYTES = 16 * 2**20
"""Of a body that is read whole before the request is answered; the endpoint takes as much or less."""
_MEANT_BY = ("Content-Type", "Content-Encoding", "Fabroute-Lease")
"""Headers that make another request of one with the same path and body."""


class ContractRoute(APIRoute):
    """A route of the API: what every endpoint owes its clients and can't forget."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self.name in DEPRECATED:
            self.deprecated = True
            self.description = f"{self.description}\n\n{words_of(DEPRECATED[self.name])}"
        describe(self, is_tagged=is_single_thing(self), is_keyed=is_answered_once(self), waits=self.name in WAITING)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; one that may wait, when there is something new."""
        if scope["path_params"]:
            bind_known(scope["path_params"])
        going = DEPRECATED.get(self.name)
        if going is not None:
            note_deprecation(scope, going)
        waits = WAITING.get(self.name) if b"wait=" in scope["query_string"] and scope["method"] == "GET" else None
        if waits is None:
            await super().handle(scope, receive, send)
        else:
            await answer_in_time(waits, super().handle, scope, receive, send)

    def get_route_handler(self) -> Handler:
        """Return what answers a request; the function-scoped session is still open when it returns."""
        answer = self._located(super().get_route_handler())
        if is_answered_once(self):
            return self._once(answer)
        return self._tagged(answer) if is_single_thing(self) else answer

    def _located(self, answer: Handler) -> Handler:
        template = LOCATIONS.get(self.name)
        if template is None or self.methods != {"POST"}:
            return answer

        async def answer_located(request: Request) -> Response:
            return located(request, await answer(request), template)

        return answer_located

    def _tagged(self, answer: Answer) -> Handler:
        async def answer_tagged(request: Request) -> Response:
            return tagged(request, await answer(request))

        return answer_tagged

    def _once(self, answer: Answer) -> Handler:
        route = self

        async def answer_once(request: Request) -> Response:
            if "Idempotency-Key" not in request.headers:
                return await answer(request)
            return await answered_once(request, answer, is_secret=gives_secret(route))

        return answer_once


def is_answered_once(route: APIRoute) -> bool:
    """Return whether a route takes an ``Idempotency-Key`` by the way that all have in common.

    Who has no key yet (sign-in, tokens) has no answers of its own that could be kept.
    """
    return route.methods == {"POST"} and route.name not in OWN_WAY and get_principal in calls_of(route.dependant)


def is_single_thing(route: APIRoute) -> bool:
    """Return whether a route reads one thing, which has an ETag, and no page of a list."""
    model = route.response_model
    is_page = isinstance(model, type) and issubclass(model, Listing)
    return route.methods == {"GET"} and route.path.startswith("/v1") and model is not None and not is_page


def gives_secret(route: APIRoute) -> bool:
    """Return whether the answer of a route must not be stored in clear."""
    return route.name in _SECRET_WAYS or holds_secret(route.response_model)


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    """Yield the functions that an endpoint depends on, however deep, in the order in which they are called."""
    for inner in dependant.dependencies:
        yield from calls_of(inner)
        yield inner.call


async def answered_once(request: Request, answer: Answer, *, is_secret: bool) -> Response:
    """Return the answer to a request with an ``Idempotency-Key``: the first one, however often it is sent."""
    principal, key = await get_principal(request), get_idempotency_key(request)
    content = await read_at_most(request, _MOST_BYTES)
    keyed = KeyedRequest(organisation_id=principal.organisation_id, key=key, request_sha256=_digest(request, content))
    attempt = Attempt(request=keyed, credential=_credential(request), holds_secret=is_secret)
    request.state.attempt = attempt
    try:
        response = await answer(Request(request.scope, read_again(content, request.receive)))
        attempt.note(response)
        if not attempt.is_claimed:
            await run_in_threadpool(_keep_alone, request, principal.tenant)
    except AnsweredBefore as before:
        return attempt.replay(before.answer)
    return response


def _keep_alone(request: Request, tenant: str) -> None:
    """Keep the answer to a question that changed nothing."""
    with unit_of_work(get_resources(request).tenants, tenant=tenant) as session, answering(request, session):
        pass


def _digest(request: Request, content: bytes) -> str:
    """Return what tells one request from another."""
    meant = [request.headers.get(name, "") for name in _MEANT_BY]
    words = [request.method, request.url.path, request.url.query, *meant, hashlib.sha256(content).hexdigest()]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _credential(request: Request) -> str:
    """Return what the caller authenticates with: a key, or the cookie of a session."""
    cookies = [value for name, value in request.cookies.items() if name.endswith(_SESSION_COOKIE)]
    return request.headers.get("Authorization") or "".join(cookies)


def read_again(content: bytes, receive: Receive) -> Receive:
    """Return what receives a body again that was read, and then what follows."""
    messages: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
