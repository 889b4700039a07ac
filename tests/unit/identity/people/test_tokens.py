import hashlib

from fabroute.identity.service.people.tokens import csrf_token_of, digest_of, new_token


def test_a_token_says_what_it_is_and_holds_256_bits() -> None:
    tokens = {new_token("fs") for _ in range(100)}

    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {3 + 43}  # 43 characters of 6 bits
    assert {token[:3] for token in tokens} == {"fs_"}


def test_what_is_kept_is_the_sha_256() -> None:
    assert digest_of("fs_abc") == hashlib.sha256(b"fs_abc").hexdigest()
    assert digest_of("\udcff") == hashlib.sha256(b"\xff").hexdigest()


def test_a_csrf_token_belongs_to_one_session_and_tells_nothing_of_it() -> None:
    first, second = csrf_token_of("fs_1"), csrf_token_of("fs_2")

    assert first == csrf_token_of("fs_1")
    assert first != second
    assert first not in (digest_of("fs_1"), "fs_1")
    assert len(first) == 64
