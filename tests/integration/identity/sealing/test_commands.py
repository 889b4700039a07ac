"""``fabroute audit`` as an operator runs it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from fabroute.cli.audit import NoRoots, audit
from fabroute.database import database_engine
from fabroute.settings import get_settings
from tests.conftest import Database
from tests.factories.audit import an_entry, given_entries
from tests.factories.databases import engine_for
from tests.factories.organisations import BUREAU, OWNER


@pytest.fixture
def installation(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The settings of an installation whose owner has two entries, its bureau one; none is sealed yet."""
    monkeypatch.setenv("FABROUTE_PROFILE", "embedded")
    monkeypatch.setenv("FABROUTE_DATABASE_URL", database.url)
    monkeypatch.setenv("FABROUTE_AUDIT_ROOTS_URL", (tmp_path / "roots").as_uri())
    monkeypatch.setenv("FABROUTE_SIGNING_KEY_FILE", str(tmp_path / "key.pem"))
    get_settings.cache_clear()
    database_engine.cache_clear()
    with engine_for(database.migration_url) as owner:
        given_entries(owner, [an_entry(number=it, organisation_id=o) for it, o in enumerate((OWNER, BUREAU, OWNER))])
        yield owner
    database_engine().dispose()
    database_engine.cache_clear()
    get_settings.cache_clear()


def run(*arguments: str) -> Result:
    """Run a command of the group."""
    done = CliRunner().invoke(audit, list(arguments))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_a_log_is_signed_verified_exported_and_checked_by_somebody_else(installation: Engine, tmp_path: Path) -> None:
    signed, verified = run("sign"), run("verify")
    run("export", OWNER, "--output", str(tmp_path / "audit.jsonl"))
    (tmp_path / "check.py").write_text(run("program").stdout, encoding="utf-8")
    key = json.loads((tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1])["public_key"]
    checked = subprocess.run(
        [sys.executable, "check.py", "audit.jsonl", key],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )

    assert signed.stdout.startswith("3 entries sealed, 2 roots signed and exported to file:///")
    assert verified.stdout.splitlines() == [
        "3 entries in 2 chains, 2 signed roots, 1 exported files",
        "nothing was changed, taken out or put in",
    ]
    assert checked.stdout == "2 entries, nothing was changed or taken out\n"
    assert run("export", OWNER).stdout == (tmp_path / "audit.jsonl").read_text(encoding="utf-8")


def test_tampering_ends_with_exit_code_1_and_says_where(installation: Engine, tmp_path: Path) -> None:
    run("sign")
    with installation.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_entries SET actor = 'key_9' WHERE id = 3")
    told = run("verify")
    as_json = run("verify", "--json", "--organisation", OWNER, "--roots", str(tmp_path / "roots"))

    assert (told.exit_code, as_json.exit_code) == (1, 1)
    assert "org_owner │ 2        │ 3     │ entry_changed" in told.stdout
    assert json.loads(as_json.stdout) == {
        "whole": False,
        "chains": 1,
        "entries": 2,
        "roots": 1,
        "exports": 1,
        "findings": [
            {
                "code": "entry_changed",
                "chain": OWNER,
                "position": 2,
                "entry_id": 3,
                "message": "the entry, or its seal, is not what it was",
            }
        ],
    }


def test_roots_of_another_key_and_a_folder_that_is_not_there_are_named(installation: Engine) -> None:
    run("sign")
    stranger = run("verify", "--public-key", "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=")

    assert stranger.exit_code == 1
    assert stranger.stdout.count("key_not_trusted") == 2
    with pytest.raises(NoRoots, match="there is no folder elsewhere"):
        run("verify", "--roots", "elsewhere")
