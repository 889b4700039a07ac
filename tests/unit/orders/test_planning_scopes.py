"""Which lines are planned together."""

import pytest

from fabroute.logistics.rules.places import CONTINENTS, UnknownCountry
from fabroute.logistics.rules.regions import REGION_OF, REGIONS, region_of
from fabroute.orders.rules import parts_of_scope, planning_scopes, process_family, whole_scope

NYLON, STEEL, RESIN = ("SLS:PA12-SLS", "MJF:PA12-MJF"), ("LPBF:316L",), ("VPP:RESIN-TOUGH",)


@pytest.mark.parametrize(
    ("pairs", "family"),
    [
        (NYLON, "polymer_powder"),
        (("MEX:ABS-M30",), "material_extrusion"),
        (RESIN, "photopolymer"),
        (("EBM:TI64-ELI", "BJT:316L-BJ", "LPBF:TI64"), "metal"),
        (("LENS:TI64",), "other"),
        ((), "other"),
        (("MEX:ABS-M30", "SLS:PA12-SLS", "MJF:PA12-MJF"), "polymer_powder"),  # most of its ways
        (("SLS:PA12-SLS", "MEX:ABS-M30"), "material_extrusion"),  # the first by name
    ],
)
def test_a_part_is_of_the_family_in_which_it_can_be_made_in_most_ways(pairs: tuple[str, ...], family: str) -> None:
    assert process_family(pairs) == family
    assert process_family(tuple(reversed(pairs))) == family


def test_every_country_of_the_world_is_in_one_of_four_regions() -> None:
    assert set(REGION_OF) == set(CONTINENTS)
    assert set(REGION_OF.values()) == set(REGIONS)
    assert {region_of(country) for country in ("DE", "GB", "CH", "UA")} == {"europe"}
    assert {region_of(country) for country in ("US", "CA", "MX")} == {"north_america"}
    assert {region_of(country) for country in ("JP", "SG", "AU", "IN")} == {"asia_pacific"}
    assert {region_of(country) for country in ("BR", "ZA", "AE", "AQ")} == {"rest"}
    with pytest.raises(UnknownCountry, match="country 'XX' is unknown: use a two-letter code of ISO 3166"):
        region_of("XX")


def test_lines_are_planned_with_those_of_their_family_that_go_to_the_same_part_of_the_world() -> None:
    assert planning_scopes([NYLON, STEEL], country="FR") == ("polymer_powder/europe", "metal/europe")
    assert planning_scopes([NYLON], country="US") == ("polymer_powder/north_america",)
    assert planning_scopes([NYLON], country="XX") == ("polymer_powder/rest",)
    assert planning_scopes([], country="FR", decided_together=True) == ()


def test_lines_under_one_price_cap_are_planned_together_where_most_of_them_belong() -> None:
    assert planning_scopes([STEEL, NYLON, NYLON], country="DE", decided_together=True) == ("polymer_powder/europe",) * 3
    assert planning_scopes([STEEL, NYLON], country="DE", decided_together=True) == ("metal/europe",) * 2
    assert planning_scopes([NYLON], country="DE", decided_together=True) == ("polymer_powder/europe",)


@pytest.mark.parametrize(
    ("waiting", "parts"), [(0, 1), (1, 1), (2_000, 1), (2_001, 2), (4_000, 2), (4_001, 3), (100_000, 50)]
)
def test_a_scope_is_split_into_as_many_parts_as_hold_what_waits(waiting: int, parts: int) -> None:
    assert parts_of_scope("metal/europe", waiting=waiting, most=2_000) == parts
    assert parts_of_scope("metal/europe/1of2", waiting=waiting, most=2_000) == 1


def test_a_part_of_a_scope_knows_its_whole() -> None:
    assert whole_scope("metal/europe/12of30") == "metal/europe"
    assert whole_scope("metal/europe") == "metal/europe"
    assert whole_scope("global") == "global"
