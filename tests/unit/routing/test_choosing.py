"""From ways to the few options that are worth deciding about."""

from collections import defaultdict

import numpy as np

from fabroute.routing.rules import OPTIONS_PER_LINE, WEIGHTS
from fabroute.routing.service.choosing import (
    best_by_node,
    cheapest,
    earliest_options,
    fastest,
    greenest,
    worth_deciding,
)
from fabroute.routing.service.options import Option, Way, Wish
from tests.factories.routing import a_lot_view, a_node_view, a_way, an_option

HAMBURG = a_node_view(node_id="N1", city="Hamburg")
KRAKOW = a_node_view(node_id="N2", city="Kraków")
CHEAPEST = Wish(weights=WEIGHTS["cheapest"], minutes_to_need_by=None, need_by_hard=True)


def deciding(*ways: Way, wish: Wish = CHEAPEST, limit: int = OPTIONS_PER_LINE) -> tuple[Option, ...]:
    return worth_deciding(earliest_options(ways, wish=wish), wish=wish, limit=limit).options


def shown(options: tuple[Option, ...]) -> list[tuple[str, str, int]]:
    return [(option.way.offer.machine_id, option.way.service, option.bucket) for option in options]


def test_a_way_has_an_option_for_every_deadline_worth_offering() -> None:
    options = deciding(a_way(hours_to_delivery=tuple(range(24, 24 * 13, 24))))

    assert [option.bucket for option in options] == [0, 1, 2, 3, 5, 8, 11]
    assert [option.minutes for option in options[:2]] == [24 * 60, 48 * 60]
    assert options[1].cost_millis == 1_130_048


def test_lateness_counts_only_where_the_need_by_may_be_missed() -> None:
    way = a_way(hours_to_delivery=(48, 72))
    soft = Wish(weights=WEIGHTS["cheapest"], minutes_to_need_by=50 * 60, need_by_hard=False)
    hard = Wish(weights=WEIGHTS["cheapest"], minutes_to_need_by=50 * 60, need_by_hard=True)

    assert [option.cost_millis for option in deciding(way, wish=soft)] == [1_130_048, 1_130_072 + 22 * 100_000]
    assert [option.cost_millis for option in deciding(way, wish=hard)] == [1_130_048, 1_130_072]


def test_on_one_machine_and_lot_only_cheaper_or_later_options_stay() -> None:
    economy = a_way(node=HAMBURG, service="economy", freight_minor=300, hours_to_delivery=(96, 120))
    express = a_way(node=HAMBURG, service="express", freight_minor=490, hours_to_delivery=(48, 72, 96))

    assert shown(deciding(economy, express)) == [
        ("N1-A", "economy", 0),
        ("N1-A", "economy", 1),
        ("N1-A", "express", 2),
    ]


def test_another_machine_or_lot_is_another_resource() -> None:
    ways = (
        a_way(node=HAMBURG, machine_id="N1-A", hours_to_delivery=(48,)),
        a_way(node=HAMBURG, machine_id="N1-B", freight_minor=500, hours_to_delivery=(48,)),
        a_way(node=HAMBURG, lot=a_lot_view(lot_id="lot_other"), freight_minor=510, hours_to_delivery=(48,)),
    )

    assert [option.way for option in deciding(*ways)] == list(ways)


def test_a_dear_option_stays_for_the_case_that_others_take_the_rest() -> None:
    fair = a_way(node=HAMBURG, hours_to_delivery=(48,))
    usury = a_way(node=KRAKOW, production_minor=10_000, hours_to_delivery=(48,))

    assert shown(deciding(fair, usury)) == [("N1-A", "express", 0), ("N2-A", "express", 0)]


def test_where_there_are_too_many_every_machine_keeps_its_cheapest_and_its_latest() -> None:
    hours = tuple(range(24, 24 * 10, 24))
    ways = [a_way(node=a_node_view(node_id=f"N{n:02}"), hours_to_delivery=hours) for n in range(25)]

    by_machine: defaultdict[str, list[int]] = defaultdict(list)
    for option in deciding(*ways):
        by_machine[option.way.offer.machine_id].append(option.bucket)
    assert len(by_machine) == 25
    assert set(map(tuple, by_machine.values())) == {(0, 8)}


def test_few_machines_share_the_room_for_more_deadlines() -> None:
    hours = tuple(range(24, 24 * 10, 24))
    ways = [a_way(node=a_node_view(node_id=f"N{n:02}"), hours_to_delivery=hours) for n in range(2)]

    assert [option.bucket for option in deciding(*ways, limit=8) if option.way is ways[0]] == [0, 1, 2, 8]


def test_machines_without_room_are_counted_the_dearest_first() -> None:
    ways = [a_way(node=a_node_view(node_id=f"N{n:02}"), freight_minor=490 + n) for n in range(40)]
    found = worth_deciding(earliest_options(ways, wish=CHEAPEST), wish=CHEAPEST, limit=60)

    assert found.left_out == 10
    assert len(found.options) == 60
    assert {option.way.node.node_id for option in found.options} == {f"N{n:02}" for n in range(30)}
    assert worth_deciding(earliest_options(ways, wish=CHEAPEST), wish=CHEAPEST, limit=80).left_out == 0


def test_the_choice_does_not_depend_on_the_order_in_which_ways_were_found() -> None:
    ways = [a_way(node=a_node_view(node_id=f"N{n}"), freight_minor=490 + n % 3) for n in range(9)]
    shuffled = [ways[index] for index in np.random.default_rng(7).permutation(len(ways))]

    assert shown(deciding(*ways)) == shown(deciding(*shuffled))
    costs = [option.cost_millis for option in deciding(*ways)]
    assert costs == sorted(costs)


def test_each_node_has_one_best_option() -> None:
    ways = (a_way(node=KRAKOW, freight_minor=690), a_way(node=HAMBURG, freight_minor=500), a_way(node=HAMBURG))

    best = best_by_node(earliest_options(ways, wish=CHEAPEST))
    assert [option.way.node.city for option in best] == ["Hamburg", "Kraków"]
    assert best[0].way is ways[2]
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


def test_no_ways_leave_nothing_to_decide() -> None:
    found = worth_deciding((), wish=CHEAPEST, limit=60)

    assert (found.options, found.left_out) == ((), 0)
    assert best_by_node(()) == ()
