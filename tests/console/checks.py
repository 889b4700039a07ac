"""What every page must stand: WCAG 2.2 AA, nothing clipped or overlapping, a weight that phones can bear."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Response

from tests.console.looks import Look

_HERE = Path(__file__).parent
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
MOST_BYTES = 200_000
"""Of a page with all that it loads, but the 3D preview."""
_AXE = (_HERE / "vendor" / "axe-4.14.1.min.js").read_text(encoding="utf-8")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_CLIPPED = (_HERE / "clipped.js").read_text(encoding="utf-8")


def assert_accessible(page: Page) -> None:
    """Assert that axe finds no violation of WCAG 2.2 AA; each is told with its rule and its place."""
    page.evaluate(_AXE)
    found = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", _RULES)
    told = [_told(it) for it in found["violations"]]
    assert told == [], "\n".join(told)


def assert_nothing_clipped(page: Page) -> None:
    """Assert that the page is no wider than its window, and that no text is cut off or lies on another.

    What is shortened on purpose, and whole elsewhere, says ``data-shortened``.
    """
    found = page.evaluate(_CLIPPED)
    assert found == [], "\n".join(found)


def assert_good(page: Page, name: str, look: Look) -> None:
    """Assert both, from the top of the page, and keep a picture of it: elsewhere the bar lies on what is under it."""
    page.evaluate("scrollTo(0, 0)")
    picture(page, name, look)
    assert_nothing_clipped(page)
    assert_accessible(page)


def picture(page: Page, name: str, look: Look) -> Path:
    """Keep a picture of the whole page in ``build/screenshots``."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}-{look}.png"
    page.screenshot(path=path, full_page=True)
    return path


def page_weight(page: Page, url: str) -> int:
    """Return how many bytes a page takes with all that it loads, as they are sent."""
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    page.goto(url, wait_until="networkidle")
    page.remove_listener("response", note)
    return sum(answer.request.sizes()["responseBodySize"] for answer in answers)


def _told(violation: Mapping[str, Any]) -> str:
    places = "; ".join(f"{node['target']} {node['failureSummary']}" for node in violation["nodes"][:4])
    return f"{violation['id']}: {violation['help']} — {places}"
