"""``fabroute status`` and ``fabroute metrics``: how this installation is doing, for people and for Prometheus."""

import json
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.live import Live

from fabroute.cli.output import note, stdout
from fabroute.cli.status_page import silent_page, status_page
from fabroute.database import database_engine
from fabroute.database.schema import require_current_schema
from fabroute.kernel.time import utc_now
from fabroute.monitoring.alarms import Raised, raised_alarms
from fabroute.monitoring.exposing import DatabaseFigures
from fabroute.monitoring.figures import Figures
from fabroute.monitoring.reading import read_figures
from fabroute.monitoring.watching import Watch
from fabroute.settings import get_settings
from fabroute.telemetry.exposition import MetricsServer, page_of, registry_of
from fabroute.telemetry.version import Version

METRICS_PORT = 9464
EXIT_ALARMED = 1


def status(
    once: Annotated[bool, typer.Option("--once", help="Print it once; so it is where no terminal is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    every: Annotated[float, typer.Option(min=1, max=60, help="Seconds between two looks.")] = 2.0,
) -> None:
    """Tell what waits, who works, how old it is, what is wrong and what to do.

    Printed once, the exit code is 1 where an alert is raised that somebody should be woken for.
    """
    engine = database_engine()
    require_current_schema(engine)
    if not (once or as_json) and stdout.is_terminal:
        _watch_on(Watch(engine, seconds=every), every=every)
    figures = read_figures(engine, now=utc_now())
    alarms = raised_alarms(figures)
    if as_json:
        typer.echo(json.dumps(status_document(figures, alarms), indent=2, default=str))
    else:
        stdout.print(status_page(figures, alarms))
    if any(alarm.severity == "page" for alarm in alarms):
        raise typer.Exit(EXIT_ALARMED)


def metrics(
    host: Annotated[str | None, typer.Option(help="Address to listen on (FABROUTE_METRICS_HOST).")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = METRICS_PORT,
    once: Annotated[bool, typer.Option("--once", help="Print the figures and end.")] = False,
) -> None:
    """Serve the database's figures for Prometheus, where no API with FABROUTE_METRICS_PORT does, until stopped.

    There is no key to it: keep the port where only Prometheus comes.
    """
    settings, engine = get_settings(), database_engine()
    require_current_schema(engine)
    figures = DatabaseFigures(Watch(engine, seconds=settings.metrics_seconds))
    page = page_of(registry_of(Version("metrics"), figures, of_process=not once))
    if once:
        typer.echo(page().decode(), nl=False)
        return
    server = MetricsServer({"/metrics": page}, host=host or settings.metrics_host, port=port)
    note(f"metrics: http://{host or settings.metrics_host}:{server.port}/metrics")
    server.serve_forever()


def status_document(figures: Figures, alarms: tuple[Raised, ...]) -> dict[str, Any]:
    """Return what is known as plain values: figures as they were read, and alerts in words."""
    return {"well": not alarms, "alerts": [asdict(alarm) for alarm in alarms], "figures": asdict(figures)}


def _watch_on(watch: Watch, *, every: float) -> None:
    """Show the status anew every few seconds, until the person has seen enough."""
    with Live(console=stdout, screen=True, auto_refresh=False) as live:
        while True:
            seen = watch.look().figures
            page = silent_page(utc_now()) if seen is None else status_page(seen, raised_alarms(seen))
            live.update(page, refresh=True)
            time.sleep(every)
