"""Parts in the console: found in the list, and one of them in full."""

import pytest
from playwright.sync_api import expect

from tests.console.browsing import surfing, words_of
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.console_spares import ASSET, NAME, OLD_NUMBER, LegacySpare, a_legacy_spare


@pytest.fixture
def spare(console: ServedConsole) -> LegacySpare:
    return a_legacy_spare(console)


@every_look
def test_a_part_shows_who_could_print_it_and_what_others_lack(visit: Visit, spare: LegacySpare, look: Look) -> None:
    page = visit("/console/parts", who="engineer")
    assert_good(page, "parts", look)
    page.get_by_role("link", name=NAME).first.click()

    expect(page.get_by_text("2 nodes now")).to_be_visible()
    expect(page.get_by_text(OLD_NUMBER)).to_be_visible()
    assert_good(page, "part", look)


def test_a_part_is_found_by_its_asset_and_by_an_old_number(spare: LegacySpare) -> None:
    with surfing(spare.console, "owner") as surf:
        found = words_of(surf.get(f"/console/parts?text={ASSET}"))
        part = words_of(surf.get(f"/console/parts/{OLD_NUMBER}"))
        missing = surf.get("/console/parts/nothing")

    assert f"in {ASSET} · 4" in found
    assert "packaging not offered" in part
    assert missing.status_code == 404
