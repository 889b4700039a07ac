"""Is a print file the one that was released? SHA-256 and Ed25519, against RFC 8032's own test vector."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fabroute.bureau.verification import FileDamaged, FileNotReleased, _is_signed, require_released, save_verified

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""RFC 8032 7.1, TEST 1."""
SIGNED = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
SHA256 = hashlib.sha256(b"content").hexdigest()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def a_ticket(**changes: object) -> dict[str, object]:
    """Return a ticket that is signed with the key of a fixed seed."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    statement = json.dumps({"print_file": {"sha256": SHA256}})
    return {
        "sha256": SHA256,
        "statement": statement,
        "signature": b64(key.sign(statement.encode())),
        "public_key": b64(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
    } | changes


TRUSTED = (str(a_ticket()["public_key"]),)


def test_the_signature_of_the_standard_is_right_and_a_changed_one_is_not() -> None:
    assert _is_signed(b64(PUBLIC), b"", b64(SIGNED))
    assert not _is_signed(b64(PUBLIC), b"x", b64(SIGNED))
    assert not _is_signed(b64(PUBLIC), b"", b64(SIGNED[:-1] + b"\0"))
    assert not _is_signed(b64(PUBLIC), b"", "no base64!")
    assert not _is_signed("AAAA", b"", b64(SIGNED))


def test_a_release_by_a_trusted_key_is_taken() -> None:
    require_released(a_ticket(), trusted=("another", *TRUSTED))
    require_released({"sha256": SHA256, "statement": ""}, trusted=())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signature": b64(SIGNED)}, "the signature of the release is wrong"),
        ({"statement": '{"print_file": {}}'}, "the signature of the release is wrong"),
        ({"sha256": "00" * 32}, "the release that was signed is of another file"),
        ({"public_key": b64(PUBLIC)}, "signed with another key"),
    ],
)
def test_any_other_is_not(changes: dict[str, object], words: str) -> None:
    with pytest.raises(FileNotReleased) as refusal:
        require_released(a_ticket(**changes), trusted=TRUSTED)
    assert words in refusal.value.message
    assert "don't print it" in refusal.value.message


def test_a_download_is_kept_if_it_is_right_and_leaves_nothing_if_it_is_not(tmp_path: Path) -> None:
    path = tmp_path / "part.3mf"
    save_verified(iter([b"con", b"tent"]), path, sha256=SHA256)
    assert path.read_bytes() == b"content"
    with pytest.raises(FileDamaged, match=f"its ticket says {SHA256}"):
        save_verified(iter([b"cont", b"ent!"]), path, sha256=SHA256)
    assert not path.exists()
