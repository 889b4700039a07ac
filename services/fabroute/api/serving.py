"""The API in uvicorn. Imported when the settings were found to be good: it takes seconds."""

import sys
from collections.abc import Sequence

import structlog
import uvicorn
from fastapi import FastAPI

from fabroute.api.addresses import Address, bound
from fabroute.api.app import create_app
from fabroute.api.first_start import greet_first_operator
from fabroute.api.intake.at_the_parser import OrdersAtTheParser
from fabroute.api.listening import run_until_stopped
from fabroute.api.measuring.room import served_metrics
from fabroute.database.programs import call_program
from fabroute.settings import Settings
from fabroute.telemetry.installed import installed_version
from fabroute.telemetry.logs import configure_logging
from fabroute.telemetry.tracing import flush_spans, start_tracing

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.api")
_SHUTDOWN_SECONDS = 15
_SWITCH_SECONDS = 0.0005
"""A thread that has its answer from the database waits so long for the interpreter, not Python's 5 ms, while the event
loop is busy; a request waits for it at every statement.
"""


def serve(settings: Settings, *, uds: str | None, host: str, port: int) -> None:
    """Serve the API until stopped. Raises ``DomainError`` where it can't start."""
    serve_app(create_app(settings), settings, uds=uds, host=host, port=port)


def serve_app(
    app: FastAPI, settings: Settings, *, uds: str | None, host: str, port: int, serves: Sequence[str] = ("api",)
) -> None:
    """Serve an application of this installation until stopped. Raises ``DomainError`` where it can't start."""
    with bound(Address(uds=uds, host=host, port=port)) as sockets:
        call_program("api")
        greet_first_operator(settings, terminal=sys.stdout)
        configure_logging()
        sys.setswitchinterval(_SWITCH_SECONDS)
        start_tracing(settings, service="fabroute-api")
        _tell_of_it(settings, at=f"unix:{uds}" if uds is not None else f"http://{host}:{port}", serves=serves)
        with served_metrics(app.state.resources.measuring, settings):
            run_until_stopped(_config(app, settings, uds=uds, host=host, port=port), sockets)
        flush_spans()


def _tell_of_it(settings: Settings, *, at: str, serves: Sequence[str]) -> None:
    """Write the line by which somebody who reads the log knows what has begun here."""
    _log.info(
        "api.started",
        version=installed_version(),
        profile=settings.profile,
        serves=serves,
        at=at,
        metrics_port=settings.metrics_port,
        traced=settings.tracing_url is not None,
    )


def _config(app: FastAPI, settings: Settings, *, uds: str | None, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        uds=uds,
        host=host,
        port=port,
        http=OrdersAtTheParser,
        loop="uvloop",
        log_config=None,
        access_log=False,  # a line a request costs a tenth of the throughput; a proxy in front writes better ones
        server_header=False,
        proxy_headers=settings.trusted_proxies > 0,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
