"""A backup is whole or none, and a restore brings every row, file, privilege and policy back."""

import json
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlmodel import SQLModel
from typer.testing import CliRunner

from fabroute.cli.app import app
from fabroute.database.engine import EVERYONES_OPTIONS
from fabroute.inventory.ports import PrintFileMissing
from fabroute.operations import after_restore
from fabroute.operations.backing_up import BackupFailed, take_backup
from fabroute.operations.manifest import (
    BackupDamaged,
    Manifest,
    NoBackup,
    backup_names,
    object_path,
    read_manifest,
)
from fabroute.operations.restoring import RestoreChoice, Restored, RestoreFailed, RestoreRefused, restore_backup
from fabroute.operations.snapshot import NotTheOwner
from fabroute.operations.tools import ToolsMissing, connection_environment, find_tools
from fabroute.operations.verifying import verify_backup
from fabroute_embedded import EmbeddedServers
from fabroute_embedded.wheels import postgres_tools_folder
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.every_table import insert_everything
from tests.factories.installations import Place, place, quiet

PRINT_FILE, EVIDENCE = b"a print file", b"a photograph of a part"
ROOT = "2026/06/15/20260615T080000.000000Z.jsonl"


@pytest.fixture(scope="module")
def source(
    servers: EmbeddedServers, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """An installation with a row in every table, two files, exported roots and keys."""
    urls = servers.postgres.create_database("backed_up", template=migrated_template)
    found = place(Database(url=urls.url, migration_url=urls.migration_url), tmp_path_factory.mktemp("source"))
    sha256 = [found.store.put(content) for content in (PRINT_FILE, EVIDENCE)]
    with engine_for(urls.migration_url) as owner, owner.begin() as connection:
        insert_everything(connection)
        _name_files(connection, sha256[0])
    found.make_keys()
    found.installation().roots.put(ROOT, b"{}\n")
    yield found
    servers.postgres.drop_database("backed_up")


def _name_files(connection: Connection, sha256: str) -> None:
    for column in ("sha256", "source_sha256", "preview_sha256", "model_sha256"):
        connection.execute(text(f"UPDATE print_files SET {column} = :sha256"), {"sha256": sha256})
    for statement in (
        "UPDATE print_file_submissions SET sha256 = :sha256, canonical_sha256 = NULL",
        "UPDATE revision_documents SET sha256 = :sha256",
        "UPDATE job_evidence SET sha256 = :sha256",
        "UPDATE certificates SET evidence_sha256 = NULL",
        "UPDATE first_articles SET evidence_sha256 = NULL",
        "UPDATE brands SET logo_sha256 = NULL",
        "SELECT CAST(:sha256 AS text)",
    ):
        connection.execute(text(statement), {"sha256": sha256})


@pytest.fixture(scope="module")
def kept(source: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A backup of it, with its keys."""
    folder = tmp_path_factory.mktemp("backups")
    return folder, take_backup(source.installation(), folder, with_keys=True, progress=quiet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A new server's installation, after the restore."""

    place: Place
    done: Restored


@pytest.fixture(scope="module")
def brought(
    servers: EmbeddedServers, kept: tuple[Path, Manifest], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Brought]:
    """The backup, brought back into an empty database and an empty folder."""
    urls = servers.postgres.create_database("brought_back")
    there = place(Database(url=urls.url, migration_url=urls.migration_url), tmp_path_factory.mktemp("brought"))
    yield Brought(place=there, done=restored(there, kept))
    servers.postgres.drop_database("brought_back")


@pytest.fixture
def target(empty_database: Database, tmp_path: Path) -> Place:
    """A new server's empty database and folder."""
    return place(empty_database, tmp_path / "target")


def restored(target: Place, kept: tuple[Path, Manifest], **choice: bool) -> Restored:
    return restore_backup(target.installation(), *kept, choice=RestoreChoice(**choice), progress=quiet)


def everything(database: Database, *, counters: bool = False) -> dict[str, list[str]]:
    """Every row of every table as text, without the counters and instants that a restore moves on."""
    moved = ["installation.queue_epoch", "idempotency_keys.created_at", "access_tokens.revoked_at"]
    moved += ["jobs.lease_until", "jobs.offer_until", "planning_scopes.holder", "planning_scopes.lease_until"]
    left_out = [] if counters else [*moved, *after_restore.COUNTERS]
    with engine_for(database.migration_url) as owner, owner.connect() as connection:
        tables = connection.execute(
            text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        ).scalars()
        return {table: _rows(connection, table, left_out) for table in sorted(tables)}


def _rows(connection: Connection, table: str, left_out: list[str]) -> list[str]:
    names = [it.partition(".")[2] for it in left_out if it.startswith(f"{table}.")]
    query = text(f"SELECT (to_jsonb(t) - CAST(:names AS text[]))::text FROM {table} t ORDER BY 1")
    return list(connection.execute(query, {"names": names}).scalars())


def found(database: Database, query: str) -> list[object]:
    """The first column of a query."""
    with engine_for(database.migration_url) as owner, owner.begin() as connection:
        return list(connection.execute(text(query)).scalars())


def privileges(database: Database) -> list[tuple[object, ...]]:
    """Who may do what with each table, and whether row-level security is forced on it."""
    query = text(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, r.rolname,"
        " string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type)"
        " FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S') GROUP BY 1, 2, 3, 4 ORDER BY 1, 4"
    )
    with engine_for(database.migration_url) as owner, owner.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_a_restore_brings_every_row_file_privilege_and_policy_back(source: Place, brought: Brought) -> None:
    target = brought.place
    before, after = everything(source.database), everything(target.database)

    told = {"audit_entries": 1, "feed_breaks": 1, "outbox_events": len(before["organisations"]), "person_sessions": -1}
    assert {table: len(after[table]) - len(rows) for table, rows in before.items() if after[table] != rows} == told
    assert all(set(rows) <= set(after[table]) for table, rows in before.items() if told.get(table, 0) >= 0)
    assert privileges(target.database) == privileges(source.database)
    assert ("audit_entries", True, True, "app_rw", "INSERT SELECT") in privileges(target.database)
    assert (brought.done.files_copied, brought.done.keys_restored) == (2, ("secret-key", "signing-key.pem"))
    assert {target.store.get(sha256) for sha256, _ in source.store.sizes()} == {EVIDENCE, PRINT_FILE}
    assert target.installation().roots.get(ROOT) == b"{}\n"


def test_no_number_that_was_given_out_after_the_backup_comes_again(source: Place, brought: Brought) -> None:
    restored_at, database = brought.done.restored_at, brought.place.database
    life, position = after_restore.life_number(restored_at), after_restore.next_position(restored_at)
    smallest = [f"SELECT min({it.partition('.')[2]}) FROM {it.partition('.')[0]}" for it in after_restore.COUNTERS]

    assert {found(database, query)[0] for query in smallest} == {life}
    assert (life > 200_000_000, life < 10**9, position < 2**53) == (True, True, True)
    assert found(database, "SELECT last_position FROM feed_breaks ORDER BY next_position") == [1, 1]
    assert found(database, "SELECT max(next_position) FROM feed_breaks") == [position]
    assert found(database, "SELECT nextval(pg_get_serial_sequence('events', 'position'))") == [position]
    assert found(database, "SELECT queue_epoch FROM installation") != ["queue_epoch"]
    assert found(database, "SELECT DISTINCT created_at FROM idempotency_keys") == [restored_at]


def test_the_time_in_which_no_node_could_answer_is_added_to_its_deadlines(
    source: Place, kept: tuple[Path, Manifest], brought: Brought
) -> None:
    lost = brought.done.restored_at - kept[1].snapshot_at
    query = "SELECT unnest(ARRAY[lease_until, offer_until]) FROM jobs ORDER BY 1"
    (before, _), after = found(source.database, query), found(brought.place.database, query)

    assert isinstance(before, datetime)
    assert after == [before + lost, before + lost]


def test_a_second_backup_copies_no_file_again_and_both_are_whole(source: Place, tmp_path: Path) -> None:
    first = take_backup(source.installation(), tmp_path, with_keys=False, progress=quiet)
    copied = {path: path.stat().st_mtime_ns for path in (tmp_path / "objects").rglob("*") if path.is_file()}
    second = take_backup(source.installation(), tmp_path, with_keys=False, progress=quiet)

    assert backup_names(tmp_path) == [first.name, second.name]
    assert {path: path.stat().st_mtime_ns for path in copied} == copied
    assert (len(copied), second.objects, second.objects_bytes) == (2, 2, len(PRINT_FILE) + len(EVIDENCE))
    assert [verify_backup(tmp_path, it, progress=quiet) for it in (first, second)] == [(), ()]
    assert read_manifest(tmp_path) == second
    assert read_manifest(tmp_path, name=first.name) == first


def test_a_backup_is_private_and_holds_the_keys_only_where_that_is_asked_for(
    source: Place, kept: tuple[Path, Manifest], tmp_path: Path
) -> None:
    folder, manifest = kept
    without = take_backup(source.installation(), tmp_path / "b", with_keys=False, progress=quiet)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}

    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_dir()} == {0o700}
    assert [(key.name, key.included) for key in manifest.keys] == [("signing-key.pem", True), ("secret-key", True)]
    assert {key.included for key in without.keys} == {False}
    assert [key.fingerprint for key in without.keys] == [key.fingerprint for key in manifest.keys]
    secret = (source.folder / "secret-key").read_bytes().strip()
    assert [path.name for path in (tmp_path / "b").rglob("*") if path.is_file() and secret in path.read_bytes()] == []


