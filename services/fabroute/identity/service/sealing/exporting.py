"""An organisation's audit log as JSON lines, which anyone can check without fabroute."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from fabroute.identity.repository import seals as repository
from fabroute.identity.service.sealing.content import Link, sealed_content
from fabroute.identity.service.sealing.roots import root_of
from fabroute.identity.service.sealing.sealer import entry_of

CHECKING_PROGRAM = '''\
"""python check.py audit.jsonl PUBLIC_KEY: is this audit log whole? Needs the package cryptography."""
import base64, hashlib, json, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(sys.argv[2]))
hashes = ["0" * 64]
for line in map(json.loads, open(sys.argv[1], encoding="utf-8")):
    if line["type"] == "entry":
        content = json.loads(line["content"])
        digest = hashlib.sha256(line["content"].encode()).hexdigest()
        if [content["position"], content["previous_hash"], line["hash"]] != [len(hashes), hashes[-1], digest]:
            sys.exit(f"position {len(hashes)} (entry {line['entry_id']}) was changed, or one before it is missing")
        hashes.append(digest)
    else:
        root = json.loads(line["statement"])
        try:
            public_key.verify(base64.b64decode(line["signature"]), line["statement"].encode())
        except InvalidSignature:
            sys.exit(f"the root of position {root['position']} is not signed with this key")
        if hashes[root["position"]:][:1] != [root["hash"]]:
            sys.exit(f"the signed root of position {root['position']} says otherwise")
print(f"{len(hashes) - 1} entries, nothing was changed or taken out")
'''
"""Checks what ``export_audit_log`` wrote. It shares no line with fabroute."""


def export_audit_log(session: Session, *, chain: str) -> Iterator[str]:
    """Yield a chain as lines of JSON: each entry with the very text that was hashed, then the signed roots.

    An entry: ``{"type": "entry", "position", "entry_id", "hash", "content"}``; ``content`` is the JSON text of all that
    the entry says, of its position and of the hash before it, and ``hash`` the SHA-256 of ``content`` in UTF-8. It is
    made from the database as it is now: where it was changed, ``hash`` is no longer that of ``content``.
    A root: ``{"type": "root", "statement", "signature", "public_key"}``, Ed25519, base64.
    """
    for row in repository.stream_sealed(session, chain=chain):
        yield _line({"type": "entry", "content": _content(row)} | _names(row))
    for row in repository.read_roots(session, chain=chain):
        root = root_of(row)
        yield _line(
            {
                "type": "root",
                "statement": root.statement,
                "signature": root.signature,
                "public_key": root.public_key,
            }
        )


def _names(row: Row[Any]) -> dict[str, object]:
    return {"position": row.position, "entry_id": row.entry_id, "hash": row.hash}


def _content(row: Row[Any]) -> str:
    """Return what is sealed; an empty document for an entry that was deleted."""
    if row.found_id is None:
        return json.dumps({"position": row.position, "previous_hash": row.previous_hash})
    link = Link(position=row.position, previous_hash=row.previous_hash, sealed_at=row.sealed_at)
    return sealed_content(entry_of(row, entry_id=row.entry_id), link)


def _line(document: dict[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
