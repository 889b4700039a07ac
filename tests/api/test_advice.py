"""Advice over HTTP, from stated figures: printed or conventional, pathways, mass production, viability."""

from typing import Any

import pytest

from fabroute.database import unit_of_work
from fabroute.logistics.service import ExchangeRate, LogisticsData, save_logistics
from tests.factories.api import Api, Json
from tests.factories.api_advice import advised, eur, worked_example
from tests.factories.organisations import NOW
from tests.factories.problems import Refusal, messages_of, refusal_of

NO_QUANTITY = Refusal(status=422, code="validation_failed", pointers=("/quantity",))


def method(api: Api, quantity: int, **changes: object) -> Any:
    return advised(api.client, "method", worked_example(quantity, **changes))


# ---------------------------------------------------------------- printed or conventional


@pytest.mark.parametrize(
    ("quantity", "zone", "recommendation", "printed", "conventional"),
    [
        (120, "additive", "print", 216_000, 658_400),
        (375, "middle", "print", 675_000, 676_250),
        (376, "middle", "conventional", 676_800, 676_320),
        (800, "conventional", "conventional", 1_440_000, 706_000),
    ],
)
def test_the_worked_example_over_http(
    standing_api: Api, quantity: int, zone: str, recommendation: str, printed: int, conventional: int
) -> None:
    found = method(standing_api, quantity)

    assert (found["zone"], found["recommendation"]) == (zone, recommendation)
    assert (found["printed"]["total"], found["conventional"]["total"]) == (eur(printed), eur(conventional))
    assert found["crossover"]["quantity"] == 375.72
    assert (found["crossover"]["from_quantity"], found["saving"]) == (376, eur(abs(printed - conventional)))
    assert found["sources"] == {
        "printed_unit": "stated",
        "unit": "stated",
        "tooling": "stated",
        "minimum_quantity": "assumption",
    }
    assert (found["missing"], found["exchange_rates"], found["part"]) == ([], [], None)


def test_a_design_that_is_not_frozen_stays_with_printing_and_says_why(standing_api: Api) -> None:
    found = method(standing_api, 500, design_frozen=False)

    assert (found["recommendation"], found["cheaper"], found["saving"]) == ("print", "conventional", eur(215_000))
    assert "the design is not frozen" in found["reasons"][0]
    assert found["conditions"]


def test_one_shape_more_is_one_tool_more(standing_api: Api) -> None:
    found = method(standing_api, 800, variants=10)

    assert (found["recommendation"], found["zone"], found["variants"]) == ("print", "additive", 10)
    assert round(found["crossover"]["quantity"]) == 3_757
    assert found["crossover"]["per_variant"] == 375.72
    assert found["conventional"]["tooling_total"] == eur(6_500_000)


def test_an_infinite_crossover_is_null_with_a_sentence(standing_api: Api) -> None:
    found = method(standing_api, 5_000, printed_unit=eur(70))

    assert found["crossover"] == {
        "quantity": None,
        "per_variant": None,
        "from_quantity": None,
        "break_even_quantity": None,
        "sentence": "a printed piece costs no more than a conventional one: printing is cheaper at any quantity",
    }
    assert (found["zone"], found["recommendation"]) == ("additive", "print")


def test_a_minimum_order_and_its_scrap_are_counted(standing_api: Api) -> None:
    found = method(
        standing_api,
        10,
        conventional={"unit": eur(400), "tooling": eur(0), "minimum_quantity": 250, "lead_days": 45},
    )

    assert (found["conventional"]["bought"], found["conventional"]["scrapped"]) == (250, 240)
    assert (found["conventional"]["scrap_cost"], found["conventional"]["total"]) == (eur(96_000), eur(100_000))
    assert (found["recommendation"], found["conventional"]["lead_days"]) == ("print", 45)