def test_an_interrupted_backup_is_never_taken_for_one_and_the_next_sweeps_it(source: Place, tmp_path: Path) -> None:
    broken = source.installation()
    vanished = replace(broken, keys={"secret-key": tmp_path})  # a folder: it can't be read as a file
    with pytest.raises(IsADirectoryError):
        take_backup(vanished, tmp_path / "b", with_keys=True, progress=quiet)
    left = [path.name for path in (tmp_path / "b" / "backups").iterdir()]
    with pytest.raises(NoBackup, match="holds no whole backup: there are none"):
        read_manifest(tmp_path / "b")
    whole = take_backup(source.installation(), tmp_path / "b", with_keys=False, progress=quiet)

    assert [name.endswith(".partial") for name in left] == [True]
    assert [path.name for path in (tmp_path / "b" / "backups").iterdir()] == [whole.name]


@pytest.mark.parametrize("what", ["database.dump", "objects.jsonl", "object", "keys/secret-key", "manifest.json"])
def test_a_flipped_byte_anywhere_is_found_and_nothing_is_touched(
    source: Place, kept: tuple[Path, Manifest], target: Place, tmp_path: Path, what: str
) -> None:
    folder = shutil.copytree(kept[0], tmp_path / "b")
    stored = object_path(folder, next(source.store.sizes())[0])
    path = stored if what == "object" else folder / "backups" / kept[1].name / what
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))

    with pytest.raises(BackupDamaged):
        restored(target, (folder, read_manifest(folder)))

    assert everything(target.database) == {}
    assert list(target.store.sizes()) == []


