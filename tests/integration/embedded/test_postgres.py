import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from fabroute_embedded import EmbeddedServerError, EmbeddedServers, PostgresServer, start_postgres, stop_postgres

from .owners import is_running, wait_until


@contextmanager
def running(folder: Path, *, durable: bool = False) -> Iterator[PostgresServer]:
    server = start_postgres(folder, durable=durable)
    try:
        yield server
    finally:
        server.stop()


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def one_row(url: str, query: str) -> tuple[object, ...]:
    with connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row


def test_neither_role_is_privileged(servers: EmbeddedServers) -> None:
    rights = "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles"
    for url in (servers.database_url, servers.migration_url):
        assert one_row(url, f"{rights} WHERE rolname = current_user") == (False, False, False, False, False)
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'fabroute'"
    assert one_row(servers.database_url, owner) == ("fabroute_owner",)


def test_the_application_reads_and_writes_what_the_owner_makes_but_makes_nothing(servers: EmbeddedServers) -> None:
    urls = servers.postgres.create_database("rights")
    with connect(urls.migration_url) as owner:
        owner.execute("CREATE TABLE parts (number bigserial PRIMARY KEY, name text)")
    with connect(urls.url) as application:
        application.execute("INSERT INTO parts (name) VALUES ('cap'), ('clip')")
        application.execute("UPDATE parts SET name = 'lid' WHERE name = 'cap'")
        application.execute("DELETE FROM parts WHERE name = 'clip'")
        assert application.execute("SELECT number, name FROM parts").fetchall() == [(1, "lid")]
        for forbidden in (b"CREATE TABLE mine ()", b"DROP TABLE parts", b"TRUNCATE parts", b"CREATE DATABASE mine"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(forbidden)
    servers.postgres.drop_database("rights")


def test_a_copy_of_a_template_has_its_rows_and_rights_but_a_life_of_its_own(servers: EmbeddedServers) -> None:
    template = servers.postgres.create_database("original")
    with connect(template.migration_url) as owner:
        owner.execute("CREATE TABLE parts (name text)")
        owner.execute("INSERT INTO parts VALUES ('cap')")
    copy = servers.postgres.create_database("copy", template="original")
    with connect(copy.url) as application:
        application.execute("INSERT INTO parts VALUES ('clip')")
    with connect(copy.migration_url) as owner:
        owner.execute("CREATE TABLE later ()")
    assert one_row(copy.url, "SELECT count(*) FROM parts") == (2,)
    assert one_row(copy.url, "SELECT count(*) FROM later") == (0,)
    assert one_row(template.url, "SELECT count(*) FROM parts") == (1,)
    servers.postgres.drop_database("copy")
    servers.postgres.drop_database("original")


def test_dropping_a_database_cuts_whoever_is_connected_and_may_be_repeated(servers: EmbeddedServers) -> None:
    url = servers.postgres.create_database("doomed").url
    connection = connect(url)
    servers.postgres.drop_database("doomed")
    servers.postgres.drop_database("doomed")
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match='database "doomed" does not exist'):
        connect(url)


def test_settings_keep_what_was_committed_and_speak_utc_and_unicode(runtime_folder: Path) -> None:
    expected = {
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "128MB",
        "max_connections": "200",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
    }
    with running(runtime_folder / "postgres", durable=True) as server, connect(server.database_url) as connection:
        assert "database system is ready to accept connections" in server.log_path.read_text(encoding="utf-8")
        shown = {name: connection.execute(f"SHOW {name}".encode()).fetchone() for name in expected}
        order = connection.execute("SELECT 'ä' = lower('Ä'), 'Z' < 'a'").fetchone()
        version = connection.info.server_version // 10000
    assert shown == {name: (value,) for name, value in expected.items()}
    assert order == (True, True)
    assert version == 18


def test_data_survive_a_stop_and_a_second_start(runtime_folder: Path) -> None:
    folder = runtime_folder / "postgres"
    with running(folder) as server, connect(server.migration_url) as owner:
        owner.execute("CREATE TABLE parts (name text)")
        owner.execute("INSERT INTO parts VALUES ('cap')")
        first_pid = server.pid
    assert not is_running(first_pid)
    with running(folder) as server:
        assert one_row(server.database_url, "SELECT name FROM parts") == ("cap",)
        assert server.pid != first_pid


def test_what_was_committed_survives_a_killed_server(runtime_folder: Path) -> None:
    folder = runtime_folder / "postgres"
    with running(folder) as server:
        with connect(server.migration_url) as owner:
            owner.execute("CREATE TABLE parts (name text)")
            owner.execute("INSERT INTO parts VALUES ('cap')")
            backend = owner.info.backend_pid
            os.kill(server.pid, signal.SIGKILL)
            assert wait_until(lambda: not is_running(backend), within_s=5)
        assert wait_until(lambda: not server.process.is_running(), within_s=5)
    with running(folder) as server:
        assert one_row(server.database_url, "SELECT count(*) FROM parts") == (1,)


def test_it_listens_on_no_network(servers: EmbeddedServers) -> None:
    listening = {
        line.split()[9]
        for family in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{family}").read_text(encoding="utf-8").splitlines()[1:]
        if line.split()[3] == "0A"
    }
    for pid in (servers.postgres.pid, servers.redis.pid):
        links = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        sockets = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")}
        assert sockets
        assert not sockets & listening


def test_a_folder_with_spaces_works_through_sqlalchemy_too(runtime_folder: Path) -> None:
    with running(runtime_folder / "my first server") as server:
        assert "my%20first%20server" in server.database_url
        for url in (server.database_url, server.migration_url):
            engine = create_engine(url)
            with engine.connect() as connection:
                assert connection.execute(text("SELECT 1")).scalar_one() == 1
            engine.dispose()


def test_a_kept_server_is_stopped_through_its_folder(runtime_folder: Path) -> None:
    server = start_postgres(runtime_folder / "postgres", keep=True, durable=False)
    assert stop_postgres(runtime_folder / "postgres")
    server.process.child.wait(5)  # the kernel tells its parent a moment later
    assert not server.process.is_running()
    assert not stop_postgres(runtime_folder / "postgres")


def test_a_server_that_cannot_start_shows_the_end_of_its_log(runtime_folder: Path) -> None:
    folder = runtime_folder / "postgres"
    with running(folder):
        pass
    (folder / "data" / "postgresql.conf").write_text("port = nonsense\n", encoding="utf-8")
    with pytest.raises(EmbeddedServerError) as failure:
        start_postgres(folder)
    assert "the embedded PostgreSQL ended with exit code 1 before it was ready" in str(failure.value)
    assert "invalid value for parameter" in str(failure.value)
    assert str(folder / "postgres.log") in str(failure.value)


def test_a_cluster_that_cannot_be_made_says_why(runtime_folder: Path) -> None:
    folder = runtime_folder / "postgres"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "stray").touch()
    folder.chmod(0o700)
    with pytest.raises(EmbeddedServerError) as failure:
        start_postgres(folder)
    assert "initdb could not make a database cluster" in str(failure.value)
    assert str(folder / "data") in str(failure.value)


def test_a_folder_too_deep_for_a_socket_is_refused_at_once(runtime_folder: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="too long for a Unix socket"):
        start_postgres(runtime_folder / ("d" * 90))
    assert not (runtime_folder / ("d" * 90) / "data").exists()
