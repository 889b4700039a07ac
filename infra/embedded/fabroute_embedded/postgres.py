"""An embedded PostgreSQL 18: on a Unix socket only, with the roles that fabroute needs."""

import signal
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from fabroute_embedded.accounts import Account, server_account
from fabroute_embedded.errors import EmbeddedServerError
from fabroute_embedded.folders import prepare_server_folder, socket_path
from fabroute_embedded.processes import (
    ServerCommand,
    ServerProcess,
    plain_environment,
    run_to_end,
    start_process,
    stop_pid,
)
from fabroute_embedded.wheels import PostgresPrograms, postgres_programs

OWNER_ROLE = "fabroute_owner"
APPLICATION_ROLE = "app_rw"
MAIN_DATABASE = "fabroute"
_SUPERUSER = "postgres"
_MAINTENANCE_DATABASE = "postgres"
_SOCKET_NAME = ".s.PGSQL.5432"

_INITDB_OPTIONS = (
    "--no-sync",
    "--no-instructions",
    f"--username={_SUPERUSER}",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--auth-local=trust",
    "--auth-host=reject",
)
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Before a recovery: one call for all files, not one for each (seconds where thousands are on a disk).
    "recovery_init_sync_method": "syncfs",
    # In the data folder and not in /dev/shm: small in containers, and left behind when a postmaster is killed.
    "dynamic_shared_memory_type": "mmap",
    "log_line_prefix": "%m [%p] ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrls:
    """The two ways into one database, as SQLAlchemy takes them."""

    url: str
    """As ``app_rw``: reads and writes rows, owns nothing, bound by row-level security."""
    migration_url: str
    """As ``fabroute_owner``: owns the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running PostgreSQL. Anyone who can reach its folder is its superuser: that is what the folder's 0700 is for."""

    folder: Path
    process: ServerProcess

    @property
    def database_url(self) -> str:
        """The main database as ``app_rw``."""
        return self.urls(MAIN_DATABASE).url

    @property
    def migration_url(self) -> str:
        """The main database as its owner."""
        return self.urls(MAIN_DATABASE).migration_url

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return self.process.pid

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self.process.command.log_path

    def urls(self, name: str) -> DatabaseUrls:
        """Return the URLs of the database ``name``."""
        place = f"/{quote(name)}?host={quote(str(self.folder))}"
        return DatabaseUrls(
            url=f"postgresql+psycopg://{APPLICATION_ROLE}@{place}",
            migration_url=f"postgresql+psycopg://{OWNER_ROLE}@{place}",
        )

    def create_database(self, name: str, template: str | None = None) -> DatabaseUrls:
        """Make a database owned by ``fabroute_owner``: empty, or a copy of ``template``, which nobody may be using.

        Tables that the owner makes in it are open to ``app_rw``. Needs 30 to 60 ms.
        """
        with _connect(self.folder, _MAINTENANCE_DATABASE) as connection:
            connection.execute(_create_statement(name, template))
        if template is None:
            with _connect(self.folder, name) as connection:
                _open_future_tables(connection)
        return self.urls(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and cut whoever is connected to it; nothing to do when there is none."""
        with _connect(self.folder, _MAINTENANCE_DATABASE) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Cut all connections and end the server; by force after 10 s."""
        self.process.stop()


def start_postgres(folder: Path, *, keep: bool = False, durable: bool = True) -> PostgresServer:
    """Start PostgreSQL with its data, socket and log in ``folder`` (0700), making roles and database the first time.

    It dies with this process unless ``keep``. Without ``durable`` (for tests) what was committed still survives the
    server's death, but not the machine's. ``EmbeddedServerError`` tells what is missing or why it didn't start.
    """
    account = server_account()
    home = prepare_server_folder(folder, account)
    socket_path(home, _SOCKET_NAME)
    programs = postgres_programs(account=account, copy_to=home / "programs")
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        _initialise(programs.initdb, data, account)
    process = start_process(_command(programs, home, account, durable=durable), keep=keep)
    with ExitStack() as undo:
        undo.callback(process.stop)
        process.wait_until_ready(lambda: _is_ready(data, process.pid))
        server = PostgresServer(folder=home, process=process)
        _make_roles_and_database(server)
        undo.pop_all()
    return server


def stop_postgres(folder: Path) -> bool:
    """Stop the server that was kept in ``folder``, from any process; False if there is none."""
    data = folder.resolve() / "data"
    try:
        with _connect(folder.resolve(), _MAINTENANCE_DATABASE):
            pid = int(_status_lines(data)[0])
    except psycopg.OperationalError:
        return False
    stop_pid(pid, stop_signal=signal.SIGINT)
    return True


def _initialise(initdb: Path, data: Path, account: Account) -> None:
    """Make an empty cluster, 0.5 s.

    Without syncing: a crash of the whole machine in that moment leaves a cluster that nobody has written to, in a
    folder that is made anew. From the server's start on, fsync is on.
    """
    done = run_to_end([str(initdb), "-D", str(data), *_INITDB_OPTIONS], account=account)
    if done.returncode != 0:
        raise EmbeddedServerError(f"initdb could not make a database cluster in {data}:\n{done.stderr or done.stdout}")


def _command(programs: PostgresPrograms, home: Path, account: Account, *, durable: bool) -> ServerCommand:
    quoted_folder = '"' + str(home).replace('"', '""') + '"'
    syncing = {"fsync": "on"} if durable else {"fsync": "off", "full_page_writes": "off"}
    settings = {**_SETTINGS, **syncing, "unix_socket_directories": quoted_folder}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return ServerCommand(
        name="embedded PostgreSQL",
        program=[str(programs.postgres), "-D", str(home / "data"), *options],
        folder=home,
        log_path=home / "postgres.log",
        account=account,
        stop_signal=signal.SIGINT,
        # At once and for all its children; the log of changes keeps what was committed.
        death_signal=signal.SIGQUIT,
        environment=plain_environment(),
    )


def _is_ready(data: Path, pid: int) -> bool:
    """Read the postmaster's own word: its pid file ends in ``ready`` when it takes connections."""
    lines = _status_lines(data)
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _status_lines(data: Path) -> list[str]:
    status = data / "postmaster.pid"
    return status.read_text(encoding="utf-8").splitlines() if status.exists() else []


def _connect(folder: Path, database: str) -> psycopg.Connection:
    """Connect as superuser, every statement its own transaction."""
    return psycopg.connect(host=str(folder), dbname=database, user=_SUPERUSER, autocommit=True, connect_timeout=10)


def _make_roles_and_database(server: PostgresServer) -> None:
    with _connect(server.folder, _MAINTENANCE_DATABASE) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [MAIN_DATABASE]).fetchone():
            return
        for role in (OWNER_ROLE, APPLICATION_ROLE):
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(
                    sql.Identifier(role)
                )
            )
    server.create_database(MAIN_DATABASE)


def _create_statement(name: str, template: str | None) -> sql.Composed:
    """Copy templates file by file: with a checkpoint at its end still quicker than writing each page to the log."""
    source = sql.SQL("TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template)) if template else sql.SQL("")
    return sql.SQL("CREATE DATABASE {} OWNER {} {}").format(sql.Identifier(name), sql.Identifier(OWNER_ROLE), source)


def _open_future_tables(connection: psycopg.Connection) -> None:
    for rights, objects in (("SELECT, INSERT, UPDATE, DELETE", "TABLES"), ("USAGE", "SEQUENCES")):
        connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public GRANT {} ON {} TO {}").format(
                sql.Identifier(OWNER_ROLE), sql.SQL(rights), sql.SQL(objects), sql.Identifier(APPLICATION_ROLE)
            )
        )
