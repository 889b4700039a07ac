"""CSRF tokens in pages: they read differently each time, and are the same token."""

import pytest

from fabroute.console.csrf import masked, unmasked

TOKEN = "5f" * 32


def test_a_masked_token_reads_differently_each_time_and_is_the_same_token() -> None:
    texts = {masked(TOKEN) for _ in range(20)}

    assert len(texts) == 20
    assert {len(text) for text in texts} == {86}
    assert {unmasked(text) for text in texts} == {TOKEN}
    assert not any(TOKEN in text for text in texts)


@pytest.mark.parametrize("text", ["", "wrong", "fs_ä", "A", "====", TOKEN, "€" * 90, "AA" * 5_000])
def test_what_was_never_masked_is_nobodys_token(text: str) -> None:
    assert unmasked(text) != TOKEN


def test_who_is_not_signed_in_has_no_token() -> None:
    assert (masked(""), unmasked("")) == ("", "")
