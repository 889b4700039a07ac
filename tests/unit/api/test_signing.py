from pathlib import Path

import pytest

from fabroute.api.signing import InstallationSigner
from fabroute.integrations.validation.signing import SigningKeyMissing, verify


def test_a_key_is_made_by_whoever_signs_first_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing-key.pem"
    signer = InstallationSigner(path, create=True)
    assert not path.exists()

    signature = signer.sign(b"a release")
    assert verify(signer.public_key, b"a release", signature)
    assert path.stat().st_mode & 0o777 == 0o600
    assert InstallationSigner(path, create=True).public_key == signer.public_key


def test_in_production_a_key_has_to_be_there(tmp_path: Path) -> None:
    signer = InstallationSigner(tmp_path / "signing-key.pem", create=False)

    with pytest.raises(SigningKeyMissing, match="there is no signing key at"):
        signer.sign(b"a release")
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_came_later_is_found(tmp_path: Path) -> None:
    path = tmp_path / "signing-key.pem"
    signer = InstallationSigner(path, create=False)
    with pytest.raises(SigningKeyMissing):
        signer.sign(b"too early")
    made = InstallationSigner(path, create=True).public_key

    assert signer.public_key == made
    assert verify(made, b"a release", signer.sign(b"a release"))
