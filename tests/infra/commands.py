"""What a container or a unit runs, held to the command line: its commands, options and queues."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import typer
from typer.testing import CliRunner

from fabroute.cli.app import COMMANDS
from fabroute.cli.servers import serve, work
from fabroute.settings import Settings
from fabroute_workers.__main__ import _parser, modules
from fabroute_workers.app import FILE_QUEUES

SETTINGS = {f"FABROUTE_{name.upper()}" for name in Settings.model_fields} | {"FABROUTE_SECRETS_DIR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one ``fabroute work`` does."""

    programs: tuple[str, ...]
    queues: frozenset[str]
    concurrency: int


def work_of(arguments: Sequence[str]) -> Work:
    """Return what ``fabroute work`` with these arguments would start; the parsers refuse what they don't know."""
    assert arguments[0] == "work"
    accepts(arguments)
    options = _parser().parse_args(arguments[1:])
    started = modules(options)
    queues = set(options.queues.split(",")) if set(started) - {"relay"} else set()
    kinds = {"files": set(FILE_QUEUES), "worker": queues - set(FILE_QUEUES)}
    worked = {queue for name in started if name != "relay" for queue in queues & kinds[name]}
    return Work(programs=tuple(started), queues=frozenset(worked), concurrency=options.concurrency)


def accepts(arguments: Sequence[str]) -> None:
    """Fail where the command line has no such command, or it no such option."""
    assert arguments[0] in COMMANDS
    functions: dict[str, Callable[..., None]] = {"serve": serve, "work": work}
    if arguments[0] in functions:
        app = typer.Typer()
        app.command()(functions[arguments[0]])
        parsed = CliRunner().invoke(app, [*arguments[1:], "--help"])
        assert parsed.exit_code == 0, parsed.output
