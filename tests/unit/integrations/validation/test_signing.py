"""Signatures by Ed25519: against RFC 8032's own vectors, and keys that must not be used."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from fabroute.integrations.validation.signing import (
    Ed25519Signer,
    SigningKeyExposed,
    SigningKeyMissing,
    SigningKeyUnusable,
    open_signer,
    verify,
)
from fabroute.inventory.ports import PrintFileSigner
from fabroute.kernel.errors import DomainError

RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
]
"""Secret key, public key, message and signature of tests 1 and 2 of section 7.1."""


def test_signatures_are_those_of_the_standard() -> None:
    for secret, public, message, signature in RFC_8032:
        signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)))
        assert base64.b64decode(signer.public_key).hex() == public
        assert base64.b64decode(signer.sign(bytes.fromhex(message))).hex() == signature
        assert verify(signer.public_key, bytes.fromhex(message), signer.sign(bytes.fromhex(message)))


def test_a_signer_does_what_the_inventory_asks(tmp_path: Path) -> None:
    signer: PrintFileSigner = open_signer(tmp_path / "key.pem", create=True)
    signature = signer.sign(b"sha256:abc")
    assert verify(signer.public_key, b"sha256:abc", signature)
    assert len(base64.b64decode(signature)) == 64
    assert len(base64.b64decode(signer.public_key)) == 32


def test_a_changed_statement_signature_or_key_does_not_verify(tmp_path: Path) -> None:
    signer, other = (open_signer(tmp_path / name, create=True) for name in ("one.pem", "other.pem"))
    signature = signer.sign(b"released")
    assert not verify(signer.public_key, b"released!", signature)
    assert not verify(signer.public_key, b"released", other.sign(b"released"))
    assert not verify(other.public_key, b"released", signature)


@pytest.mark.parametrize("broken", ["", "not base64!", "AAAA", base64.b64encode(b"\0" * 63).decode(), "ä" * 88])
def test_broken_signatures_and_keys_do_not_verify(broken: str, tmp_path: Path) -> None:
    signer = open_signer(tmp_path / "key.pem", create=True)
    assert not verify(signer.public_key, b"released", broken)
    assert not verify(broken, b"released", signer.sign(b"released"))


def test_a_new_key_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.pem"
    previous = os.umask(0)
    try:
        open_signer(path, create=True)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert [entry.name for entry in path.parent.iterdir()] == ["signing.pem"]


def test_the_same_file_gives_the_same_key_again(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    first, again, third = open_signer(path, create=True), open_signer(path, create=True), open_signer(path)
    assert first.public_key == again.public_key == third.public_key
    assert first.sign(b"x") == third.sign(b"x")


def test_of_several_that_create_a_key_all_use_the_same_one(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: open_signer(path, create=True).public_key, range(24)))
    assert len(set(keys)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.pem"]


def test_no_key_is_made_unless_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyMissing, match="make one with `fabroute keys signing`") as refusal:
        open_signer(tmp_path / "key.pem")
    assert (refusal.value.code, refusal.value.status) == ("signing_key_missing", 503)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601])
def test_a_key_that_others_can_reach_is_refused(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    open_signer(path, create=True)
    path.chmod(mode)
    with pytest.raises(SigningKeyExposed, match=f"mode {mode:o}") as refusal:
        open_signer(path)
    assert "chmod 600" in refusal.value.message
    path.chmod(0o400)
    assert open_signer(path).public_key


def test_a_file_that_holds_no_key_is_refused(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    curve = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"hello", locked, curve):
        path = tmp_path / "key.pem"
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(SigningKeyUnusable, match="replace it") as refusal:
            open_signer(path)
        assert isinstance(refusal.value, DomainError)
        assert "secret" not in refusal.value.message


def test_a_key_that_can_not_be_read_or_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyUnusable, match="can't be read"):
        open_signer(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SigningKeyUnusable, match="no signing key can be written") as refusal:
        open_signer(tmp_path / "file" / "key.pem", create=True)
    assert refusal.value.code == "signing_key_unusable"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_an_existing_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"something else")
    path.chmod(0o600)
    with pytest.raises(SigningKeyUnusable):
        open_signer(path, create=True)
    assert path.read_bytes() == b"something else"
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.pem"]
