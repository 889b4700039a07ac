import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.identity.service.people.emails import InvalidEmail, normalised

LOCALS = st.text(st.sampled_from("abcXYZ09.+-_äÖéßİı'"), min_size=1, max_size=20)
DOMAINS = st.sampled_from(["example.com", "Example.COM", "xn--bcher-kva.example", "a-b.co.uk"])


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace@Example.COM\n", "ada.lovelace@example.com"),
        ("ada+spares@example.com", "ada+spares@example.com"),
        ("a.d.a@example.com", "a.d.a@example.com"),
        ("o'neill@sub.example.co.uk", "o'neill@sub.example.co.uk"),
        ("JÖRG@xn--bcher-kva.example", "jörg@xn--bcher-kva.example"),
        ("jo\u0308rg@example.com", "jörg@example.com"),
        ("straße@example.com", "straße@example.com"),
    ],
)
def test_an_address_has_one_spelling(written: str, kept: str) -> None:
    assert normalised(written) == kept
    assert normalised(kept) == kept


@pytest.mark.parametrize(
    "written",
    [
        *("", "@", "ada", "ada@", "@example.com", "ada@example", "ada@localhost", "ada@.com", "ada@example..com"),
        *("ada@@example.com", "a@b@example.com", "ada lovelace@example.com", "ada@exa mple.com", ".ada@example.com"),
        *("ada.@example.com", "ad..a@example.com", "ada@-example.com", "ada@example-.com", "ada@127.0.0.1"),
        *("ada@[127.0.0.1]", '"ada"@example.com', "ada@bücher.example", "ada@example.com\x00", "a\u200bda@example.com"),
        *("a" * 65 + "@example.com", "ada@" + "a" * 64 + ".com", "ada@" + "a.b" * 90 + ".com", "<ada@example.com>"),
    ],
)
def test_what_no_mail_goes_to_is_refused(written: str) -> None:
    with pytest.raises(InvalidEmail, match="no e-mail address") as refusal:
        normalised(written)
    assert (refusal.value.status, refusal.value.code) == (422, "invalid_email")


@given(local=LOCALS, domain=DOMAINS)
def test_normalising_twice_is_normalising_once(local: str, domain: str) -> None:
    try:
        once = normalised(f"{local}@{domain}")
    except InvalidEmail:
        assert local.startswith(".") or local.endswith(".") or ".." in local
        return
    assert normalised(once) == once
    assert normalised(f" {once.upper()} ") == normalised(once.upper())
    assert once.partition("@")[2] == domain.lower()


@given(written=st.text(max_size=60))
def test_whatever_is_written_is_an_address_or_refused(written: str) -> None:
    try:
        kept = normalised(written)
    except InvalidEmail:
        return
    local, at, domain = kept.rpartition("@")
    assert at == "@"
    assert local
    assert "@" not in domain
    assert normalised(kept) == kept
