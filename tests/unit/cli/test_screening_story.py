"""The words and the table of a screening."""

from typing import Any

import pytest
from rich.console import Console

from fabroute.cli.client import JsonObject
from fabroute.cli.screening_story import ranking_table, screening_sentence


def a_screening(**summary: Any) -> JsonObject:
    """Return a screening of 3,200 parts of which 31 are worth a twin."""
    counts: dict[str, Any] = {
        "digital_twin": 31,
        "no": 2950,
        "unclear": 219,
        "yearly_saving": {"amount_minor": 4_120_049, "currency": "EUR"},
        "reasons": [
            {"verdict": "no", "code": "too_little_to_save", "rows": 2000},
            {"verdict": "no", "code": "material_not_printed", "rows": 950},
            {"verdict": "unclear", "code": "size_unknown", "rows": 219},
            {"verdict": "digital_twin", "code": "saves", "rows": 31},
        ],
    }
    return {"rows": 3200, "summary": counts | summary}


def a_row(**changes: Any) -> JsonObject:
    """Return a part that is worth a twin."""
    figures: dict[str, Any] = {
        "part_no": "D-1",
        "name": "Nozzle [old]",
        "yearly_saving": {"amount_minor": 123_456, "currency": "EUR"},
        "yearly_demand": 6.0,
        "demand_class": "intermittent",
        "scrap_quantity": 241,
        "printed": {
            "node_id": "N005",
            "machine_model": "EOS P 396",
            "material": "PA12-SLS",
            "quantity": 2,
            "price": {"amount_minor": 2_501, "currency": "EUR"},
        },
    }
    return figures | changes


def printed(rows: list[JsonObject]) -> list[str]:
    console = Console(width=160, highlight=False)
    with console.capture() as capture:
        console.print(ranking_table(rows))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_the_sentence_says_how_many_what_it_saves_and_why_not_the_others() -> None:
    assert screening_sentence(a_screening()) == (
        "of 3,200 parts 31 (1.0%) are worth a digital twin, saving €41,200 a year; "
        "2,950 no, mostly because there is too little to save; "
        "219 unclear, mostly because their size is not known"
    )
    alone = screening_sentence(a_screening(digital_twin=1, no=0, unclear=0))
    assert alone == "of 3,200 parts 1 (0.0%) is worth a digital twin, saving €41,200 a year"


@pytest.mark.parametrize("code", ["judging_broke_off", "something_new"])
def test_a_reason_without_words_is_named_by_its_code(code: str) -> None:
    told = screening_sentence(a_screening(reasons=[{"verdict": "unclear", "code": code, "rows": 219}]))
    assert told.endswith(f"219 unclear, mostly because {code}")
    assert "2,950 no, mostly because of several reasons" in told


def test_the_table_ranks_parts_with_saving_demand_scrap_and_place() -> None:
    head, first, second = printed([a_row(), a_row(part_no="D-2", yearly_demand=0.5, scrap_quantity=0)])
    assert " ".join(head.split()) == "part name saves a year needed a year demand MOQ scrap printed where"
    assert " ".join(first.split()) == ("1 D-1 Nozzle [old] €1,235 6 intermittent 241 €12.51 N005, EOS P 396, PA12-SLS")
    assert second.split()[:3] == ["2", "D-2", "Nozzle"]
    assert " 0.5 " in second