def test_a_hybrid_prints_the_complex_and_the_varying(standing_api: Api) -> None:
    items = [
        {"name": "manifold", "quantity": 60, "complex": True},
        {"name": "sign", "quantity": 40, "varies": True},
        {"name": "cap", "quantity": 450},
    ]
    found = method(standing_api, 550, items=items)

    assert found["recommendation"] == "hybrid"
    assert [(it["name"], it["method"]) for it in found["hybrid"]["items"]] == [
        ("manifold", "print"),
        ("sign", "print"),
        ("cap", "conventional"),
    ]
    assert found["hybrid"]["total"] == eur(100 * 1_800 + 650_000 + 450 * 70)
    assert (found["hybrid"]["printed_quantity"], found["hybrid"]["conventional_quantity"]) == (100, 450)
    assert found["variants"] == 3


def test_items_may_bring_their_own_prices(standing_api: Api) -> None:
    own = {"unit": eur(100), "tooling": eur(90_000)}
    items = [
        {"name": "a", "quantity": 200, "printed_unit": eur(1_000), "conventional": own},
        {"name": "b", "quantity": 10, "printed_unit": eur(500), "conventional": own},
    ]
    found: Any = advised(standing_api.client, "method", {"quantity": 210, "items": items})

    assert [(it["method"], it["cost"]) for it in found["hybrid"]["items"]] == [
        ("conventional", eur(110_000)),
        ("print", eur(5_000)),
    ]
    assert (found["recommendation"], found["hybrid"]["total"]) == ("hybrid", eur(115_000))
    assert (found["cheaper"], found["saving"]) == ("conventional", eur(4_000))


def test_other_currencies_are_converted_and_the_rate_is_told(api: Api) -> None:
    rate = ExchangeRate(currency="USD", per_eur=1.25, valid_from=NOW.date(), source="a bank")
    with unit_of_work(api.engine) as session:
        save_logistics(session, data=LogisticsData(exchange_rates=(rate,)))
    dollars = {"unit": eur(70, "USD"), "tooling": eur(650_000, "USD")}
    found = method(api, 376, printed_unit=eur(1_800, "USD"), conventional=dollars)

    assert found["crossover"]["quantity"] == 375.72
    assert (found["recommendation"], found["saving"]) == ("conventional", eur(384))
    assert found["printed"]["unit"] == eur(1_440)
    assert found["exchange_rates"] == [{"currency": "USD", "per_eur": 1.25, "source": "a bank"}]


def test_a_currency_without_a_rate_is_refused_where_it_stands(standing_api: Api) -> None:
    asked = worked_example(5, conventional={"unit": eur(70), "tooling": eur(5, "CHF")})
    refused = standing_api.client.post("/v1/advice/method", json=asked)

    assert refusal_of(refused) == Refusal(
        status=422, code="currency_without_rate", pointers=("/conventional/tooling/currency",)
    )
    assert "no exchange rate for CHF" in messages_of(refused)[0]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"quantity": 5}, ("/printed_unit", "/conventional/unit", "/conventional/tooling")),
        ({"quantity": 5, "printed_unit": eur(1_800)}, ("/conventional/unit", "/conventional/tooling")),
        (
            {"quantity": 5, "printed_unit": eur(1_800), "conventional": {"unit": eur(70)}},
            ("/conventional/tooling",),
        ),
    ],
)
def test_figures_that_nobody_knows_are_named(standing_api: Api, body: Json, pointers: tuple[str, ...]) -> None:
    refused = standing_api.client.post("/v1/advice/method", json=body)

    assert refusal_of(refused) == Refusal(status=422, code="advice_incomplete", pointers=pointers)
    *others, tooling = messages_of(refused)
    assert set(others) <= {"is needed: state it, or name a part whose record knows it"}
    assert tooling == "is needed: state it (0 where no tool is needed), or name a part whose record knows it"


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"quantity": 0}, ("/quantity",)),
        ({"quantity": 1.5}, ("/quantity",)),
        ({"quantity": "12"}, ("/quantity",)),
        ({"printed_unit": eur(-1)}, ("/printed_unit/amount_minor",)),
        ({"printed_unit": eur(5, "eur")}, ("/printed_unit/currency",)),
        ({"conventional": {"unit": eur(-70), "tooling": eur(1)}}, ("/conventional/unit/amount_minor",)),
        ({"conventional": {"unit": eur(70), "tooling": eur(-1)}}, ("/conventional/tooling/amount_minor",)),
        ({"conventional": {"minimum_quantity": 0}}, ("/conventional/minimum_quantity",)),
        ({"variants": 0}, ("/variants",)),
        ({"variants": 200}, ("",)),
        ({"items": [{"name": "a", "quantity": 5}]}, ("",)),
        ({"revision": "A"}, ("",)),
        ({"tooling": eur(5)}, ("/tooling",)),
        ({"design_frozen": "no"}, ("/design_frozen",)),
    ],
)
def test_questions_that_make_no_sense_are_refused_by_their_field(
    standing_api: Api, changes: Json, pointers: tuple[str, ...]
) -> None:
    refused = standing_api.client.post("/v1/advice/method", json=worked_example(120) | changes)

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=pointers)
    assert len(messages_of(refused)) == 1


