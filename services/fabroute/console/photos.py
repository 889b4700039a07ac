"""Photos and reports out of a form: into the store, before the view that names them runs."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from fabroute.api.dependencies import JobsWriter, get_resources
from fabroute.api.evidence import MAXIMUM_BYTES
from fabroute.api.uploads import DEFAULT_MEDIA_TYPE
from fabroute.console.forms import field_refused, form_of
from fabroute.production.rules import EVIDENCE_HEAD_BYTES, UNKNOWN_MEDIA_TYPE, evidence_media_type

_PIECE_BYTES = 2**20
_NAME = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 80
_KINDS = {"image": "photo", "video": "photo", "text": "measurement"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file that came with a form and lies in the store now."""

    name: str
    """Begins with its hash: two photos of one name are two."""
    media_type: str
    size_bytes: int
    sha256: str
    head: bytes
    """How it begins."""

    @property
    def kind(self) -> str:
        """``photo``, ``measurement`` or ``report``."""
        return _KINDS.get(self.media_type.partition("/")[0], "report")


async def keep_files(request: Request, caller: JobsWriter) -> tuple[SentFile, ...]:
    """Return the files of a form, which lie in the store from now on. Refused at their field: too large, no photo."""
    files = form_of(request).files
    try:
        return tuple([await _keep(request, field, file) for field, file in files.items() if file.filename])
    finally:
        for file in files.values():
            await file.close()


async def _keep(request: Request, field: str, file: UploadFile) -> SentFile:
    with get_resources(request).uploads.one():
        return await run_in_threadpool(_kept, request, field, file)


def _kept(request: Request, field: str, file: UploadFile) -> SentFile:
    head = file.file.read(EVIDENCE_HEAD_BYTES)
    file.file.seek(0)
    media_type = _media_type(file, head, field)
    with TemporaryDirectory(prefix="fabroute-photo-") as folder:
        path = Path(folder) / "content"
        size, sha256 = _written(file, path, field)
        get_resources(request).store.put_file(path)
    name = _NAME.sub("_", Path(file.filename or "photo").name)[-_LONGEST_NAME:]
    return SentFile(name=f"{sha256[:8]}-{name}", media_type=media_type, size_bytes=size, sha256=sha256, head=head)


def _media_type(file: UploadFile, head: bytes, field: str) -> str:
    """Return what a file is, by its content; refused at its field where nobody could look at it."""
    if not head:
        raise field_refused(field, "The file is empty: choose another one.")
    declared = (file.content_type or DEFAULT_MEDIA_TYPE).partition(";")[0].strip().lower()
    found = evidence_media_type(declared, head)
    if found is None or found == UNKNOWN_MEDIA_TYPE:
        words = "is none of these" if found is None else "can't be recognised"
        raise field_refused(field, f"Choose a photo, a PDF or a table: “{file.filename}” {words}.")
    return found


def _written(file: UploadFile, path: Path, field: str) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as target:
        while piece := file.file.read(_PIECE_BYTES):
            size += len(piece)
            if size > MAXIMUM_BYTES:
                raise field_refused(field, f"The file is larger than {MAXIMUM_BYTES // 2**20} MB: send a smaller one.")
            digest.update(piece)
            target.write(piece)
    return size, digest.hexdigest()
