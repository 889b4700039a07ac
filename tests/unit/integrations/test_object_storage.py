"""Print file stores: the same promises from a folder, from memory and from the fake that other tests use."""

import contextlib
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from fabroute.integrations.object_storage import UnknownStorage, open_print_file_store
from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing, PrintFileStore, PrintFileStoreDown
from fabroute.kernel.errors import DomainError
from tests.fakes.print_file_store import FakePrintFileStore

CONTENT = b"a print file"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ABSENT = "0" * 64

STORES: list[Callable[[Path], PrintFileStore]] = [
    lambda folder: open_print_file_store(folder.as_uri()),
    lambda _: open_print_file_store("memory://"),
    lambda _: FakePrintFileStore(),
]


@pytest.fixture(params=STORES, ids=["folder", "memory", "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PrintFileStore:
    make: Callable[[Path], PrintFileStore] = request.param
    return make(tmp_path / "print files")


def a_stored_path(folder: Path) -> Path:
    return folder / SHA256[:2] / SHA256


def test_what_was_put_comes_back_under_its_sha256(store: PrintFileStore) -> None:
    assert not store.exists(SHA256)
    assert store.put(CONTENT) == SHA256
    assert store.exists(SHA256)
    assert store.get(SHA256) == CONTENT


def test_the_same_content_twice_is_one_file(store: PrintFileStore) -> None:
    assert store.put(CONTENT) == store.put(CONTENT) == SHA256
    other = store.put(b"another print file")
    assert other == hashlib.sha256(b"another print file").hexdigest()
    assert (store.get(SHA256), store.get(other)) == (CONTENT, b"another print file")


def test_an_empty_file_is_a_file(store: PrintFileStore) -> None:
    empty = store.put(b"")
    assert empty == hashlib.sha256().hexdigest()
    assert store.get(empty) == b""


def test_a_file_that_was_never_put_is_missing(store: PrintFileStore) -> None:
    with pytest.raises(PrintFileMissing, match=ABSENT) as refusal:
        store.get(ABSENT)
    assert isinstance(refusal.value, DomainError)
    assert (refusal.value.code, refusal.value.status) == ("print_file_missing", 404)
    assert not store.exists(ABSENT)


def test_files_lie_in_the_folder_by_the_first_digits_of_their_hash(tmp_path: Path) -> None:
    open_print_file_store(tmp_path.as_uri()).put(CONTENT)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [a_stored_path(tmp_path)]
    assert files[0].read_bytes() == CONTENT


def test_another_process_finds_the_files_of_the_folder(tmp_path: Path) -> None:
    open_print_file_store(tmp_path.as_uri()).put(CONTENT)
    assert open_print_file_store(tmp_path.as_uri()).get(SHA256) == CONTENT
    assert open_print_file_store((tmp_path / "other").as_uri()).exists(SHA256) is False


@pytest.mark.parametrize("damage", [b"a print fole", b"a print", b"", CONTENT + b"\n"])
def test_a_file_that_was_changed_in_the_store_is_never_handed_out(tmp_path: Path, damage: bytes) -> None:
    store = open_print_file_store(tmp_path.as_uri())
    store.put(CONTENT)
    a_stored_path(tmp_path).write_bytes(damage)
    with pytest.raises(PrintFileDamaged, match="nothing may be printed from this copy") as refusal:
        store.get(SHA256)
    assert (refusal.value.code, refusal.value.status) == ("print_file_damaged", 500)
    assert SHA256 in refusal.value.message
    assert hashlib.sha256(damage).hexdigest() in refusal.value.message


def test_putting_the_original_again_heals_a_damaged_file(tmp_path: Path) -> None:
    store = open_print_file_store(tmp_path.as_uri())
    store.put(CONTENT)
    a_stored_path(tmp_path).write_bytes(b"damaged")
    assert store.put(CONTENT) == SHA256
    assert store.get(SHA256) == CONTENT


def test_the_fake_refuses_damaged_files_and_everything_while_it_is_down() -> None:
    store = FakePrintFileStore()
    store.put(CONTENT)
    store.damage(SHA256)
    with pytest.raises(PrintFileDamaged, match=SHA256):
        store.get(SHA256)
    store.down = True
    for call in (lambda: store.put(CONTENT), lambda: store.get(SHA256), lambda: store.exists(SHA256)):
        with pytest.raises(PrintFileStoreDown):
            call()


@pytest.mark.parametrize("address", ["", "../../etc/passwd", SHA256.upper(), SHA256[:-1], SHA256 + "0", f"{SHA256}\n"])
def test_only_a_sha256_is_an_address(tmp_path: Path, address: str) -> None:
    store = open_print_file_store(tmp_path.as_uri())
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        store.get(address)
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        store.exists(address)


def test_a_store_that_breaks_is_an_error_to_wait_for_that_tells_nothing_about_the_machine(tmp_path: Path) -> None:
    store = open_print_file_store((tmp_path / "files").as_uri())
    (tmp_path / "files").rmdir()
    (tmp_path / "files").write_text("no folder any more", encoding="utf-8")
    with pytest.raises(PrintFileStoreDown, match="can't be kept just now") as refusal:
        store.put(CONTENT)
    assert (refusal.value.code, refusal.value.status) == ("print_file_store_down", 503)
    assert refusal.value.headers == {"Retry-After": "5"}
    assert str(tmp_path) not in refusal.value.message
    assert "FABROUTE_STORAGE_URL" in refusal.value.message


def test_a_folder_that_cant_be_made_says_so_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(PrintFileStoreDown, match="FABROUTE_STORAGE_URL"):
        open_print_file_store((tmp_path / "file" / "below").as_uri())


def test_a_relative_folder_is_meant_from_where_the_process_runs(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        store = open_print_file_store("file://./kept%20here")
    store.put(CONTENT)
    assert a_stored_path(tmp_path / "kept here").read_bytes() == CONTENT
    assert store.get(SHA256) == CONTENT


@pytest.mark.parametrize("url", ["", "print-files", "ftp://host/folder", "https://host/folder", "S3://bucket"])
def test_a_url_of_no_known_kind_is_refused_with_those_that_are(url: str) -> None:
    with pytest.raises(UnknownStorage, match="give file:///folder, memory://, s3://bucket/prefix") as refusal:
        open_print_file_store(url)
    assert repr(url) in str(refusal.value)


def test_remote_stores_are_opened_without_asking_them_anything() -> None:
    store = open_print_file_store("s3://bucket/prefix")
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        store.get("not an address")
    assert store.exists.__doc__


def test_a_file_is_kept_and_fetched_in_pieces_under_the_same_address(tmp_path: Path) -> None:
    store = open_print_file_store((tmp_path / "store").as_uri())
    content = bytes(range(256)) * 20_000
    (tmp_path / "big").write_bytes(content)
    target = io.BytesIO()

    address = store.put_file(tmp_path / "big")

    assert address == hashlib.sha256(content).hexdigest()
    assert store.fetch(address, target) == len(content)
    assert target.getvalue() == content


def test_a_damaged_file_is_not_fetched(tmp_path: Path) -> None:
    store = open_print_file_store(tmp_path.as_uri())
    address = store.put(b"a print file")
    (tmp_path / address[:2] / address).write_bytes(b"another file")

    with pytest.raises(PrintFileDamaged, match="has been changed in the store"):
        store.fetch(address, io.BytesIO())
    with pytest.raises(PrintFileMissing, match="holds no print file"):
        store.fetch("0" * 64, io.BytesIO())
