from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fabroute.identity.ports import SealBroken
from fabroute.integrations.sign_in.secret_key import (
    KeyFileSealer,
    SecretKeyMissing,
    SecretKeyUnusable,
    configured_sealer,
    make_secret_key,
)
from fabroute.settings import Profile, Settings

PURPOSE = "totp of per_1"


@pytest.fixture
def sealer(tmp_path: Path) -> KeyFileSealer:
    return KeyFileSealer(tmp_path / "deep" / "secret-key", create=True)


def test_what_is_sealed_opens_for_its_purpose_alone(sealer: KeyFileSealer) -> None:
    sealed = sealer.seal("JBSWY3DPEHPK3PXP", purpose=PURPOSE)

    assert sealer.unseal(sealed, purpose=PURPOSE) == "JBSWY3DPEHPK3PXP"
    assert "JBSWY3DPEHPK3PXP" not in sealed
    assert sealer.seal("JBSWY3DPEHPK3PXP", purpose=PURPOSE) != sealed
    with pytest.raises(SealBroken, match="bring back the key"):
        sealer.unseal(sealed, purpose="totp of per_2")


@pytest.mark.parametrize("broken", ["", "x", "AAAA", "%%%%", "A" * 80, "ä"])
def test_what_nobody_sealed_does_not_open(sealer: KeyFileSealer, broken: str) -> None:
    with pytest.raises(SealBroken) as refusal:
        sealer.unseal(broken, purpose=PURPOSE)
    assert (refusal.value.status, refusal.value.code) == (503, "seal_broken")


def test_every_flipped_character_is_noticed(sealer: KeyFileSealer) -> None:
    sealed = sealer.seal("secret", purpose=PURPOSE)
    changed = [sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :] for at in range(45)]

    for text in changed:
        with pytest.raises(SealBroken):
            sealer.unseal(text, purpose=PURPOSE)
    assert len(sealed) == 48


def test_tags_differ_by_text_and_purpose_and_come_back_the_same(sealer: KeyFileSealer, tmp_path: Path) -> None:
    again = KeyFileSealer(tmp_path / "deep" / "secret-key", create=False)
    tags = {sealer.tag(text, purpose=purpose) for text in ("a", "b", "\udcff") for purpose in ("x", "y")}

    assert len(tags) == 6
    assert again.tag("a", purpose="x") == sealer.tag("a", purpose="x")
    assert {len(tag) for tag in tags} == {64}


def test_of_many_that_make_the_key_all_have_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    with ThreadPoolExecutor(8) as pool:
        tags = set(pool.map(lambda _: KeyFileSealer(path, create=True).tag("a", purpose="x"), range(8)))

    assert len(tags) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret-key"]


@pytest.mark.parametrize("profile", ["development", "embedded"])
def test_outside_production_the_key_is_made_when_it_is_first_needed(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    sealer = configured_sealer(Settings(profile=profile, secret_key_file=path))

    assert not path.exists()
    assert sealer.unseal(sealer.seal("a", purpose="x"), purpose="x") == "a"
    assert path.exists()


def test_in_production_the_key_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    sealer = configured_sealer(Settings(profile="production", secret_key_file=path))

    with pytest.raises(SecretKeyMissing, match="fabroute people secret-key"):
        sealer.tag("a", purpose="x")
    make_secret_key(path)
    before = sealer.tag("a", purpose="x")
    make_secret_key(path)
    assert KeyFileSealer(path, create=False).tag("a", purpose="x") == before


@pytest.mark.parametrize(("content", "mode"), [(b"", 0o600), (b"c2hvcnQ=\n", 0o600), (b"%%%", 0o600), (b"x", 0o640)])
def test_a_file_that_is_no_key_or_that_others_read_is_refused(content: bytes, mode: int, tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    path.write_bytes(content)
    path.chmod(mode)

    with pytest.raises(SecretKeyUnusable) as refusal:
        KeyFileSealer(path, create=True).tag("a", purpose="x")
    assert ("others may read" in refusal.value.message) is (mode == 0o640)


def test_a_folder_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")

    with pytest.raises(SecretKeyUnusable, match="make it writable"):
        make_secret_key(tmp_path / "file" / "secret-key")
    with pytest.raises(SecretKeyUnusable, match="can't be read"):
        KeyFileSealer(tmp_path, create=False).tag("a", purpose="x")
