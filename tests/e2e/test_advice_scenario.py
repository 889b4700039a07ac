"""Scenario S10, the right method: the worked cases over HTTP against running servers, and other figures beside them."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.client import ApiClient, ApiRefusal
from fabroute.cli.follow import wait_for_order
from fabroute.cli.stack import Stack
from fabroute.kernel.errors import DomainError
from tests.factories.processes import PATIENCE_SECONDS

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    """A plain client with the key of the parts' owner."""
    headers = {"Authorization": f"Bearer {stack.owner_key}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=PATIENCE_SECONDS) as client:
        yield client


def eur(amount: float) -> dict[str, Any]:
    return {"amount_minor": round(amount * 100), "currency": "EUR"}


def ask(http: httpx.Client, what: str, **body: object) -> Any:
    answer = http.post(f"/v1/advice/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def method(http: httpx.Client, quantity: int, **more: object) -> Any:
    """Ask about 18.00 printed against a tool of 6,500 and 0.70 moulded, or with other figures."""
    example = {"printed_unit": eur(18), "conventional": {"unit": eur(0.7), "tooling": eur(6_500)}}
    return ask(http, "method", quantity=quantity, **example | more)


# ---------------------------------------------------------------- the worked example


def test_120_units_are_printed_and_376_flip(http: httpx.Client) -> None:
    small, before, after = (method(http, quantity) for quantity in (120, 375, 376))

    assert small["crossover"]["quantity"] == 375.72
    assert (small["recommendation"], small["zone"]) == ("print", "additive")
    assert (small["printed"]["total"], small["conventional"]["total"]) == (eur(2_160), eur(6_584))
    assert (before["recommendation"], after["recommendation"]) == ("print", "conventional")
    assert (before["zone"], after["zone"]) == ("middle", "middle")


def test_500_of_a_design_that_is_not_frozen_stay_with_print_and_it_says_why(http: httpx.Client) -> None:
    changing = method(http, 500, design_frozen=False)
    frozen = method(http, 500, design_frozen=True, demand_stable=True)

    assert (changing["recommendation"], frozen["recommendation"]) == ("print", "conventional")
    assert "the design is not frozen" in changing["reasons"][0]
    assert changing["headline"].startswith("stay with printing for now, at 2,150.00 EUR more")


def test_800_stable_and_frozen_go_conventional_and_save_7_340(http: httpx.Client) -> None:
    found = method(http, 800, design_frozen=True, demand_stable=True)

    assert (found["recommendation"], found["zone"], found["saving"]) == ("conventional", "conventional", eur(7_340))
    assert "save 7,340.00 EUR" in found["headline"]


@pytest.mark.parametrize(("printed", "crossover"), [(5.25, 5_450), (4.47, 6_453), (2.20, 13_888)])
def test_the_lever_crosses_where_the_published_table_says(http: httpx.Client, printed: float, crossover: int) -> None:
    mould = {"unit": eur(0.23), "tooling": eur(27_360)}
    below, above = (
        method(http, quantity, printed_unit=eur(printed), conventional=mould)
        for quantity in (crossover - 1, crossover + 1)
    )

    assert round(below["crossover"]["quantity"]) == crossover
    assert (below["recommendation"], above["recommendation"]) == ("print", "conventional")


@pytest.mark.parametrize(
    ("printed", "unit", "tooling", "variants"),
    [(12.5, 1.1, 9_000, 1), (40, 3.9, 14_000, 3), (7.77, 7.76, 500, 1), (310, 20, 26_000, 10), (18, 0.7, 0, 1)],
)
def test_other_figures_give_what_the_formula_gives(
    http: httpx.Client, printed: float, unit: float, tooling: int, variants: int
) -> None:
    expected = variants * tooling / (printed - unit)
    for quantity in (variants, 99, 5_000):
        found = method(
            http,
            quantity,
            printed_unit=eur(printed),
            conventional={"unit": eur(unit), "tooling": eur(tooling)},
            variants=variants,
        )
        zone = "additive" if quantity < expected / 2 else "conventional" if quantity > 2 * expected else "middle"
        assert found["crossover"]["quantity"] == round(expected, 2)
        assert (found["zone"], found["cheaper"]) == (zone, "conventional" if quantity > expected else "print")


def test_ten_variants_are_ten_moulds_and_printing_below_the_piece_price_never_crosses(http: httpx.Client) -> None:
    ten, never = method(http, 800, variants=10), method(http, 100_000, printed_unit=eur(0.7))

    assert (ten["recommendation"], ten["conventional"]["tooling_total"]) == ("print", eur(65_000))
    assert round(ten["crossover"]["quantity"]) == 3_757
    assert (never["crossover"]["quantity"], never["zone"]) == (None, "additive")
    assert "cheaper at any quantity" in never["crossover"]["sentence"]


def test_the_middle_zone_offers_a_hybrid(http: httpx.Client) -> None:
    items = [{"name": "manifold", "quantity": 150, "complex": True}, {"name": "cap", "quantity": 420}]
    found = method(http, 570, items=items)

    assert (found["zone"], found["recommendation"]) == ("middle", "hybrid")
    assert [(it["name"], it["method"]) for it in found["hybrid"]["items"]] == [
        ("manifold", "print"),
        ("cap", "conventional"),
    ]
    assert found["hybrid"]["total"] == eur(150 * 18 + 6_500 + 420 * 0.7)


# ---------------------------------------------------------------- the five pathways


@pytest.mark.parametrize(
    ("quantity", "fits"),
    [
        (10, {"in_house"}),
        (120, {"hub", "network", "workshop"}),
        (300, {"network", "workshop", "factory"}),
        (2_500, set()),
    ],
)
def test_pathways_by_quantity(http: httpx.Client, quantity: int, fits: set[str]) -> None:
    found = ask(http, "pathways", quantity=quantity)

    assert {it["code"] for it in found["pathways"] if it["fits"]} == fits
    assert {found["recommended"], *found["alternatives"]} - {None} == fits
    assert ("beyond small batch" in found["headline"]) == (not fits)


def test_120_units_in_four_weeks_go_to_the_network(http: httpx.Client) -> None:
    found = ask(http, "pathways", quantity=120, needed_within_days=28)
    in_time = [it for it in found["pathways"] if it["fits"] and it["in_time"]]

    assert found["recommended"] == "network"
    assert [(it["code"], it["unit"]["mid"]) for it in in_time] == [("network", eur(42.5)), ("hub", eur(54))]
    assert len(found["alternatives"]) >= 2
    assert any("compare the landed cost" in note for note in found["notes"])


@pytest.mark.parametrize("quantity", [120, 300, 800])
def test_colour_matched_enamel_over_batches_six_months_apart_goes_to_the_factory(
    http: httpx.Client, quantity: int
) -> None:
    found = ask(http, "pathways", quantity=quantity, needs=["colour_match", "batch_consistency"])

    assert found["recommended"] == "factory"
    assert found["pathways"][0]["code"] == "factory" or "250" in found["headline"]


# ---------------------------------------------------------------- mass production and viability


def test_only_all_eight_signals_move_a_part_to_mass_production(http: httpx.Client) -> None:
    names = [it["signal"] for it in ask(http, "mass-production")["signals"]]
    everything: dict[str, bool | None] = dict.fromkeys(names, True)

    assert len(names) == 8
    assert ask(http, "mass-production", signals=everything)["ready"] is True
    for name in names:
        refused = ask(http, "mass-production", signals=everything | {name: False})
        unknown = ask(http, "mass-production", signals=everything | {name: None})
        assert (refused["ready"], refused["not_held"], refused["unknown"]) == (False, [name], [])
        assert (unknown["ready"], unknown["not_held"], unknown["unknown"]) == (False, [], [name])


def test_viability_needs_its_preconditions_and_names_what_is_open(http: httpx.Client) -> None:
    holds = {"technically_feasible": True, "economically_feasible": True, "compliant": True}

    assert ask(http, "viability", **holds, sporadic_demand=True)["result"] == "viable"
    assert ask(http, "viability", **holds | {"compliant": False}, sporadic_demand=True)["result"] == "not_viable"
    assert len(ask(http, "viability")["unanswered"]) == 12


# ---------------------------------------------------------------- parts of the reference network


def test_a_reference_part_knows_its_conventional_way_and_its_cheapest_machine(http: httpx.Client) -> None:
    found = ask(http, "method", part="AP-0101", quantity=120)
    estimates = http.post("/v1/estimates", json={"part": "AP-0101", "quantity": 120}).json()["estimates"]
    record = http.get("/v1/parts/AP-0101").json()["conventional"]

    assert record == {"unit": eur(2.1), "tooling": eur(18_000), "minimum_quantity": 5_000, "lead_days": 55}
    assert found["printed"]["total"] == estimates[0]["price"]
    assert (found["printed"]["printer"]["node_id"], found["printed"]["source"]) == (
        estimates[0]["node_id"],
        "estimate",
    )
    assert (found["conventional"]["scrapped"], found["conventional"]["total"]) == (4_880, eur(18_000 + 5_000 * 2.1))
    assert (found["recommendation"], found["missing"]) == ("print", [])


def test_a_reference_part_without_a_conventional_way_names_what_is_missing(http: httpx.Client) -> None:
    found = ask(http, "method", part="FU-0205", quantity=20)

    assert found["missing"] == ["conventional.unit", "conventional.tooling"]
    assert (found["recommendation"], found["printed"]["source"]) == (None, "estimate")


def test_quotes_carry_advice_and_orders_beyond_their_crossover_are_taken_and_told(
    http: httpx.Client, owner: ApiClient
) -> None:
    ship_to = {"city": "Hamburg", "country": "DE"}
    asked = {"part": "AP-0103", "quantities": [5, 100], "ship_to": ship_to}
    quote = http.post("/v1/quotes", json=asked)
    assert quote.status_code == 201, quote.text
    free_tool = {"unit": eur(0.1), "tooling": eur(0)}
    changed = http.patch("/v1/parts/AP-0104", json={"conventional": free_tool}, headers={"If-Match": "*"})
    assert changed.status_code == 200, changed.text
    body: Any = {"lines": [{"part": "AP-0104", "quantity": 3}], "ship_to": ship_to}
    placed: Any = owner.place_order(body, idempotency_key=str(uuid.uuid4()))
    order: Any = wait_for_order(owner, order_id=placed["id"])

    for quantity in quote.json()["quantities"]:
        assert (quantity["advice"]["zone"], quantity["advice"]["cheaper"]) == ("additive", "print")
    (line,) = order["lines"]
    assert (line["state"], line["advice"]["zone"], line["advice"]["conventional"]) == (
        "routed",
        "conventional",
        eur(0.3),
    )
    assert "printing is taken all the same" in line["advice"]["meaning"]


# ---------------------------------------------------------------- the same from the command line


def run(stack: Stack, *arguments: str) -> Result:
    """Run a command in this process; what ``main`` would print as one line is raised."""
    environment = {"FABROUTE_URL": stack.url, "FABROUTE_API_KEY": stack.owner_key}
    done = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=True)
    if isinstance(done.exception, DomainError):
        raise done.exception
    assert done.exit_code == 0, (done.stderr, done.exception)
    return done


def test_the_worked_example_from_the_command_line(stack: Stack) -> None:
    figures = ("--printed", "18.00", "--conventional", "0.70", "--tooling", "6500")
    small = run(stack, "advise", "method", "120", *figures).stdout
    changing = run(stack, "advise", "method", "500", *figures, "--not-frozen").stdout
    large = json.loads(run(stack, "advise", "method", "800", *figures, "--frozen", "--stable", "--json").stdout)

    assert small.startswith("print and save 4,424.00 EUR")
    assert "printed: 2,160.00 EUR (18.00 EUR a piece)" in small
    assert changing.startswith("stay with printing for now")
    assert (large["recommendation"], large["saving"]) == ("conventional", eur(7_340))


def test_the_other_questions_from_the_command_line(stack: Stack) -> None:
    pathways = run(stack, "advise", "pathways", "120", "--within", "28").stdout
    signals = run(stack, "advise", "mass-production", "--part", "AP-0101", "--holds", "unit_cost_is_the_goal").stdout
    viability = run(stack, "advise", "viability", "--yes", "sporadic_demand", "--no", "customers_print").stdout

    assert pathways.startswith("distributed fabrication network (7 to 21 days, mid-point 42.50 EUR a piece)")
    assert "✓ unit cost is the goal: stated: yes" in signals
    assert "time: sporadic demand" in viability


def test_what_can_not_be_asked_is_refused_in_one_line(stack: Stack) -> None:
    with pytest.raises(ApiRefusal, match="/conventional/tooling: is needed"):
        run(stack, "advise", "method", "120", "--printed", "18", "--conventional", "0.7")
    with pytest.raises(ApiRefusal, match="no exchange rate for XTS"):
        run(stack, "advise", "method", "5", "--printed", "1", "--currency", "XTS")
    with pytest.raises(DomainError, match="is no amount"):
        run(stack, "advise", "method", "5", "--printed", "cheap")
