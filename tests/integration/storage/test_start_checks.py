"""What a process is told of places for files that it can't use, by a real folder, disk and S3."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from fabroute.integrations.object_storage import UnknownStorage, open_print_file_store
from fabroute.integrations.sign_in.secret_key import SecretKeyMissing, make_secret_key
from fabroute.integrations.start_checks import (
    StorageUnfit,
    StorageUnreachable,
    require_fit_life_sign,
    require_fit_roots,
    require_fit_storage,
)
from fabroute.integrations.validation.signing import SigningKeyMissing, open_signer
from fabroute.operations.starting import require_good_files, require_good_files_of_api
from fabroute.settings import Settings, get_settings
from tests.factories.bad_servers import a_small_disk, fill
from tests.factories.processes import plain_environment
from tests.fakes.object_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, ObjectServer, object_server

CONTENT = b"a print file"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    with object_server() as server:
        monkeypatch.setenv("FABROUTE_STORAGE_ENDPOINT", server.url)
        monkeypatch.setenv("FABROUTE_STORAGE_ACCESS_KEY_ID", ACCESS_KEY_ID)
        monkeypatch.setenv("FABROUTE_STORAGE_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        get_settings.cache_clear()
        yield server
    get_settings.cache_clear()


def settings_for(folder: Path, *, storage_url: str | None = None) -> Settings:
    return Settings(
        storage_url=storage_url or (folder / "files").as_uri(), audit_roots_url=(folder / "audit-roots").as_uri()
    )


def test_a_folder_that_can_be_written_is_taken_without_a_word(tmp_path: Path) -> None:
    assert require_fit_storage(settings_for(tmp_path)) == []
    assert (tmp_path / "files" / "notes" / "start").stat().st_size == 16


def test_a_store_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownStorage, match="FABROUTE_STORAGE_URL is 'ftp://files'"):
        require_fit_storage(settings_for(tmp_path, storage_url="ftp://files"))


def test_a_folder_of_somebody_else_is_refused_with_the_command_that_gives_it_away(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StorageUnfit) as refusal:
        require_fit_storage(settings_for(tmp_path, storage_url=(tmp_path / "file" / "files").as_uri()))

    assert refusal.value.message.startswith(f"{tmp_path}/file/files (FABROUTE_STORAGE_URL) can't be written by user ")
    assert f"(chown {os.geteuid()} {tmp_path}/file/files)" in refusal.value.message


def test_a_full_disk_is_refused_and_one_that_will_be_is_told_of(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "disk", kib=128 * 1024) as disk:
        told = require_fit_storage(settings_for(disk))
        fill(disk, leave_kib=32 * 1024)
        with pytest.raises(StorageUnreachable, match=r"only \d\d MiB are left under .*: make room there") as little:
            require_fit_storage(settings_for(disk))
        (disk / "files" / "notes" / "start").unlink()
        fill(disk)
        with pytest.raises(StorageUnreachable) as full:
            require_fit_storage(settings_for(disk))

    assert [words.partition(" MiB")[2].partition(" (")[0] for words in told] == [
        f" are left under {disk}/files",
        f" are left under {disk}/audit-roots",
    ]
    assert little.value.status == 503
    assert full.value.message == f"the disk under {disk}/files (FABROUTE_STORAGE_URL) is full: make room there"


def test_an_s3_with_keys_from_the_settings_keeps_files_and_gives_them_back(s3: ObjectServer, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, storage_url="s3://parts/prints")

    assert require_fit_storage(settings) == []
    store = open_print_file_store(settings.storage_url)
    assert store.get(store.put(CONTENT)) == CONTENT
    assert {key.split("/")[0] for key in s3.objects} == {"prints"}
    assert len(s3.objects) == 2


def test_a_wrong_key_of_an_s3_is_refused_with_the_settings_to_correct(
    s3: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FABROUTE_STORAGE_SECRET_ACCESS_KEY", "another-secret")
    get_settings.cache_clear()

    with pytest.raises(StorageUnfit, match="refuses to let us write to s3://parts") as refusal:
        require_fit_storage(settings_for(tmp_path, storage_url="s3://parts"))

    assert "check FABROUTE_STORAGE_ACCESS_KEY_ID, FABROUTE_STORAGE_SECRET_ACCESS_KEY" in refusal.value.message
    assert "another-secret" not in refusal.value.message


def test_a_bucket_that_is_not_there_is_refused(s3: ObjectServer, tmp_path: Path) -> None:
    with pytest.raises(StorageUnfit, match="there is no bucket at s3://ports: make it, or correct FABROUTE_STORAGE"):
        require_fit_storage(settings_for(tmp_path, storage_url="s3://ports"))


@pytest.mark.slow
def test_an_s3_that_does_not_answer_is_given_up_in_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABROUTE_STORAGE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("FABROUTE_STORAGE_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("FABROUTE_STORAGE_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    get_settings.cache_clear()

    with pytest.raises(StorageUnreachable, match="the store at s3://parts does not answer") as refusal:
        require_fit_storage(settings_for(tmp_path, storage_url="s3://parts"))

    assert "FABROUTE_STORAGE_ENDPOINT right?" in refusal.value.message
    get_settings.cache_clear()


def test_one_key_without_the_other_is_refused() -> None:
    with pytest.raises(ValueError, match="FABROUTE_STORAGE_ACCESS_KEY_ID and FABROUTE_STORAGE_SECRET_ACCESS_KEY"):
        Settings.model_validate({"storage_access_key_id": "only this"})


def test_who_works_on_queues_without_files_needs_no_store(tmp_path: Path) -> None:
    nowhere = settings_for(tmp_path, storage_url="ftp://files")

    assert require_good_files(nowhere, queues="routing,suspects") == ()
    with pytest.raises(UnknownStorage):
        require_good_files(nowhere, queues="routing,inventory")


def test_the_settings_of_a_store_can_stand_in_files(tmp_path: Path, s3: ObjectServer) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "fabroute_storage_access_key_id").write_text(f"{ACCESS_KEY_ID}\n", encoding="utf-8")
    (secrets / "fabroute_storage_secret_access_key").write_text(f"{SECRET_ACCESS_KEY}\n", encoding="utf-8")
    program = (
        "from fabroute.settings import Settings; from fabroute.integrations.start_checks import require_fit_storage;"
        "print(list(require_fit_storage(Settings())))"
    )
    environment = {
        "FABROUTE_SECRETS_DIR": str(secrets),
        "FABROUTE_STORAGE_URL": "s3://parts",
        "FABROUTE_STORAGE_ENDPOINT": s3.url,
        "FABROUTE_AUDIT_ROOTS_URL": "memory://",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=plain_environment() | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert [key for key in s3.objects if key.endswith("start")] == ["notes/start"]


def test_roots_of_the_audit_log_are_written_before_who_exports_them_works(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    settings = Settings(
        storage_url=(tmp_path / "files").as_uri(), audit_roots_url=(tmp_path / "file" / "audit-roots").as_uri()
    )

    assert require_good_files(settings, queues="inventory, routing") == []
    assert require_good_files_of_api(settings) == []
    with pytest.raises(StorageUnfit, match=r"audit-roots \(FABROUTE_AUDIT_ROOTS_URL\) can't be written by user"):
        require_good_files(settings, queues="identity")


def test_a_bucket_that_takes_no_file_twice_is_taken_for_roots_at_every_start(s3: ObjectServer) -> None:
    settings = Settings(audit_roots_url="s3://parts/roots")

    require_fit_roots(settings)
    first = dict(s3.objects)
    require_fit_roots(settings)

    assert s3.objects == first
    with pytest.raises(StorageUnfit, match=r"there is no bucket at s3://ports/roots: .* correct FABROUTE_AUDIT_ROOTS"):
        require_fit_roots(Settings(audit_roots_url="s3://ports/roots"))


@pytest.mark.parametrize(
    ("queues", "refused"),
    [("routing,network", None), ("identity", SigningKeyMissing), ("webhooks", SecretKeyMissing)],
)
def test_a_worker_of_a_production_needs_the_keys_that_its_tasks_take(
    tmp_path: Path, queues: str, refused: type[Exception] | None
) -> None:
    settings = Settings(
        profile="production",
        storage_url=(tmp_path / "files").as_uri(),
        audit_roots_url=(tmp_path / "audit-roots").as_uri(),
        signing_key_file=tmp_path / "signing-key.pem",
        secret_key_file=tmp_path / "secret-key",
    )
    with pytest.raises(refused) if refused else nullcontext():
        require_good_files(settings, queues=queues)
    with pytest.raises(SigningKeyMissing, match="make one with `fabroute keys signing`"):
        require_good_files_of_api(settings)
    open_signer(settings.signing_key_file, create=True)
    with pytest.raises(SecretKeyMissing, match="make one with `fabroute people secret-key`"):
        require_good_files_of_api(settings)
    make_secret_key(settings.secret_key_file)

    assert require_good_files_of_api(settings) == []
    assert list(require_good_files(settings, queues=queues)) == []


def test_outside_a_production_a_key_that_is_missing_is_made_when_it_is_needed(tmp_path: Path) -> None:
    settings = Settings(
        storage_url=(tmp_path / "files").as_uri(),
        signing_key_file=tmp_path / "signing-key.pem",
        secret_key_file=tmp_path / "secret-key",
    )

    assert require_good_files_of_api(settings) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files"]


def test_a_folder_of_carriers_has_to_be_there(tmp_path: Path) -> None:
    settings = Settings(carrier_folder=tmp_path / "carriers")

    assert require_good_files(settings, queues="routing") == ()
    with pytest.raises(StorageUnfit) as refusal:
        require_good_files(settings, queues="production")
    assert refusal.value.message == (
        f"there is no folder {tmp_path}/carriers (FABROUTE_CARRIER_FOLDER): make it, with a folder in it for each "
        "carrier"
    )
    (tmp_path / "carriers" / "dhl").mkdir(parents=True)
    assert require_good_files(settings, queues="production") == ()


def test_a_sign_of_life_that_can_not_be_given_is_refused(tmp_path: Path) -> None:
    require_fit_life_sign(Settings(life_sign_file=tmp_path / "alive"))

    with pytest.raises(StorageUnfit, match=r"can't touch .*/nowhere/alive \(FABROUTE_LIFE_SIGN_FILE: No such file or"):
        require_fit_life_sign(Settings(life_sign_file=tmp_path / "nowhere" / "alive"))
