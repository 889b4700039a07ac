"""The examples of quotes, advice and screenings: the API takes them and answers them, word for word."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from fabroute.advice.service.screening_work import ScreeningLimits, judge_screenings
from fabroute.api.bodies import parse_body
from fabroute.api.schemas.quotes import QuoteRequest
from fabroute.integrations.reference import reference_folder
from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.network import a_node
from tests.factories.orders import Owner
from tests.factories.routable import given_routable_network

EXAMPLES = Path(__file__).parents[2] / "openapi" / "examples"
BERLIN, POTSDAM = a_node(), a_node(node_id="N102", city="Potsdam", packaging=("esd",))
ANSWERS = (
    "QuoteOut.two_quantities.json",
    "MethodOut.worked.json",
    "ScreeningOut.done.json",
    "ScreenedRowOut.twin.json",
)
REQUESTS = ("QuoteRequest.two_quantities.json", "MethodIn.worked.json")
_STAYS = ("node_id", "machine_id", "machine_offer_id", "lot_id", "order_id")
_VARIES = ("id", "created_by", "as_of", "valid_until", "shortest_valid_until", "produce_by", "hours")


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    """An API whose network makes the owner's part in Berlin, but not in Potsdam, and knows its conventional price."""
    with served_api(database.url, owner=owner_in_template, quote_snapshot_seconds=0) as served:
        given_routable_network(served.engine, nodes=(BERLIN, POTSDAM), today=datetime.now(UTC).date())
        yield served


def load(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf8"))


def plain(value: Any) -> Any:
    """Return an answer without what is another at every time: ids, instants, and hours until an arrival."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: type(item).__name__ if _varies(name) else plain(item) for name, item in value.items()}


def _varies(name: str) -> bool:
    return name not in _STAYS and (name in _VARIES or name.endswith(("_id", "_at")))


def told(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def story(api: Api) -> dict[str, Any]:
    """Ask for a quote, for advice and for a screening, and return the answers by the examples' names."""
    known = {"conventional": load("MethodIn.worked.json")["conventional"]}
    told(api.client.patch("/v1/parts/RL-0001", json=known, headers={"If-Match": "*"}))
    quote = told(api.client.post("/v1/quotes", json=load("QuoteRequest.two_quantities.json")))
    assert told(api.client.get(f"/v1/quotes/{quote['id']}")) == quote
    method = told(api.client.post("/v1/advice/method", json=load("MethodIn.worked.json")))
    return {"QuoteOut.two_quantities.json": quote, "MethodOut.worked.json": method} | screening(api)


def screening(api: Api) -> dict[str, Any]:
    """The list that comes with the product, judged by a worker."""
    table = (reference_folder() / "screening_example.csv").read_bytes()
    asked = api.client.post("/v1/advice/screenings?name=pulp+mill", content=table, headers={"Content-Type": "text/csv"})
    told(asked)
    judge_screenings(api.engine, limits=ScreeningLimits(), now=utc_now())
    path = asked.headers["Location"]
    (first, *_) = told(api.client.get(f"{path}/rows?verdict=digital_twin"))["data"]
    return {"ScreeningOut.done.json": told(api.client.get(path)), "ScreenedRowOut.twin.json": first}


def test_the_examples_are_what_the_api_takes_and_answers(api: Api) -> None:
    answers = story(api)

    assert {name: plain(answer) for name, answer in answers.items()} == {name: plain(load(name)) for name in answers}
    assert tuple(answers) == ANSWERS


def test_the_example_of_a_method_is_the_worked_one() -> None:
    asked, found = load("MethodIn.worked.json"), load("MethodOut.worked.json")

    assert (asked["quantity"], asked["printed_unit"]["amount_minor"]) == (800, 1_800)
    assert (found["crossover"]["quantity"], found["crossover"]["from_quantity"]) == (375.72, 376)
    assert (found["printed"]["total"]["amount_minor"], found["conventional"]["total"]["amount_minor"]) == (
        800 * 1_800,
        650_000 + 800 * 70,
    )
    assert (found["zone"], found["recommendation"]) == ("conventional", "conventional")


def test_the_example_of_a_quote_adds_up() -> None:
    asked = parse_body(QuoteRequest, (EXAMPLES / "QuoteRequest.two_quantities.json").read_bytes())
    quote = load("QuoteOut.two_quantities.json")

    assert [quantity["quantity"] for quantity in quote["quantities"]] == asked.quantities
    for quantity in quote["quantities"]:
        for offer in quantity["offers"]:
            landed = offer["landed"]["amount_minor"]
            assert sum(row["amount_minor"] for row in offer["rows"]) == landed
            assert offer["earliest_at"] <= offer["expected_at"] <= offer["promised_at"]
    assert [node["city"] for group in quote["ruled_out"] for node in group["nodes"]] == ["Potsdam"]


@pytest.mark.parametrize("name", [*REQUESTS, *ANSWERS])
def test_every_example_of_the_story_is_there(name: str) -> None:
    assert load(name)
    assert (EXAMPLES / name).read_text(encoding="utf8").endswith("}\n")
