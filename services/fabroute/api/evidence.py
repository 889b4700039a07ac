"""Photos, measurements, reports and certificates as they come in: any file that people can look at, up to a size."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.dependencies import get_resources
from fabroute.api.uploads import LONGEST_FILE_NAME, ReceivedFile, UploadRules, received_file
from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing, PrintFileStoreDown
from fabroute.production.rules import EVIDENCE_MEDIA_TYPES

MAXIMUM_BYTES = 32 * 2**20

RULES = UploadRules(
    maximum_bytes=MAXIMUM_BYTES,
    refused_media_types=re.compile(rf"(?!(?:{EVIDENCE_MEDIA_TYPES.pattern})\Z).+", re.DOTALL),
)
"""Nothing that a browser would run, and no form: the body is the file itself."""

_BYTES = {"schema": {"type": "string", "format": "binary"}}


def file_of(media_type: str) -> docs.Responses:
    """Return the description of an answer that is a file of one media type."""
    return {
        200: {
            "description": "The file, after its SHA-256 was found right.",
            "content": {media_type: _BYTES},
            "headers": {
                "ETag": {"description": "The SHA-256, in quotes.", "schema": {"type": "string"}},
                "Content-Digest": {"description": "The SHA-256 (RFC 9530).", "schema": {"type": "string"}},
                "Content-Disposition": {"description": "The file's name.", "schema": {"type": "string"}},
            },
        }
    }


FILE: docs.Responses = {
    200: file_of("application/octet-stream")[200]
    | {
        "description": "The file, after its SHA-256 was found right, under the media type that it came with.",
        "content": {"application/octet-stream": _BYTES, "*/*": {}},
    }
}
"""The description of an answer that is somebody's file of any kind."""
FILE_PROBLEMS = (PrintFileMissing, PrintFileDamaged, PrintFileStoreDown)
UPLOAD: docs.Extra = {
    "requestBody": {
        "required": True,
        "description": "The file's own bytes, with its Content-Type; no form.",
        "content": {"application/octet-stream": _BYTES},
    },
    "parameters": [
        {
            "name": "name",
            "in": "query",
            "required": False,
            "description": "The file's name; else that of Content-Disposition.",
            "schema": {"type": "string", "maxLength": LONGEST_FILE_NAME},
        }
    ],
}
UPLOAD_PROBLEMS = (
    errors.BodyTooLarge,
    errors.UnsupportedMediaType,
    errors.FileNameInvalid,
    errors.ContentDigestInvalid,
    errors.ContentDigestMismatch,
    errors.EmptyUpload,
    errors.UploadsBusy,
    errors.UploadTooSlow,
    errors.UploadInterrupted,
)


async def get_evidence_file(request: Request) -> AsyncIterator[ReceivedFile]:
    """Yield the request's body as a file that is gone after the request."""
    async with received_file(request, slots=get_resources(request).uploads, rules=RULES) as file:
        yield file


EvidenceFile = Annotated[ReceivedFile, Depends(get_evidence_file)]
