"""Parts in the console: found in the list, and one of them in full."""

import pytest
from playwright.sync_api import expect

from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import MOST_BYTES, assert_good, page_weight
from tests.console.conftest import Visit
from tests.console.looks import Look, both_widths, every_look
from tests.factories.console import ServedConsole
from tests.factories.console_parts import PartInFull, a_part_in_full
from tests.factories.console_spares import ASSET, NAME, OLD_NUMBER, LegacySpare, a_legacy_spare
from tests.factories.print_files import TETRAHEDRON, a_package, an_object

OPEN_MESH = a_package(objects=an_object(mesh=(TETRAHEDRON[0], TETRAHEDRON[1][:3])))
RTL, CJK = "غطاء المضخة للمحطة الشمالية", "北部泵站的泵盖与密封圈组件"
LONG = f"{RTL} {CJK} " + "Pumpengehäusedeckeldichtungsringaufnahme" * 3


@pytest.fixture
def spare(console: ServedConsole) -> LegacySpare:
    return a_legacy_spare(console)


@pytest.fixture
def part(console: ServedConsole) -> PartInFull:
    made = a_part_in_full(console)
    made.ask_readiness()
    made.make_readiness()
    return made


@every_look
def test_a_part_shows_what_is_known_of_it_and_who_drops_out_within_the_month(
    visit: Visit, part: PartInFull, look: Look
) -> None:
    page = visit("/console/parts", who="engineer")
    expect(page.get_by_text("one failure away")).to_be_visible()
    assert_good(page, "parts", look)
    page.get_by_role("link", name=NAME).first.click()

    outlook = page.locator(".outlook")
    expect(page.locator("#readiness .answer")).to_have_text("2\N{NO-BREAK SPACE}nodes can make one now.")
    expect(outlook.locator("dd")).to_have_text(["2\N{NO-BREAK SPACE}nodes", "1\N{NO-BREAK SPACE}node"])
    expect(outlook.get_by_text("Hamburg drops out")).to_be_visible()
    expect(page.get_by_text("40 of 40\N{NO-BREAK SPACE}prints left")).to_be_visible()
    expect(page.get_by_text(OLD_NUMBER)).to_be_visible()
    expect(page.locator("#matrix tbody")).to_have_count(3)
    expect(page.locator("#matrix .has-not")).to_have_count(1)
    assert_good(page, "part", look)


@both_widths
def test_a_refused_file_tells_what_is_wrong_beside_the_revision_that_is_printed(
    visit: Visit, part: PartInFull, look: Look
) -> None:
    draft = part.draft("C")
    part.upload(OPEN_MESH, file_name="wrong.3mf", revision_id=draft)
    page = visit(f"{part.path}?revision=C", who="engineer")
    expect(page.get_by_text("wrong.3mf is being validated.")).to_be_visible()
    assert_good(page, "part-waits", look)
    part.validate()

    expect(page.locator("#validation").get_by_text("refused", exact=True)).to_be_visible()
    expect(page.locator("#validation").get_by_text("error", exact=True).first).to_be_visible()
    expect(page.get_by_text("One error keeps it from being printed.")).to_be_visible()
    assert_good(page, "part-refused", look)


def test_without_scripts_readiness_is_reckoned_again_once(visit: Visit, part: PartInFull) -> None:
    page = visit(part.path, who="engineer", scripts=False)
    expect(page.locator(".model-picture")).to_be_visible()
    expect(page.locator(".model-turns")).to_be_hidden()

    page.get_by_role("button", name="Reckon again").click()
    expect(page.get_by_text("Being reckoned again since")).to_be_visible()
    expect(page.get_by_role("button", name="Reckon again")).to_have_count(0)
    part.make_readiness()
    page.get_by_role("link", name="Look again").click()

    expect(page.get_by_text("Being reckoned again since")).to_have_count(0)
    assert part.spare.table("SELECT state FROM readiness_reports ORDER BY id") == [("made",), ("made",)]


@both_widths
def test_long_names_of_all_scripts_stay_inside(visit: Visit, spare: LegacySpare, look: Look) -> None:
    spare.renamed(LONG)
    page = visit("/console/parts", who="engineer")
    assert_good(page, "parts-long", look)
    page.get_by_role("link", name=LONG).first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text(LONG)
    expect(page.get_by_text("none was made yet")).to_be_visible()
    assert_good(page, "part-long", look)


def test_where_nothing_can_be_drawn_the_picture_stays_and_the_page_is_light(visit: Visit, part: PartInFull) -> None:
    page = visit("/console/parts", who="engineer")
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    weight = page_weight(page, part.path)

    expect(page.locator(".model-picture")).to_be_visible()
    expect(page.get_by_text("It could not be shown from all sides here.")).to_be_visible()
    assert weight < MOST_BYTES / 2


def test_a_part_is_found_by_its_asset_and_by_an_old_number(spare: LegacySpare) -> None:
    with surfing(spare.console, "owner") as surf:
        found = words_of(surf.get(f"/console/parts?text={ASSET}"))
        nothing = words_of(surf.get("/console/parts?text=nothing"))
        part = words_of(surf.get(f"/console/parts/{OLD_NUMBER}"))
        missing = surf.get("/console/parts/nothing")

    assert f"in {ASSET} · 4" in found
    assert "No part of yours has that number, place or name" in nothing
    assert "Packaging not offered" in part
    assert missing.status_code == 404


def test_without_freight_data_a_part_is_shown_and_says_what_is_missing(console: ServedConsole) -> None:
    with surfing(console, "engineer") as surf:
        shown = surf.get("/console/parts/RL-0001")

    assert (shown.status_code, "RL-0001" in words_of(shown)) == (200, True)
    assert "Who can make it, and for how much, can't be reckoned here yet." in words_of(shown)
    assert "Freight data are missing: no carbon factor for van, hgv," in words_of(shown)
    assert 'id="matrix"' not in shown.text


def test_picture_and_model_are_shown_to_their_owner_alone(part: PartInFull) -> None:
    here = f"/console/revisions/{part.revision_id}/preview"
    with surfing(part.console, "viewer") as surf:
        picture, model = surf.get(f"{here}.png"), surf.get(f"{here}.glb")
    with surfing(part.console, "bureau") as surf:
        refused = [surf.get(f"{here}.{kind}").status_code for kind in ("png", "glb")]

    assert (picture.headers["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    assert (model.headers["Content-Type"], model.content[:4]) == ("model/gltf-binary", b"glTF")
    assert model.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert refused == [404, 404]


def test_an_open_page_is_loaded_anew_when_what_it_waits_for_is_there(part: PartInFull) -> None:
    part.ask_readiness()
    with surfing(part.console, "engineer") as surf:
        page = surf.get(part.path).text
        news = page.partition('hx-get="')[2].partition('"')[0]
        waits = surf.get(news)
        part.make_readiness()
        there = surf.get(news)
        after = surf.get(part.path).text

    assert (waits.status_code, there.status_code, there.headers["HX-Refresh"]) == (204, 200, "true")
    assert "/news?stamp=" not in after


def test_who_only_looks_is_not_offered_a_new_report_and_can_not_ask_for_one(part: PartInFull) -> None:
    with surfing(part.console, "engineer") as surf:
        fields = hidden_fields(surf.get(part.path), "readiness")
    with surfing(part.console, "viewer") as surf:
        page = surf.get(part.path).text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        refused = surf.post("/console/readiness", data=fields | {"csrf_token": token})

    assert "Reckon again" not in page
    assert refused.status_code == 403
    assert part.spare.table("SELECT state FROM readiness_reports") == [("made",)]
