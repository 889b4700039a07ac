"""Notes beside the print files: kept under any name, replaced, and never mistaken for a file."""

import hashlib
from pathlib import Path

import pytest

from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.reference.print_files import RemembersNotes
from fabroute.inventory.ports import PrintFileStoreDown


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_a_note_is_kept_under_its_name_and_replaced(tmp_path: Path, kind: str) -> None:
    store = open_print_file_store(tmp_path.as_uri() if kind == "folder" else "memory://")
    assert isinstance(store, RemembersNotes)
    assert store.recall("recipe") is None
    store.remember("recipe", b"one")
    store.remember("recipe", b"two")
    store.remember("any name: ../../x", b"three")
    assert (store.recall("recipe"), store.recall("any name: ../../x")) == (b"two", b"three")
    assert not store.exists(hashlib.sha256(b"two").hexdigest())


def test_notes_lie_in_a_folder_of_their_own(tmp_path: Path) -> None:
    store = open_print_file_store(tmp_path.as_uri())
    assert isinstance(store, RemembersNotes)
    store.remember("recipe", b"one")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [
        f"notes/{hashlib.sha256(b'recipe').hexdigest()}"
    ]


def test_a_store_that_breaks_says_so_for_notes_too(tmp_path: Path) -> None:
    store = open_print_file_store((tmp_path / "files").as_uri())
    assert isinstance(store, RemembersNotes)
    (tmp_path / "files").rmdir()
    (tmp_path / "files").write_text("no folder any more", encoding="utf-8")
    with pytest.raises(PrintFileStoreDown, match="can't be kept just now"):
        store.remember("recipe", b"one")
