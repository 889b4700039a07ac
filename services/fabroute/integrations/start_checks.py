"""Whether the places for files can be written to: asked once, when a process starts."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import ObjectStore

from fabroute.integrations.object_storage import object_store_at
from fabroute.integrations.sign_in.secret_key import SecretKeyMissing, require_secret_key
from fabroute.integrations.validation.signing import SigningKeyMissing, open_signer
from fabroute.kernel.errors import DomainError
from fabroute.settings import Settings

FULL_BYTES = 64 * 2**20
SCARCE_BYTES = 2**30
_PROBE_KEY = "notes/start"
_FILE = "file://"


class StorageUnfit(DomainError):
    """Files can't be kept where the settings say; starting again won't help."""

    code = "storage_unfit"
    status = 503


class StorageUnreachable(DomainError):
    """The store of files does not answer, or its disk is full."""

    code = "storage_unreachable"
    status = 503
    passes = True


def require_fit_storage(settings: Settings) -> Sequence[str]:
    """Raise what keeps this process from keeping files; return what will soon.

    Each place is written to and read. Raises ``StorageUnfit``, ``StorageUnreachable`` and ``UnknownStorage``.
    """
    _require_store(settings.storage_url, setting="FABROUTE_STORAGE_URL")
    told: list[str] = []
    for name, folder in _folders(settings).items():
        told += _room(folder, name=name)
    return told


def require_fit_roots(settings: Settings) -> None:
    """Raise what keeps this process from exporting roots of the audit log; errors as of ``require_fit_storage``.

    A bucket that takes no file twice is right for them: the one that an earlier start wrote is read then.
    """
    _require_store(settings.audit_roots_url, setting="FABROUTE_AUDIT_ROOTS_URL", once=True)


def require_fit_signing_key(settings: Settings) -> None:
    """Raise where the signing key can't be used; outside production one that is missing is made when it is needed."""
    try:
        open_signer(settings.signing_key_file)
    except SigningKeyMissing:
        if settings.profile == "production":
            raise


def require_fit_secret_key(settings: Settings) -> None:
    """Raise where the secret key can't be used; outside production one that is missing is made when it is needed."""
    try:
        require_secret_key(settings.secret_key_file)
    except SecretKeyMissing:
        if settings.profile == "production":
            raise


def require_fit_carriers(settings: Settings) -> None:
    """Raise ``StorageUnfit`` where carriers are to have folders, and this process can't read and write them."""
    if settings.carrier_folder is None:
        return
    folder = settings.carrier_folder.absolute()
    if not folder.is_dir():
        raise StorageUnfit(
            f"there is no folder {folder} (FABROUTE_CARRIER_FOLDER): make it, with a folder in it for each carrier"
        )
    for place in (folder, *(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))):
        if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            raise StorageUnfit(
                f"user {os.geteuid()} can't write to {place} (FABROUTE_CARRIER_FOLDER): give it to that user "
                f"(chown {os.geteuid()} {place})"
            )


def require_fit_life_sign(settings: Settings) -> None:
    """Raise ``StorageUnfit`` where no sign of life can be given: who looks for it would end a process that works."""
    file = settings.life_sign_file
    if file is None:
        return
    try:
        file.touch()
    except OSError as error:
        raise StorageUnfit(
            f"user {os.geteuid()} can't touch {file.absolute()} (FABROUTE_LIFE_SIGN_FILE: {error.strerror}): name a "
            "file in a folder of that user, the same for fabroute alive work"
        ) from error


def _require_store(url: str, *, setting: str, once: bool = False) -> None:
    content = os.urandom(16)
    try:
        store = object_store_at(url, setting=setting)
        _write(store, content, once=once and not url.startswith(_FILE))
        found = _read(store)
    except (BaseError, OSError) as error:
        raise _trouble(error, url=url, setting=setting) from error
    if len(found) != len(content):
        raise StorageUnfit(f"{setting} {url} gives back other bytes than it was given: check that store")


def _write(store: ObjectStore, content: bytes, *, once: bool) -> None:
    try:
        store.put(_PROBE_KEY, content, mode="create" if once else "overwrite")
    except (AlreadyExistsError, FileExistsError):
        if not once:
            raise


def _read(store: ObjectStore) -> bytes:
    return bytes(store.get(_PROBE_KEY).bytes())


def _trouble(error: Exception, *, url: str, setting: str) -> DomainError:
    if url.startswith(_FILE):
        return _folder_trouble(error, url=url, setting=setting)
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError, PermissionError)):
        return StorageUnfit(
            f"the store refuses to let us write to {url}: check FABROUTE_STORAGE_ACCESS_KEY_ID, "
            "FABROUTE_STORAGE_SECRET_ACCESS_KEY, and that this key may get, put, list and delete there"
        )
    if isinstance(error, (NotFoundError, FileNotFoundError)):
        return StorageUnfit(f"there is no bucket at {url}: make it, or correct {setting}")
    return StorageUnreachable(
        f"the store at {url} does not answer ({_first_line(error)}): is it running, and are {setting} and "
        "FABROUTE_STORAGE_ENDPOINT right?"
    )


def _folder_trouble(error: Exception, *, url: str, setting: str) -> DomainError:
    folder = _folder_of(url)
    if "No space left" in str(error):
        return StorageUnreachable(f"the disk under {folder} ({setting}) is full: make room there")
    return StorageUnfit(
        f"{folder} ({setting}) can't be written by user {os.geteuid()} ({_first_line(error)}): make the folder and "
        f"give it to that user (chown {os.geteuid()} {folder}), or name another"
    )


def _folders(settings: Settings) -> dict[str, Path]:
    """Return the folders that this process writes to, by what is told of them."""
    places = {"FABROUTE_STORAGE_URL": settings.storage_url, "FABROUTE_AUDIT_ROOTS_URL": settings.audit_roots_url}
    local = {name: _folder_of(url) for name, url in places.items() if url.startswith(_FILE)}
    return {**local, "TMPDIR": Path(tempfile.gettempdir())}


def _room(folder: Path, *, name: str) -> Sequence[str]:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    words = f"{free // 2**20} MiB are left under {folder} ({name})"
    if free < FULL_BYTES:
        raise StorageUnreachable(f"only {words}: make room there, then start again")
    return (f"only {words}: make room there soon",) if free < SCARCE_BYTES else ()


def _folder_of(url: str) -> Path:
    return Path(unquote(url.removeprefix(_FILE))).absolute()


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
