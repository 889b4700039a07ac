"""The whole product on real processes, for as long as a ``with`` block lasts, however often they are killed."""

import os
import random
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
from sqlalchemy import Engine

from fabroute.migrations import upgrade
from fabroute_embedded import EmbeddedServers, embedded_servers
from fabroute_embedded.accounts import Account
from fabroute_workers.broker import BrokerKind
from tests.factories.databases import engine_for
from tests.factories.processes import children_of, plain_environment, wait_until
from tests.faults.chaos.brokers import Broker, running_broker
from tests.faults.chaos.proxy import Proxy, start_proxy
from tests.faults.chaos.watchdog import Program, Watchdog, program_of, signal_to

API_PROCESSES = 2
_PORTS = range(20_000, 32_000)
"""Below those that the system gives to whoever connects: a port stays free while its process is dead."""
_READY_SECONDS = 300.0
"""On a machine that is busy elsewhere a process takes minutes to start."""
_SECOND_TREE = "routing,suspects,replanning,network,production,identity"
"""What works on print files and webhooks is there once."""
SHORT_TIMES: Mapping[str, str] = {
    "FABROUTE_ROUTING_LEASE_SECONDS": "10",
    "FABROUTE_ROUTING_SCOPE_LEASE_SECONDS": "2",
    "FABROUTE_ROUTING_DETERMINISTIC_SECONDS": "1",
    "FABROUTE_OFFER_SECONDS": "20",
    "FABROUTE_LEASE_SECONDS": "10",
    "FABROUTE_HEARTBEAT_SECONDS": "3",
    "FABROUTE_RATE_LIMIT_DEFAULT": "0",
    "FABROUTE_RATE_LIMIT_POLLING": "0",
    "FABROUTE_RATE_LIMIT_UPLOADS": "0",
    "FABROUTE_WRONG_KEYS_A_MINUTE": "100000",
}
"""Leases that end while the run lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running installation. Its programs start again by themselves."""

    api_urls: tuple[str, ...]
    """They keep their ports."""
    engine: Engine
    """Straight to the server, as ``app_rw``."""
    admin: Engine
    """As the owner of the tables."""
    storage: Path
    """Where the print files lie."""
    folder: Path
    """One log for each process."""
    environment: Mapping[str, str]
    watchdog: Watchdog
    broker: Broker
    database_link: Proxy

    @property
    def broker_link(self) -> Proxy:
        """The way to the broker that all processes take."""
        return self.broker.link

    def processes(self, kind: str) -> tuple[int, ...]:
        """Return the ids of the running processes of a kind.

        ``api``, ``supervisor``, ``relay``, ``worker``, ``worker_child``, ``postgres``, ``back_end``, ``broker``.
        """
        if kind == "relay":
            return tuple(pid for pid in self._supervised() if "fabroute_workers.relay" in _command_line(pid))
        if kind == "worker":
            return tuple(pid for pid in self._supervised() if "celery" in _command_line(pid))
        if kind == "worker_child":
            return tuple(child for worker in self.processes("worker") for child in direct_children(worker))
        if kind == "back_end":
            children = [pid for server in self.watchdog.pids("postgres") for pid in direct_children(server)]
            return tuple(pid for pid in children if "postgres: app_rw" in _command_line(pid))
        return self.watchdog.pids(kind)

    def tree_of(self, pid: int) -> tuple[int, ...]:
        """Return a process and all that came from it."""
        with suppress(OSError):
            return (pid, *children_of(pid))
        return (pid,)

    def freeze(self, pids: tuple[int, ...], *, seconds: float) -> None:
        """Stop processes where they are, and let them go on after so long."""
        signal_to(pids, signal.SIGSTOP)
        self.watchdog.after(seconds, lambda: signal_to(pids, signal.SIGCONT))

    def disturb(self, link: Proxy, disturbance: Callable[[], None], *, seconds: float) -> None:
        """Do something to a link, and let it pass again after so long."""
        disturbance()
        self.watchdog.after(seconds, link.passing)

    def settle(self, *, within: float = _READY_SECONDS) -> bool:
        """Wait until nothing is frozen, cut or dead any more; ``False`` if that does not come."""
        return wait_until(self.watchdog.is_calm, seconds=within) and wait_until(self.is_ready, seconds=within)

    def is_ready(self) -> bool:
        """Tell whether every API answers and every worker has its child."""
        workers = self.processes("worker")
        children = self.processes("worker_child")
        return len(workers) >= 3 and len(children) >= len(workers) and all(map(answers, self.api_urls))

    def _supervised(self) -> Iterator[int]:
        for supervisor in self.watchdog.pids("supervisor"):
            yield from direct_children(supervisor)


