"""The clients of the overload bench, small: what they say they were told is what the database holds."""

from collections import Counter

from tests.benchmarks.bench_overload import measure_stored, percentile
from tests.benchmarks.open_loop import Load, offer
from tests.conftest import Database
from tests.factories.api import Api, served_api

BODY = b'{"ship_to":{"city":"Hamburg","country":"DE"},"lines":[{"part":"RL-0001","quantity":1}]}'


def a_load(api: Api, *, seconds: float, rate: float = 0.0, clients: int = 0) -> Load:
    return Load(
        sockets=(api.socket,),
        token=api.owner.token,
        body=BODY,
        name="k",
        seconds=seconds,
        rate=rate,
        clients=clients,
        reads=clients > 0,
    )


def test_what_is_offered_is_taken_as_far_as_limits_go_and_every_answer_is_true(database: Database) -> None:
    with served_api(database.url, rate_limit_default=25) as api:
        found = offer(a_load(api, rate=200.0, seconds=0.5))
        stored = measure_stored(api.engine, (found,))

    offered = sum(found.statuses.values())
    assert found.statuses == Counter({201: 25, 429: offered - 25})
    assert (len(found.accepted), len(found.refused), found.unanswered) == (25, offered - 25, [])
    assert (found.without_retry_after, found.retry_after.total()) == (0, offered - 25)
    assert (stored.lost, stored.doubled, stored.uncalled, len(found.orders)) == (0, 0, 0, 25)


def test_an_order_that_is_not_there_or_that_nobody_was_told_of_is_found(database: Database) -> None:
    with served_api(database.url) as api:
        found = offer(a_load(api, rate=100.0, seconds=0.2))
        first, *_, last = found.orders
        del found.orders[first]
        found.orders[last] = "ord_other"
        found.orders["never"] = "ord_never"
        stored = measure_stored(api.engine, (found,))

    assert (stored.lost, stored.doubled, stored.uncalled) == (2, 0, 1)


def test_a_closed_loop_sends_when_it_was_answered(database: Database) -> None:
    with served_api(database.url) as api:
        found = offer(a_load(api, clients=3, seconds=0.3))

    assert (found.connections, set(found.statuses) - {200}) == (3, {201})
    assert found.statuses[201] >= 3  # each client's first; how many more there are is the machine's speed
    assert abs(found.statuses[200] - found.statuses[201]) <= 4
    assert len(set(found.orders.values())) == found.statuses[201]


def test_percentiles_are_those_of_the_sorted_times() -> None:
    assert percentile([0.003, 0.001, 0.002, 0.004], 0.5) == 3.0
    assert percentile([0.001] * 99 + [0.2], 0.99) == 200.0
