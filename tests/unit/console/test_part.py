"""What the page of a part says: nodes by what is missing, readiness by region, what the validation found."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fabroute.console.drawing.text import isolated
from fabroute.console.pages.part.listing import found_page, row_of_match
from fabroute.console.pages.part.matrix import COLUMNS, ELSEWHERE, MOST_NODES, matrix_of
from fabroute.console.pages.part.outlook import outlook_of
from fabroute.console.pages.part.page import Makers, PartFacts, news_stamp, part_page
from fabroute.console.pages.part.print_file import preview_of, validation_of
from fabroute.inventory.ports import Finding, Printability
from fabroute.inventory.service import PartView, PrintFileView, RevisionView, SubmissionView
from fabroute.inventory.service.matching import PartMatch
from fabroute.routing.service.part_makers import PartAtNode
from fabroute.routing.service.readiness import AskedReport, EntryView, PartReadiness
from fabroute.solver.eligibility import Exclusion, ExclusionCode
from tests.factories.console_views import NOW, a_revision_view
from tests.factories.inventory import a_report
from tests.factories.order_pages import FMT
from tests.factories.routing import a_node_view

AS_OF = datetime(2026, 6, 15, 2, tzinfo=UTC)
MISSING = Exclusion(code=ExclusionCode.CERTIFICATE_MISSING, message="EN9100 is not held")
SHORT = Exclusion(
    code=ExclusionCode.MATERIAL_SHORT,
    message="too little",
    figures={"needed_grams": 1_200, "largest_lot_grams": 300, "material": "PA12"},
)
OTHER_WORK = Exclusion(code=ExclusionCode.PROCESS_MATERIAL, message="prints metal")
WARNING = Finding(code="WALL_THIN", severity="warning", message="A wall of 0.6 mm.", advice="Thicken it.")
ERROR = Finding(code="MESH_OPEN", severity="error", message="12 edges are open.", advice="Close it.", where="Object 1")
NOTE = Finding(code="UNITS", severity="note", message="In inches.", advice="Nothing.")


def at_node(node_id: str, *reasons: Exclusion, landed_minor: int | None = None) -> PartAtNode:
    return PartAtNode(node=a_node_view(node_id=node_id), landed_minor=landed_minor, reasons=reasons)


def a_file(**stated: Any) -> PrintFileView:
    known: dict[str, Any] = {
        "sha256": "f" * 64,
        "size_bytes": 10,
        "media_type": "model/3mf",
        "box_x_mm": 1,
        "box_y_mm": 1,
        "box_z_mm": 1,
        "volume_cm3": 1,
        "triangles": 4,
        "validated_at": NOW,
        "source_sha256": "0" * 64,
    }
    return PrintFileView(**known | stated)


def a_submission(**stated: Any) -> SubmissionView:
    known: dict[str, Any] = {
        "submission_id": "sub_1",
        "organisation_id": "org_owner",
        "revision_id": "rev_1",
        "file_name": "cover.3mf",
        "media_type": "model/3mf",
        "size_bytes": 10,
        "sha256": "0" * 64,
        "state": "valid",
        "reason": "",
        "attempts": 1,
        "next_attempt_at": None,
        "report": None,
        "canonical_sha256": None,
        "submitted_by": "key_1",
        "submitted_at": NOW,
        "finished_at": NOW,
    }
    return SubmissionView(**known | stated)


def an_entry(**stated: Any) -> EntryView:
    known: dict[str, Any] = {
        "part_id": "part_1",
        "part_no": "RL-0001",
        "region": "north_america",
        "revision_id": "rev_1",
        "quantity": 2,
        "state": "one_failure_away",
        "nodes_now": 2,
        "nodes_later": 1,
        "document": {
            "city": "Austin",
            "ordered": True,
            "ends": [{"city": "Boston", "why": "ISO9001 ends 2026-07-01, not 2026-99-99"}],
            "second_sources": [
                {"what": f"{city} proves EN9100", "landed_minor": 3_140, "extra_minor": None} for city in "ABCD"
            ],
        },
    }
    return EntryView(**known | stated)


def a_part_view(*revisions: RevisionView) -> PartView:
    return PartView(
        part_id="part_1",
        organisation_id="org_owner",
        part_no="1987/b",
        name="Cover",
        sector="rail",
        criticality="line_down",
        hs_code="",
        annual_demand=0,
        note="",
        revisions=revisions,
    )


def facts(**stated: Any) -> PartFacts:
    revision = a_revision_view()
    known: dict[str, Any] = {
        "part": a_part_view(revision),
        "chosen": revision,
        "submission": None,
        "makers": Makers(),
        "place": "",
        "readiness": None,
        "licences": (),
        "orders": None,
    }
    return PartFacts(**known | stated)


def test_every_node_of_such_work_is_a_row_with_what_it_lacks_in_words() -> None:
    found = matrix_of(
        [at_node("N1", landed_minor=3_140), at_node("N2", MISSING, SHORT), at_node("N3", OTHER_WORK)], FMT
    )

    assert [row.node_id for row in found.rows] == ["N1", "N2"]
    assert (found.count, found.more, found.elsewhere) == (1, 0, 1)
    assert [label for label, has in found.rows[1].has if not has] == ["Certificates", "Material"]
    assert found.rows[1].missing == (
        ("required certificate absent", "EN9100 is not held"),
        ("too little material", "needs 1.2\N{NO-BREAK SPACE}kg of PA12 in one lot, has 300\N{NO-BREAK SPACE}g"),
    )
    assert all(has for _, has in found.rows[0].has)
    assert found.blockers == (("Certificates", 1), ("Material", 1))


def test_without_a_file_no_node_is_judged() -> None:
    no_file = Exclusion(code=ExclusionCode.FILE_NOT_VALIDATED, message="revision C has no size yet")
    found = matrix_of([at_node("N1", no_file), at_node("N2", no_file)], FMT)

    assert (found.unjudged, found.count) == ("revision C has no size yet", 0)
    assert matrix_of([at_node("N1", no_file), at_node("N2", no_file, MISSING)], FMT).unjudged == ""
    assert matrix_of([], FMT).unjudged == ""


def test_more_nodes_than_are_shown_are_counted() -> None:
    found = matrix_of([at_node(f"N{number}", MISSING) for number in range(MOST_NODES + 3)], FMT)

    assert (len(found.rows), found.more, found.count, found.able) == (MOST_NODES, 3, 0, ())
    assert found.blockers == (("Certificates", MOST_NODES + 3),)


def test_every_code_of_exclusion_has_one_column_or_a_reason_why_it_has_none() -> None:
    codes = [code for _, against in COLUMNS for code in against]

    assert sorted([*codes, *ELSEWHERE]) == sorted(code.value for code in ExclusionCode)


def test_a_minimum_order_that_one_piece_does_not_reach_has_its_column() -> None:
    small = Exclusion(
        code=ExclusionCode.MIN_ORDER, message="as stored", figures={"minimum_minor": 5000, "price_minor": 1934}
    )
    (row,) = matrix_of([at_node("N1", small)], FMT).rows

    assert [label for label, has in row.has if not has] == ["Order size"]
    assert row.missing == (("under the node's minimum order", "takes orders from €50.00, this one is €19.34"),)


def test_the_outlook_tells_who_drops_out_and_the_three_best_second_sources() -> None:
    (region,) = outlook_of(PartReadiness(as_of=AS_OF, entries=(an_entry(),), asked=None, failed_at=None), FMT).regions

    assert (region.region, region.city, region.is_ordered) == ("North America", "Austin", True)
    assert (region.words, region.kind) == ("one failure away", "waits")
    assert (region.nodes_now, region.nodes_later, region.quantity) == (2, 1, 2)
    assert [(end.city, end.why) for end in region.ends] == [("Boston", "ISO9001 ends 1 Jul 2026, not 2026-99-99")]
    assert [source.what for source in region.sources] == [f"{city} proves EN9100" for city in "ABC"]


@pytest.mark.parametrize(
    ("region", "words", "title"),
    [
        ("asia_pacific", "Asia and Pacific", "Asia and Pacific"),
        ("rest", "the rest of the world", "The rest of the world"),
        ("new_region", "new region", "New region"),
    ],
)
def test_regions_are_told_in_words(region: str, words: str, title: str) -> None:
    readiness = PartReadiness(as_of=AS_OF, entries=(an_entry(region=region),), asked=None, failed_at=None)
    (found,) = outlook_of(readiness, FMT).regions

    assert (found.region, found.title) == (words, title)


@pytest.mark.parametrize(
    ("ordered", "told"),
    [
        (
            True,
            f"sent to {isolated('Austin')}: most of what is ordered for North America goes there",
        ),
        (
            False,
            f"sent to {isolated('Austin')} as an example: none had been ordered for North America by then",
        ),
    ],
)
def test_the_place_that_stands_for_a_region_is_no_claim_about_the_place(ordered: bool, told: str) -> None:
    entry = an_entry(document={"city": "Austin", "ordered": ordered, "revision": "A"})
    (found,) = outlook_of(PartReadiness(as_of=AS_OF, entries=(entry,), asked=None, failed_at=None), FMT).regions

    assert found.sent == told


def test_each_state_has_its_words_and_its_colour() -> None:
    states = ("no_route", "ends_soon", "one_failure_away", "ready")
    entries = tuple(an_entry(state=state, document={}) for state in states)
    found = outlook_of(PartReadiness(as_of=AS_OF, entries=entries, asked=None, failed_at=None), FMT)

    assert [(it.words, it.kind) for it in found.regions] == [
        ("nobody can make it", "bad"),
        ("nobody can in 30 days", "bad"),
        ("one failure away", "waits"),
        ("ready", "good"),
    ]


def test_findings_stand_with_the_worst_first() -> None:
    report = replace(
        a_report(),
        findings=(NOTE, WARNING, ERROR, WARNING),
        printability=(Printability(process="MJF", findings=(ERROR,)), Printability(process="SLS", findings=(NOTE,))),
    )
    found = validation_of(a_submission(state="invalid", report=report), None)

    assert found is not None
    assert [(it.severity, it.kind) for it in found.findings] == [
        ("error", "bad"),
        ("warning", "waits"),
        ("warning", "waits"),
        ("note", "busy"),
    ]
    assert (found.findings[0].where, found.summary) == ("Object 1", "One error keeps it from being printed.")
    assert [(it.process, it.is_printable) for it in found.processes] == [("MJF", False), ("SLS", True)]


def test_an_upload_of_other_bytes_is_newer_than_the_file_that_is_printed() -> None:
    revision = a_revision_view(file=a_file())
    same, other = (validation_of(a_submission(sha256=sha256 * 64), revision) for sha256 in "01")

    assert same is not None
    assert other is not None
    assert (same.is_newer, other.is_newer) == (False, True)
    assert validation_of(None, revision) is None


def test_picture_and_model_are_named_where_they_are_stored() -> None:
    both = preview_of(a_revision_view(file=a_file(preview_sha256="a" * 64, model_sha256="b" * 64)))
    none = preview_of(a_revision_view(file=a_file()))

    assert (both.picture, both.model) == (
        "/console/revisions/rev_1/preview.png",
        "/console/revisions/rev_1/preview.glb",
    )
    assert (none.picture, none.model) == (preview_of(None).picture, preview_of(None).model) == ("", "")


def test_a_page_listens_for_news_only_while_it_waits() -> None:
    asked = AskedReport(report_id="rdy_1", asked_at=NOW)
    waiting = PartReadiness(as_of=None, entries=(), asked=asked, failed_at=None)
    queued = a_submission(state="queued", finished_at=None)
    pages = [part_page(it, FMT) for it in (facts(), facts(submission=queued), facts(readiness=waiting))]

    assert [page.news_path for page in pages] == [
        "",
        "/console/revisions/rev_1/news?stamp=sub_1.queued-",
        "/console/revisions/rev_1/news?stamp=-rdy_1",
    ]
    assert news_stamp(a_submission(), None) == "sub_1.valid-"


def test_a_part_is_ordered_by_its_number_whatever_stands_in_it() -> None:
    page = part_page(facts(), FMT)
    draft = a_revision_view(state="draft")
    unreleased = part_page(facts(part=a_part_view(draft), chosen=draft), FMT)

    assert page.order_path == "/console/order-a-part/terms?part=1987%2Fb"
    assert page.path == "/console/parts/1987%2Fb"
    assert unreleased.order_path == ""


def test_a_row_tells_how_the_part_was_found_and_how_ready_the_network_is() -> None:
    match = PartMatch(
        part_id="part_1",
        part_no="RL-0001",
        name="Cover",
        found_in="asset",
        found="Pump P-17 · 4",
        revision_id=None,
        revision=None,
        is_on_hold=False,
    )
    row = row_of_match(match, {"part_1": "no_route"})

    assert (row.how, row.revision, row.order_path) == ("in Pump P-17 · 4", "", "")
    assert row.readiness == ("nobody can make it", "bad")
    assert row_of_match(match, {}).readiness is None
    assert found_page("pump", [match, match], {}, most=1).has_more
