"""``fabroute serve`` where something is wrong: a line that says what to do, and a code for whoever watches over it."""

import socket
from pathlib import Path

import pytest
from sqlalchemy import make_url

from fabroute.integrations.validation.signing import open_signer
from fabroute.operations.starting import EXIT_MISCONFIGURED, EXIT_UNREACHABLE
from tests.conftest import Database
from tests.factories.bad_servers import as_superuser, set_clock_ahead
from tests.factories.processes import run_module

NOWHERE = "postgresql://app_rw:zq-pa55word@127.0.0.1:9/fabroute"


def served(tmp_path: Path, *options: str, **settings: str) -> tuple[int, str]:
    """Return the code and the words of a ``fabroute serve`` that does not get to serve."""
    files = (tmp_path / "files").as_uri()
    environment = {"FABROUTE_PROFILE": "embedded", "FABROUTE_STORAGE_URL": files, "FABROUTE_AUDIT_ROOTS_URL": files}
    done = run_module("fabroute.cli", "serve", *options, environment=environment | settings)
    assert "Traceback" not in done.stderr
    assert "pa55word" not in done.stderr
    return done.returncode, " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("", EXIT_MISCONFIGURED, "no database: set FABROUTE_DATABASE_URL"),
        ("mysql://db/fabroute", EXIT_MISCONFIGURED, "keeps its record in PostgreSQL, not mysql"),
        ("no address", EXIT_MISCONFIGURED, "FABROUTE_DATABASE_URL is not a URL; it looks like postgresql+psycopg://"),
        ("postgresql://a:pa55word@h:abc/b", EXIT_MISCONFIGURED, "is not a URL; it looks like postgresql+psycopg://"),
        ("postgresql://a:b@h:70000/b", EXIT_MISCONFIGURED, "has 70000 as its port: give one from 1 to 65535"),
        (
            "postgresql://a@h/b?foo=bar",
            EXIT_MISCONFIGURED,
            "has the option foo, which PostgreSQL's library does not know",
        ),
        (
            "postgresql://a:zq@pa55word/x@h/b",
            EXIT_MISCONFIGURED,
            "has more than one @: in a name or password write @ as %40",
        ),
        (
            "postgresql://a:zq@pa55word@h/b",
            EXIT_MISCONFIGURED,
            "has more than one @: in a name or password write @ as %40",
        ),
        ("postgresql://a:zq@pa55:word@h/b", EXIT_MISCONFIGURED, "in a name or password write @ as %40"),
        (
            "postgresql://a@127.0.0.1:9/b?sslmode=bogus",
            EXIT_MISCONFIGURED,
            "sslmode is disable, allow, prefer, require, verify-ca",
        ),
        (NOWHERE, EXIT_UNREACHABLE, "PostgreSQL does not answer (connection failed"),
        ("postgres://a@127.0.0.1:9/fabroute", EXIT_UNREACHABLE, "PostgreSQL does not answer (connection failed"),
        ("postgresql://a@no-such-host.invalid/b", EXIT_UNREACHABLE, "is known by the host in FABROUTE_DATABASE_URL"),
    ],
)
def test_a_wrong_address_of_the_database_is_told_with_what_to_set(
    tmp_path: Path, url: str, code: int, words: str
) -> None:
    found, told = served(tmp_path, FABROUTE_DATABASE_URL=url)

    assert found == code
    assert words in told


@pytest.mark.slow
def test_whatever_keeps_a_database_from_being_served_is_told_one_by_one(tmp_path: Path, database: Database) -> None:
    unknown = database.url.replace("app_rw@", "stranger@")
    absent = make_url(database.url).set(database="absent").render_as_string(hide_password=False)
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")

    role = served(tmp_path, FABROUTE_DATABASE_URL=unknown)
    name = served(tmp_path, FABROUTE_DATABASE_URL=absent)
    store = served(tmp_path, FABROUTE_DATABASE_URL=database.url, FABROUTE_STORAGE_URL=(blocked / "files").as_uri())
    as_superuser(database.url, "REVOKE INSERT ON orders FROM app_rw")
    rights = served(tmp_path, FABROUTE_DATABASE_URL=database.url)
    set_clock_ahead(database.url, seconds=3600)
    clock = served(tmp_path, FABROUTE_DATABASE_URL=database.url)

    assert [code for code, _ in (role, name, store, rights, clock)] == [78, 78, 78, 78, 75]
    assert 'role "stranger" does not exist): make that database or role (infra/database/roles.sql)' in role[1]
    assert 'database "absent" does not exist): make that database or role' in name[1]
    assert f"{blocked}/files (FABROUTE_STORAGE_URL) can't be written by user" in store[1]
    assert "may not read and write orders: as the tables' owner GRANT" in rights[1]
    assert "this machine's clock is 3600 seconds behind the database's: let both keep time by NTP" in clock[1]


