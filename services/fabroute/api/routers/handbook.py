"""The handbook: pages for people who build on the API. They need no key and ask for nothing from elsewhere."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from fabroute.api.contract.etags import names_tag, tag_of
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.handbook.pages import Handbook

router = APIRouter(prefix="/docs", route_class=ContractRoute, include_in_schema=False)


@router.get("")
def show_start(request: Request) -> Response:
    """Show the first page."""
    return _page(request, lambda handbook: handbook.start())


@router.get("/api")
def show_reference(request: Request) -> Response:
    """Show all operations."""
    return _page(request, lambda handbook: handbook.api())


@router.get("/api/{slug}")
def show_tag(request: Request, slug: str) -> Response:
    """Show the operations of a tag."""
    return _page(request, lambda handbook: handbook.tag(slug))


@router.get("/errors")
def show_errors(request: Request) -> Response:
    """Show all problems."""
    return _page(request, lambda handbook: handbook.errors())


@router.get("/errors/{code}")
def show_error(request: Request, code: str) -> Response:
    """Show a problem."""
    return _page(request, lambda handbook: handbook.error(code))


@router.get("/events")
def show_events(request: Request) -> Response:
    """Show all events."""
    return _page(request, lambda handbook: handbook.events())


@router.get("/quickstart")
def show_quickstarts() -> Response:
    """Lead to the first quickstart."""
    return RedirectResponse("/docs/quickstart/shop", status_code=307)


@router.get("/quickstart/{name}")
def show_quickstart(request: Request, name: str) -> Response:
    """Show a quickstart."""
    return _page(request, lambda handbook: handbook.quickstart(name))


def _page(request: Request, render: Callable[[Handbook], str | None]) -> Response:
    handbook = _handbook(request)
    found = render(handbook)
    content = (handbook.missing() if found is None else found).encode()
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": handbook.policy,
        "ETag": tag_of(content),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    if found is not None and names_tag(request.headers.get("If-None-Match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, status_code=404 if found is None else 200, headers=headers, media_type="text/html")


def _handbook(request: Request) -> Handbook:
    """Return the handbook of the application, made when it is first asked for."""
    state = request.app.state
    if not hasattr(state, "handbook"):
        state.handbook = Handbook(request.app.openapi())
    made: Handbook = state.handbook
    return made
