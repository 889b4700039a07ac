"""A server that does not let us in is told as that by every command, never as one that should be started."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from fabroute.kernel.exit_codes import EXIT_MISCONFIGURED
from tests.conftest import Database
from tests.factories.bad_servers import as_superuser
from tests.factories.processes import run_module

ROLE, PASSWORD = "wants_a_password", "zq-right-pa55word"


@pytest.fixture
def wanting(database: Database) -> Iterator[str]:
    """The URL of a database as a role that the server asks for its password; the password is left out."""
    folder = make_url(database.url).query["host"]
    with psycopg.connect(f"host={folder} user=postgres dbname=postgres", autocommit=True) as superuser:
        found = superuser.execute("SHOW hba_file").fetchone()
        assert found is not None
        rules = Path(str(found[0]))
        before = rules.read_bytes()
        as_superuser(database.url, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}' IN ROLE app_rw")
        rules.write_bytes(f"local all {ROLE} scram-sha-256\n".encode() + before)
        superuser.execute("SELECT pg_reload_conf()")
        yield make_url(database.url).set(username=ROLE).render_as_string(hide_password=False)
        rules.write_bytes(before)
        superuser.execute("SELECT pg_reload_conf()")
    as_superuser(database.url, f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")


def told(*command: str, url: str) -> tuple[int, str]:
    """Return the code and the words of a command on a database."""
    settings = {"FABROUTE_PROFILE": "embedded", "FABROUTE_DATABASE_URL": url}
    done = run_module("fabroute.cli", *command, environment=settings)
    assert "Traceback" not in done.stderr
    assert "pa55word" not in done.stderr
    return done.returncode, " ".join(done.stderr.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("serve",), EXIT_MISCONFIGURED),
        (("migrate",), EXIT_MISCONFIGURED),
        (("status", "--once"), 1),
        (("doctor",), 1),
        (("metrics", "--once"), 1),
    ],
)
def test_a_wrong_password_is_told_as_one(wanting: str, command: tuple[str, ...], code: int) -> None:
    wrong = wanting.replace(f"{ROLE}@", f"{ROLE}:zq-wrong-pa55word@")
    found, words = told(*command, url=wrong)

    assert found == code
    assert (
        f'password authentication failed for user "{ROLE}"): role and password in FABROUTE_DATABASE_URL are not'
        in words
    )
    assert "start it" not in words


@pytest.mark.slow
def test_a_password_that_is_missing_is_told_as_that_and_the_right_one_lets_in(wanting: str) -> None:
    missing = told("doctor", url=wanting)
    right = told("doctor", url=wanting.replace(f"{ROLE}@", f"{ROLE}:{PASSWORD}@"))

    assert (missing[0], right) == (1, (0, ""))
    assert "no password supplied): this server wants a password, and FABROUTE_DATABASE_URL has none" in missing[1]