@contextmanager
def running_installation(
    *,
    folder: Path,
    seed: int,
    settings: Mapping[str, str] | None = None,
    without: frozenset[str] = frozenset(),
    broker: BrokerKind = "redis",
) -> Iterator[Installation]:
    """Yield an installation with its logs in ``folder``; everything is gone after the block but the logs.

    ``settings`` are ``FABROUTE_…`` variables beside the short leases; ``without`` names the guards that its processes
    do without. Call it in the main thread.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with embedded_servers(durable=True) as servers, ExitStack() as cleanup:
        upgrade(servers.migration_url)
        cleanup.callback(_keep_logs, servers, folder)
        link = _database_link(servers, cleanup)
        bell = cleanup.enter_context(running_broker(broker, servers, _plain_environment()))
        environment = _environment(folder, servers.folder, bell.url) | dict(settings or {})
        environment |= {"CHAOS_WITHOUT": ",".join(sorted(without))} if without else {}
        ports = _free_ports(random.Random(seed))
        watchdog = Watchdog()
        watchdog.keep(program_of("postgres", servers.postgres.process.command), servers.postgres.process.child)
        watchdog.keep(program_of("broker", bell.process.command), bell.process.child)
        for program in _programs(folder, environment, ports, unguarded=bool(without)):
            watchdog.keep(program)
        cleanup.callback(_end_strays, servers.folder)
        watchdog.start()
        cleanup.callback(watchdog.stop)
        installation = Installation(
            api_urls=tuple(f"http://127.0.0.1:{port}" for port in ports),
            engine=cleanup.enter_context(engine_for(servers.database_url, connections=10)),
            admin=cleanup.enter_context(engine_for(servers.migration_url, connections=2)),
            storage=folder / "print-files",
            folder=folder,
            environment=environment,
            watchdog=watchdog,
            broker=bell,
            database_link=link,
        )
        if not wait_until(installation.is_ready, seconds=_READY_SECONDS):
            raise RuntimeError(f"the installation did not come up: see the logs in {folder}")
        yield installation


def direct_children(pid: int) -> tuple[int, ...]:
    """Return the process ids of a process's children; none when it has gone."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text(encoding="ascii").split())
    return tuple(sorted(found))


def _command_line(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def answers(url: str) -> bool:
    """Tell whether an API process is ready for requests."""
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz", timeout=2).is_success
    return False


def _database_link(servers: EmbeddedServers, cleanup: ExitStack) -> Proxy:
    """Start the way to PostgreSQL that every process of the product takes."""
    folder = servers.folder / "database"
    folder.mkdir()
    ends = {"listen": folder / ".s.PGSQL.5432", "upstream": servers.postgres.folder / ".s.PGSQL.5432"}
    proxy = start_proxy("database", **ends, environment=_plain_environment())
    cleanup.callback(proxy.stop)
    return proxy


def _environment(folder: Path, servers: Path, broker_url: str) -> dict[str, str]:
    return (
        _plain_environment()
        | dict(SHORT_TIMES)
        | {
            "FABROUTE_PROFILE": "embedded",
            "FABROUTE_DATABASE_URL": f"postgresql+psycopg://app_rw@/fabroute?host={quote(str(servers / 'database'))}",
            "FABROUTE_BROKER_URL": broker_url,
            "FABROUTE_STORAGE_URL": (folder / "print-files").resolve().as_uri(),
            "FABROUTE_AUDIT_ROOTS_URL": (folder / "audit-roots").resolve().as_uri(),
            "FABROUTE_SIGNING_KEY_FILE": str((folder / "signing-key.pem").resolve()),
            "FABROUTE_SECRET_KEY_FILE": str((folder / "secret-key").resolve()),
        }
    )


def _plain_environment() -> dict[str, str]:
    """Compiled modules are kept: a process that starts again shall not compile everything anew."""
    return {name: value for name, value in plain_environment().items() if name != "PYTHONDONTWRITEBYTECODE"}


def _programs(
    folder: Path, environment: Mapping[str, str], ports: tuple[int, ...], *, unguarded: bool
) -> Iterator[Program]:
    for number, port in enumerate(ports):
        module = ("fabroute.api", "--host", "127.0.0.1", "--port", str(port))
        own = {"FABROUTE_PUBLIC_URL": f"http://127.0.0.1:{port}"} | dict(environment)
        yield _program(f"api-{number}", "api", module, own, folder, unguarded)
    for number, queues in enumerate(((), ("--queues", _SECOND_TREE))):
        workers = ("fabroute_workers", "--concurrency", "1", *queues)
        yield _program(f"supervisor-{number}", "supervisor", workers, environment, folder, unguarded)


def _program(
    name: str, kind: str, module: tuple[str, ...], environment: Mapping[str, str], folder: Path, unguarded: bool
) -> Program:
    entry = ("-m", "tests.faults.unguarded", *module) if unguarded else ("-m", *module)
    return Program(
        name=name,
        kind=kind,
        command=(sys.executable, *entry),
        environment=environment,
        log=folder / f"{name}.log",
        folder=folder,
        account=Account(uid=os.geteuid(), gid=os.getegid()),
    )


def _free_ports(chance: random.Random) -> tuple[int, ...]:
    found: list[int] = []
    while len(found) < API_PROCESSES:
        port = chance.choice(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found += [port] if port not in found else []
    return tuple(found)


def _end_strays(servers: Path) -> None:
    """End what outlived its supervisor and works on these servers."""
    mark = f"host={quote(str(servers))}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in entry.read_bytes():
                signal_to((int(entry.parent.name),), signal.SIGKILL)


def _keep_logs(servers: EmbeddedServers, folder: Path) -> None:
    for log in (servers.postgres.log_path, servers.redis.log_path):
        with suppress(OSError):
            shutil.copy2(log, folder)
