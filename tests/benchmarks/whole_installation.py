"""The whole product on processes of their own, as ``infra/systemd`` runs it: API, workers by queue, relay, servers.

PostgreSQL notes when each transaction was committed, so that times are those of commits and not of clocks before them.
Leases and offers last a day, and limits are off: what is looked at is speed.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psycopg
import redis
from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute.migrations import upgrade
from fabroute_embedded.folders import create_runtime_folder
from fabroute_embedded.postgres import PostgresServer, start_postgres
from fabroute_embedded.redis import RedisServer, start_redis
from fabroute_workers.app import QUEUES
from tests.benchmarks.lived_orders import PATIENT, with_plenty
from tests.benchmarks.running_processes import Taken, added, taken
from tests.benchmarks.served_processes import Served, served_processes
from tests.factories.databases import engine_for
from tests.factories.processes import a_process
from tests.faults.chaos.network import ChaosNetwork, given_network

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "routing": ("--only", "worker", "--queues", "routing,suspects,replanning"),
        "jobs": ("--only", "worker", "--queues", "network,production,identity,sandbox"),
        "files, webhooks": ("--only", "files", "--queues", "inventory,webhooks,advice"),
        "relay": ("--only", "relay"),
    }
)
"""What each ``fabroute work`` does, as ``infra/systemd/groups`` has it."""
_SERVER_SETTINGS = ("ALTER SYSTEM SET track_commit_timestamp = on",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many processes of what."""

    apis: int = 1
    routers: int = 2
    """Children of the worker that routes."""
    relays: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeInstallation:
    """A running installation, its network, and ways to look at it."""

    engine: Engine
    network: ChaosNetwork
    apis: tuple[Served, ...]
    roots: Mapping[str, int]
    """The first process of each stage but the API."""
    broker: "redis.Redis"

    @property
    def sockets(self) -> tuple[str, ...]:
        """Where the API processes answer."""
        return tuple(api.socket for api in self.apis)

    def taken(self) -> dict[str, Taken]:
        """Return what each stage has taken so far."""
        found = {"API": added([taken(api.process) for api in self.apis])}
        return found | {name: taken(pid) for name, pid in self.roots.items()}

    def queued(self) -> int:
        """Return how many tasks wait in the broker."""
        return sum(int(str(self.broker.llen(name))) for name in QUEUES)


@contextmanager
def whole_installation(folder: Path, size: Size, *, orders: int) -> Iterator[WholeInstallation]:
    """Yield an installation with logs and files in ``folder``, and stock for any number of orders."""
    with ExitStack() as stack:
        postgres, broker = _servers(stack)
        upgrade(postgres.migration_url)
        engine = stack.enter_context(engine_for(postgres.database_url, connections=6))
        storage_url = (folder / "print-files").resolve().as_uri()
        network = given_network(engine, utc_now(), storage_url=storage_url, orders=orders)
        with_plenty(engine)
        settings = PATIENT | {"storage_url": storage_url, "broker_url": broker.url}
        apis = stack.enter_context(served_processes(postgres.database_url, size.apis, **settings))
        environment = _environment(folder, postgres.database_url, settings)
        roots = {"PostgreSQL": postgres.pid, "Redis": broker.pid}
        for name, options in _programs(size).items():
            log = folder / f"{name}.log"
            process = stack.enter_context(a_process("fabroute_workers", *options, environment=environment, log=log))
            roots[name] = process.pid
        client = redis.Redis(unix_socket_path=str(broker.socket_path))
        stack.callback(client.close)
        yield WholeInstallation(engine=engine, network=network, apis=apis, roots=roots, broker=client)


def _servers(stack: ExitStack) -> tuple[PostgresServer, RedisServer]:
    """Start both servers, PostgreSQL twice: what it is to note beside is read at its start."""
    runtime = create_runtime_folder()
    stack.callback(runtime.delete)
    postgres = start_postgres(runtime.path / "postgres")
    place = f"host={postgres.folder} user=postgres dbname=postgres"
    with psycopg.connect(place, autocommit=True) as superuser:
        for setting in _SERVER_SETTINGS:
            superuser.execute(setting.encode())
    postgres.stop()
    postgres = start_postgres(runtime.path / "postgres")
    stack.callback(postgres.stop)
    broker = start_redis(runtime.path / "redis")
    stack.callback(broker.stop)
    return postgres, broker


def _programs(size: Size) -> dict[str, tuple[str, ...]]:
    """Return the options of each ``fabroute work``, by name."""
    more = {"routing": ("--concurrency", str(size.routers)), "jobs": ("--concurrency", "1")}
    programs = {name: (*options, *more.get(name, ())) for name, options in GROUPS.items()}
    return programs | {f"relay {number}": GROUPS["relay"] for number in range(2, size.relays + 1)}


def _environment(folder: Path, url: str, settings: Mapping[str, object]) -> dict[str, str]:
    own = {
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_DATABASE_URL": url,
        "FABROUTE_AUDIT_ROOTS_URL": (folder / "audit-roots").resolve().as_uri(),
        "FABROUTE_SIGNING_KEY_FILE": str((folder / "signing-key.pem").resolve()),
        "FABROUTE_SECRET_KEY_FILE": str((folder / "secret-key").resolve()),
    }
    return own | {f"FABROUTE_{name.upper()}": str(value) for name, value in settings.items()}


def keep_logs(folder: Path, kept: Path) -> None:
    """Copy the logs of an installation to where they outlast it."""
    kept.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        shutil.copy2(log, kept)
