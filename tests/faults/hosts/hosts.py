"""The product on seven hosts: two for the API, three for workers, one for PostgreSQL, one for Redis.

Its processes are started by the commands that people use, reach the servers by TCP with passwords, and start again
where they end. Print files and keys lie in one folder that all hosts see, in place of an object store and a vault.
"""

import json
import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from sqlalchemy import Engine, text

from fabroute.migrations import upgrade
from fabroute_embedded import EmbeddedServers, embedded_servers, launcher
from fabroute_embedded.accounts import Account
from fabroute_embedded.processes import ServerCommand, plain_environment
from tests.factories import processes
from tests.factories.databases import engine_for
from tests.factories.processes import wait_until
from tests.faults.chaos.installation import SHORT_TIMES, answers, direct_children
from tests.faults.chaos.watchdog import Program, Watchdog
from tests.faults.hosts.lan import Lan, made_lan

APIS = ("api-1", "api-2")
DATABASE, BROKER = "database", "broker"
_ROUTING = "routing,suspects,replanning"
_JOBS = "network,production,identity,sandbox"
_FILES = "inventory,advice,webhooks"
WORKERS: Mapping[str, str] = {
    "worker-1": f"{_ROUTING},{_JOBS}",
    "worker-2": f"{_ROUTING},{_FILES}",
    "worker-3": f"{_ROUTING},{_JOBS},{_FILES}",
}
"""The queues that each works on: any of them may go, and every queue has somebody left."""
HOSTS = (*APIS, *WORKERS, DATABASE, BROKER)
_TASK_RECEIVED = '] received", "level"'
_HTTP_PORT, _POSTGRES_PORT, _REDIS_PORT = 8000, 5432, 6379
_READY_SECONDS = 180.0
_SCOPES = text("SELECT name, fence, holder FROM planning_scopes WHERE holder IS NOT NULL")
_DECIDED = text("SELECT extract(epoch FROM min(finished_at)) FROM routing_runs WHERE finished_at > to_timestamp(:at)")
_FENCES = text("SELECT name, fence FROM planning_scopes WHERE name = ANY(:names)")
_OWN_TIMES = frozenset({"FABROUTE_ROUTING_LEASE_SECONDS", "FABROUTE_ROUTING_SCOPE_LEASE_SECONDS"})
"""Of what chaos makes shorter, the leases that decide how soon another worker takes over: they stay as delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A planning scope that a process decides."""

    scope: str
    fence: int
    host: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """A running installation on hosts of its own; what the judge and clients use of one."""

    lan: Lan
    watchdog: Watchdog
    api_urls: tuple[str, ...]
    engine: Engine
    """Past the network, by the server's own socket: also while its host is cut off."""
    storage: Path
    environment: Mapping[str, str]
    folder: Path

    def holdings(self) -> tuple[Holding, ...]:
        """Return which planning scopes are held, and on which host."""
        with self.engine.connect() as connection:
            found = connection.execute(_SCOPES).all()
        return tuple(Holding(scope=name, fence=fence, host=self._host_of(holder)) for name, fence, holder in found)

    def fences(self, scopes: Sequence[str]) -> Mapping[str, int]:
        """Return the newest fence of each scope: a later one means that somebody claimed it again."""
        with self.engine.connect() as connection:
            found = connection.execute(_FENCES, {"names": list(scopes)}).all()
        return {str(name): int(fence) for name, fence in found}

    def first_decision_after(self, at: float) -> float | None:
        """Return when the first run of anybody ended after an instant; ``None``: there was none yet."""
        with self.engine.connect() as connection:
            found = connection.execute(_DECIDED, {"at": at}).scalar_one()
        return None if found is None else float(found)

    def first_task_after(self, host: str, at: float) -> float | None:
        """Return when a worker host took its first task after an instant, by its log; ``None``: it has not."""
        log = (self.folder / f"{host}.log").read_text(encoding="utf-8", errors="replace")
        tasks = (json.loads(line) for line in log.splitlines() if _TASK_RECEIVED in line and line.endswith("}"))
        times = (datetime.fromisoformat(task["timestamp"]).timestamp() for task in tasks)
        return next((time for time in times if time > at), None)

    def is_ready(self) -> bool:
        """Tell whether every API answers and every worker has its child."""
        return all(map(answers, self.api_urls)) and all(map(self._works, WORKERS))

    def _works(self, host: str) -> bool:
        """Tell whether each of a host's workers has a child; print files have a worker of their own."""
        children = [child for pid in self.watchdog.pids(host) for child in direct_children(pid)]
        pools = sum(bool(direct_children(child)) for child in children)
        return pools >= (2 if _FILES in WORKERS[host] else 1)

    def _host_of(self, holder: str) -> str | None:
        return self.lan.host_of(int(holder.rpartition(":")[2]))


