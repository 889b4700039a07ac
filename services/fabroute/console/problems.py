"""Refusals as pages: a form is shown again with what was wrong, anything else has a page in words for people."""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fabroute.api.errors import MalformedJson
from fabroute.api.people.callers import people_of
from fabroute.console.again import page_again
from fabroute.console.forms import MOST_BYTES, form_in, form_of
from fabroute.console.pages.errors import KeptForm, error_page, in_words
from fabroute.console.pages.sign_in import SignInPage
from fabroute.console.rendering import render
from fabroute.console.security import PAGE_HEADERS
from fabroute.console.typed import is_secret, typed_in
from fabroute.console.viewers import known_viewer, viewer_of
from fabroute.identity.rules import Unauthenticated
from fabroute.kernel.errors import DomainError

Handler = Callable[[Request, Any], Response | Awaitable[Response]]
_PROBLEM, _URLENCODED = "application/problem+json", "application/x-www-form-urlencoded"
_PLACES = ("/console/", "/v1/oidc/")
_KEPT = ("retry-after", "x-request-id", "ratelimit", "ratelimit-policy", "connection")
_SHOWN_AGAIN = frozenset({400, 401, 403, 409, 410, 413, 422, 429})
"""Refusals that somebody can answer by changing the form or sending it again."""
_SENT_AGAIN = frozenset({429, 500, 503})
"""Refusals that are over soon: the form is kept on the page that tells them."""
_FIELD_OF: Mapping[str, str] = {"wrong_password": "present_password", "second_factor_refused": "code"}
"""Where on a form a refusal belongs that names no field."""
_NOT_SHOWN_AGAIN = frozenset({"missing_scope", "people_only", "foreign_form", "idempotency_key_reused"})


def install_pages_for_problems(app: FastAPI) -> None:
    """Have the API's handlers of errors answer people with pages, and programs as before."""
    for kind, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _for_people(handler))


def _for_people(handler: Handler) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        found = handler(request, error)
        problem = found if isinstance(found, Response) else await found
        return await _page_for(request, error, problem) if is_for_people(request.scope) else problem

    return answer


def is_for_people(scope: Scope) -> bool:
    """Tell whether an answer is looked at by a person: all of the console, and the way back from a provider."""
    is_asked = "text/html" in Headers(scope=scope).get("Accept", "")
    path = str(scope["path"])
    return path.startswith(_PLACES[0]) or (path.startswith(_PLACES[1]) and is_asked)


async def _page_for(request: Request, error: Exception, problem: Response) -> Response:
    if isinstance(error, Unauthenticated):
        return ask_to_sign_in(request)
    if isinstance(error, DomainError) and problem.status_code in _SHOWN_AGAIN and error.code not in _NOT_SHOWN_AGAIN:
        typed = typed_in(form_of(request), problems=_problems(error))
        again = await page_again(request, typed, status=problem.status_code) if typed.page else None
        if again is not None:
            return again
    return problem_page(request, problem)


def ask_to_sign_in(request: Request) -> Response:
    """Lead to the sign-in page; a form that was sent is carried along, to be shown again afterwards."""
    if request.method == "POST":
        typed = typed_in(form_of(request))
        words = "You were signed out meanwhile. Sign in, and your form is there again as you filled it in."
        has_provider = people_of(request).openid.provider is not None
        page = SignInPage(typed=typed, notice=words, has_provider=has_provider)
        body = render("sign_in/sign_in.html", viewer_of(request, None), it=page)
        return Response(body, status_code=401, headers=PAGE_HEADERS, media_type="text/html")
    query = f"?{request.url.query}" if request.url.query else ""
    place = f"/console/sign-in?next={quote(request.url.path + query, safe='/')}"
    if request.headers.get("HX-Request") == "true":
        return Response(status_code=401, headers={**PAGE_HEADERS, "Fabroute-Sign-In": place})
    return RedirectResponse(place, status_code=303, headers=PAGE_HEADERS)


def problem_page(request: Request, problem: Response) -> Response:
    """Return a problem as a page."""
    if problem.media_type != _PROBLEM and _PROBLEM not in problem.headers.get("content-type", ""):
        return problem
    content: Mapping[str, object] = json.loads(bytes(problem.body))
    again, viewer = _kept_form(request, problem.status_code), known_viewer(request)
    body = render(
        "error.html", viewer, it=error_page(content, path=viewer.path, is_read=request.method == "GET", kept=again)
    )
    kept = {name: value for name, value in problem.headers.items() if name in _KEPT}
    return Response(body, status_code=problem.status_code, headers={**kept, **PAGE_HEADERS}, media_type="text/html")


def _problems(error: DomainError) -> dict[str, str]:
    """Return what is wrong by field; what belongs to no field stands above the form."""
    whole = in_words(error.code, error.message)
    found = {item.pointer.rpartition("/")[2]: in_words("", item.message) for item in error.problems if item.pointer}
    if error.code in _FIELD_OF:
        found[_FIELD_OF[error.code]] = whole
    return found | {"": whole}


def _kept_form(request: Request, status: int) -> KeptForm | None:
    """Return the form that could not be taken just now, but for its passwords; ``None`` where it can't be sent again.

    It keeps its idempotency key: whether it was taken before the server fell silent, nobody knows.
    """
    form = form_of(request)
    if status not in _SENT_AGAIN or not form.fields or form.files:
        return None
    pairs = ((name, value) for name, values in form.fields.items() for value in values if not is_secret(name))
    return KeptForm(action=request.url.path, fields=tuple(pairs))


class PagesForRefusals:
    """Makes pages of what is refused before any view: at the gate, where too many ask at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not is_for_people(scope):
            await self._app(scope, receive, send)
            return
        heard = _Heard(receive)
        answer = _Answer(scope, send, heard)
        await self._app(scope, heard.receive, answer.send)


class _Heard:
    """Remembers the beginning of a body while it is received: a form that is refused unread is kept nevertheless."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._content = b""

    async def receive(self) -> Message:
        message = await self._receive()
        if len(self._content) <= MOST_BYTES:
            self._content += message.get("body", b"")
        return message

    def remember(self, request: Request) -> None:
        """Give a request its form, where nobody has read it before it was refused."""
        is_form = request.headers.get("Content-Type", "").startswith(_URLENCODED)
        if is_form and not form_of(request).fields and len(self._content) <= MOST_BYTES:
            with suppress(MalformedJson):
                request.state.form = form_in(self._content)


class _Answer:
    """Passes an answer on; one that is a problem is held back until its body is there, and sent as a page."""

    def __init__(self, scope: Scope, send: Send, heard: _Heard) -> None:
        self._scope, self._send, self._heard = scope, send, heard
        self._held: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if _PROBLEM in Headers(raw=message["headers"]).get("content-type", ""):
                self._held = message
                return
            _protect(message)
        if self._held is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._send_page(self._held)

    async def _send_page(self, start: Message) -> None:
        held = Response(self._body, status_code=start["status"])
        held.raw_headers = [it for it in start["headers"] if it[0].lower() != b"content-length"]
        request = Request(self._scope)
        self._heard.remember(request)
        page = problem_page(request, held)
        await page(self._scope, _no_more, self._send)


async def _no_more() -> Message:
    return {"type": "http.disconnect"}


def _protect(start: Message) -> None:
    """Add what every answer of the console says to browsers, where it does not say it itself."""
    headers = MutableHeaders(raw=start["headers"])
    for name, value in PAGE_HEADERS.items():
        headers.setdefault(name, value)
