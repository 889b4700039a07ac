"""The product without a mouse, and with a slow server: focus is always seen, and what takes long says so."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.conftest import Visit
from tests.console.looks import Look, both_widths
from tests.factories.console import ServedConsole
from tests.factories.console_spares import NAME, LegacySpare, a_legacy_spare
from tests.factories.people import PASSWORD

_FOCUS = r"""() => {
  const it = document.activeElement;
  if (it === document.body) return null;
  const style = getComputedStyle(it), box = it.getBoundingClientRect();
  const at = document.elementFromPoint(box.left + Math.min(box.width / 2, 20), box.top + box.height / 2);
  return {
    name: (it.labels?.[0] ?? it).textContent.replace(/\s+/g, " ").trim(),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    covered: !(at && (it.contains(at) || at.contains(it) || it.labels?.[0]?.contains(at))),
  };
}"""
"""What has the focus, whether one sees that it has, and whether something else lies over it."""
_NOTED = """() => {
  const form = document.getElementById("form-terms"), progress = document.getElementById("progress");
  const began = performance.now();
  new MutationObserver(() => {
    const shown = performance.now() - began, busy = form.getAttribute("aria-busy");
    const again = form.dispatchEvent(new SubmitEvent("submit", { bubbles: true, cancelable: true }));
    sessionStorage.noted = JSON.stringify([shown, busy, again]);
  }).observe(progress, { attributes: true });
}"""
"""Notes when the progress is shown, whether the form rests, and whether it would be sent a second time."""
_MOST = 60


@pytest.fixture
def spare(console: ServedConsole) -> LegacySpare:
    return a_legacy_spare(console)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of that name has the focus; each stop on the way must be seen."""
    for _ in range(_MOST):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        if focus is None:  # from the last back to the first
            continue
        assert focus["outlined"], f"one doesn't see that the focus is on {focus['name']!r}"
        assert not focus["covered"], f"{focus['name']!r} has the focus and is covered"
        if re.match(name, focus["name"]):
            return
    raise AssertionError(f"Tab does not lead to {name!r}")


@pytest.mark.timeout(180)
@both_widths
def test_a_whole_order_takes_nothing_but_the_keyboard(visit: Visit, spare: LegacySpare, look: Look) -> None:
    page = visit("/console/sign-in")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type("buyer@example.com")
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Needs a person now")).to_be_visible()
    tab_to(page, "Skip to the content")
    page.keyboard.press("Enter")
    tab_to(page, "Order a part")
    page.keyboard.press("Enter")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("RL-0001")
    page.keyboard.press("Enter")
    page.wait_for_url("**/order-a-part?text=RL-0001")
    expect(page.get_by_role("link", name=f"Compare offers for {NAME}")).to_be_visible()
    tab_to(page, f"Compare offers for {NAME}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What do you need?")).to_be_visible()
    tab_to(page, "City")
    page.keyboard.type("Hamburg")
    tab_to(page, "Country")
    page.keyboard.type("Germany")
    tab_to(page, "Packaging, price limit")
    page.keyboard.press("Space")
    tab_to(page, "Packaging")
    page.keyboard.press("Escape")
    tab_to(page, "Compare offers")
    page.keyboard.press("Space")
    expect(page.get_by_text("1 piece to Hamburg, Germany")).to_be_visible()
    tab_to(page, "Choose")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Order it?")).to_be_visible()
    tab_to(page, "Your reference")
    page.keyboard.type("WO-4711")
    tab_to(page, "Order for €")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("^Ordered: €"))).to_be_visible()

    assert spare.table("SELECT reference FROM orders") == [("WO-4711",)]


def test_after_a_refusal_the_focus_is_on_what_was_wrong_and_a_link_leads_to_the_field(
    visit: Visit, spare: LegacySpare
) -> None:
    page = visit("/console/order-a-part/terms?part=RL-0001", who="buyer")
    page.get_by_label("City").press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    tab_to(page, "Say to which city it goes")
    page.keyboard.press("Enter")

    expect(page.get_by_label("City")).to_be_focused()


def test_what_takes_longer_than_a_second_shows_that_it_goes_on(visit: Visit, spare: LegacySpare) -> None:
    page = visit("/console/order-a-part/terms?part=RL-0001", who="buyer")
    held: list[Route] = []
    page.route("**/order-a-part/quotes", lambda route: held.append(route))
    page.get_by_label("City").fill("Hamburg")
    page.get_by_label("Country").select_option("DE")
    page.evaluate(_NOTED)
    page.get_by_role("button", name="Compare offers").click(no_wait_after=True)
    page.wait_for_timeout(1_800)
    held[0].continue_()

    expect(page.get_by_text("1 piece to Hamburg, Germany")).to_be_visible()
    shown_after, is_busy, is_sent_again = page.evaluate("JSON.parse(sessionStorage.noted)")
    assert 950 <= shown_after <= 1_800
    assert (is_busy, is_sent_again) == ("true", False)
    assert spare.table("SELECT count(*) FROM quotes") == [(1,)]


def test_a_part_of_a_page_that_takes_long_shows_that_it_goes_on(visit: Visit, spare: LegacySpare) -> None:
    page = visit("/console/order-a-part", who="buyer")
    held: list[Route] = []
    page.route("**/order-a-part?text=*", lambda route: held.append(route))
    page.get_by_role("searchbox").press_sequentially("RL")
    progress = page.get_by_role("progressbar", name="Loading")
    expect(progress).to_be_visible()
    held[-1].continue_()

    expect(page.get_by_role("link", name=f"Compare offers for {NAME}")).to_be_visible()
    expect(progress).to_be_hidden()