# ---------------------------------------------------------------- pathways


@pytest.mark.parametrize(
    ("body", "recommended", "alternatives"),
    [
        ({"quantity": 10}, "in_house", []),
        ({"quantity": 120}, "network", ["workshop", "hub"]),
        ({"quantity": 120, "needed_within_days": 28}, "network", ["hub", "workshop"]),
        ({"quantity": 300}, "factory", ["network", "workshop"]),
        ({"quantity": 2_500}, None, []),
        ({"quantity": 300, "needs": ["colour_match", "batch_consistency"]}, "factory", ["network", "workshop"]),
        ({"quantity": 120, "needs": ["colour_match"]}, "factory", ["network", "workshop", "hub"]),
    ],
)
def test_pathways_over_http(standing_api: Api, body: Json, recommended: str | None, alternatives: list[str]) -> None:
    found: Any = advised(standing_api.client, "pathways", body)

    assert (found["recommended"], found["alternatives"]) == (recommended, alternatives)
    assert {it["code"] for it in found["pathways"]} == {"in_house", "hub", "network", "workshop", "factory"}


def test_a_pathway_shows_its_figures_and_what_yours_cost(standing_api: Api) -> None:
    found: Any = advised(standing_api.client, "pathways", {"quantity": 120, "needed_within_days": 28})
    network = found["pathways"][0]

    assert network["unit"] == {"low": eur(1_500), "mid": eur(4_250), "high": eur(7_000)}
    assert network["total"] == {"low": eur(180_000), "mid": eur(510_000), "high": eur(840_000)}
    assert (network["lead_days_low"], network["lead_days_high"], network["up_front_low"]) == (7, 21, None)
    assert (network["minimum_quantity"], network["maximum_quantity"], network["fits"]) == (30, 300, True)
    assert found["pathways"][2]["why_not"] == ["may take 42 days, 28 are left"]
    assert "overseas is not automatically cheaper" in found["notes"][-1]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"quantity": 0}, ("/quantity",)),
        ({}, ("/quantity",)),
        ({"quantity": 5, "needed_within_days": -1}, ("/needed_within_days",)),
        ({"quantity": 5, "needs": ["magic"]}, ("/needs/0",)),
    ],
)
def test_a_batch_that_can_not_be_is_refused(standing_api: Api, body: Json, pointers: tuple[str, ...]) -> None:
    refused = standing_api.client.post("/v1/advice/pathways", json=body)

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=pointers)
    assert len(messages_of(refused)) == 1


# ---------------------------------------------------------------- mass production and viability

SAID = {
    "design_frozen": True,
    "customer_feedback_positive": True,
    "inspection_standard_clear": True,
    "material_and_finish_confirmed": True,
    "unit_cost_is_the_goal": True,
}
FIGURES: Json = {
    "demand_by_month": [10, 11, 10, 9, 10, 12, 10, 9, 11, 10, 10, 8],
    "lots": [{"made": 100, "right_first_time": 98, "on_time": True}] * 5,
    "tooling": eur(650_000),
    "yearly_saving": eur(400_000),
    "horizon_years": 2,
}


