"""Once an hour the heads of the chains are signed and kept where the database can't reach."""

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.ports import RootFolderDown
from fabroute.identity.service.sealing import audit_head, export_roots, seal_audit_log
from fabroute.identity.service.sealing.roots import UnreadableRoots, roots_in
from fabroute.integrations.audit_roots import open_root_folder
from fabroute.integrations.object_storage import UnknownStorage
from fabroute.integrations.validation.signing import verify
from tests.factories.audit import a_signer, given_log, given_roots, verified
from tests.factories.databases import in_transaction, rows
from tests.factories.organisations import BUREAU, OWNER
from tests.fakes.audit_roots import FakeRootFolder


def test_a_root_says_how_far_a_chain_is_signed_with_the_installations_key(engine: Engine) -> None:
    given_log(engine, entries=4)
    folder = FakeRootFolder()

    assert given_roots(engine, folder) == 3
    (content,) = folder.files.values()
    roots = roots_in(content)
    heads = in_transaction(engine, lambda session: [audit_head(session, chain=it) for it in (BUREAU, OWNER)])
    assert [(it.chain, it.position) for it in roots] == [("installation", 1), (BUREAU, 1), (OWNER, 2)]
    assert [(it.hash, it.root) for it in heads] == [(roots[1].hash, roots[1]), (roots[2].hash, roots[2])]
    for root in roots:
        assert verify(a_signer().public_key, root.statement.encode(), root.signature)
        assert not verify(a_signer().public_key, root.statement.replace(":2,", ":3,").encode() + b" ", root.signature)


def test_the_log_itself_says_what_was_exported(engine: Engine) -> None:
    given_log(engine, entries=1)
    folder = FakeRootFolder()
    given_roots(engine, folder)

    ((key, content),) = folder.files.items()
    query = "SELECT actor, action, subject_type, subject_id, organisation_id, data FROM audit_entries WHERE id = 2"
    (entry,) = in_transaction(engine, lambda session: rows(session, query))
    told = {"sha256": hashlib.sha256(content).hexdigest(), "roots": 1}
    assert entry == ("system:audit", "audit.roots_exported", "audit_export", key, None, told)
    assert json.loads(content)["public_key"] == a_signer().public_key


def test_roots_are_made_once_in_the_time_that_is_set_and_only_of_chains_that_moved(engine: Engine) -> None:
    given_log(engine, entries=3)
    folder = FakeRootFolder()
    given_roots(engine, folder)
    with unit_of_work(engine) as session:
        too_soon = export_roots(session, signer=a_signer(), folder=folder, every_seconds=3600.0)
    unmoved = given_roots(engine, folder)
    seal_audit_log(engine, seconds=10.0)
    given_log(engine, entries=1)

    assert (too_soon, unmoved) == (0, 0)
    assert given_roots(engine, folder) == 2
    assert [root.chain for root in roots_in(folder.files[folder.names()[1]])] == ["installation", OWNER]
    assert in_transaction(engine, lambda session: verified(session, folder=folder).findings) == ()


def test_where_the_folder_does_not_answer_nothing_is_said_to_be_exported(engine: Engine) -> None:
    given_log(engine, entries=1)
    folder = FakeRootFolder()
    folder.down = True

    with pytest.raises(RootFolderDown):
        given_roots(engine, folder)
    counts = "SELECT (SELECT count(*) FROM audit_roots), (SELECT count(*) FROM audit_entries)"
    assert in_transaction(engine, lambda session: rows(session, counts)) == [(0, 1)]
    folder.down = False
    assert given_roots(engine, folder) == 1


def test_roots_lie_in_a_folder_by_time_and_none_is_overwritten(engine: Engine, tmp_path: Path) -> None:
    given_log(engine, entries=1)
    folder = open_root_folder(tmp_path.as_uri())
    given_roots(engine, folder)
    seal_audit_log(engine, seconds=10.0)
    given_roots(engine, folder)

    first, second = folder.names()
    assert first < second
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*.jsonl"))] == [first, second]
    assert in_transaction(engine, lambda session: verified(session, folder=folder).exports) == 2
    assert folder.get("2026/nothing.jsonl") is None
    with pytest.raises(RootFolderDown, match="FABROUTE_AUDIT_ROOTS_URL does not answer"):
        folder.put(first, b"other")
    with pytest.raises(UnknownStorage, match="FABROUTE_AUDIT_ROOTS_URL is 'ftp://roots'"):
        open_root_folder("ftp://roots")


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]\n", b'{"statement": "{}"}', b'{"statement": "{}", "signature": "", "public_key": ""}', b"\xff"],
)
def test_a_file_that_holds_anything_else_is_no_file_of_roots(content: bytes) -> None:
    with pytest.raises(UnreadableRoots) as refusal:
        roots_in(content)

    assert refusal.value.code == "unreadable_roots"
