"""What the account page makes of browsers and secrets."""

import pytest

from fabroute.console.drawing.markup import Caption
from fabroute.console.drawing.qr import qr_code
from fabroute.console.pages.account import browser_words, second_factor_page

_MOZILLA = "Mozilla/5.0"
_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (f"{_MOZILLA} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"{_MOZILLA} (Windows NT 10.0; Win64; x64) {_KIT} Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        (f"{_MOZILLA} (Linux; Android 10; K) {_KIT} Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        (f"{_MOZILLA} (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_KIT} Version/18.6 Safari/604.1", "Safari on iPhone"),
        (f"{_MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) {_KIT} Version/18.6 Safari/605.1", "Safari on Mac"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("", "An unnamed browser"),
        ("<script>", "An unnamed browser"),
    ],
)
def test_a_browser_is_named_as_people_know_it(user_agent: str, expected: str) -> None:
    assert browser_words(user_agent) == expected


def test_a_secret_is_shown_in_groups_of_four_that_can_be_typed() -> None:
    page = second_factor_page("ABCDEFGHIJKLMNOP", "otpauth://totp/fabroute:ada?secret=ABCDEFGHIJKLMNOP")

    assert page.groups == ("ABCD", "EFGH", "IJKL", "MNOP")


def test_a_qr_code_is_dark_on_light_with_four_modules_of_quiet_around_it() -> None:
    drawn = qr_code(Caption(key="code", title="A code"), "A")

    assert 'viewBox="0 0 29 29"' in drawn  # version 1 has 21 modules
    assert '<rect class="qr-plate" width="29" height="29"/>' in drawn
    assert 'd="M4 4h7v1h-7z' in drawn  # the upper edge of the first finder pattern
    assert "<title" in drawn
