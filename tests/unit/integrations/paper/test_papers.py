"""Papers, read back by other libraries than those that made them."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader

from fabroute.integrations.paper.conformity import render_certificate
from fabroute.integrations.paper.label import render_labels
from fabroute.integrations.paper.sheet import INK, accent_of, unprintable_letters
from fabroute.integrations.paper.slip import render_slip
from tests.factories.papers import PACKED, URL, a_brand, a_certificate, a_label, a_look, a_picture, a_slip
from tests.unit.integrations.paper.pictures import codes_of, pages_of, words_of

A4, LABEL = (595, 842), (283, 425)


def size_of(content: bytes) -> tuple[int, int]:
    box = PdfReader(BytesIO(content)).pages[0].mediabox
    return round(box.width), round(box.height)


def test_a_packing_slip_says_who_sends_what_to_whom() -> None:
    content = render_slip(a_slip(), a_look())
    words = words_of(content)

    assert size_of(content) == A4
    for wanted in ("Nordbahn Ersatzteile", "Packing slip", "Werkstatt 4", "Am Sandtorkai 4", "20457 Hamburg",
                   "PO-2026-0417", "RL-0001", "Door stopper", "dhl express", "1.84 kg", "300 × 200 × 150",
                   "Page 1 of 1", "15 June 2026"):  # fmt: skip
        assert wanted in words
    assert "EUR" not in words


def test_each_part_of_a_slip_has_a_code_that_leads_to_its_passport() -> None:
    found = codes_of(render_slip(a_slip(parts=4), a_look()))

    assert [text for _, text in found] == [f"{URL}/{number:032x}" for number in range(1, 5)]
    assert len({kind for kind, _ in found}) == 1


def test_a_slip_of_sixty_lines_goes_on_over_pages_with_its_headings() -> None:
    pages = pages_of(render_slip(a_slip(lines=60, parts=0), a_look(logo=a_picture())))

    assert len(pages) == 3
    assert all("Packing slip" in page and f"of {len(pages)}" in page for page in pages)
    assert all("Description" in page for page in pages[:2])
    assert all(f"RL-{number:04}" in "".join(pages) for number in range(1, 61))


def test_more_parts_than_codes_are_named_by_their_number() -> None:
    content = render_slip(a_slip(parts=7), a_look(), most_codes=4)
    words = words_of(content)

    assert "And 3 more parts, S-0005 to S-0007." in words
    assert "S-0004" in words
    assert len(codes_of(content)) == 4


def test_the_same_record_gives_the_same_bytes_at_any_time() -> None:
    papers: list[Callable[[], bytes]] = [
        lambda: render_slip(a_slip(), a_look(logo=a_picture())),
        lambda: render_labels([a_label()], a_look()),
        lambda: render_certificate(a_certificate(), a_look(), check_url=URL),
    ]
    before = [make() for make in papers]
    time.sleep(1.1)

    assert [make() for make in papers] == before


def test_a_label_is_a_page_a_parcel_with_a_code_that_a_scanner_reads() -> None:
    labels = [a_label(number=1, of=2), a_label(number=2, of=2, barcode="shp_01m81fzs3eepa401xqtacreyr8-2")]
    content = render_labels(labels, a_look())
    pages = pages_of(content)

    assert size_of(content) == LABEL
    assert [" ".join(page.split()).count("Werkstatt 4") for page in pages] == [1, 1]
    assert ["1 of 2" in pages[0], "2 of 2" in pages[1]] == [True, True]
    assert [codes_of(content, page=number)[0][1] for number in (0, 1)] == [label.barcode for label in labels]
    words = words_of(content)
    for wanted in ("From", "Hafenstraße 12", "DHL", "express", "1.84 kg", "PO-2026-0417"):
        assert wanted in words


def test_a_label_has_one_page_however_long_its_words_are() -> None:
    long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    brand = a_brand(name=long * 2)
    label = replace(
        a_label(), brand=brand, recipient=(long, long, "1020 Wien", "AT"), order_reference="P" * 120, carrier="c" * 40
    )
    content = render_labels([label], a_look(brand=brand))

    assert len(pages_of(content)) == 1
    assert "…" in words_of(content)
    assert "1020 Wien" in words_of(content)
    assert codes_of(content)[0][1] == label.barcode


@pytest.mark.parametrize("name", ["Стопор двери", "Στόπερ πόρτας", "Łącznik ząbkowany", "Çiğdem köşebenti"])
def test_latin_greek_and_cyrillic_read_as_they_were_written(name: str) -> None:
    assert name in words_of(render_slip(a_slip(name=name, parts=0), a_look()))


@pytest.mark.parametrize("name", ["مصد الباب", "מעצור דלת", "门挡", "도어 스토퍼", "🚆 stop"])
def test_no_script_breaks_a_paper_and_a_letter_that_no_font_has_is_a_box(name: str) -> None:
    slip = replace(a_slip(parts=0), recipient=(name, "Street 1", "City", "JP"))
    words = words_of(render_slip(slip, a_look()))

    assert "Street 1" in words
    assert words.count("□") == sum(letter > "⺀" for letter in name)


def test_letters_that_no_font_has_are_told_once_each() -> None:
    assert unprintable_letters("日本部品株式会社 本部\nNordbahn Ω Ж") == "会品式日本株社部"
    assert unprintable_letters("Nordbahn Ersatzteile GmbH, Hafenstraße 12") == ""


def test_a_certificate_says_what_was_signed_and_where_it_is_checked() -> None:
    content = render_certificate(a_certificate(parts=2), a_look(), check_url=f"{URL}/abc")
    words = words_of(content).replace(" ", "")

    for wanted in ("Certificate of conformity", "coc_1", "RL-0001", "2 pieces of revision A", "HP Jet Fusion 5200",
                   "Lyon, FR", "L-7, reused 2 times", "approved on 2026-05-02", "S-0002", "bld_1", "passed",
                   "7.98 to 8.02", "8.001", "≤ 0.1", "Ra 3.2", "a" * 64, "b" * 64, "5" * 64, "c2lnbmVk"):  # fmt: skip
        assert wanted.replace(" ", "") in words
    assert "Withdrawn" not in words
    assert [text for _, text in codes_of(content)] == [f"{URL}/abc"]


def test_a_withdrawn_certificate_says_so_first() -> None:
    certificate = a_certificate(withdrawn_at=datetime(2026, 7, 1, tzinfo=UTC))
    words = words_of(render_certificate(certificate, a_look(), check_url=URL))

    assert "Withdrawn on 01 July 2026: lot L-7 is contaminated" in words
    assert words.index("Withdrawn") < words.index("RL-0001")


def test_a_certificate_of_many_parts_has_all_of_them_over_pages() -> None:
    pages = pages_of(render_certificate(a_certificate(parts=20), a_look(), check_url=URL))

    assert all(f"S-{number:04}" in "".join(pages) for number in range(1, 21))
    assert f"Page {len(pages)} of {len(pages)}" in " ".join(pages[-1].split())
    assert "Ed25519" in pages[-1]


def test_a_certificate_of_more_parts_than_paper_should_hold_says_how_many_more_there_are() -> None:
    content = render_certificate(a_certificate(parts=3), a_look(), check_url=URL, most_parts=1)
    words = words_of(content)

    assert "And 2 more parts, up to S-0003: the statement names each." in words
    assert ("S-0001" in words, "S-0002" in words) == (True, False)
    assert "3 pieces of revision A" in words


def test_a_brand_s_colour_is_ink_where_it_could_not_be_read_on_white() -> None:
    assert accent_of("#0b7285") == (11, 114, 133)
    assert accent_of("#ffee00") == INK
    assert accent_of("#ffffff") == INK
    # contrast of #949494 on white is 3.03, of #959595 2.99 (WebAIM)
    assert (accent_of("#949494"), accent_of("#959595")) == ((148, 148, 148), INK)


def test_papers_name_no_other_time_than_that_of_the_record() -> None:
    reader = PdfReader(BytesIO(render_slip(a_slip(), a_look())))

    assert reader.metadata is not None
    assert reader.metadata.creation_date == PACKED
    assert reader.metadata.title == "Packing slip shp_1"
    assert reader.metadata.producer == "fabroute"
