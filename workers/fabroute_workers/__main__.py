"""Everything that works on orders, in one command: ``python -m fabroute_workers``."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Collection, Sequence

import structlog

from fabroute.database import database_engine
from fabroute.integrations.start_checks import require_fit_life_sign
from fabroute.kernel.errors import DomainError
from fabroute.operations.starting import exit_code_of, require_good_database
from fabroute.settings import get_settings
from fabroute.telemetry.installed import installed_version
from fabroute.telemetry.logs import configure_logging
from fabroute.telemetry.tracing import load_tracing
from fabroute_workers.app import FILE_QUEUES, QUEUES, WrongSettings, app, declare_dead_letters, require_settings
from fabroute_workers.broker import broker_kind, require_lasting, require_reachable
from fabroute_workers.commands import measures_module, relay_module, worker_module
from fabroute_workers.measuring import open_pipe
from fabroute_workers.supervisor import Supervisor

PROGRAMS = ("worker", "files", "relay")
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.start")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the servers, then run workers and relay until SIGTERM or SIGINT; return the exit code."""
    options = _parser().parse_args(arguments)
    configure_logging()
    try:
        programs = modules(options)
        _require_good_start()
    except DomainError as error:
        print(f"fabroute_workers: {error.message}", file=sys.stderr)
        return exit_code_of(error)
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda _sign, _frame: stop.set())
    app.loader.import_default_modules()  # once, for all children
    if get_settings().worker_metrics_port is not None:
        open_pipe()
        programs["metrics"] = measures_module()
    _tell_of_it(options, programs)
    return Supervisor(programs, stop=stop, life_sign_file=get_settings().life_sign_file).run()


def _tell_of_it(options: argparse.Namespace, programs: Collection[str]) -> None:
    """Write the line by which somebody who reads the log knows what has begun here."""
    _log.info(
        "work.started",
        version=installed_version(),
        profile=get_settings().profile,
        programs=list(programs),
        queues=options.queues if {"worker", "files"} & set(programs) else "",
        concurrency=options.concurrency,
        broker=broker_kind(app.conf.broker_url),
    )


def _require_good_start() -> None:
    """Look at broker and database once, for all children; warnings go to the log."""
    settings = get_settings()
    require_fit_life_sign(settings)
    require_settings(app)
    load_tracing(settings)
    require_reachable(app)
    declare_dead_letters(app)
    told = list(require_good_database(database_engine(), settings))
    if settings.profile != "embedded":
        told += require_lasting(app, strict=settings.profile == "production")
    for words in told:
        _log.warning("start.put_right", what=words)
    database_engine().dispose()


def modules(options: argparse.Namespace) -> dict[str, list[str]]:
    """Return the programs to run, by name. Print files have a worker with one child: no line waits for a slow file.

    In one pool two slow files would hold both children of a small machine for half a minute, and routing with them.
    """
    queues = _known([name.strip() for name in options.queues.split(",") if name.strip()])
    routing = [queue for queue in queues if queue not in FILE_QUEUES]
    files = [queue for queue in queues if queue in FILE_QUEUES]
    modules = {"relay": relay_module()}
    if routing:
        modules["worker"] = worker_module(options.concurrency, queues=routing)
    if files:
        modules["files"] = worker_module(1, queues=files)
    chosen = {name: module for name, module in modules.items() if options.only in (None, name)}
    if not chosen:
        raise WrongSettings(_nothing_to_run(options.only, queues))
    return chosen


def _nothing_to_run(only: str, queues: Sequence[str]) -> str:
    if only not in PROGRAMS:
        return f"there is no {only!r} to run: --only takes one of {', '.join(PROGRAMS)}; without it all are run"
    other = "files" if only == "worker" else "worker"
    return f"--only {only} has nothing to do with --queues {','.join(queues)}: they are worked on by --only {other}"


def _known(queues: Sequence[str]) -> Sequence[str]:
    if not queues:
        raise WrongSettings(f"--queues names no queue: leave it out for all, or choose from {', '.join(QUEUES)}")
    unknown = [name for name in queues if name not in QUEUES]
    if unknown:
        raise WrongSettings(f"no task is ever sent to the queue {', '.join(unknown)}: choose from {', '.join(QUEUES)}")
    return queues


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fabroute_workers", description=__doc__)
    parser.add_argument(
        "--concurrency",
        type=int,
        default=os.cpu_count() or 1,
        help="child processes of the worker; print files have one more",
    )
    parser.add_argument("--only", help=f"run just one of {', '.join(PROGRAMS)}; the default is all")
    parser.add_argument("--queues", default=",".join(QUEUES), help="queues of the workers, separated by commas")
    return parser


if __name__ == "__main__":
    sys.exit(main())
