"""From ways to the few options that are worth deciding about."""

import numpy as np

from fabroute.routing.rules import MAXIMUM_OPTIONS_PER_LINE, WEIGHTS
from fabroute.routing.service.choosing import best_by_node, cheapest, fastest, greenest, options_of, worth_deciding
from fabroute.routing.service.options import Option, Wish
from tests.factories.routing import a_lot_view, a_node_view, a_way, an_option

HAMBURG = a_node_view(node_id="N1", city="Hamburg")
KRAKOW = a_node_view(node_id="N2", city="Kraków")


def shown(options: tuple[Option, ...]) -> list[tuple[str, str, int]]:
    return [(option.way.offer.machine_id, option.way.service, option.bucket) for option in options]


def test_a_way_has_an_option_for_every_deadline_worth_offering() -> None:
    way = a_way(hours_to_delivery=tuple(range(24, 24 * 13, 24)))
    wish = Wish(weights=WEIGHTS["cheapest"], minutes_to_need_by=None, need_by_hard=True)

    options = options_of([way], wish=wish)
    assert [option.bucket for option in options] == [0, 1, 2, 3, 5, 8, 11]
    assert [option.minutes for option in options[:2]] == [24 * 60, 48 * 60]
    assert options[1].cost_millis == 1_130_048


def test_lateness_counts_only_where_the_need_by_may_be_missed() -> None:
    way = a_way(hours_to_delivery=(48, 72))
    weights = WEIGHTS["cheapest"]
    soft = Wish(weights=weights, minutes_to_need_by=50 * 60, need_by_hard=False)
    hard = Wish(weights=weights, minutes_to_need_by=50 * 60, need_by_hard=True)

    assert [option.cost_millis for option in options_of([way], wish=soft)] == [1_130_048, 1_130_072 + 22 * 100_000]
    assert [option.cost_millis for option in options_of([way], wish=hard)] == [1_130_048, 1_130_072]


def test_on_one_machine_and_lot_only_cheaper_or_later_options_stay() -> None:
    economy = a_way(node=HAMBURG, service="economy", freight_minor=300, hours_to_delivery=(96, 120, 144))
    express = a_way(node=HAMBURG, service="express", freight_minor=490, hours_to_delivery=(48, 72, 96))
    options = [
        an_option(economy, bucket=0),
        an_option(economy, bucket=1),
        an_option(express, bucket=0),
        an_option(express, bucket=1),
        an_option(express, bucket=2),
    ]

    assert shown(worth_deciding(options)) == [
        ("N1-A", "economy", 0),
        ("N1-A", "economy", 1),
        ("N1-A", "express", 2),
    ]


def test_another_machine_or_lot_is_another_resource() -> None:
    ways = (
        a_way(node=HAMBURG, machine_id="N1-A"),
        a_way(node=HAMBURG, machine_id="N1-B", freight_minor=500),
        a_way(node=HAMBURG, machine_id="N1-A", lot=a_lot_view(lot_id="lot_other"), freight_minor=510),
    )

    assert len(worth_deciding([an_option(way) for way in ways])) == 3


def test_a_dear_option_stays_for_the_case_that_others_take_the_rest() -> None:
    fair, usury = a_way(node=HAMBURG), a_way(node=KRAKOW, production_minor=10_000)

    assert shown(worth_deciding([an_option(fair), an_option(usury)])) == [
        ("N1-A", "express", 0),
        ("N2-A", "express", 0),
    ]


def test_where_there_are_too_many_every_machine_keeps_its_cheapest_and_its_latest() -> None:
    hours = tuple(range(24, 24 * 10, 24))
    ways = [a_way(node=a_node_view(node_id=f"N{n:02}"), hours_to_delivery=hours) for n in range(25)]
    options = [an_option(way, bucket=bucket) for way in ways for bucket in range(9)]

    kept = worth_deciding(options)
    assert len(kept) == MAXIMUM_OPTIONS_PER_LINE
    by_machine: dict[str, list[int]] = {}
    for option in kept:
        by_machine.setdefault(option.way.offer.machine_id, []).append(option.bucket)
    assert len(by_machine) == 25
    assert all({0, 8} <= set(buckets) for buckets in by_machine.values())


def test_the_choice_does_not_depend_on_the_order_in_which_ways_were_found() -> None:
    ways = [a_way(node=a_node_view(node_id=f"N{n}"), freight_minor=490 + n % 3) for n in range(9)]
    options = [an_option(way, bucket=bucket) for way in ways for bucket in range(3)]
    shuffled = [options[index] for index in np.random.default_rng(7).permutation(len(options))]

    assert worth_deciding(options) == worth_deciding(shuffled)
    assert [option.cost_millis for option in worth_deciding(options)] == sorted(
        option.cost_millis for option in worth_deciding(options)
    )


def test_each_node_has_one_best_option() -> None:
    options = [
        an_option(a_way(node=KRAKOW, freight_minor=690)),
        an_option(a_way(node=HAMBURG), bucket=1),
        an_option(a_way(node=HAMBURG)),
    ]

    best = best_by_node(options)
    assert [option.way.node.city for option in best] == ["Hamburg", "Kraków"]
    assert best[0].bucket == 0


def test_cheapest_fastest_and_greenest_are_looked_for_among_all() -> None:
    slow = an_option(a_way(service="economy", freight_minor=100, hours_to_delivery=(200,), co2e_g=900))
    quick = an_option(a_way(service="next_flight", freight_minor=9_000, hours_to_delivery=(20,), co2e_g=5_000))
    green = an_option(a_way(node=KRAKOW, freight_minor=600, co2e_g=10))
    options = [slow, quick, green]

    assert (cheapest(options), fastest(options), greenest(options)) == (slow, quick, green)
    assert cheapest([]) is None
    assert fastest([]) is None
    assert greenest([]) is None


def test_no_options_leave_nothing_to_decide() -> None:
    assert worth_deciding([]) == ()
    assert best_by_node([]) == ()
