"""Templates into pages: what every view answers with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from fabroute.api.people.callers import people_of, signed_in
from fabroute.console.reasons import stored_words
from fabroute.console.security import PAGE_HEADERS
from fabroute.console.static_files import static_url
from fabroute.console.typed import own_page
from fabroute.console.viewers import Flash, FlashKind, Viewer, known_viewer, said, say, viewer_of
from fabroute.console.words import state_kind, state_words


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return the templates of the console, each compiled when it is first used."""
    made = Environment(
        loader=PackageLoader("fabroute.console"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.globals |= {"static": static_url, "new_key": lambda: str(uuid4())}
    made.filters |= {"state_words": state_words, "state_kind": state_kind, "stored_words": stored_words}
    return made


def compile_templates() -> int:
    """Compile every template, which takes most of a second, so that no viewer waits for it; return how many."""
    names = templates().list_templates(extensions=["html"])
    return sum(templates().get_template(name) is not None for name in names)


def render(template: str | Template, viewer: Viewer, **context: object) -> str:
    """Return a template as text. It sees ``viewer``, its formats as ``fmt``, and what is given."""
    return templates().get_template(template).render(viewer=viewer, fmt=viewer.formats, **context)


class DrawnLater(HTMLResponse):
    """A page that is drawn when it is sent: the transaction of its view is over by then, and its connection free.

    So a machine that is short of processors draws slowly, but keeps nobody from the database.
    """

    def __init__(self, draw: Callable[[], str], *, status_code: int) -> None:
        super().__init__(status_code=status_code, headers=PAGE_HEADERS)
        self._draw = draw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Draw and send the page."""
        self.body = self.render(await run_in_threadpool(self._draw))
        self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What a view answers with, for the viewer who asks."""

    viewer: Viewer
    is_secure: bool
    is_read: bool
    """Whether a page is asked for by GET; the answer to a form may have to be kept, and is drawn at once."""
    is_partial: bool
    """Whether htmx asks for a part of the page."""

    def page(self, template: str | Template, *, status: int = 200, **context: object) -> Response:
        """Return a page. What a template needs beside the viewer is given by name, best as ``it``: one view model."""
        return self._answer(partial(render, template, self.viewer, **context), status)

    def made(self, template: str | Template, make: Callable[[], object]) -> Response:
        """Return a page whose view model ``it`` is made when it is drawn, of what was read: that takes its time, too.

        ``make`` asks nobody any more: the transaction is over by then.
        """
        return self._answer(lambda: render(template, self.viewer, it=make()), 200)

    def _answer(self, draw: Callable[[], str], status: int) -> Response:
        response = self._drawn(draw, status)
        if self.viewer.flash is not None and not self.is_partial:
            said(response)
        return response

    def _drawn(self, draw: Callable[[], str], status: int) -> Response:
        if self.is_read:
            return DrawnLater(draw, status_code=status)
        return HTMLResponse(draw(), status_code=status, headers=PAGE_HEADERS)

    def redirect(self, path: str, *, told: str = "", kind: FlashKind = "done") -> Response:
        """Lead to another page of the console (303), which says ``told`` once."""
        response = RedirectResponse(own_page(path) or self.viewer.home, status_code=303, headers=PAGE_HEADERS)
        if told:
            say(response, Flash(kind=kind, words=told), is_secure=self.is_secure)
        return response


async def get_console(request: Request) -> Console:
    """Return what a view answers with, for somebody who is signed in; who is not, is led to the sign-in page."""
    return _console(request, viewer_of(request, await signed_in(request)))


async def get_open_console(request: Request) -> Console:
    """Return what a view answers with that needs nobody to be signed in."""
    return _console(request, known_viewer(request))


def _console(request: Request, viewer: Viewer) -> Console:
    return Console(
        viewer=viewer,
        is_secure=people_of(request).cookies.is_secure,
        is_read=request.method == "GET",
        is_partial=request.headers.get("HX-Request") == "true",
    )


ForPeople = Annotated[Console, Depends(get_console)]
ForAnybody = Annotated[Console, Depends(get_open_console)]
