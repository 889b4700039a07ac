"""The ASGI application: ``create_app`` for any server, ``python -m fabroute.api`` for uvicorn."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp

from fabroute.api import description
from fabroute.api.admission.gate import Gate
from fabroute.api.contract.sharing import shared
from fabroute.api.garbage import rare_garbage_collection
from fabroute.api.intake.plain_orders import PlainOrders
from fabroute.api.measuring.measured import Measured
from fabroute.api.measuring.traced import Traced
from fabroute.api.middleware import EarlyAnswers, RequestId
from fabroute.api.parameters import refuse_unknown_parameters
from fabroute.api.problems import install_problem_handlers
from fabroute.api.queues.claiming import PlainClaims
from fabroute.api.queues.not_modified import UnchangedQueues
from fabroute.api.resources import Resources, make_resources, running
from fabroute.api.routers import (
    advice,
    api_keys,
    audit_log,
    brands,
    build_times,
    builds,
    bulk,
    certificates,
    claims,
    conformity,
    decisions,
    documents,
    estimates,
    events,
    first_articles,
    handbook,
    health,
    inspections,
    job_files,
    jobs,
    licences,
    logistics,
    lots,
    me,
    nodes,
    notes,
    oauth,
    oidc,
    orders,
    organisations,
    outages,
    parts,
    passports,
    people,
    phases,
    planning_scopes,
    policies,
    print_files,
    production_policies,
    quotes,
    rates,
    readiness,
    recalls,
    replays,
    reprints,
    rerouting,
    revisions,
    runs,
    sandboxes,
    scores,
    screenings,
    shadow_runs,
    shipments,
    sign_in,
    webhooks,
)
from fabroute.settings import Settings, get_settings
from fabroute.telemetry.tracing import is_tracing

_ROUTERS = (
    orders,
    rerouting,
    outages,
    decisions,
    quotes,
    parts,
    revisions,
    print_files,
    documents,
    licences,
    nodes,
    lots,
    recalls,
    scores,
    rates,
    certificates,
    notes,
    phases,
    production_policies,
    first_articles,
    claims,
    jobs,
    job_files,
    reprints,
    shipments,
    passports,
    brands,
    inspections,
    conformity,
    build_times,
    builds,
    estimates,
    bulk,
    logistics,
    advice,
    screenings,
    policies,
    shadow_runs,
    replays,
    readiness,
    audit_log,
    sandboxes,
    people,
    sign_in,
    me,
    oidc,
    runs,
    planning_scopes,
    organisations,
    api_keys,
    oauth,
    events,
    webhooks,
    health,
    handbook,
)


_NO_OTHER_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""Ours tells of all requests; to ask FastAPI's whether somebody listens would cost more than all our counting."""


class FabrouteApi(FastAPI):
    """FastAPI behind a gate, with the OpenAPI document that ``fabroute.api.description`` completes."""

    outer_layers: tuple[Callable[[ASGIApp], ASGIApp], ...] = (Gate, Measured, RequestId, EarlyAnswers)
    """Around all of FastAPI, the last one outermost."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application behind the gate, where a refusal costs no layer of the framework."""
        app = super().build_middleware_stack()
        for layer in (*((Traced,) if is_tracing() else ()), *self.outer_layers):
            app = layer(app)
        return app

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = shared(description.complete(super().openapi()))
        return self.openapi_schema


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the API for ``settings`` (else those of the environment); it connects nowhere before it serves.

    Raises ``DatabaseMissing``, which says what to set.
    """
    return build_app(make_resources(settings or get_settings()), whole_process=True)


def build_app(resources: Resources | None, *, whole_process: bool = False) -> FabrouteApi:
    """Return the API on given resources; without any it can only describe itself.

    An app that has its whole process to itself also says when garbage is collected there.
    """
    app = FabrouteApi(
        title="fabroute",
        version=description.VERSION,
        description=description.DESCRIPTION,
        lifespan=_process_lifespan if whole_process else _lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_tags=description.TAGS,
        redirect_slashes=False,
        dependencies=[Depends(refuse_unknown_parameters)],
        generate_unique_id_function=lambda route: route.name,
        telemetry=_NO_OTHER_TELEMETRY,
    )
    app.state.resources = resources
    app.state.operations = [route for module in _ROUTERS for route in module.router.routes]
    install_problem_handlers(app)
    app.add_middleware(UnchangedQueues)
    app.add_middleware(PlainClaims)
    app.add_middleware(PlainOrders)
    for module in _ROUTERS:
        app.include_router(module.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with running(app.state.resources):
        yield


@asynccontextmanager
async def _process_lifespan(app: FastAPI) -> AsyncIterator[None]:
    with rare_garbage_collection():
        async with _lifespan(app):
            yield
