"""Prices that a node states, over HTTP: by itself or the operator, from a day on, for what it has."""

from collections.abc import Iterator

import pytest

from tests.factories.api import Api
from tests.factories.api_builds import stated
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, refusal_of

RATES = "/v1/nodes/N101/rates"


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


@pytest.fixture(scope="module")
def lasting(standing_api: Api) -> Iterator[JobWorld]:
    """A world in which nobody states anything."""
    with a_job_world(standing_api) as made:
        yield made


def test_a_node_states_a_rate_and_reads_it_again(world: JobWorld) -> None:
    answer = stated(world.bureau, subject="N101-A")

    rate = answer.json()
    assert answer.status_code == 201
    assert (rate["node_id"], rate["code"], rate["subject"]) == ("N101", "machine_hour", "N101-A")
    assert (rate["amount"], rate["valid_from"]) == ({"amount_minor": 3000, "currency": "EUR"}, "2026-01-01")
    assert (rate["source"], rate["stated_by"][:4]) == ("price list 2026", "key_")
    for client in (world.bureau, world.operator):
        assert client.get(RATES).json()["data"] == [rate]
        assert client.get(f"{RATES}?code=machine_hour").json()["data"] == [rate]
        assert client.get(f"{RATES}?code=labour_hour").json()["data"] == []


def test_the_same_again_changes_nothing_and_tells_nobody(world: JobWorld) -> None:
    first, again = stated(world.bureau), stated(world.operator)

    events = "SELECT count(*) FROM outbox_events WHERE data ->> 'reason' = 'rate_stated'"
    assert (again.status_code, again.json()) == (201, first.json())
    assert in_transaction(world.api.engine, lambda session: rows(session, events)) == [(1,)]


def test_the_history_stays_in_pages(world: JobWorld) -> None:
    for day, cents in (("2025-01-01", 2800), ("2034-01-01", 3300), ("2032-01-01", 3000)):
        stated(world.bureau, valid_from=day, amount={"amount_minor": cents, "currency": "EUR"})
    stated(world.bureau, code="labour_hour", amount={"amount_minor": 0, "currency": "EUR"})

    first = world.bureau.get(f"{RATES}?limit=3")
    second = world.bureau.get(first.links["next"]["url"])
    listed = first.json()["data"] + second.json()["data"]

    assert [(it["code"], it["subject"], it["valid_from"], it["amount"]["amount_minor"]) for it in listed] == [
        ("labour_hour", None, "2026-01-01", 0),
        ("machine_hour", None, "2025-01-01", 2800),
        ("machine_hour", None, "2032-01-01", 3000),
        ("machine_hour", None, "2034-01-01", 3300),
    ]
    assert second.json()["has_more"] is False


def test_rates_are_the_node_s_own_business(world: JobWorld) -> None:
    rate = stated(world.bureau).json()
    for client in (world.owner, world.rival, world.stranger):
        assert refusal_of(client.get(RATES)) == Refusal(status=403, code="node_not_yours")
        assert refusal_of(stated(client)) == Refusal(status=403, code="node_not_yours")
        assert "3000" not in client.get("/v1/nodes/N101").text
    for answer in (stated(world.operator, "N999"), world.operator.get("/v1/nodes/N999/rates")):
        assert refusal_of(answer) == Refusal(status=404, code="unknown_node")
    assert world.bureau.get(RATES).json()["data"] == [rate]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"code": "furnace_hour"}, "validation_failed", "/code"),
        ({"subject": "N102-A"}, "unknown_rate_subject", "/subject"),
        ({"code": "material_kg", "subject": "GOLD"}, "unknown_rate_subject", "/subject"),
        ({"code": "labour_hour", "subject": "N101-A"}, "invalid_rate", "/subject"),
        ({"subject": ""}, "validation_failed", "/subject"),
        ({"amount": {"amount_minor": -1, "currency": "EUR"}}, "validation_failed", "/amount/amount_minor"),
        ({"amount": {"amount_minor": 10_000_001, "currency": "EUR"}}, "validation_failed", "/amount/amount_minor"),
        ({"amount": {"amount_minor": 3000, "currency": "USD"}}, "unsupported_currency", "/amount/currency"),
        ({"amount": 3000}, "validation_failed", "/amount"),
        ({"valid_from": "1.1.2027"}, "validation_failed", "/valid_from"),
        ({"valid_from": "2060-01-01"}, "invalid_rate", "/valid_from"),
        ({"source": " "}, "validation_failed", "/source"),
        ({"margin": 0.2}, "validation_failed", "/margin"),
    ],
)
def test_a_rate_that_can_not_be_taken_is_pointed_at(
    lasting: JobWorld, change: dict[str, object], code: str, pointer: str
) -> None:
    answer = stated(lasting.bureau, **change)

    assert refusal_of(answer) == Refusal(status=422, code=code, pointers=(pointer,))
    assert lasting.bureau.get(RATES).json()["data"] == []


def test_what_was_priced_with_a_stated_price_is_not_priced_anew(world: JobWorld) -> None:
    first = stated(world.bureau, valid_from="2026-01-01")
    refused = stated(world.bureau, valid_from="2026-02-01")

    assert first.status_code == 201
    assert refusal_of(refused) == Refusal(status=422, code="invalid_rate", pointers=("/valid_from",))
    assert "2026-02-01 is past" in refused.json()["detail"]
    assert world.bureau.get(RATES).json()["data"] == [first.json()]
