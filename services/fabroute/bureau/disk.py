"""What must survive a crash is written whole or not at all; a folder is one process's."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fabroute.kernel.errors import DomainError


class FolderInUse(DomainError):
    """Another connector works in this folder."""

    code = "folder_in_use"
    status = 409


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that after a crash it is the old one or the new one, and the new one once this returns."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write an object as JSON for programs and people, whole or not at all."""
    write_whole(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def sync_folder(folder: Path) -> None:
    """Have a folder's entries survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_folder(source: Path, target: Path) -> None:
    """Move a folder, if it is there, within one file system; one that is in the way is an older copy, and goes."""
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.rmtree(target)
    source.rename(target)
    sync_folder(target.parent)


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Hold ``path`` as the lock of its folder; ``FolderInUse`` if another process does. A dead one holds nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUse(
                f"another fabroute bureau works in {path.parent.parent}: stop it, or use another folder"
            ) from error
        yield
