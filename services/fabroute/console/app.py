"""The API and the console in one ASGI application, for one server process."""

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from fabroute.api.app import build_app as build_api
from fabroute.api.resources import Resources, make_resources
from fabroute.console.compression import CompressedPages
from fabroute.console.drawing.atlas import world
from fabroute.console.navigation import HOME
from fabroute.console.problems import PagesForRefusals, install_pages_for_problems
from fabroute.console.rendering import compile_templates
from fabroute.console.views import ROUTERS
from fabroute.settings import Settings, get_settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return API and console for ``settings`` (else those of the environment); it connects nowhere before it serves.

    All that pages are made of is ready then: it is compiled before anybody can ask, and not on the event loop.
    With ``FABROUTE_CONSOLE=false`` it is the API alone. Raises ``DatabaseMissing``, which says what to set.
    """
    found = settings or get_settings()
    resources = make_resources(found)
    if not found.console:
        return build_api(resources, whole_process=True)
    compile_templates()
    world()
    return build_app(resources, whole_process=True)


def build_app(resources: Resources | None, *, whole_process: bool = False) -> FastAPI:
    """Return API and console on given resources, as ``fabroute.api.app.build_app`` does the API."""
    app = build_api(resources, whole_process=whole_process)
    install_pages_for_problems(app)
    app.outer_layers += (PagesForRefusals, CompressedPages)
    for router in ROUTERS:
        app.include_router(router)
        app.state.operations.extend(router.routes)
    app.add_api_route("/", _lead_in, include_in_schema=False)
    app.add_api_route("/console", _lead_in, include_in_schema=False)
    app.add_api_route("/join", _lead_to_joining, include_in_schema=False)
    return app


async def _lead_in(request: Request) -> Response:
    """Lead browsers to the console, and programs to the handbook."""
    is_browser = "text/html" in request.headers.get("Accept", "") or request.url.path != "/"
    return RedirectResponse(HOME if is_browser else "/docs", status_code=303)


async def _lead_to_joining() -> Response:
    """Lead to where somebody joins: the browser keeps the token behind the ``#`` of the link."""
    return RedirectResponse("/console/join", status_code=303)
