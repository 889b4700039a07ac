"""The whole product on this machine for a while: embedded servers, schema, reference data, API and worker."""

import json
import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from fabroute.cli.output import note
from fabroute.cli.progress import Step
from fabroute.database import create_database_engine, unit_of_work
from fabroute.identity import service as identity
from fabroute.identity.rules import ALL_SCOPES
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.reference import load_reference, reference_folder
from fabroute.integrations.validation.signing import open_signer
from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now
from fabroute.migrations import upgrade
from fabroute_embedded import EmbeddedServerError, EmbeddedServers, embedded_servers, stop_embedded_servers
from fabroute_embedded.accounts import Account
from fabroute_embedded.processes import ServerCommand, ServerProcess, start_process, stop_pid

HOME = Path(".fabroute")
STATE, ENVIRONMENT = HOME / "demo.json", HOME / "env"
OWNER, OPERATOR = "org_owner", "org_operator"
_OWNER_SCOPES = tuple(sorted(ALL_SCOPES - {"network:write"}))
_OPERATOR_SCOPES = tuple(sorted(ALL_SCOPES - {"inventory:write", "inventory:release"}))
"""``orders:write``: the operator supposes other networks and policies, too."""


class DemoFailed(DomainError):
    """A piece of the demo did not start; the message holds the end of its log."""

    code = "demo_failed"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running installation: where it is, and keys to use it."""

    url: str
    folder: str
    owner_key: str
    operator_key: str
    pids: tuple[int, ...]
    environment: Mapping[str, str]


@contextmanager
def running_stack(*, keep: bool, step: Step, settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Start everything, yield it, and stop it all in reverse order; with ``keep`` it goes on until ``stop_kept``.

    ``settings`` are ``FABROUTE_…`` variables that differ from the demo's.
    """
    note("PostgreSQL and Redis: starting embedded servers on Unix sockets in a private folder")
    with _embedded(keep=keep) as servers, ExitStack() as processes:
        environment = _environment(servers) | dict(settings or {})
        owner_key, operator_key = _prepare_database(servers, environment, step)
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        environment = {"FABROUTE_PUBLIC_URL": url} | environment
        api = _start(
            "API", ("fabroute.console", "--host", "127.0.0.1", "--port", str(port)), servers, environment, keep
        )
        processes.callback(api.stop)
        worker = _start("worker", ("fabroute_workers", "--concurrency", "1"), servers, environment, keep)
        processes.callback(worker.stop)
        _wait_until_answering(url, api, worker)
        yield Stack(
            url=url,
            folder=str(servers.folder),
            owner_key=owner_key,
            operator_key=operator_key,
            pids=(api.pid, worker.pid),
            environment=environment,
        )
        if keep:
            processes.pop_all()


def remember(stack: Stack) -> None:
    """Write down a stack that goes on running: for ``stop_kept``, and as ``env`` for a shell. Both are private."""
    HOME.mkdir(exist_ok=True)
    ours = {name: value for name, value in stack.environment.items() if name.startswith("FABROUTE_")}
    ours |= {
        "FABROUTE_URL": stack.url,
        "FABROUTE_API_KEY": stack.owner_key,
        "FABROUTE_OPERATOR_KEY": stack.operator_key,
    }
    _write_private(ENVIRONMENT, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in ours.items()))
    _write_private(STATE, json.dumps({"url": stack.url, "folder": stack.folder, "pids": stack.pids}))


def kept_url() -> str | None:
    """Return where the demo that was left running from this folder answers, None if none runs."""
    kept = _kept()
    return str(kept["url"]) if kept and any(_is_fabroute(pid) for pid in kept["pids"]) else None


def stop_kept() -> bool:
    """Stop the demo that was left running from this folder; False if there is none."""
    kept = _kept()
    if kept is None:
        return False
    ours = [pid for pid in kept["pids"] if _is_fabroute(pid)]
    for pid in reversed(ours):
        stop_pid(pid, stop_signal=signal.SIGTERM)
    stopped = stop_embedded_servers(Path(kept["folder"]))
    STATE.unlink()
    ENVIRONMENT.unlink(missing_ok=True)
    return bool(ours) or stopped


def _kept() -> dict[str, Any] | None:
    if not STATE.exists():
        return None
    kept: dict[str, Any] = json.loads(STATE.read_text(encoding="utf8"))
    return kept


def _write_private(file: Path, content: str) -> None:
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(content, encoding="utf8")


@contextmanager
def _embedded(*, keep: bool) -> Iterator[EmbeddedServers]:
    """Yield embedded servers; what keeps them from starting is told as the demo's failure."""
    try:
        with embedded_servers(keep=keep) as servers:
            yield servers
    except EmbeddedServerError as error:
        raise DemoFailed(str(error)) from error


def _environment(servers: EmbeddedServers) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FABROUTE_", "PG"))}
    return inherited | {
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_DATABASE_URL": servers.database_url,
        "FABROUTE_MIGRATION_DATABASE_URL": servers.migration_url,
        "FABROUTE_BROKER_URL": servers.broker_url,
        "FABROUTE_STORAGE_URL": (HOME / "print-files").resolve().as_uri(),
        "FABROUTE_AUDIT_ROOTS_URL": (HOME / "audit-roots").resolve().as_uri(),
        "FABROUTE_SIGNING_KEY_FILE": str((HOME / "signing-key.pem").resolve()),
        "FABROUTE_SECRET_KEY_FILE": str((HOME / "secret-key").resolve()),
    }


def _prepare_database(servers: EmbeddedServers, environment: Mapping[str, str], step: Step) -> tuple[str, str]:
    upgrade(servers.migration_url)
    engine, now = create_database_engine(servers.database_url), utc_now()
    report = load_reference(
        engine,
        folder=reference_folder(),
        store=open_print_file_store(environment["FABROUTE_STORAGE_URL"]),
        signer=open_signer(Path(environment["FABROUTE_SIGNING_KEY_FILE"]), create=True),
        as_of=now.date(),
        now=now,
        progress=step,
    )
    note(str(report))
    with unit_of_work(engine) as session:
        issued = [
            identity.issue_api_key(session, organisation_id=who, name="demo", scopes=scopes, now=now).token
            for who, scopes in ((OWNER, _OWNER_SCOPES), (OPERATOR, _OPERATOR_SCOPES))
        ]
    engine.dispose()
    return issued[0], issued[1]


def _start(
    name: str, module: tuple[str, ...], servers: EmbeddedServers, environment: Mapping[str, str], keep: bool
) -> ServerProcess:
    command = ServerCommand(
        name=name,
        program=(sys.executable, "-m", *module),
        folder=Path.cwd(),
        log_path=servers.folder / f"{name.lower()}.log",
        account=Account(uid=os.geteuid(), gid=os.getegid()),
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGTERM,
        environment=environment,
    )
    return start_process(command, keep=keep)


def _wait_until_answering(url: str, api: ServerProcess, worker: ServerProcess) -> None:
    def is_ready() -> bool:
        try:
            return httpx.get(f"{url}/readyz", timeout=2).is_success
        except httpx.TransportError:
            time.sleep(0.1)
            return False

    api.wait_until_ready(is_ready)
    worker.wait_until_ready(worker.is_running)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _is_fabroute(pid: int) -> bool:
    """Tell whether ``pid`` is still a process of ours, and not one that got a used number."""
    try:
        return b"fabroute" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
