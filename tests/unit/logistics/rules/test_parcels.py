"""Parcels and the weight that carriers charge."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.logistics.rules import chargeable_grams, pack_parcel

sides = st.floats(min_value=1, max_value=900)


@pytest.mark.parametrize(
    ("gross_grams", "sides_cm", "charged"),
    [
        (300, (40, 30, 20), 5000),  # 24,000 cm3 are 4.8 kg
        (5000, (40, 30, 20), 5000),
        (5001, (40, 30, 20), 5500),
        (300, (39.1, 29.2, 19.5), 5000),  # each side counts as the next cm
        (1, (5, 5, 5), 500),
        (500, (5, 5, 5), 500),
        (501, (5, 5, 5), 1000),
    ],
)
def test_the_heavier_of_weight_and_volume_is_charged_in_steps_of_half_a_kilogram(
    gross_grams: int, sides_cm: tuple[float, float, float], charged: int
) -> None:
    assert chargeable_grams(gross_grams=gross_grams, sides_cm=sides_cm) == charged


def test_one_part_lies_in_padding_on_all_sides() -> None:
    parcel = pack_parcel(part_box_mm=(44.0, 44.0, 36.0), quantity=1, net_grams=15)
    assert parcel.sides_cm == (9, 9, 8)
    assert parcel.packaging_grams == 50 + 17  # 0.648 litres at 25 g
    assert parcel.gross_grams == 82
    assert parcel.chargeable_grams == 500


def test_several_parts_stand_as_near_to_a_cube_as_they_can() -> None:
    eight = pack_parcel(part_box_mm=(100.0, 100.0, 100.0), quantity=8, net_grams=800)
    flat = pack_parcel(part_box_mm=(100.0, 100.0, 10.0), quantity=10, net_grams=800)
    assert eight.sides_cm == (24, 24, 24)
    assert flat.sides_cm == (14, 14, 14)
    assert eight.chargeable_grams == 3000  # 13,824 cm3 are 2.76 kg
    assert flat.chargeable_grams == 1000


@given(
    box=st.tuples(sides, sides, sides),
    quantity=st.integers(min_value=1, max_value=5000),
    net_grams=st.integers(min_value=1, max_value=10**6),
)
def test_every_part_has_room_and_nothing_is_charged_below_its_weight(
    box: tuple[float, float, float], quantity: int, net_grams: int
) -> None:
    parcel = pack_parcel(part_box_mm=box, quantity=quantity, net_grams=net_grams)
    places = math.prod(int((outer * 10 - 40) / side + 1e-6) for outer, side in zip(parcel.sides_cm, box, strict=True))
    assert places >= quantity
    assert parcel.chargeable_grams >= parcel.gross_grams > net_grams
    assert parcel.chargeable_grams % 500 == 0
    assert parcel.chargeable_grams * 5 >= math.prod(parcel.sides_cm)
