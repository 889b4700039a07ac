"""The installation's key: made when first needed, but never in production, where the refusal says what to run."""

from pathlib import Path

import pytest

from fabroute.integrations.signing_key import configured_signer
from fabroute.integrations.validation.signing import SigningKeyMissing, verify
from fabroute.settings import Profile, Settings


def a_setting(path: Path, *, profile: Profile = "development") -> Settings:
    return Settings(profile=profile, signing_key_file=path)


@pytest.mark.parametrize("profile", ["development", "embedded"])
def test_outside_production_the_key_is_made_once(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key.pem"
    first = configured_signer(a_setting(path, profile=profile))
    second = configured_signer(a_setting(path, profile=profile))
    assert first.public_key == second.public_key
    assert path.stat().st_mode & 0o777 == 0o600
    assert verify(second.public_key, b"statement", first.sign(b"statement"))
    assert not verify(second.public_key, b"another", first.sign(b"statement"))


def test_in_production_the_key_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(SigningKeyMissing, match="make one with `fabroute keys signing`") as refusal:
        configured_signer(a_setting(path, profile="production"))
    assert (refusal.value.status, path.exists()) == (503, False)
    made = configured_signer(a_setting(path))
    assert configured_signer(a_setting(path, profile="production")).public_key == made.public_key