def test_what_is_there_is_only_replaced_where_that_is_said_and_keys_never_are(
    source: Place, kept: tuple[Path, Manifest], database: Database, tmp_path: Path
) -> None:
    there = place(database, tmp_path / "there")
    there.make_keys()
    own = {path: path.read_bytes() for path in there.folder.iterdir() if path.is_file()}
    with engine_for(database.migration_url) as owner, owner.begin() as connection:
        connection.execute(text("CREATE TABLE mine (id int)"))
        connection.execute(text("UPDATE installation SET queue_epoch = 'before'"))
    with pytest.raises(RestoreRefused, match=r"has \d+ tables: name an empty one, or say --replace"):
        restored(there, kept)
    with pytest.raises(RestoreRefused, match=r"is another: bring back the signing-key\.pem of the installation"):
        restored(there, kept, replace=True)
    kept_on = found(database, "SELECT queue_epoch FROM installation")
    done = restored(there, kept, replace=True, other_keys=True)

    assert kept_on == ["before"]
    assert "mine" not in everything(database)
    assert everything(database)["orders"] == everything(source.database)["orders"]
    assert privileges(database) == privileges(source.database)
    assert done.keys_restored == ()
    assert {path: path.read_bytes() for path in own} == own


def test_nobody_may_be_connected_and_the_role_has_to_be_there(kept: tuple[Path, Manifest], target: Place) -> None:
    with (
        engine_for(target.database.url) as other,
        other.connect(),
        pytest.raises(RestoreRefused, match="1 others are connected to this database: stop API, workers and relays"),
    ):
        restored(target, kept)
    unknown = target.installation()
    nobody = replace(unknown, application_role="nobody")
    with pytest.raises(RestoreRefused, match=r"there is no role nobody \(FABROUTE_DATABASE_URL\) on this server"):
        restore_backup(nobody, *kept, choice=RestoreChoice(), progress=quiet)

    assert everything(target.database) == {}


def test_a_restore_that_fails_in_its_last_statement_leaves_the_database_as_it_was(
    kept: tuple[Path, Manifest], database: Database, tmp_path: Path, source: Place
) -> None:
    folder, manifest = kept
    there = place(database, tmp_path / "there")
    before = everything(database, counters=True)
    rows = {**manifest.database.rows, "orders": manifest.database.rows["orders"] + 1}
    claimed = replace(manifest, database=replace(manifest.database, rows=rows))

    with pytest.raises(RestoreFailed, match="orders does not hold the 2 rows of the backup"):
        restored(there, (folder, claimed), replace=True)

    assert everything(database, counters=True) == before


