"""Advice as a person reads it on the command line."""

from typing import Any

import pytest

from fabroute.cli.advice import ContradictoryAnswers, NotAnAmount, _answers, _money, _months
from fabroute.cli.advice_story import mass_production_story, method_story, pathways_story, viability_story


def eur(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "EUR"}


METHOD: dict[str, Any] = {
    "headline": "print and save 4,424.00 EUR",
    "crossover": {"quantity": 375.7, "sentence": "120 is under half of the crossover at 375.7"},
    "printed": {"unit": eur(1_800), "total": eur(216_000), "printer": None},
    "conventional": {
        "unit": eur(70),
        "tooling_total": eur(650_000),
        "bought": 250,
        "scrapped": 130,
        "lead_days": 45,
        "total": eur(667_500),
    },
    "reasons": ["the design is not frozen", "120 is under half of the crossover at 375.7"],
    "conditions": ["from 376 pieces on the conventional way is cheaper"],
}


def test_method_is_told_with_both_totals_and_no_sentence_twice() -> None:
    assert method_story(METHOD).splitlines() == [
        "print and save 4,424.00 EUR",
        "  120 is under half of the crossover at 375.7",
        "  printed: 2,160.00 EUR (18.00 EUR a piece)",
        "  conventional: 6,675.00 EUR (0.70 EUR a piece, tooling 6,500.00 EUR, 250 bought, 130 scrapped, 45 days)",
        "  because: the design is not frozen",
        "  note: from 376 pieces on the conventional way is cheaper",
    ]


def test_an_estimate_names_its_machine_and_what_is_missing_leaves_lines_out() -> None:
    printed = METHOD["printed"] | {"printer": {"node_id": "N101", "machine_id": "N101-A"}}
    unknown: dict[str, Any] = {"crossover": None, "conventional": {"total": None}, "reasons": [], "conditions": []}
    told = method_story(METHOD | unknown | {"printed": printed, "headline": "no advice yet"})

    assert told.splitlines() == [
        "no advice yet",
        "  printed: 2,160.00 EUR (18.00 EUR a piece, estimated at N101 on N101-A)",
    ]
    assert method_story(METHOD | unknown | {"printed": None, "headline": "no advice yet"}) == "no advice yet"


def test_pathways_are_marked_by_how_they_fit() -> None:
    way: dict[str, Any] = {
        "name": "local maker hub",
        "fits": True,
        "minimum_quantity": 20,
        "maximum_quantity": 150,
        "unit": {"low": eur(1_800), "high": eur(9_000)},
        "lead_days_low": 14,
        "lead_days_high": 28,
        "why_not": [],
    }
    late = way | {"name": "late", "why_not": ["may take 28 days, 20 are left"]}
    small = way | {"name": "small", "fits": False, "why_not": ["takes 20 or more, 10 are asked for"]}
    told = pathways_story({"headline": "hub", "pathways": [way, late, small], "notes": ["compare landed"]})

    assert told.splitlines()[:2] == [
        "hub",
        "  ✓ local maker hub: 20 to 150 pieces, 18.00 EUR to 90.00 EUR each, 14 to 28 days",
    ]
    assert [line[:5] for line in told.splitlines()[2::2]] == ["  ! l", "  ✗ s", "  not"]
    assert "      may take 28 days, 20 are left" in told


def test_signals_are_marked_and_the_open_ones_defined() -> None:
    signals: list[Any] = [
        {"signal": "design_frozen", "state": "held", "evidence": "stated: yes", "definition": "d1"},
        {"signal": "demand_stable", "state": "not_held", "evidence": "ADI 2.00", "definition": "ADI under 1.32"},
        {"signal": "tooling_justified", "state": "unknown", "evidence": "not known", "definition": "saving"},
    ]
    told = mass_production_story(
        {"headline": "stay", "signals": signals, "horizon_assumed": True, "horizon_years": 3.0}
    )

    assert told.splitlines() == [
        "stay",
        "  ✓ design frozen: stated: yes",
        "  ✗ demand stable: ADI 2.00",
        "      needed: ADI under 1.32",
        "  ? tooling justified: not known",
        "      needed: saving",
        "  a horizon of 3 years is assumed",
    ]


def test_viability_names_what_speaks_for_it_and_what_is_open() -> None:
    told = viability_story(
        {
            "headline": "worth a closer look",
            "dimensions": [
                {"dimension": "value_chain", "yes": ["few_suppliers"], "points_to": "open the value chain"},
                {"dimension": "time", "yes": [], "points_to": None},
            ],
            "unanswered": [{"code": "fast_response", "question": "Is a fast response needed?"}],
        }
    )

    assert told.splitlines() == [
        "worth a closer look",
        "  value chain: few suppliers; so open the value chain",
        "  open: Is a fast response needed? (fast_response)",
    ]


@pytest.mark.parametrize(("text", "minor"), [("18.00", 1_800), ("0.7", 70), ("6500", 650_000), ("-1", -100)])
def test_amounts_are_taken_to_the_cent(text: str, minor: int) -> None:
    assert _money(text, "usd") == {"amount_minor": minor, "currency": "USD"}
    assert _money(None, "EUR") is None


@pytest.mark.parametrize("text", ["0.705", "cheap", "", "NaN", "Infinity", "1,80"])
def test_what_is_no_amount_is_refused_before_anything_is_asked(text: str) -> None:
    with pytest.raises(NotAnAmount, match="is no amount: write it as") as refused:
        _money(text, "EUR")
    assert refused.value.status == 422


def test_months_are_a_list_of_pieces() -> None:
    assert _months("12, 9,0") == [12, 9, 0]
    assert _months(None) is None
    with pytest.raises(NotAnAmount, match="is no list of pieces by month"):
        _months("12,-1")


def test_answers_are_taken_as_given_and_not_both_ways() -> None:
    assert _answers(["fast_response"], ["sporadic_demand"]) == {"fast_response": True, "sporadic_demand": False}
    assert _answers(None, None) == {}
    with pytest.raises(ContradictoryAnswers, match="b, c can't be answered with yes and with no") as refused:
        _answers(["c", "a", "b"], ["b", "c"])
    assert refused.value.status == 422
