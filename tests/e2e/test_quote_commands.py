"""Quotes on the command line, against a running installation on the reference network."""

import json
import re
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.client import ApiClient, ApiRefusal
from fabroute.cli.stack import Stack
from fabroute.kernel.errors import DomainError

pytestmark = pytest.mark.timeout(600)

PART = "AP-0105"


def run(stack: Stack, *arguments: str) -> Result:
    """Run a command in this process; what ``main`` would print as one line is raised."""
    environment = {"FABROUTE_URL": stack.url, "FABROUTE_API_KEY": stack.owner_key, "COLUMNS": "160"}
    done = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=True)
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def asked(stack: Stack, *arguments: str) -> dict[str, Any]:
    quote: dict[str, Any] = json.loads(run(stack, "quote", PART, "--to", "Hamburg,DE", *arguments, "--json").stdout)
    return quote


def cheapest(quote: dict[str, Any], quantity: int) -> dict[str, Any]:
    (offers,) = [it["offers"] for it in quote["quantities"] if it["quantity"] == quantity]
    offer: dict[str, Any] = next(offer for offer in offers if "cheapest" in offer["labels"])
    return offer


def test_a_quote_is_told_accepted_and_shown_again(stack: Stack) -> None:
    told = run(stack, "quote", PART, "--to", "Hamburg,DE", "--quantity", "1", "--quantity", "10")
    (quote_id,) = set(re.findall(r"qte_\w+", told.stdout))
    first = run(stack, "accept", quote_id, "--quantity", "10")
    again = run(stack, "accept", quote_id, "--quantity", "10")

    assert "stands until" in told.stdout
    assert "nodes are ruled out" in told.stdout
    assert f"accept it: fabroute accept {quote_id} --quantity 1 --offer cheapest" in told.stdout
    assert first.stdout == again.stdout
    assert f"10 × {PART} to Hamburg, DE (cheapest)" in first.stdout
    assert "    agreed €" in first.stdout


def test_a_quote_that_was_accepted_in_another_way_shows_that_order_and_fails(stack: Stack) -> None:
    quote_id = asked(stack, "--quantity", "1", "--quantity", "10")["id"]
    first = run(stack, "accept", quote_id, "--quantity", "10", "--json")

    other = run(stack, "accept", quote_id, "--quantity", "1")

    order_id = json.loads(first.stdout)["id"]
    assert (first.exit_code, other.exit_code) == (0, 1)
    assert f"order {order_id}: routed" in other.stdout
    assert f"10 × {PART} to Hamburg, DE (cheapest)" in other.stdout


def test_an_accepted_quote_costs_what_it_said(stack: Stack) -> None:
    quote = asked(stack, "--quantity", "3")
    offer = cheapest(quote, 3)

    order = json.loads(run(stack, "accept", quote["id"], "--json", "--reference", "PO-3").stdout)

    assert (order["state"], order["reference"]) == ("routed", "PO-3")
    assert order["quote"]["price"] == offer["landed"]
    assert order["quote"]["arrival"] == offer["promised_at"]
    routing = order["lines"][0]["routing"]
    assert (routing["node_id"], routing["landed"]) == (offer["node"]["node_id"], offer["landed"])
    assert routing["job_id"].startswith("job_")


def test_offers_are_the_best_of_their_kind_and_add_up(stack: Stack) -> None:
    quote = asked(stack, "--quantity", "1", "--quantity", "10", "--quantity", "100")

    for quantity in quote["quantities"]:
        offers = {label: offer for offer in quantity["offers"] for label in offer["labels"]}
        assert set(offers) == {"cheapest", "fastest", "greenest"}
        landed = [point["landed"]["amount_minor"] for point in quantity["pareto"]]
        assert offers["cheapest"]["landed"]["amount_minor"] == min(landed)
        assert offers["fastest"]["promised_at"] == min(point["promised_at"] for point in quantity["pareto"])
        assert offers["greenest"]["co2e_g"] == min(point["co2e_g"] for point in quantity["pareto"])
        for offer in quantity["offers"]:
            assert sum(row["amount_minor"] for row in offer["breakdown"]) == offer["landed"]["amount_minor"]


def test_a_wish_that_nobody_can_meet_is_told_with_reasons(stack: Stack) -> None:
    need_by = (datetime.now(UTC) + timedelta(hours=1)).isoformat()

    told = run(stack, "quote", PART, "--to", "Hamburg,DE", "--need-by", need_by)

    assert told.exit_code == 1
    assert "1: no node can make it" in told.stdout
    assert "NEED_BY: arrives" in told.stdout
    assert "accept it" not in told.stdout


def test_commands_say_what_is_unclear(stack: Stack) -> None:
    with pytest.raises(DomainError, match="such as Berlin,DE"):
        run(stack, "quote", PART, "--to", "Berlin")
    with pytest.raises(ApiRefusal, match="you have no quote qte_never") as refusal:
        run(stack, "accept", "qte_never")
    quote = asked(stack, "--quantity", "1", "--quantity", "2")
    with pytest.raises(DomainError, match="--quantity 1 or 2"):
        run(stack, "accept", quote["id"])
    assert refusal.value.status == 404


def test_quotes_are_answered_while_a_customer_waits(stack: Stack) -> None:
    body: Any = {"part": PART, "quantities": [1, 2, 5, 10, 50], "ship_to": {"city": "Hamburg", "country": "DE"}}
    with ApiClient(url=stack.url, key=stack.owner_key) as client:
        client.post("/v1/quotes", body)
        seconds = []
        for _ in range(20):
            began = time.perf_counter()
            made = client.post("/v1/quotes", body)
            seconds.append(time.perf_counter() - began)

    print(f"median {1000 * statistics.median(seconds):.0f} ms, slowest {1000 * max(seconds):.0f} ms")
    assert str(made["quantities"]).count("'candidates'") == 5
    assert len(seconds) == 20
