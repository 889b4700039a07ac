"""Parts, their numbers and their places are checked when they are made."""

from dataclasses import replace
from typing import Any

import pytest

from fabroute.inventory.service import ConventionalMethod, InvalidPart, NewAlias, NewInstallation, NewPart
from tests.factories.inventory import a_part

CONVENTIONAL_MONEY = ["/conventional/unit", "/conventional/tooling"]


def refused(facts: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidPart) as refusal:
        replace(a_part(), **facts)
    assert (refusal.value.code, refusal.value.status) == ("invalid_part", 422)
    return [problem.pointer for problem in refusal.value.problems]


@pytest.mark.parametrize(
    ("facts", "pointers"),
    [
        ({"part_no": ""}, ["/part_no"]),
        ({"part_no": "A 1 "}, ["/part_no"]),
        ({"part_no": "x" * 65}, ["/part_no"]),
        ({"name": "Nozzle\t"}, ["/name"]),
        ({"criticality": "urgent"}, ["/criticality"]),
        ({"hs_code": "85"}, ["/hs_code"]),
        ({"annual_demand": -1}, ["/annual_demand"]),
        ({"note": "x" * 2001}, ["/note"]),
        ({"conventional": ConventionalMethod(unit_minor=-1, tooling_minor=-1)}, CONVENTIONAL_MONEY),
        ({"conventional": ConventionalMethod(minimum_quantity=0)}, ["/conventional/minimum_quantity"]),
        ({"conventional": ConventionalMethod(lead_days=3_651)}, ["/conventional/lead_days"]),
        ({"sector": "", "hs_code": "x", "name": ""}, ["/name", "/sector", "/hs_code"]),
    ],
)
def test_a_part_that_can_not_be_is_refused_by_its_fields(facts: dict[str, Any], pointers: list[str]) -> None:
    assert refused(facts) == pointers
    assert isinstance(a_part(), NewPart)


def test_a_conventional_method_is_known_once_a_piece_and_the_tool_have_a_price() -> None:
    method = ConventionalMethod(unit_minor=70, minimum_quantity=500)

    assert not method.is_known
    assert not ConventionalMethod(tooling_minor=650_000).is_known
    assert replace(method, tooling_minor=0).is_known
    assert replace(a_part(), conventional=method).conventional == method


def test_another_number_is_of_a_known_kind_and_a_gtin_adds_up() -> None:
    assert NewAlias(kind="gtin", number="4006381333931").number == "4006381333931"
    with pytest.raises(InvalidPart, match="should be 1: look for a typing error") as refusal:
        NewAlias(kind="gtin", number="4006381333930")
    assert refusal.value.problems[0].pointer == "/number"
    with pytest.raises(InvalidPart, match="use old, supplier, manufacturer, gtin"):
        NewAlias(kind="nickname", number="Bob")


def test_a_place_has_an_asset_and_at_least_one_part() -> None:
    assert NewInstallation(asset="pump P-17", position="").quantity == 1
    with pytest.raises(InvalidPart) as refusal:
        NewInstallation(asset="", position="4", quantity=0)
    assert [problem.pointer for problem in refusal.value.problems] == ["/asset", "/quantity"]
