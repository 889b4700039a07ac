"""Who has an exported log and the public key needs nothing of ours: the program of the documentation checks it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.identity.service.sealing import CHECKING_PROGRAM, export_audit_log
from tests.factories.audit import a_signer
from tests.factories.databases import in_transaction
from tests.factories.organisations import OWNER

Lines = list[dict[str, object]]


def exported(log: Engine) -> Lines:
    """The owner's log as its lines."""
    return in_transaction(log, lambda session: [json.loads(it) for it in export_audit_log(session, chain=OWNER)])


def check(lines: Lines, folder: Path, *, key: str | None = None) -> tuple[int, str]:
    """Run the program of the documentation on a log; return its exit code and what it said."""
    (folder / "check.py").write_text(CHECKING_PROGRAM, encoding="utf-8")
    (folder / "audit.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    arguments = [sys.executable, "check.py", "audit.jsonl", key or a_signer().public_key]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_the_program_of_the_documentation_agrees_with_ours(log: Engine, tmp_path: Path) -> None:
    lines = exported(log)

    assert [line["type"] for line in lines] == ["entry"] * 8 + ["root"] * 2
    assert check(lines, tmp_path) == (0, "8 entries, nothing was changed or taken out")
    assert len(CHECKING_PROGRAM.splitlines()) <= 26
    assert "fabroute" not in CHECKING_PROGRAM


def test_the_program_finds_what_was_done_to_the_lines(log: Engine, tmp_path: Path) -> None:
    lines = exported(log)
    edited = [dict(line) for line in lines]
    edited[2]["content"] = str(edited[2]["content"]).replace("key_1", "key_2")
    said = [
        check(edited, tmp_path),
        check([*lines[:2], *lines[3:]], tmp_path),
        check([lines[0], lines[2], lines[1], *lines[3:]], tmp_path),
        check([*lines[:7], *lines[8:]], tmp_path),
        check(lines, tmp_path, key="CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk="),
    ]

    third = "position 3 (entry 7) was changed, or one before it is missing"
    assert said == [
        (1, third),
        (1, third.replace("entry 7", "entry 10")),
        (1, "position 2 (entry 7) was changed, or one before it is missing"),
        (1, "the signed root of position 8 says otherwise"),
        (1, "the root of position 5 is not signed with this key"),
    ]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM audit_entries WHERE id = 10", "UPDATE audit_entries SET actor = 'x' WHERE id = 10"]
)
def test_an_export_of_a_log_that_was_tampered_with_does_not_pass(
    tampering: Session, tmp_path: Path, statement: str
) -> None:
    tampering.connection().exec_driver_sql(statement)
    lines = [json.loads(it) for it in export_audit_log(tampering, chain=OWNER)]

    assert check(lines, tmp_path) == (1, "position 4 (entry 10) was changed, or one before it is missing")
    assert len(lines) == 10
