"""Print files in object storage: a folder, S3, Google or Azure storage, or memory, behind one URL."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing, PrintFileStore, PrintFileStoreDown
from fabroute.kernel.errors import DomainError
from fabroute.settings import Settings, get_settings

if TYPE_CHECKING:  # the library has these types for checkers only
    from obstore.store import ClientConfig, RetryConfig, S3Config

_SHA256 = re.compile(r"[0-9a-f]{64}")
_S3 = ("s3://", "s3a://")
_REMOTE = ("gs://", "az://")
_CONNECT_WITHIN = timedelta(seconds=5)
_RETRIES: "RetryConfig" = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}
"""A store that does not answer is given up in seconds, not in the three minutes of the library."""
_RETRY_AFTER_SECONDS = 5
_PIECE_BYTES = 2**20
_ABSENT = (FileNotFoundError, NotFoundError)
"""What the library documents, and what it raises."""


class UnknownStorage(DomainError):
    """The storage URL names no kind of storage that print files can lie in."""

    code = "unknown_storage"
    status = 500


class ObjectStoragePrintFiles:
    """A ``PrintFileStore`` in one object store; a file's key begins with two digits of its SHA-256."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its SHA-256. Writing the same content again heals a damaged copy."""
        sha256 = hashlib.sha256(content).hexdigest()
        with _reachable("kept"):
            self._store.put(_key(sha256), content)
        return sha256

    def put_file(self, path: Path) -> str:
        """Keep the content of a file, streamed, and return its SHA-256."""
        with path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        with _reachable("kept"):
            self._store.put(_key(sha256), path)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the content; ``PrintFileMissing``, ``PrintFileDamaged`` or ``PrintFileStoreDown``."""
        with _reachable("read"):
            content = self._read(sha256)
        found = hashlib.sha256(content).hexdigest()
        _require_same(sha256, found)
        return content

    def fetch(self, sha256: str, target: IO[bytes]) -> int:
        """Write the content into ``target``, streamed; trust it only once this has returned its length."""
        digest, length = hashlib.sha256(), 0
        with _reachable("read"):
            for piece in self._stream(sha256):
                digest.update(piece)
                length += target.write(piece)
        _require_same(sha256, digest.hexdigest())
        return length

    def exists(self, sha256: str) -> bool:
        """Tell whether the store holds that file, without reading it."""
        key = _key(sha256)
        with _reachable("looked up"):
            try:
                self._store.head(key)
            except _ABSENT:
                return False
        return True

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield SHA-256 and bytes of every file, as the store lists them; notes are none."""
        with _reachable("listed"):
            for batch in self._store.list():
                for item in batch:
                    name = str(item["path"]).rpartition("/")[2]
                    if _SHA256.fullmatch(name) and str(item["path"]) == _key(name):
                        yield name, int(item["size"])

    def remember(self, name: str, note: bytes) -> None:
        """Keep a note under a name, in the place of an older one: what was made of what, not to make it again."""
        with _reachable("kept"):
            self._store.put(_note_key(name), note)

    def recall(self, name: str) -> bytes | None:
        """Return the note under a name, ``None`` if there is none. Nobody vouches for it: check what it says."""
        with _reachable("read"):
            try:
                return bytes(self._store.get(_note_key(name)).bytes())
            except _ABSENT:
                return None

    def _read(self, sha256: str) -> bytes:
        try:
            return bytes(self._store.get(_key(sha256)).bytes())
        except _ABSENT as error:
            raise _missing(sha256) from error

    def _stream(self, sha256: str) -> Iterator[bytes]:
        try:
            found = self._store.get(_key(sha256))
        except _ABSENT as error:
            raise _missing(sha256) from error
        for piece in found.stream(min_chunk_size=_PIECE_BYTES):
            yield bytes(piece)


def open_print_file_store(url: str) -> PrintFileStore:
    """Return the store at ``url``; a folder that isn't there is made.

    ``file:///absolute/folder`` or ``file://./relative/folder``, ``memory://``, ``s3://bucket/prefix``, ``gs://`` or
    ``az://`` (credentials by the provider's usual environment variables). ``UnknownStorage`` for anything else.
    """
    with _reachable("kept"):
        return ObjectStoragePrintFiles(object_store_at(url, setting="FABROUTE_STORAGE_URL"))


def open_object_store(url: str) -> ObjectStoragePrintFiles:
    """Return the store at ``url`` as ``open_print_file_store``, for who has to list it."""
    with _reachable("kept"):
        return ObjectStoragePrintFiles(object_store_at(url, setting="FABROUTE_STORAGE_URL"))


def object_store_at(url: str, *, setting: str) -> ObjectStore:
    """Return the object store at ``url``, which ``setting`` names. Raises ``UnknownStorage``, ``OSError``."""
    if url.startswith("file://"):
        return LocalStore(Path(unquote(url.removeprefix("file://"))).absolute(), mkdir=True)
    if url.startswith("memory://"):
        return MemoryStore()
    if url.startswith(_S3):
        settings = get_settings()
        return from_url(url, config=_s3_access(settings), client_options=_client(settings), retry_config=_RETRIES)
    if url.startswith(_REMOTE):
        return from_url(url, client_options={"connect_timeout": _CONNECT_WITHIN}, retry_config=_RETRIES)
    raise UnknownStorage(
        f"{setting} is {url!r}: give file:///folder, memory://, s3://bucket/prefix, gs://bucket/prefix "
        "or az://container/prefix"
    )


def _client(settings: Settings) -> "ClientConfig":
    plain = (settings.storage_endpoint or "").startswith("http://")
    return {"connect_timeout": _CONNECT_WITHIN, **({"allow_http": True} if plain else {})}


def _s3_access(settings: Settings) -> "S3Config":
    """Return what the settings say of an S3; what they don't say, its library finds in the usual ways."""
    access: S3Config = {}
    if settings.storage_endpoint is not None:
        access["endpoint"] = settings.storage_endpoint
    if settings.storage_access_key_id is not None and settings.storage_secret_access_key is not None:
        access["access_key_id"] = settings.storage_access_key_id.get_secret_value()
        access["secret_access_key"] = settings.storage_secret_access_key.get_secret_value()
    return access


def _key(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"a print file is addressed by 64 hexadecimal digits in lower case, not by {sha256[:80]!r}")
    return f"{sha256[:2]}/{sha256}"


def _missing(sha256: str) -> PrintFileMissing:
    return PrintFileMissing(f"the store holds no print file {sha256}: put it there again")


def _require_same(sha256: str, found: str) -> None:
    if found != sha256:
        raise PrintFileDamaged(
            f"the print file {sha256} has been changed in the store: its content has the SHA-256 {found}. "
            "Put the original back; nothing may be printed from this copy"
        )


def _note_key(name: str) -> str:
    return f"notes/{hashlib.sha256(name.encode()).hexdigest()}"


@contextmanager
def _reachable(verb: str) -> Iterator[None]:
    """Turn whatever the storage library raises into one error that a caller can wait for."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise PrintFileStoreDown(
            f"a print file can't be {verb} just now: the store behind FABROUTE_STORAGE_URL does not answer as "
            f"it should ({type(error).__name__}). Check the store, then try again",
            headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
        ) from error
