"""``fabroute people``, as whoever runs an installation types it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from fabroute.cli.app import COMMANDS
from fabroute.cli.people import SeveralPeople, people
from fabroute.database import database_engine, unit_of_work
from fabroute.identity.rules import Unauthenticated
from fabroute.identity.service import UnknownOrganisation
from fabroute.identity.service.people import signing_in
from fabroute.identity.service.people.members import AlreadyMember
from fabroute.identity.service.people.powers import LastAdmin
from fabroute.identity.service.people.sessions import authenticate_session
from fabroute.identity.service.people.views import UnknownPerson
from fabroute.kernel.time import utc_now
from fabroute.settings import get_settings
from tests.conftest import Database
from tests.factories.databases import rows
from tests.factories.organisations import BUREAU, OWNER, save_organisations
from tests.factories.people import BROWSER, given_person


@pytest.fixture
def engine(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The commands' own engine, on a database with an owner and a bureau."""
    monkeypatch.setenv("FABROUTE_PROFILE", "embedded")
    monkeypatch.setenv("FABROUTE_DATABASE_URL", database.url)
    monkeypatch.setenv("FABROUTE_SECRET_KEY_FILE", str(tmp_path / "secret-key"))
    monkeypatch.setenv("FABROUTE_PUBLIC_URL", "https://parts.example.com/")
    get_settings.cache_clear()
    database_engine.cache_clear()
    with unit_of_work(database_engine()) as session:
        save_organisations(session)
    yield database_engine()
    database_engine().dispose()
    get_settings.cache_clear()
    database_engine.cache_clear()


def run(*arguments: str) -> Result:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(people, list(arguments), catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_the_first_admin_is_invited_listed_and_joins(engine: Engine) -> None:
    invited = run("invite", OWNER, "Ada@Example.com", "--name", "Ada Lovelace")
    token = invited.stdout.strip().removeprefix("https://parts.example.com/join#")
    with unit_of_work(engine) as session:
        opened = signing_in.accept_invitation(session, token=token, password_hash="x", browser=BROWSER, now=utc_now())
        audited = rows(session, "SELECT actor, action FROM audit_entries ORDER BY id LIMIT 1")
    listed = run("list", OWNER).stdout

    assert invited.stdout.count("\n") == 1
    assert token.startswith("inv_")
    assert (opened.person.role, opened.person.email, opened.person.name) == ("admin", "ada@example.com", "Ada Lovelace")
    assert audited == [("system:people", "person.invited")]
    assert opened.person.person_id in listed
    assert "ada@example.com" in listed
    assert "active" in listed
    assert "people" in COMMANDS


def test_who_is_disabled_is_signed_out_and_comes_back_when_that_is_undone(engine: Engine) -> None:
    given_person(engine, organisation_id=OWNER)
    invited = run("invite", OWNER, "eve@example.com", "--role", "buyer")
    token = invited.stdout.strip().partition("#")[2]
    with unit_of_work(engine) as session:
        opened = signing_in.accept_invitation(session, token=token, password_hash="x", browser=BROWSER, now=utc_now())
    done = run("disable", "EVE@example.com")
    with unit_of_work(engine) as session, pytest.raises(Unauthenticated):
        authenticate_session(session, token=opened.token, now=utc_now())
    undone = run("disable", "eve@example.com", "--undo")

    assert done.stdout == f"eve@example.com ({OWNER}) is disabled\n"
    assert undone.stdout == f"eve@example.com ({OWNER}) is enabled\n"
    assert "active" in run("list", OWNER).stdout


def test_a_reset_prints_a_new_link_also_for_the_last_admin(engine: Engine) -> None:
    ada = given_person(engine, organisation_id=OWNER)
    token = run("reset", ada.email).stdout.strip().partition("#")[2]
    with unit_of_work(engine) as session:
        person = signing_in.invited_person(session, token=token, now=utc_now())

    assert (person.person_id, person.state, person.has_password) == (ada.person_id, "active", False)
    with pytest.raises(LastAdmin, match="make somebody else one first"):
        run("disable", ada.email)


def test_an_address_in_several_organisations_needs_one_to_be_named(engine: Engine) -> None:
    for organisation_id in (OWNER, BUREAU):
        given_person(engine, organisation_id=organisation_id, email="twin@example.com")

    with pytest.raises(SeveralPeople, match=r"org_\w+, org_\w+: say which with --organisation"):
        run("reset", "twin@example.com")
    assert run("reset", "twin@example.com", "--organisation", BUREAU).stdout.startswith(
        "https://parts.example.com/join#"
    )


def test_what_can_not_be_done_says_why(engine: Engine) -> None:
    run("invite", OWNER, "ada@example.com")

    with pytest.raises(AlreadyMember, match="a new link renews an old one"):
        run("invite", OWNER, "ada@example.com")
    with pytest.raises(UnknownOrganisation, match="create it first"):
        run("invite", "org_none", "ada@example.com")
    with pytest.raises(UnknownPerson, match="nobody has the address"):
        run("reset", "nobody@example.com")


def test_the_secret_key_is_made_once(engine: Engine, tmp_path: Path) -> None:
    first = run("secret-key")
    key = (tmp_path / "secret-key").read_bytes()
    second = run("secret-key")

    assert first.stdout == second.stdout == f"the secret key is {tmp_path / 'secret-key'}\n"
    assert (tmp_path / "secret-key").read_bytes() == key
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600
