"""Whether a backup is still what it was when it was made: every file of it is read."""

from collections.abc import Iterator
from pathlib import Path

from fabroute.operations.backing_up import Progress
from fabroute.operations.manifest import (
    HeldFile,
    Manifest,
    listed_objects,
    object_path,
    sha256_of,
)

_STEP = 100


def verify_backup(folder: Path, manifest: Manifest, *, progress: Progress) -> tuple[str, ...]:
    """Return what is wrong with a backup, in words; nothing where each file is there with its size and SHA-256."""
    problems = [problem for held in manifest.files if (problem := _problem(folder / held.path, held))]
    if problems:
        return tuple(problems)
    return tuple(_problems_of_objects(folder, manifest, progress))


def _problems_of_objects(folder: Path, manifest: Manifest, progress: Progress) -> Iterator[str]:
    objects = listed_objects(folder, manifest)
    for number, (sha256, length) in enumerate(objects.items(), start=1):
        path = object_path(folder, sha256)
        problem = _problem(path, HeldFile(path=path.relative_to(folder).as_posix(), bytes=length, sha256=sha256))
        if problem:
            yield problem
        if number % _STEP == 0 or number == len(objects):
            progress("files verified", number, len(objects))
    if (len(objects), sum(objects.values())) != (manifest.objects, manifest.objects_bytes):
        yield "the list of files is not as long as the manifest says"


def _problem(path: Path, held: HeldFile) -> str:
    if not path.is_file():
        return f"{held.path} is missing"
    found = path.stat().st_size
    if found != held.bytes:
        return f"{held.path} has {found} bytes instead of {held.bytes}"
    return "" if sha256_of(path) == held.sha256 else f"{held.path} was changed: its SHA-256 is another"
