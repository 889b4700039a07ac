"""What a restore took back is no truncation, where the installation's key says so; nobody else's word counts."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlmodel import Session

from fabroute.identity.ports import RootSigner
from fabroute.identity.service.sealing import export_restore
from fabroute.identity.service.sealing.restores import restore_in
from fabroute.integrations.validation.signing import Ed25519Signer
from tests.factories.audit import a_signer, told, verified
from tests.factories.databases import rows
from tests.factories.organisations import BUREAU, OWNER
from tests.fakes.audit_roots import FakeRootFolder

LAST_KEPT = 15
"""The last entry that the backup holds: the roots after it were signed later."""


@pytest.fixture
def exported(folder: FakeRootFolder) -> FakeRootFolder:
    """The folder of exported roots, to be changed by one test."""
    mine = FakeRootFolder()
    mine.files = dict(folder.files)
    return mine


def taken_back(session: Session) -> tuple[datetime, datetime]:
    """Cut the log off as a restore does; return when the backup was made and when it was restored."""
    ((first, last),) = rows(session, "SELECT min(made_at), max(made_at) FROM audit_roots")
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    for table, column in (("audit_seals", "entry_id"), ("audit_entries", "id")):
        session.connection().execute(text(f"DELETE FROM {table} WHERE {column} > {LAST_KEPT}"))
    session.connection().execute(text("DELETE FROM audit_roots WHERE made_at > :first"), {"first": first})
    return first + timedelta(microseconds=1), last + timedelta(minutes=1)


def stated(session: Session, folder: FakeRootFolder, *, signer: RootSigner | None = None) -> None:
    snapshot_at, restored_at = taken_back(session)
    export_restore(
        session, signer=signer or a_signer(), folder=folder, snapshot_at=snapshot_at, restored_at=restored_at
    )


def codes(session: Session, folder: FakeRootFolder) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for code, chain, _, _ in told(verified(session, folder=folder).findings):
        found.setdefault(code, set()).add(chain)
    return found


def test_a_log_that_was_cut_off_without_a_word_is_truncated(tampering: Session, exported: FakeRootFolder) -> None:
    taken_back(tampering)

    assert codes(tampering, exported)["truncated"] >= {OWNER, BUREAU}


def test_a_signed_restore_explains_what_is_missing(tampering: Session, exported: FakeRootFolder) -> None:
    stated(tampering, exported)
    query = "SELECT actor, data->>'roots' FROM audit_entries WHERE action = 'audit.roots_exported' AND id > 16"

    assert codes(tampering, exported) == {}
    assert rows(tampering, query) == [("system:restore", "0")]
    assert sorted(exported.files)[-1].endswith("Z-restored.jsonl")


def test_a_restore_signed_with_another_key_explains_nothing(tampering: Session, exported: FakeRootFolder) -> None:
    stated(tampering, exported, signer=Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)))

    assert codes(tampering, exported)["truncated"] >= {OWNER, BUREAU}


def test_a_restore_whose_heads_were_changed_explains_nothing(tampering: Session, exported: FakeRootFolder) -> None:
    stated(tampering, exported)
    (key,) = (it for it in exported.files if it.endswith("-restored.jsonl"))
    document = json.loads(exported.files[key])
    statement = json.loads(document["statement"])
    statement["heads"][OWNER] += 1
    exported.files[key] = json.dumps(document | {"statement": json.dumps(statement)}).encode()

    assert codes(tampering, exported).keys() >= {"truncated", "export_changed"}


def test_roots_from_before_the_backup_still_hold(tampering: Session, exported: FakeRootFolder) -> None:
    stated(tampering, exported)
    tampering.connection().execute(text("UPDATE audit_seals SET hash = repeat('0', 64) WHERE entry_id = 13"))

    assert codes(tampering, exported)["rewritten"] == {OWNER}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"statement": "{}"}', b'{"statement": "[1]"}', b"\xff"])
def test_other_files_are_no_restores(content: bytes) -> None:
    assert restore_in(content) is None
