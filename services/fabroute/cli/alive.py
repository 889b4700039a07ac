"""``fabroute alive``: what containers ask from time to time, to start again what does not do its work."""

import time
from enum import StrEnum
from typing import Annotated

import httpx
import typer

from fabroute.cli.output import complain, stdout
from fabroute.integrations.service_manager import STALE_SECONDS, is_fresh
from fabroute.settings import Settings, get_settings

_PATIENCE_SECONDS = 4.0


class Program(StrEnum):
    """What is asked after."""

    serve = "serve"
    work = "work"


def alive(
    program: Annotated[Program, typer.Argument(help="serve: the API on this machine; work: workers and relay.")],
) -> None:
    """Tell whether a program of this installation does its work here; exit code 1, and what it lacks, if it doesn't."""
    settings = get_settings()
    lacking = _api_lacks(settings) if program is Program.serve else _work_lacks(settings)
    if lacking is not None:
        complain(lacking)
        raise typer.Exit(1)
    stdout.print(f"{program.value} is alive")


def _api_lacks(settings: Settings) -> str | None:
    host = "127.0.0.1" if settings.http_host in ("0.0.0.0", "::") else settings.http_host
    url = f"http://{host}:{settings.http_port}/healthz"
    try:
        answer = httpx.get(url, timeout=_PATIENCE_SECONDS, trust_env=False)
    except httpx.HTTPError as error:
        return f"{url} does not answer ({type(error).__name__}): is fabroute serve running here?"
    return None if answer.is_success else f"{url} answers {answer.status_code}"


def _work_lacks(settings: Settings) -> str | None:
    file = settings.life_sign_file
    if file is None:
        return "set FABROUTE_LIFE_SIGN_FILE, the same for fabroute work and for this check"
    if is_fresh(file, now=time.time()):
        return None
    return f"no sign of life at {file} for {STALE_SECONDS:.0f} seconds: not all processes of fabroute work run"
