"""Advice on parts of the inventory: the record knows some of it, and quotes and orders carry it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from tests.factories.api import Api, Json, an_order
from tests.factories.api_advice import advised, eur
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.decisions import given_outcomes
from tests.factories.orders import given_part
from tests.factories.problems import Refusal, refusal_of

MOULDED: Json = {"unit": eur(70), "tooling": eur(650_000), "minimum_quantity": 500, "lead_days": 45}


@pytest.fixture(scope="module")
def lasting(standing_api: Api) -> Iterator[JobWorld]:
    """A network of one node, and RL-0001 with what it costs moulded; its tests leave both as they are."""
    with a_job_world(standing_api) as made:
        answer = standing_api.client.patch(
            "/v1/parts/RL-0001", json={"conventional": MOULDED}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 200, answer.text
        given_part(standing_api.engine, organisation_id=standing_api.owner.organisation_id, part_no="BARE-1")
        yield made


def estimate(world: JobWorld, quantity: int) -> int:
    """Return what /v1/estimates says that so many cost at the only machine."""
    answer = world.owner.post("/v1/estimates", json={"part": "RL-0001", "quantity": quantity})
    (found,) = answer.json()["estimates"]
    price: int = found["price"]["amount_minor"]
    return price


@pytest.mark.parametrize("quantity", [1, 50, 800])
def test_a_known_part_brings_its_conventional_price_and_the_cheapest_estimate(lasting: JobWorld, quantity: int) -> None:
    found: Any = advised(lasting.owner, "method", {"quantity": quantity, "part": "RL-0001"})
    printed = estimate(lasting, quantity)

    assert (found["part"], found["revision"], found["missing"]) == ("RL-0001", "A", [])
    assert found["printed"]["total"] == eur(printed)
    assert found["printed"]["printer"] == {
        "node_id": "N101",
        "machine_id": "N101-A",
        "machine_model": "HP MJF 5200",
        "process": "MJF",
        "material": "PA12-MJF",
    }
    bought = max(quantity, 500)
    assert (found["conventional"]["bought"], found["conventional"]["total"]) == (bought, eur(650_000 + bought * 70))
    assert found["sources"] == {
        "printed_unit": "estimate",
        "unit": "record",
        "tooling": "record",
        "lead_days": "record",
        "minimum_quantity": "record",
    }


def test_the_break_even_is_where_each_quantity_is_printed_at_its_own_price(lasting: JobWorld) -> None:
    found: Any = advised(lasting.owner, "method", {"quantity": 1, "part": "RL-0001"})
    there = found["crossover"]["break_even_quantity"]
    before, after = (estimate(lasting, quantity) for quantity in (there - 1, there))

    assert found["crossover"]["quantity"] < there
    assert before <= 650_000 + max(there - 1, 500) * 70
    assert after > 650_000 + max(there, 500) * 70
    assert f"the conventional way is cheaper from {there:,} on" in found["crossover"]["sentence"]
    assert f"from {there:,} pieces on the conventional way is cheaper" in found["conditions"]
    assert "the piece price of 1," in found["crossover"]["sentence"]


def test_stated_figures_go_before_those_of_the_record(lasting: JobWorld) -> None:
    asked: Json = {
        "quantity": 800,
        "part": "RL-0001",
        "printed_unit": eur(1_800),
        "conventional": {"minimum_quantity": 1},
    }
    found: Any = advised(lasting.owner, "method", asked)

    assert (found["printed"]["unit"], found["printed"]["printer"]) == (eur(1_800), None)
    assert (found["crossover"]["quantity"], found["crossover"]["break_even_quantity"]) == (375.72, None)
    assert found["sources"]["minimum_quantity"] == "stated"
    assert (found["recommendation"], found["saving"]) == ("conventional", eur(734_000))


def test_what_the_record_does_not_know_is_named_without_a_verdict(lasting: JobWorld) -> None:
    found: Any = advised(lasting.owner, "method", {"quantity": 5, "part": "BARE-1"})

    assert found["missing"] == ["printed_unit", "conventional.unit", "conventional.tooling"]
    assert (found["zone"], found["crossover"], found["recommendation"], found["printed"]) == (None,) * 4
    assert found["headline"] == (
        "no advice yet: the record of BARE-1 does not know printed_unit, conventional.unit, conventional.tooling"
    )


def test_a_part_or_revision_that_is_not_there_is_refused(lasting: JobWorld) -> None:
    nothing = lasting.owner.post("/v1/advice/method", json={"quantity": 5, "part": "NO-1"})
    other = lasting.owner.post("/v1/advice/method", json={"quantity": 5, "part": "RL-0001", "revision": "Z"})
    foreign = lasting.stranger.post("/v1/advice/method", json={"quantity": 5, "part": "RL-0001"})
    unready = lasting.stranger.post("/v1/advice/mass-production", json={"part": "RL-0001"})

    assert refusal_of(nothing) == Refusal(status=422, code="unknown_part", pointers=("/part",))
    assert refusal_of(other) == Refusal(status=422, code="unknown_revision", pointers=("/revision",))
    assert refusal_of(foreign).code == "unknown_part"
    assert refusal_of(unready).code == "unknown_part"


def signals(world: JobWorld, **asked: object) -> dict[str, Json]:
    """Return the eight signals of RL-0001 by their names."""
    found: Any = advised(world.owner, "mass-production", {"part": "RL-0001"} | asked)
    return {it["signal"]: it for it in found["signals"]}


def test_the_record_tells_what_it_can_of_the_signals(lasting: JobWorld) -> None:
    found = signals(lasting, horizon_years=2)
    (demand,) = in_transaction(lasting.api.engine, lambda it: rows(it, "SELECT annual_demand FROM parts LIMIT 1"))[0]
    saving = estimate(lasting, int(str(demand))) - int(str(demand)) * 70

    assert found["design_frozen"]["basis"] == "record"
    assert str(found["design_frozen"]["evidence"]).startswith("the last revision is of 2026-06-15, 0 lots")
    assert (found["demand_stable"]["state"], found["supplier_repeatable"]["state"]) == ("unknown", "unknown")
    assert found["inspection_standard_clear"]["evidence"] == (
        "not known: say whether it holds; the revision has no inspection plan"
    )
    assert (found["tooling_justified"]["basis"], found["tooling_justified"]["state"]) == (
        "record",
        "held" if 2 * saving > 650_000 else "not_held",
    )
    assert f"{saving / 100:,.2f} EUR a year over 2 years" in str(found["tooling_justified"]["evidence"])


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


def test_lots_and_a_year_of_orders_are_read_from_the_record(world: JobWorld) -> None:
    world.fetched()
    for number in (1, 2, 3):
        assert world.printed(number, "good").status_code == 201
    one_lot = signals(world)["supplier_repeatable"]
    backdate_orders(world)
    found = signals(world)["demand_stable"]

    assert one_lot["evidence"] == "not known: say whether it holds; 1 lots are on record, 5 are needed"
    assert (found["state"], found["basis"]) == ("not_held", "record")
    assert str(found["evidence"]).startswith("ADI 12.00, CV² 0.00 over 12 months: intermittent")


def backdate_orders(world: JobWorld) -> None:
    """Make the only order 12 full months old."""
    today = datetime.now(UTC)
    placed = today.replace(year=today.year - 1, day=2)
    update = "UPDATE orders SET placed_at = :placed RETURNING id"
    assert len(in_transaction(world.api.engine, lambda session: rows(session, update, placed=placed))) == 1


# ---------------------------------------------------------------- beside orders


def test_an_order_line_carries_advice_once_it_is_routed(api: Api) -> None:
    conventional = {"unit": eur(100), "tooling": eur(1_000), "minimum_quantity": 2}
    api.client.patch("/v1/parts/RL-0001", json={"conventional": conventional}, headers={"If-Match": "*"})
    placed = api.place(an_order(lines=[{"part": "RL-0001", "quantity": 2}]))
    given_outcomes(api.engine)
    (line,) = api.client.get(placed.headers["Location"]).json()["lines"]
    (listed,) = api.client.get("/v1/orders").json()["data"]

    assert (placed.status_code, placed.json()["lines"][0]["advice"]) == (201, None)
    assert line["advice"] | {"meaning": ""} == {
        "zone": "conventional",
        "crossover": 0.96,
        "unit": eur(1_250),
        "cheaper": "conventional",
        "cheaper_from": None,
        "saving": eur(1_300),
        "conventional": eur(1_200),
        "meaning": "",
    }
    assert "the conventional way would save 13.00 EUR with its tool; printing is taken" in line["advice"]["meaning"]
    assert listed["lines"] == [line]


def test_a_line_of_a_part_without_a_conventional_price_has_none(api: Api) -> None:
    url = api.place().headers["Location"]
    given_outcomes(api.engine)
    (line,) = api.client.get(url).json()["lines"]

    assert (line["routing"]["node_id"], line["advice"]) == ("N101", None)


def test_a_line_that_no_node_can_make_has_none(api: Api) -> None:
    api.client.patch("/v1/parts/RL-0001", json={"conventional": MOULDED}, headers={"If-Match": "*"})
    url = api.place().headers["Location"]
    given_outcomes(api.engine, routed=False)
    order = api.client.get(url).json()

    assert (order["state"], order["lines"][0]["advice"]) == ("no_route", None)


def test_lines_of_many_orders_take_one_query_more(api: Api) -> None:
    api.client.patch("/v1/parts/RL-0001", json={"conventional": MOULDED}, headers={"If-Match": "*"})
    for number in range(3):
        api.place(an_order(lines=[{"part": "RL-0001", "quantity": quantity} for quantity in (1, 5)]), key=f"{number}")
    given_outcomes(api.engine)
    statements: list[str] = []
    event.listen(api.resources.tenants, "before_cursor_execute", lambda _, __, sql, *___: statements.append(sql))
    found = api.client.get("/v1/orders").json()["data"]

    asked = [sql for sql in statements if "conventional_unit_minor IS NOT NULL" in sql]
    assert len([line for order in found for line in order["lines"] if line["advice"]]) == 6
    assert len(asked) == 1
