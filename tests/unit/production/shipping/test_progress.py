"""Where a shipment is: the same for every order in which carriers speak."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from fabroute.production.service.shipping.progress import ON_THE_WAY, Progress, Said, progress_of

MONDAY = datetime(2026, 6, 15, 9, tzinfo=UTC)


def said(status: str, *, hours: int = 0, parcel: int = 0) -> Said:
    return Said(parcel_number=parcel, status=status, occurred_at=MONDAY + timedelta(hours=hours))


def test_a_shipment_of_which_nothing_was_said_was_handed_over() -> None:
    assert progress_of([], parcels=1) == Progress(state="handed_over")
    assert progress_of([], parcels=100) == Progress(state="handed_over")


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (["in_transit"], "in_transit"),
        (["in_transit", "exception"], "exception"),
        (["exception", "in_transit"], "in_transit"),
        (["in_transit", "lost"], "lost"),
        (["lost", "in_transit"], "in_transit"),
        (["lost", "delivered"], "delivered"),
        (["delivered", "lost"], "delivered"),
        (["delivered", "in_transit", "exception"], "delivered"),
    ],
)
def test_what_happened_last_counts_until_it_is_delivered(statuses: list[str], state: str) -> None:
    told = [said(status, hours=hours) for hours, status in enumerate(statuses)]

    for order in permutations(told):
        assert progress_of(order, parcels=1).state == state
        assert progress_of([*order, *order], parcels=1).state == state


def test_of_two_things_in_one_instant_the_worse_counts_but_an_arrival_more() -> None:
    for order in permutations([said("in_transit"), said("exception"), said("lost")]):
        assert progress_of(order, parcels=1).state == "lost"
    for order in permutations([said("lost"), said("delivered"), said("exception")]):
        assert progress_of(order, parcels=1) == Progress(state="delivered", delivered_at=MONDAY)


def test_it_arrived_when_this_was_first_said_to_have_happened() -> None:
    told = [said("delivered", hours=9), said("delivered", hours=4), said("in_transit", hours=12)]

    assert {progress_of(order, parcels=1).delivered_at for order in permutations(told)} == {MONDAY + timedelta(hours=4)}


def test_a_shipment_of_two_parcels_is_delivered_with_the_second() -> None:
    first, second = said("delivered", hours=1, parcel=1), said("delivered", hours=7, parcel=2)

    assert progress_of([first], parcels=2) == Progress(state="in_transit")
    assert progress_of([second, first], parcels=2) == Progress(
        state="delivered", delivered_at=MONDAY + timedelta(hours=7)
    )


def test_the_worst_of_the_parcels_on_their_way_counts() -> None:
    told = [said("delivered", parcel=1), said("lost", hours=1, parcel=2), said("in_transit", hours=2, parcel=3)]

    assert {progress_of(order, parcels=3).state for order in permutations(told)} == {"lost"}
    found = [*told, said("in_transit", hours=3, parcel=2)]
    assert {progress_of(order, parcels=3).state for order in permutations(found)} == {"in_transit"}


def test_what_is_said_of_all_parcels_is_said_of_each() -> None:
    assert progress_of([said("delivered", hours=5)], parcels=3) == Progress(
        state="delivered", delivered_at=MONDAY + timedelta(hours=5)
    )
    whole, one = said("exception", hours=1), said("in_transit", hours=2, parcel=1)
    assert progress_of([whole, one], parcels=2).state == "exception"
    assert progress_of([whole, one], parcels=1).state == "in_transit"


def test_of_five_thousand_orders_of_seven_messages_all_tell_the_same() -> None:
    told = [
        said("in_transit", hours=1),
        said("exception", hours=2, parcel=1),
        said("delivered", hours=3, parcel=1),
        said("lost", hours=4, parcel=2),
        said("in_transit", hours=5, parcel=2),
        said("delivered", hours=6, parcel=2),
        said("exception", hours=7, parcel=1),
    ]
    orders = list(permutations(told))
    ends = {progress_of(order, parcels=2) for order in orders}

    assert len(orders) == 5_040
    assert ends == {Progress(state="delivered", delivered_at=MONDAY + timedelta(hours=6))}
    assert {progress_of(order[:3], parcels=2).state for order in orders} == ON_THE_WAY - {"handed_over"} | {"delivered"}
