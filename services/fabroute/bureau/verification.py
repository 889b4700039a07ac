"""Is a print file the one that was released? Its SHA-256, and the Ed25519 signature (RFC 8032) of its release."""

import base64
import binascii
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fabroute.kernel.errors import DomainError


class FileDamaged(DomainError):
    """What came over the wire is not the file: ask for another ticket."""

    code = "file_damaged"
    status = 502


class FileNotReleased(DomainError):
    """Nobody whom we trust has released this file: it must not be printed."""

    code = "file_not_released"
    status = 409


def save_verified(pieces: Iterator[bytes], path: Path, *, sha256: str) -> None:
    """Write a download to ``path``; ``FileDamaged``, and no file is left, unless it has the SHA-256 of its ticket."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
    if digest.hexdigest() != sha256:
        path.unlink()
        raise FileDamaged(f"the download has SHA-256 {digest.hexdigest()}, its ticket says {sha256}: fetched again")


def require_released(ticket: Mapping[str, Any], *, trusted: Collection[str]) -> None:
    """Raise ``FileNotReleased`` unless a key that is trusted signed the release of this very file.

    A revision that was released before statements were signed has none; then nothing can be checked but the SHA-256.
    """
    statement = str(ticket.get("statement", ""))
    if not statement:
        return
    public_key = str(ticket.get("public_key", ""))
    if public_key not in trusted:
        raise FileNotReleased(
            f"the release is signed with another key than this installation's, {public_key}: don't print it, and ask "
            "the operator; if that was a key of theirs, add it to public_keys"
        )
    if not _is_signed(public_key, statement.encode(), str(ticket.get("signature", ""))):
        raise FileNotReleased("the signature of the release is wrong: don't print it, and ask the operator")
    if json.loads(statement).get("print_file", {}).get("sha256") != ticket.get("sha256"):
        raise FileNotReleased("the release that was signed is of another file: don't print it, and ask the operator")


def _is_signed(public_key: str, statement: bytes, signature: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), statement)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