def test_all_eight_signals_move_a_part_to_mass_production(standing_api: Api) -> None:
    found: Any = advised(standing_api.client, "mass-production", {"signals": SAID} | FIGURES)

    assert (found["ready"], found["not_held"], found["unknown"]) == (True, [], [])
    assert found["headline"] == "move to mass production: all eight signals hold"
    assert {it["signal"]: it["basis"] for it in found["signals"]} == dict.fromkeys(SAID, "stated") | dict.fromkeys(
        ("demand_stable", "supplier_repeatable", "tooling_justified"), "figures"
    )
    assert (found["horizon_years"], found["horizon_assumed"]) == (2.0, False)


@pytest.mark.parametrize(
    ("change", "not_held", "unknown"),
    [
        ({"signals": SAID | {"design_frozen": False}}, ["design_frozen"], []),
        ({"signals": SAID | {"customer_feedback_positive": None}}, [], ["customer_feedback_positive"]),
        ({"demand_by_month": [0, 0, 40] * 4}, ["demand_stable"], []),
        ({"demand_by_month": None}, [], ["demand_stable"]),
        ({"lots": [{"made": 100, "right_first_time": 97, "on_time": True}] * 5}, ["supplier_repeatable"], []),
        ({"yearly_saving": eur(325_000)}, ["tooling_justified"], []),
        ({"tooling": None}, [], ["tooling_justified"]),
    ],
)
def test_what_is_missing_is_named_and_not_held_is_not_unknown(
    standing_api: Api, change: Json, not_held: list[str], unknown: list[str]
) -> None:
    found: Any = advised(standing_api.client, "mass-production", {"signals": SAID} | FIGURES | change)

    assert (found["ready"], found["not_held"], found["unknown"]) == (False, not_held, unknown)
    assert found["headline"].startswith("stay with small batches: 7 of 8 signals hold")


def test_nothing_said_names_all_eight(standing_api: Api) -> None:
    found: Any = advised(standing_api.client, "mass-production", {})

    assert len(found["unknown"]) == 8
    assert (found["horizon_years"], found["horizon_assumed"], found["part"]) == (3.0, True, None)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"demand_by_month": [1] * 11}, ("/demand_by_month",)),
        ({"demand_by_month": [1] * 11 + [-1]}, ("/demand_by_month/11",)),
        ({"lots": [{"made": 5, "right_first_time": 6, "on_time": True}]}, ("/lots/0",)),
        ({"horizon_years": 0}, ("/horizon_years",)),
        ({"signals": {"happy": True}}, ("/signals/happy",)),
    ],
)
def test_figures_that_can_not_be_are_refused(standing_api: Api, body: Json, pointers: tuple[str, ...]) -> None:
    refused = standing_api.client.post("/v1/advice/mass-production", json=body)

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=pointers)
    assert len(messages_of(refused)) == 1


def test_viability_over_http(standing_api: Api) -> None:
    holds = {"technically_feasible": True, "economically_feasible": True, "compliant": True}
    viable: Any = advised(standing_api.client, "viability", holds | {"sporadic_demand": True, "few_suppliers": True})
    barred: Any = advised(standing_api.client, "viability", holds | {"sporadic_demand": True, "compliant": False})
    nothing: Any = advised(standing_api.client, "viability", {})

    assert (viable["result"], viable["failed"], len(viable["unanswered"])) == ("viable", [], 7)
    assert [it["yes"] for it in viable["dimensions"]] == [[], ["few_suppliers"], ["sporadic_demand"]]
    assert (barred["result"], barred["failed"]) == ("not_viable", ["compliant"])
    assert (nothing["result"], len(nothing["unanswered"])) == ("open", 12)
    assert nothing["unanswered"][0] == {"code": "fast_response", "question": "Is a fast response needed?"}


@pytest.mark.parametrize("what", ["method", "pathways", "mass-production", "viability"])
def test_advice_takes_a_key_and_no_field_that_it_does_not_know(standing_api: Api, what: str) -> None:
    with standing_api.as_(None) as nobody:
        assert refusal_of(nobody.post(f"/v1/advice/{what}", json={})).status == 401
    strange = standing_api.client.post(f"/v1/advice/{what}", json={"colour": "red"})
    assert "/colour" in refusal_of(strange).pointers
