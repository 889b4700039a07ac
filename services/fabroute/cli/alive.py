"""``fabroute alive``: what containers ask from time to time, to start again what does not do its work."""

import time
from enum import StrEnum
from typing import Annotated

import httpx
import typer

from fabroute.api.addresses import Address
from fabroute.cli.output import complain, stdout
from fabroute.integrations.service_manager import STALE_SECONDS, is_fresh
from fabroute.settings import Settings, get_settings

_PATIENCE_SECONDS = 4.0
_OF_EVERYONE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Who listens on all addresses is asked on this machine's own."""


class Program(StrEnum):
    """What is asked after."""

    serve = "serve"
    work = "work"


def alive(
    program: Annotated[Program, typer.Argument(help="serve: the API on this machine; work: workers and relay.")],
    uds: Annotated[str | None, typer.Option(help="The Unix socket that serve was told to listen on.")] = None,
    host: Annotated[str | None, typer.Option(help="The address that serve listens on (FABROUTE_HTTP_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="The port that serve listens on (FABROUTE_HTTP_PORT).")] = None,
) -> None:
    """Tell whether a program of this installation does its work here; exit code 1, and what it lacks, if it doesn't."""
    settings = get_settings()
    address = Address(uds=uds, host=host or settings.http_host, port=settings.http_port if port is None else port)
    lacking = _api_lacks(address) if program is Program.serve else _work_lacks(settings)
    if lacking is not None:
        complain(lacking)
        raise typer.Exit(1)
    stdout.print(f"{program.value} is alive")


def _api_lacks(address: Address) -> str | None:
    host = _OF_EVERYONE.get(address.host, address.host)
    place = address.uds or f"http://{Address(host=host, port=address.port)}/healthz"
    url = "http://fabroute/healthz" if address.uds else place
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=address.uds), timeout=_PATIENCE_SECONDS) as client:
            answer = client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{place} does not answer ({type(error).__name__}): is fabroute serve running here?"
    return None if answer.is_success else f"{place} answers {answer.status_code}"


def _work_lacks(settings: Settings) -> str | None:
    file = settings.life_sign_file
    if file is None:
        return "set FABROUTE_LIFE_SIGN_FILE, the same for fabroute work and for this check"
    if is_fresh(file, now=time.time()):
        return None
    return f"no sign of life at {file} for {STALE_SECONDS:.0f} seconds: not all processes of fabroute work run"
