import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import typer
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.keys import ending
from fabroute.database import database_engine, unit_of_work
from fabroute.identity.service import UnknownApiKey, authenticate
from fabroute.identity.service.grants import InvalidExpiry, InvalidOverlap
from fabroute.identity.service.keys import ApiKeyReplaced
from fabroute.identity.service.organisations import OperatorNotSuspended, UnknownOrganisation
from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now
from fabroute.settings import get_settings
from tests.conftest import Database
from tests.factories.databases import rows
from tests.factories.organisations import NOW


@pytest.fixture(autouse=True)
def installation(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands of this process work on the test's database."""
    monkeypatch.setenv("FABROUTE_DATABASE_URL", database.url)
    monkeypatch.setenv("FABROUTE_PROFILE", "embedded")
    monkeypatch.setenv("COLUMNS", "300")
    get_settings.cache_clear()
    database_engine.cache_clear()
    yield
    database_engine().dispose()
    get_settings.cache_clear()
    database_engine.cache_clear()


def run(*arguments: str) -> Result:
    """Run a command; what ``main`` would print as one line is raised."""
    done = CliRunner().invoke(app, list(arguments))
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def made(*arguments: str) -> str:
    """What a command prints as its result, one line."""
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def key_id_in(text: str) -> str:
    found = re.search(r"key_\w+", text)
    assert found is not None
    return found.group()


def test_an_organisation_is_added_listed_suspended_and_restored() -> None:
    organisation_id = made("organisations", "create", "Druckwerk Süd", "--kind", "bureau")
    operator = made("organisations", "create", "Us", "--kind", "operator")
    listed = made("organisations", "list", "--kind", "bureau")
    suspended = made("organisations", "suspend", organisation_id, "--reason", "unpaid")
    told = made("organisations", "list")
    restored = made("organisations", "restore", organisation_id)

    assert organisation_id.startswith("org_")
    assert re.search(rf"{organisation_id}\s+bureau\s+Druckwerk Süd", listed)
    assert (operator in listed, operator in told) == (False, True)
    assert (suspended, restored) == (f"{organisation_id} is suspended", f"{organisation_id} is not suspended")
    assert re.search(rf"{organisation_id}.*\d{{4}}-\d\d-\d\d unpaid", told)
    with pytest.raises(OperatorNotSuspended):
        run("organisations", "suspend", operator)
    with pytest.raises(UnknownOrganisation):
        run("organisations", "restore", "org_none")


def test_a_key_is_made_with_an_end_listed_rotated_and_revoked() -> None:
    owner = made("organisations", "create", "Nordbahn", "--kind", "owner")
    token = made("keys", "create", owner, "--name", "ERP", "--scope", "orders:read", "--expires", "90d")
    with unit_of_work(database_engine()) as session:
        principal = authenticate(session, token=token, now=utc_now())
        days = rows(session, "SELECT expires_at - created_at FROM api_keys")
    listed = made("keys", "list", owner)
    rotated = run("keys", "rotate", token.split("_")[2], "--overlap", "0d")
    revoked = made("keys", "revoke", key_id_in(rotated.stderr))
    left, everything = made("keys", "list", owner), made("keys", "list", "--all")

    assert (principal.organisation_id, days) == (owner, [(timedelta(days=90),)])
    assert principal.scopes == {"orders:read"}
    assert re.search(rf"{principal.key_id}\s+{owner}\s+ERP\s+live .* never\s+orders:read", listed)
    assert rotated.stdout.startswith("fr_test_")
    assert revoked == f"key {key_id_in(rotated.stderr)} is revoked"
    assert left == "no API key is there: fabroute keys create ORGANISATION"
    assert [state for state in ("expired", "revoked", "live") if re.search(rf"\s{state}\s", everything)] == [
        "expired",
        "revoked",
    ]


def test_what_can_not_be_done_to_a_key_says_why() -> None:
    owner = made("organisations", "create", "Nordbahn", "--kind", "owner")
    key_id = key_id_in(run("keys", "create", owner).stderr)
    made("keys", "rotate", key_id)
    with pytest.raises(ApiKeyReplaced):
        run("keys", "rotate", key_id)
    with pytest.raises(UnknownApiKey):
        run("keys", "rotate", "none")
    with pytest.raises(InvalidOverlap):
        run("keys", "rotate", key_id, "--overlap", "8d")
    with pytest.raises(InvalidExpiry):
        run("keys", "create", owner, "--expires", "2020-01-01")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("90d", "2026-09-13T08:00:00+00:00"),
        ("12h", "2026-06-15T20:00:00+00:00"),
        ("2027-01-31", "2027-01-31T00:00:00+00:00"),
        ("2027-01-31T12:00:00+01:00", "2027-01-31T11:00:00+00:00"),
    ],
)
def test_an_end_is_a_length_of_time_or_a_day(text: str, instant: str) -> None:
    assert ending(text, now=NOW) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("text", ["soon", "90", "12345d", "-1d", "d", "1.5d", ""])
def test_anything_else_is_no_end(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is neither 90d nor 12h nor a day"):
        ending(text, now=NOW)
