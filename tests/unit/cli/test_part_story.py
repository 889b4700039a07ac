from typing import Any

import pytest

from fabroute.cli.client import JsonObject
from fabroute.cli.part_story import part_story, validation_story
from fabroute.cli.parts import RevisionUnclear, choose_revision

DRAFT: dict[str, Any] = {
    "id": "rev_B",
    "revision": "B",
    "state": "draft",
    "process_materials": ["SLS:PA12", "MJF:PA12-MJF"],
    "required_certificates": [],
    "part_qualification": False,
    "licence_required": False,
    "packaging": "plain",
    "qualified_orientation": None,
    "ip_countries": [],
    "ip_kinds": [],
    "ip_nodes": [],
    "export_class": "none",
    "print_file": None,
    "approval": None,
    "released_at": None,
    "released_by": None,
    "documents": [],
}
RELEASED: dict[str, Any] = DRAFT | {
    "id": "rev_A",
    "revision": "A",
    "state": "released",
    "required_certificates": ["ISO9001", "EN9100"],
    "part_qualification": True,
    "licence_required": True,
    "packaging": "esd",
    "qualified_orientation": "z",
    "ip_countries": ["DE"],
    "ip_kinds": ["in_house"],
    "export_class": "dual_use",
    "print_file": {
        "sha256": "0123456789abcdef" * 4,
        "box": {"x_mm": 49.0, "y_mm": 14.0, "z_mm": 30.25},
        "volume_cm3": 18.70021,
        "triangles": 12345,
    },
    "approval": {"approved_by": "key_1", "approved_at": "2026-11-22T04:15:29Z", "reason": "looked at it"},
    "released_at": "2026-11-23T04:15:29Z",
    "released_by": "key_2",
    "documents": [{"kind": "drawing", "name": "cap.pdf", "size_bytes": 900}],
}
PART: dict[str, Any] = {
    "part_no": "CAP-9",
    "name": "Leg cap",
    "sector": "furniture",
    "criticality": "routine",
    "aliases": [{"number": "77-1", "kind": "old"}, {"number": "S-9", "kind": "supplier"}],
    "installations": [
        {"asset": "pump P-17", "position": "4", "quantity": 2},
        {"asset": "bench", "position": "", "quantity": 1},
    ],
    "revisions": [RELEASED, DRAFT],
}


def a_part(*revisions: JsonObject) -> JsonObject:
    return PART | {"revisions": list(revisions)}


def test_a_part_is_told_with_its_numbers_places_and_revisions() -> None:
    assert part_story(PART).splitlines() == [
        "CAP-9 · Leg cap (furniture, usually routine)",
        "  also known as 77-1 (old), S-9 (supplier)",
        "  installed in pump P-17, position 4: 2",
        "  installed in bench: 1",
        "  revision A: released  (rev_A)",
        "    of SLS:PA12, MJF:PA12-MJF",
        "    needs ISO9001, EN9100; a first article; a print licence; packaging esd; z up; "
        "to be made only in DE, in_house; export class dual_use",
        "    49 × 14 × 30.25 mm, 18.7 cm³, 12,345 triangles, SHA-256 0123456789ab…",
        "    approved by key_1 on 2026-11-22: looked at it",
        "    released by key_2 on 2026-11-23",
        "    drawing cap.pdf (900 bytes)",
        "  revision B: draft  (rev_B)",
        "    of SLS:PA12, MJF:PA12-MJF",
        "    no print file yet: fabroute part upload",
    ]


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"unit": 70, "tooling": 650_000}, "0.70 EUR a piece, 6,500.00 EUR of tooling"),
        ({"unit": 70, "minimum_quantity": 500, "lead_days": 45}, "0.70 EUR a piece, 500 or more, in 45 days"),
        ({"lead_days": 0}, "in 0 days"),
    ],
)
def test_a_part_tells_what_it_costs_conventionally(known: dict[str, int], words: str) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("unit", "tooling", "minimum_quantity", "lead_days"))
    money = {name: {"amount_minor": known[name], "currency": "EUR"} for name in ("unit", "tooling") if name in known}

    told = part_story(PART | {"conventional": nothing | known | money}).splitlines()
    assert told[4] == f"  conventionally {words}"
    assert part_story(PART | {"conventional": None}) == part_story(PART)


def test_a_part_without_a_revision_says_so() -> None:
    assert part_story(PART | {"revisions": [], "aliases": [], "installations": []}).splitlines() == [
        "CAP-9 · Leg cap (furniture, usually routine)",
        "  no revision yet",
    ]


def test_a_validation_is_told_with_what_to_mend() -> None:
    finding: dict[str, Any] = {
        "code": "UNITS_METRES",
        "severity": "error",
        "message": "Too small.",
        "advice": "Scale it by 1000.",
        "where": "object 1",
    }
    report: dict[str, Any] = {
        "findings": [finding, finding | {"severity": "note", "where": ""}],
        "measures": {
            "box": {"x_mm": 0.0454, "y_mm": 1, "z_mm": 2},
            "volume_cm3": 0.5,
            "triangles": 3036,
            "bodies": 1,
            "thinnest_wall_mm": 0.25,
        },
        "printability": [
            {"process": "SLS", "findings": [{"message": "A wall is too thin."}]},
            {"process": "MEX", "findings": []},
        ],
    }

    story = validation_story("cap.stl", {"state": "invalid", "summary": "refused: Too small.", "report": report})

    assert story.splitlines() == [
        "cap.stl: invalid",
        "  refused: Too small.",
        "  0.0454 × 1 × 2 mm, 0.5 cm³, 3,036 triangles, 1 body, thinnest wall about 0.25 mm",
        "  ✗ UNITS_METRES: Too small. [object 1]",
        "    → Scale it by 1000.",
        "  · UNITS_METRES: Too small.",
        "    → Scale it by 1000.",
        "  SLS: A wall is too thin.",
        "  MEX: printable",
    ]


def test_a_file_that_is_not_validated_yet_has_no_figures() -> None:
    waiting: dict[str, Any] = {"state": "queued", "summary": "waits for its validation", "report": None}

    assert validation_story("cap.stl", waiting).splitlines() == ["cap.stl: queued", "  waits for its validation"]


def test_the_revision_that_is_meant_is_found() -> None:
    assert choose_revision(PART, None)["id"] == "rev_A"
    assert choose_revision(PART, "B")["id"] == "rev_B"
    assert choose_revision(PART, None, states=("draft", "validated"))["id"] == "rev_B"
    assert choose_revision(a_part(DRAFT), None)["id"] == "rev_B"


@pytest.mark.parametrize(
    ("part", "name", "states", "words"),
    [
        (PART, "C", None, "has the revisions A (released), B (draft): a revision C is not there; add it first"),
        (a_part(RELEASED), None, ("draft",), "has the revisions A (released): one that is draft is not there"),
        (a_part(DRAFT, DRAFT | {"revision": "C"}), None, ("draft",), "B (draft), C (draft): name one with --revision"),
        (a_part(), None, None, "CAP-9 has no revision: add one first"),
    ],
)
def test_a_revision_that_is_not_clear_is_asked_for(
    part: JsonObject, name: str | None, states: tuple[str, ...] | None, words: str
) -> None:
    with pytest.raises(RevisionUnclear) as refusal:
        choose_revision(part, name, states=states)

    assert words in refusal.value.message
    assert refusal.value.status == 422