@contextmanager
def running_hosts(folder: Path) -> Iterator[Hosts]:
    """Yield the product on its hosts, with a log for each program in ``folder``. Call it in the main thread, as root.

    Raises ``LanRefused`` where no such network can be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with embedded_servers(durable=True) as servers, made_lan(HOSTS) as lan, ExitStack() as cleanup:
        upgrade(servers.migration_url)
        password = secrets.token_urlsafe(16)
        _open_to_hosts(servers, lan, password)
        servers.postgres.stop()
        servers.redis.stop()
        environment = _environment(folder, lan, password)
        watchdog = Watchdog()
        for program in (*_servers(servers, lan, password, folder), *_programs(lan, environment, folder)):
            watchdog.keep(program)
        watchdog.start()
        cleanup.callback(watchdog.stop)
        hosts = Hosts(
            lan=lan,
            watchdog=watchdog,
            api_urls=tuple(f"http://{lan.address(name)}:{_HTTP_PORT}" for name in APIS),
            engine=cleanup.enter_context(engine_for(servers.database_url, connections=10)),
            storage=folder / "print-files",
            environment=environment,
            folder=folder,
        )
        if not wait_until(hosts.is_ready, seconds=_READY_SECONDS, every=0.5):
            raise RuntimeError(f"the hosts did not come up: see the logs in {folder}")
        yield hosts


def _open_to_hosts(servers: EmbeddedServers, lan: Lan, password: str) -> None:
    """Let ``app_rw`` in from the hosts by a password; the server listens there when it starts again."""
    rules = servers.postgres.folder / "data" / "pg_hba.conf"
    kept = re.sub(r"^host\b.*\n", "", rules.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rules.write_text(f"{kept}host fabroute app_rw {lan.network} scram-sha-256\n", encoding="utf-8")
    place = f"host={servers.postgres.folder} dbname=postgres user=postgres"
    with psycopg.connect(place, autocommit=True) as superuser:
        superuser.execute(f"ALTER ROLE app_rw PASSWORD '{password}'".encode())


def _environment(folder: Path, lan: Lan, password: str) -> dict[str, str]:
    """Return the settings of the product's processes."""
    database, broker = lan.address(DATABASE), lan.address(BROKER)
    kept = {name: value for name, value in SHORT_TIMES.items() if name not in _OWN_TIMES}
    inherited = processes.plain_environment()
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    own = {
        "FABROUTE_DATABASE_URL": f"postgresql://app_rw:{password}@{database}:{_POSTGRES_PORT}/fabroute",
        "FABROUTE_BROKER_URL": f"redis://:{password}@{broker}:{_REDIS_PORT}/0",
        "FABROUTE_STORAGE_URL": (folder / "print-files").resolve().as_uri(),
        "FABROUTE_AUDIT_ROOTS_URL": (folder / "audit-roots").resolve().as_uri(),
        "FABROUTE_SIGNING_KEY_FILE": str((folder / "signing-key.pem").resolve()),
        "FABROUTE_SECRET_KEY_FILE": str((folder / "secret-key").resolve()),
    }
    return inherited | kept | own


def _servers(servers: EmbeddedServers, lan: Lan, password: str, folder: Path) -> Iterator[Program]:
    """Yield PostgreSQL and Redis as they were started before, but on their hosts, where they listen."""
    postgres = ["-c", f"listen_addresses={lan.address(DATABASE)}", "-c", f"port={_POSTGRES_PORT}"]
    redis = ["--bind", lan.address(BROKER), "--port", str(_REDIS_PORT), "--requirepass", password]
    yield _server(DATABASE, servers.postgres.process.command, postgres, lan, folder)
    yield _server(BROKER, servers.redis.process.command, redis, lan, folder)


def _server(host: str, command: ServerCommand, more: Sequence[str], lan: Lan, folder: Path) -> Program:
    """Return a server as a program: root enters its host, then the server's own account takes over."""
    account = command.account
    whom = map(str, (os.getpid(), int(command.death_signal), account.uid, account.gid))
    launch = [sys.executable, "-I", "-S", launcher.__file__, *whom, *map(str, command.program), *more]
    return Program(
        name=host,
        kind=host,
        command=lan.command(host, launch),
        environment=plain_environment(),
        log=folder / f"{host}.log",
        folder=command.folder,
        account=_ROOT,
        stop_signal=command.stop_signal,
    )


def _programs(lan: Lan, environment: Mapping[str, str], folder: Path) -> Iterator[Program]:
    for name in APIS:
        serve = ("serve", "--host", lan.address(name), "--port", str(_HTTP_PORT))
        public = {"FABROUTE_PUBLIC_URL": f"http://{lan.address(name)}:{_HTTP_PORT}"}
        yield _program(name, serve, lan, {**environment, **public}, folder)
    for name, queues in WORKERS.items():
        yield _program(name, ("work", "--concurrency", "1", "--queues", queues), lan, environment, folder)


def _program(host: str, words: Sequence[str], lan: Lan, environment: Mapping[str, str], folder: Path) -> Program:
    return Program(
        name=host,
        kind=host,
        command=lan.command(host, [sys.executable, "-m", "fabroute.cli", *words]),
        environment=environment,
        log=folder / f"{host}.log",
        folder=folder,
        account=_ROOT,
    )


_ROOT = Account(uid=0, gid=0)
