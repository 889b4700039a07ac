import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest
from argon2 import PasswordHasher

from fabroute.api.people.hashing import PasswordSlots, SignInBusy
from fabroute.identity.service.people.passwords import PasswordHashing
from fabroute.settings import Settings


class SlowHasher(PasswordHasher):
    """Hashes when it is allowed to, and knows how many did so at the same time."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.begun, self.go_on = Semaphore(0), Event()
        self.now = self.most = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Wait, then hash."""
        self.now += 1
        self.most = max(self.most, self.now)
        self.begun.release()
        self.go_on.wait(10)
        self.now -= 1
        return super().hash(password, salt=salt)


def test_a_few_hash_some_wait_and_the_rest_is_sent_away_at_once() -> None:
    hasher = SlowHasher()
    slots = PasswordSlots(PasswordHashing(hasher), slots=2)
    with ThreadPoolExecutor(8) as pool:
        inside = [pool.submit(slots.hash, f"password {number}") for number in range(8)]
        for _ in range(2):
            assert hasher.begun.acquire(timeout=10)
        while slots._inside._value:
            time.sleep(0.001)
        with pytest.raises(SignInBusy, match="try again") as refusal:
            slots.hash("one too many")
        hasher.go_on.set()
        hashes = {future.result() for future in inside}

    assert (refusal.value.status, refusal.value.code) == (429, "sign_in_busy")
    assert len(hashes) == 8
    assert hasher.most == 2
    assert slots.check(slots.hash("right"), "right").is_right


def test_production_compares_as_it_should_and_tests_may_be_cheap() -> None:
    standard, cheap = (
        PasswordSlots.configured(Settings.model_validate({"password_hashing": kind})) for kind in ("standard", "cheap")
    )

    assert standard.hash("a")[:31] == "$argon2id$v=19$m=65536,t=3,p=4$"
    assert cheap.hash("a")[:26] == "$argon2id$v=19$m=8,t=1,p=1"
    with pytest.raises(ValueError, match="FABROUTE_PASSWORD_HASHING=cheap protects no password"):
        Settings.model_validate({"profile": "production", "password_hashing": "cheap"})


def test_a_provider_takes_all_three_settings() -> None:
    given = {"oidc_issuer": "https://accounts.example", "oidc_client_id": "x", "oidc_client_secret": "s3cret"}

    assert "s3cret" not in repr(Settings.model_validate(given))
    for name in given:
        with pytest.raises(ValueError, match="an OpenID provider takes three settings"):
            Settings.model_validate({key: value for key, value in given.items() if key != name})
