"""Templates into pages: what every view answers with."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fabroute.api.people.callers import people_of, signed_in
from fabroute.console.security import PAGE_HEADERS
from fabroute.console.static_files import static_url
from fabroute.console.typed import own_page
from fabroute.console.viewers import Flash, FlashKind, Viewer, known_viewer, said, say, viewer_of
from fabroute.console.words import state_kind, state_words


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return the templates of the console, compiled when first used."""
    made = Environment(
        loader=PackageLoader("fabroute.console"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.globals |= {"static": static_url, "new_key": lambda: str(uuid4())}
    made.filters |= {"state_words": state_words, "state_kind": state_kind}
    return made


def render(template: str | Template, viewer: Viewer, **context: object) -> str:
    """Return a template as text. It sees ``viewer``, its formats as ``fmt``, and what is given."""
    return templates().get_template(template).render(viewer=viewer, fmt=viewer.formats, **context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What a view answers with, for the viewer who asks."""

    viewer: Viewer
    is_secure: bool
    is_partial: bool
    """Whether htmx asks for a part of the page."""

    def page(self, template: str | Template, *, status: int = 200, **context: object) -> Response:
        """Return a page. What a template needs beside the viewer is given by name, best as ``it``: one view model."""
        response = HTMLResponse(render(template, self.viewer, **context), status_code=status, headers=PAGE_HEADERS)
        if self.viewer.flash is not None and not self.is_partial:
            said(response)
        return response

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
    is_partial = request.headers.get("HX-Request") == "true"
    return Console(viewer=viewer, is_secure=people_of(request).cookies.is_secure, is_partial=is_partial)


ForPeople = Annotated[Console, Depends(get_console)]
ForAnybody = Annotated[Console, Depends(get_open_console)]