def test_a_file_that_the_storage_lost_or_changed_is_named_and_the_backup_is_made_all_the_same(
    source: Place, tmp_path: Path
) -> None:
    lost = place(source.database, tmp_path / "lost")
    whole = lost.store.put(EVIDENCE)
    manifest = take_backup(lost.installation(), tmp_path / "b", with_keys=False, progress=quiet)
    listed = (tmp_path / "b" / manifest.file("objects.jsonl").path).read_text(encoding="utf8").splitlines()
    (missing,) = manifest.objects_missing

    assert list(map(json.loads, listed)) == [{"bytes": len(EVIDENCE), "kind": "", "sha256": whole}]
    with pytest.raises(PrintFileMissing):
        lost.store.get(missing)
    assert source.store.get(missing) == PRINT_FILE
    assert verify_backup(tmp_path / "b", manifest, progress=quiet) == ()


def test_roots_that_are_another_than_in_the_backup_before_stop_the_backup(source: Place, tmp_path: Path) -> None:
    take_backup(source.installation(), tmp_path / "b", with_keys=False, progress=quiet)
    other = place(source.database, tmp_path / "other")
    other.installation().roots.put(ROOT, b'{"forged": true}\n')

    with pytest.raises(BackupFailed, match="are not what an earlier backup holds: one of them was changed"):
        take_backup(other.installation(), tmp_path / "b", with_keys=False, progress=quiet)

    assert len(backup_names(tmp_path / "b")) == 1


def test_a_folder_lists_its_backups_and_a_damaged_one_is_told_with_exit_code_1(
    kept: tuple[Path, Manifest], tmp_path: Path
) -> None:
    folder = shutil.copytree(kept[0], tmp_path / "b")
    listed = CliRunner().invoke(app, ["backup", "list", str(folder)])
    whole = CliRunner().invoke(app, ["backup", "verify", str(folder)])
    object_path(folder, _first_object(folder)).unlink()
    damaged = CliRunner().invoke(app, ["backup", "verify", str(folder)])
    none = CliRunner().invoke(app, ["backup", "verify", str(tmp_path)])

    assert kept[1].name in listed.stdout
    assert "signing-key.pem, secret-key" in listed.stdout
    assert (whole.exit_code, damaged.exit_code) == (0, 1)
    assert whole.stdout.strip().endswith(f"{len(kept[1].files) + 2} files, 0 of them damaged or missing")
    assert "is missing" in damaged.stdout
    assert isinstance(none.exception, NoBackup)


def _first_object(folder: Path) -> str:
    return min(path.name for path in (folder / "objects").rglob("*") if path.is_file())


def test_tools_that_are_too_old_are_not_taken_and_the_refusal_says_what_to_install() -> None:
    found = find_tools(least_major=18, folders=(postgres_tools_folder(),))

    assert found.major >= 18
    with pytest.raises(ToolsMissing, match=r"of PostgreSQL 99 or newer are needed, found: .*18 in .*postgresql-client"):
        find_tools(least_major=99, folders=(postgres_tools_folder(),))


def test_the_tools_get_the_password_in_a_file_of_our_own_and_never_as_an_argument() -> None:
    url = "postgresql+psycopg://owner:s3cr3t%40@db.example.com:5433/fabroute?sslmode=require"
    with connection_environment(url) as environment:
        service = Path(environment["PGSERVICEFILE"])
        content, mode = service.read_text(encoding="utf8"), stat.S_IMODE(service.stat().st_mode)

    assert mode == 0o600
    assert set(content.splitlines()) >= {"password=s3cr3t@", "host=db.example.com", "port=5433", "sslmode=require"}
    assert f"options={EVERYONES_OPTIONS}" in content
    assert not service.exists()
    assert [name for name, value in environment.items() if "s3cr3t" in value] == []


def test_every_counter_that_the_tables_have_is_moved_on_or_known_to_count_nothing() -> None:
    known = set(after_restore.COUNTERS) | set(after_restore.RECORDS)

    assert datetime(2051, 9, 8, tzinfo=UTC).timestamp() - datetime(2020, 1, 1, tzinfo=UTC).timestamp() < 10**9
    assert known == counters_of_the_models()


def counters_of_the_models() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if column.name in ("version", "fence")
    }


def test_who_does_not_own_the_tables_is_told_who_does_and_leaves_nothing(source: Place, tmp_path: Path) -> None:
    installation = source.installation()
    as_another = replace(installation, owner_url=installation.owner_url.replace("fabroute_owner@", "app_rw@"))

    with pytest.raises(NotTheOwner, match=r"the role app_rw does not own the tables .* to a role that does") as refusal:
        take_backup(as_another, tmp_path, with_keys=False, progress=quiet)

    assert "FABROUTE_MIGRATION_DATABASE_URL" in refusal.value.message
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".lock"]