@pytest.mark.slow
def test_a_database_of_another_version_is_refused_by_serve(tmp_path: Path, empty_database: Database) -> None:
    older = served(tmp_path, FABROUTE_DATABASE_URL=empty_database.url)
    as_superuser(
        empty_database.url,
        "CREATE TABLE alembic_version (version_num varchar PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('20990101_0001')",
        "GRANT SELECT ON alembic_version TO app_rw",
    )
    newer = served(tmp_path, FABROUTE_DATABASE_URL=empty_database.url)

    assert (older[0], newer[0]) == (EXIT_MISCONFIGURED, EXIT_MISCONFIGURED)
    assert "is at revision none, this version needs" in older[1]
    assert "run `fabroute migrate`" in older[1]
    assert "20990101_0001, is newer than this version: upgrade fabroute" in newer[1]


@pytest.mark.slow
def test_tables_that_are_out_of_sight_are_not_told_as_missing(tmp_path: Path, database: Database) -> None:
    as_superuser(database.url, "REVOKE SELECT ON alembic_version FROM app_rw")
    unreadable = served(tmp_path, FABROUTE_DATABASE_URL=database.url)
    as_superuser(database.url, "REVOKE USAGE ON SCHEMA public FROM PUBLIC, app_rw")
    hidden = served(tmp_path, FABROUTE_DATABASE_URL=database.url)

    assert (unreadable[0], hidden[0]) == (EXIT_MISCONFIGURED, EXIT_MISCONFIGURED)
    assert "may not read the table alembic_version: as its owner GRANT SELECT on it" in unreadable[1]
    assert "may not use the schema public: as its owner GRANT USAGE ON SCHEMA public to it" in hidden[1]


@pytest.mark.slow
def test_keys_are_looked_at_before_anything_is_served(tmp_path: Path, database: Database) -> None:
    signing, secret = tmp_path / "signing-key.pem", tmp_path / "secret-key"
    settings = {
        "FABROUTE_DATABASE_URL": database.url,
        "FABROUTE_SIGNING_KEY_FILE": str(signing),
        "FABROUTE_SECRET_KEY_FILE": str(secret),
    }
    open_signer(signing, create=True)
    signing.chmod(0o644)
    exposed = served(tmp_path, **settings)
    signing.chmod(0o600)
    secret.write_text("no key", encoding="utf-8")
    secret.chmod(0o600)
    unusable = served(tmp_path, **settings)

    assert (exposed[0], unusable[0]) == (EXIT_MISCONFIGURED, EXIT_MISCONFIGURED)
    assert f"others may read the signing key at {signing} (mode 644): chmod 600, then renew it" in exposed[1]
    assert f"{secret} holds no secret key (32 bytes in base 64): bring back the one it held" in unusable[1]


@pytest.mark.slow
def test_an_address_to_listen_on_is_looked_at_first_and_taken_before_it_is_served(
    tmp_path: Path, database: Database
) -> None:
    settings = {"FABROUTE_DATABASE_URL": database.url}
    file = tmp_path / "a file"
    file.touch()
    no_port = served(tmp_path, "--port", "70000", **settings)
    no_socket = served(tmp_path, "--uds", str(file), **settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        taken = served(tmp_path, "--port", port, **settings)
        measured = served(tmp_path, "--port", "0", **settings, FABROUTE_METRICS_PORT=port)

    assert [it[0] for it in (no_port, no_socket, taken, measured)] == [78, 78, 75, 78]
    assert "70000 is no port: give one from 1 to 65535" in no_port[1]
    assert f"{file} is no socket, and was left alone" in no_socket[1]
    assert file.exists()
    assert f"another process listens on 127.0.0.1:{port}: end it" in taken[1]
    assert "startup complete" not in taken[1]
    assert f"metrics can't be served on 127.0.0.1:{port} (Address already in use): give another port" in measured[1]


@pytest.mark.slow
def test_a_font_that_is_none_is_refused(tmp_path: Path, database: Database) -> None:
    font = tmp_path / "letters.ttf"
    missing = served(tmp_path, FABROUTE_DATABASE_URL=database.url, FABROUTE_PAPER_FONT_FILE=str(font))
    font.write_text("no letters", encoding="utf-8")
    broken = served(tmp_path, FABROUTE_DATABASE_URL=database.url, FABROUTE_PAPER_FONT_FILE=str(font))

    for code, words in (missing, broken):
        assert code == EXIT_MISCONFIGURED
        assert f"{font} (FABROUTE_PAPER_FONT_FILE) can't be read as a font" in words
