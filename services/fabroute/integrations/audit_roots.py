"""Signed roots of the audit log in object storage: best a bucket that nobody can delete from, not the print files'."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore

from fabroute.identity.ports import RootFolderDown
from fabroute.integrations.object_storage import object_store_at

_ENDING = ".jsonl"
_ABSENT = (FileNotFoundError, NotFoundError)


class ObjectStorageRoots:
    """A ``RootFolder`` in one object store. Keys begin with the day, so their order is that of time."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, key: str, content: bytes) -> None:
        """Keep a new file; one that is there already is not overwritten: ``RootFolderDown``."""
        with _reachable("written"):
            self._store.put(key, content, mode="create")

    def names(self) -> Sequence[str]:
        """Return the keys of all files, oldest first."""
        with _reachable("listed"):
            found = [str(item["path"]) for batch in self._store.list() for item in batch]
        return sorted(key for key in found if key.endswith(_ENDING))

    def get(self, key: str) -> bytes | None:
        """Return a file's content, ``None`` if there is no such file."""
        with _reachable("read"):
            try:
                return bytes(self._store.get(key).bytes())
            except _ABSENT:
                return None


def open_root_folder(url: str) -> ObjectStorageRoots:
    """Return the folder of exported roots at ``url``, as ``open_print_file_store`` takes it."""
    with _reachable("opened"):
        return ObjectStorageRoots(object_store_at(url, setting="FABROUTE_AUDIT_ROOTS_URL"))


@contextmanager
def _reachable(verb: str) -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise RootFolderDown(
            f"exported audit roots can't be {verb}: the store behind FABROUTE_AUDIT_ROOTS_URL does not answer as it "
            f"should ({type(error).__name__})"
        ) from error
