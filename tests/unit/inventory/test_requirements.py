"""What a revision states and asks for is checked when it is made; every wrong field is named."""

from dataclasses import replace
from typing import Any

import pytest

from fabroute.inventory.rules.requirements import CHARACTERISTIC_KINDS, Characteristic, InvalidRevision, NewRevision
from fabroute.inventory.rules.sizes import Size

SHARE = "a share is over 0 and at most 1, e.g. 0.5 for half of the prints"
PLAIN = NewRevision(part_id="part_1", revision="A", process_materials=("MJF:PA12-MJF",))


def a_bore(**limits: float | None) -> Characteristic:
    wanted: dict[str, Any] = {"nominal_mm": 8.0, "lower_mm": 7.9, "upper_mm": 8.1} | limits
    return Characteristic(name="bore", kind="diameter", **wanted)


def refused(**facts: Any) -> dict[str, str]:
    with pytest.raises(InvalidRevision) as refusal:
        replace(PLAIN, **facts)
    assert (refusal.value.code, refusal.value.status) == ("invalid_revision", 422)
    return {problem.pointer: problem.message for problem in refusal.value.problems}


def test_little_is_needed() -> None:
    assert (PLAIN.size, PLAIN.packaging, PLAIN.inspection_level, PLAIN.licence_required) == (
        None,
        "plain",
        "visual",
        False,
    )
    sized = replace(PLAIN, box_x_mm=1, box_y_mm=2, box_z_mm=3, volume_cm3=4)
    assert sized.size == Size(box_x_mm=1, box_y_mm=2, box_z_mm=3, volume_cm3=4)
    assert sized.size is not None
    assert sized.size.box_mm == (1, 2, 3)


@pytest.mark.parametrize(
    ("facts", "pointer", "message"),
    [
        ({"revision": ""}, "/revision", "must not be empty"),
        ({"packaging": "gift"}, "/packaging", "'gift' is not known: use plain, brand, esd, medical_clean"),
        ({"qualified_orientation": "up"}, "/qualified_orientation", "'up' is not known: use x, y, z"),
        (
            {"inspection_level": "deep"},
            "/inspection_level",
            "'deep' is not known: use none, visual, dimensional, ct, test_report",
        ),
        ({"export_class": "secret"}, "/export_class", "'secret' is not known: use none, dual_use, itar"),
        ({"ip_zone": "moon"}, "/ip_zone", "'moon' is not known: use any, EU, US, EU_US, same_country"),
        ({"ip_kinds": ("shed",)}, "/ip_kinds/0", "'shed' is not known: use in_house, service_bureau, regional_hub"),
        ({"ip_countries": ("DE", "DE")}, "/ip_countries/1", "'DE' stands in the list twice"),
        (
            {"ip_share_cap": 0.0},
            "/ip_share_cap",
            "is 0: a share is over 0 and at most 1, e.g. 0.5 for half of the prints",
        ),
        ({"ip_share_cap": 1.01}, "/ip_share_cap", f"is 1.01: {SHARE}"),
        (
            {"required_certificates": ("ISO9001", "ISO9001")},
            "/required_certificates/1",
            "'ISO9001' stands in the list twice",
        ),
    ],
)
def test_a_wrong_word_is_refused_with_the_right_ones(facts: dict[str, Any], pointer: str, message: str) -> None:
    assert refused(**facts) == {pointer: message}


def test_a_share_cap_may_be_all_of_it() -> None:
    assert replace(PLAIN, ip_share_cap=1.0).ip_share_cap == 1.0
    assert replace(PLAIN, ip_share_cap=0.001).ip_share_cap == 0.001
    assert "/ip_share_cap" in refused(ip_share_cap=float("nan"))


def test_box_and_volume_are_stated_together_and_over_zero() -> None:
    assert refused(box_x_mm=1.0) == {
        "/box_x_mm": "box_y_mm, box_z_mm, volume_cm3 is missing: state box and volume, or neither"
    }
    whole = {"box_x_mm": 1.0, "box_y_mm": 1.0, "box_z_mm": 1.0, "volume_cm3": 1.0}
    for name in whole:
        for value in (0.0, -1.0, float("inf"), float("nan")):
            assert list(refused(**whole | {name: value})) == [f"/{name}"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = refused(process_materials=(), packaging="gift", parameter_sets=("a b",), ip_nodes=("",))
    assert list(found) == ["/process_materials", "/parameter_sets/0", "/ip_nodes/0", "/packaging"]
    with pytest.raises(InvalidRevision, match=r"name at least one PROCESS:MATERIAL pair.*\(and 3 more\)"):
        replace(PLAIN, process_materials=(), packaging="gift", parameter_sets=("a b",), ip_nodes=("",))


@pytest.mark.parametrize("kind", CHARACTERISTIC_KINDS)
def test_a_measured_characteristic_has_limits_that_rise(kind: str) -> None:
    item = Characteristic(name="it", kind=kind, nominal_mm=8.0, lower_mm=8.0, upper_mm=8.0)
    assert replace(PLAIN, inspection_plan=(item,)).inspection_plan == (item,)
    bare = Characteristic(name="it", kind=kind)
    if kind in ("length", "diameter", "radius", "position", "flatness", "roundness"):
        assert refused(inspection_plan=(bare,)) == {
            "/inspection_plan/0": f"a {kind} needs nominal_mm, lower_mm and upper_mm"
        }
    else:
        assert replace(PLAIN, inspection_plan=(bare,)).inspection_plan == (bare,)


@pytest.mark.parametrize(
    ("limits", "shown"),
    [
        ({"lower_mm": 8.05}, "8.05, 8, 8.1"),
        ({"upper_mm": 7.0}, "7.9, 8, 7"),
        ({"upper_mm": float("nan")}, "7.9, 8, nan"),
        ({"lower_mm": float("-inf")}, "-inf, 8, 8.1"),
    ],
)
def test_limits_that_do_not_rise_are_refused_with_their_values(limits: dict[str, float], shown: str) -> None:
    assert refused(inspection_plan=(a_bore(**limits),)) == {
        "/inspection_plan/0": f"lower, nominal and upper limit must rise in this order, not {shown}"
    }
    assert refused(inspection_plan=(a_bore(), replace(a_bore(**limits), name="other"))) == {
        "/inspection_plan/1": f"lower, nominal and upper limit must rise in this order, not {shown}"
    }


def test_a_plan_names_each_characteristic_once_and_ends_somewhere() -> None:
    assert refused(inspection_plan=(a_bore(), a_bore())) == {"/inspection_plan/1": "'bore' stands in the list twice"}
    items = tuple(Characteristic(name=f"c{number}", kind="visual") for number in range(101))
    assert refused(inspection_plan=items) == {"/inspection_plan": "holds 101 characteristics: 100 are allowed"}
    assert len(replace(PLAIN, inspection_plan=items[:100]).inspection_plan) == 100
    unnamed = Characteristic(name="", kind="smell")
    assert list(refused(inspection_plan=(unnamed,))) == ["/inspection_plan/0/name", "/inspection_plan/0/kind"]
