"""The model of a part, turned in a browser that can draw it."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.console.checks import MOST_BYTES, assert_accessible, assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, chromium, every_look
from tests.factories.console import ServedConsole
from tests.factories.console_parts import PartInFull, a_part_in_full

_FLAGS = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium that draws 3D by its processor."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        yield running
        running.close()


@pytest.fixture
def part(console: ServedConsole) -> PartInFull:
    return a_part_in_full(console)


def pixels(canvas: Locator) -> Image.Image:
    return Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")


def share_painted(picture: Image.Image) -> float:
    """How much of a picture is not as its corner is."""
    ground = Image.new("RGB", picture.size, picture.getpixel((3, 3)))
    seen = ImageChops.difference(picture, ground).convert("L").point(lambda it: 255 if it > 12 else 0)
    return seen.histogram()[255] / (picture.width * picture.height)


def differ(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is not None


def shown(page: Page) -> Locator:
    expect(page.locator(".model")).to_have_attribute("data-state", "shown")
    return page.locator(".model-canvas")


@every_look
def test_the_model_is_painted_where_the_picture_was_and_rests_for_who_likes_it_calm(
    visit: Visit, part: PartInFull, look: Look
) -> None:
    page = visit(part.path, who="engineer")
    canvas = shown(page)
    first = pixels(canvas)

    assert 0.1 < share_painted(first) < 0.8
    assert not differ(first, pixels(canvas))
    expect(page.get_by_role("button", name="Pause turning")).to_have_attribute("aria-pressed", "true")
    assert_good(page, "part-model", look)


def test_the_model_turns_until_it_is_paused_and_turns_by_keys_and_buttons(visit: Visit, part: PartInFull) -> None:
    page = visit(part.path, who="engineer")
    canvas, pause = shown(page), page.get_by_role("button", name="Pause turning")
    at_rest = pixels(canvas)

    page.emulate_media(reduced_motion="no-preference")
    expect(pause).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(1_000)
    assert differ(at_rest, pixels(canvas))
    pause.click()
    stopped = pixels(canvas)
    assert not differ(stopped, pixels(canvas))

    page.get_by_role("button", name="Turn it left").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(canvas).to_be_focused()
    focused = pixels(canvas)
    page.keyboard.press("ArrowRight")
    assert differ(focused, pixels(canvas))
    page.get_by_role("button", name="As in the beginning").click()
    page.mouse.move(0, 0)
    assert not differ(at_rest, pixels(canvas))
    assert_accessible(page)


def test_a_pointer_turns_the_model_and_ends_its_turning(visit: Visit, part: PartInFull) -> None:
    page = visit(part.path, who="engineer")
    canvas = shown(page)
    page.emulate_media(reduced_motion="no-preference")
    box = canvas.bounding_box()
    assert box is not None
    before = pixels(canvas)

    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 150, steps=3)
    page.mouse.up()
    after = pixels(canvas)

    assert differ(before, after)
    assert not differ(after, pixels(canvas))


def test_a_model_that_is_no_model_leaves_the_picture(visit: Visit, part: PartInFull) -> None:
    page = visit("/console/parts", who="engineer")
    page.route("**/preview.glb", lambda route: route.fulfill(body=b"no GLB at all", content_type="model/gltf-binary"))
    page.goto(part.path)

    expect(page.locator(".model")).to_have_attribute("data-state", "failed")
    expect(page.locator(".model-picture")).to_be_visible()
    expect(page.get_by_text("It could not be shown from all sides here.")).to_be_visible()


def test_the_model_comes_on_top_of_a_light_page_and_once(visit: Visit, part: PartInFull) -> None:
    page = visit("/console/parts", who="engineer")
    sizes: dict[str, int] = {}
    page.on("requestfinished", lambda it: sizes.update({it.url: it.sizes()["responseBodySize"]}))
    page.goto(part.path, wait_until="networkidle")
    shown(page)
    of_model = {url for url in sizes if "three-" in url or url.endswith(".glb")}

    assert len(of_model) == 2
    assert sum(size for url, size in sizes.items() if url not in of_model) < MOST_BYTES
