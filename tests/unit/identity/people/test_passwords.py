import unicodedata
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from fabroute.identity.service.people.passwords import (
    PasswordHashing,
    PasswordUnacceptable,
    is_common,
    require_acceptable,
)

GOOD = "dwarf-planet-tuba"


class CountingHasher(PasswordHasher):
    """Knows how often something was compared."""

    compared = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        """Count, then compare."""
        self.compared += 1
        return super().verify(hash, password)


def refusal_words(password: str, *, email: str = "ada@example.com", name: str = "Ada Lovelace") -> str:
    with pytest.raises(PasswordUnacceptable) as refusal:
        require_acceptable(password, email=email, name=name)
    assert (refusal.value.status, refusal.value.code) == (422, "password_unacceptable")
    assert [problem.pointer for problem in refusal.value.problems] == ["/password"]
    return refusal.value.message


def test_twelve_characters_of_any_kind_are_enough() -> None:
    for password in ("dwarftubamap", "zwölf zeichn", "пароль мамин", "            x", "🦩🦩 flamingos"):
        require_acceptable(password, email="ada@example.com", name="Ada Lovelace")

    assert "at least 12 characters" in refusal_words("dwarftubama")
    assert "at most 256 characters" in refusal_words("dwarf tuba " * 24)


def test_characters_are_counted_as_people_see_them() -> None:
    decomposed = unicodedata.normalize("NFD", "äöüäöüäöüäö")

    assert len(decomposed) == 22
    assert "at least 12" in refusal_words(decomposed)


@pytest.mark.parametrize("password", ["ada.lovelace@example.com", "ADA.LOVELACE", "Ada K. Lovelace", "ada k. lovelace"])
def test_one_s_own_address_or_name_is_no_password(password: str) -> None:
    words = refusal_words(password, email="ada.lovelace@example.com", name="Ada K. Lovelace")

    assert words == "take something else than your own address or name"
    require_acceptable(password + " in Turin", email="ada.lovelace@example.com", name="Ada K. Lovelace")


@pytest.mark.parametrize(
    "password",
    [
        *("123456789012", "qwertyuiopasdf", "passwordpassword", "Password2024!", "P@ssw0rd1234", "W3lc0me2026!!"),
        *(
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "Summer2026!!",
            "iloveyou1234",
            "administrator",
            "letmein12345",
            "1q2w3e4r5t6y",
        ),
        *(
            "fabroute2026",
            "correct horse battery staple",
            "correcthorsebatterystaple",
            "PASSWORD PASSWORD",
            "!!!!!!!!!!!!",
        ),
    ],
)
def test_what_everybody_tries_first_is_refused_however_it_is_dressed(password: str) -> None:
    assert is_common(password)
    assert "first passwords" in refusal_words(password)


@pytest.mark.parametrize("password", [GOOD, "tr0ub4dor&3xyz", "grandmother's blue teapot", "passwordless entry hatch"])
def test_what_nobody_else_puts_together_is_taken(password: str) -> None:
    assert not is_common(password)
    require_acceptable(password, email="ada@example.com", name="Ada")


def test_production_hashes_with_argon2id_64_mebibytes_three_passes_four_lanes() -> None:
    hashing = PasswordHashing.standard()
    kept = hashing.hash(GOOD)
    parameters = extract_parameters(kept)

    assert (parameters.type, parameters.version) == (Type.ID, 19)
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (65_536, 3, 4)
    assert (parameters.salt_len, parameters.hash_len) == (16, 32)
    assert PasswordHasher().verify(kept, GOOD)
    assert hashing.check(kept, GOOD).is_right


def test_a_password_is_right_or_wrong() -> None:
    hashing = PasswordHashing.cheap()
    kept = hashing.hash(GOOD)

    assert (hashing.check(kept, GOOD).is_right, hashing.check(kept, GOOD).is_outdated) == (True, False)
    assert not hashing.check(kept, GOOD + " ").is_right
    assert not hashing.check(kept, GOOD.upper()).is_right
    assert hashing.hash(GOOD) != kept
    assert not hashing.check("nonsense", GOOD).is_right


def test_a_hash_with_other_parameters_is_right_and_outdated() -> None:
    older = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(GOOD)
    verdict = PasswordHashing.cheap().check(older, GOOD)

    assert (verdict.is_right, verdict.is_outdated) == (True, True)
    assert not PasswordHashing.cheap().check(older, "something else").is_outdated


def test_an_account_without_a_password_is_compared_all_the_same() -> None:
    hasher = CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    hashing = PasswordHashing(hasher)

    assert not hashing.check(None, GOOD).is_right
    assert not hashing.check(None, "the password of nobody").is_right
    assert hasher.compared == 2


def test_the_same_letters_from_another_keyboard_are_the_same_password() -> None:
    hashing = PasswordHashing.cheap()
    kept = hashing.hash("zwölf Äpfel im Korb")

    assert hashing.check(kept, unicodedata.normalize("NFD", "zwölf Äpfel im Korb")).is_right
    assert hashing.check(hashing.hash("ﬁlmrolle und tuba"), "filmrolle und tuba").is_right
