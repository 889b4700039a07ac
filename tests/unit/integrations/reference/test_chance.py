"""What chance adds, over many made-up nodes: the documented shares, no influence of one node on another."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from fabroute.integrations.reference.chance import chance
from fabroute.integrations.reference.dates import BASE_DAY
from fabroute.integrations.reference.lanes import lanes
from fabroute.integrations.reference.nodes import (
    described_machines,
    described_node,
    described_offer,
    organisations,
)
from fabroute.integrations.reference.rows import AssetRow, CertificateRow, NodeRow
from fabroute.integrations.reference.stock import lots
from fabroute.logistics.rules import Service, Zone
from tests.factories.network import a_model

KINDS = ("in_house", "service_bureau", "regional_hub")
MANY = 1000


def a_node_row(*, node_id: str = "N1", kind: str = "service_bureau", country: str = "DE") -> NodeRow:
    return NodeRow(
        node_id=node_id,
        kind=kind,
        city="Berlin",
        country=country,
        latitude=52.5,
        longitude=13.4,
        timezone="Europe/Berlin",
        labour_minor_per_hour=4600,
        grid_g_co2_per_kwh=380.9,
        cutoff_local="15:00",
        working_days="Mon-Fri",
        minimum_order_minor=5000,
        margin=0.25,
        on_time_score=0.95,
        first_pass_yield=0.97,
    )


def an_asset(
    *, node_id: str = "N1", machine_id: str = "N1-A", process: str = "MJF", material: str = "PA12", load: float = 0.5
) -> AssetRow:
    return AssetRow(
        node_id=node_id,
        machine_id=machine_id,
        model="HP MJF 5200",
        process=process,
        material=material,
        parameter_set="PS-1",
        utilisation=load,
    )


def a_certificate(*, scheme: str, days: tuple[int, int] = (-100, 100)) -> CertificateRow:
    return CertificateRow(
        node_id="N1",
        scheme=scheme,
        scope_kind="site",
        scope="*",
        valid_from=BASE_DAY + timedelta(days=days[0]),
        valid_to=BASE_DAY + timedelta(days=days[1]),
    )


def many_nodes(*, kind: str) -> list[NodeRow]:
    return [a_node_row(node_id=f"N{number}", kind=kind) for number in range(MANY)]


def many_assets(*, process: str = "MJF") -> list[AssetRow]:
    return [
        an_asset(node_id=f"N{number}", machine_id=f"N{number}-A", process=process, material=f"PA-{process}")
        for number in range(MANY)
    ]


def share(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


# ---------------------------------------------------------------- chance itself


def test_chance_repeats_for_the_same_and_differs_for_anything_else() -> None:
    assert chance("lots", "N1").random() == chance("lots", "N1").random()
    values = {chance(*about).random() for about in (("lots", "N1"), ("lots", "N2"), ("lanes", "N1"), ("lots",))}
    assert len(values) == 4


def test_another_node_in_the_files_changes_nothing_at_the_others() -> None:
    few, more = many_assets()[:10], many_assets()[:11]
    models = {"HP MJF 5200": a_model()}
    assert [lot for lot in lots(more, models) if lot.node_id != "N10"] == list(lots(few, models))
    nodes = many_nodes(kind="regional_hub")
    assert lanes(nodes[:11])[: len(lanes(nodes[:10]))] == lanes(nodes[:10])


# ---------------------------------------------------------------- lots


def test_lots_have_the_documented_flaws_in_about_the_documented_shares() -> None:
    found = lots(many_assets(), {"HP MJF 5200": a_model()})
    assert MANY * 1.40 < len(found) < MANY * 1.50
    assert share([lot.grams <= 300 for lot in found]) == pytest.approx(0.08, abs=0.02)
    assert share([lot.expires_on < BASE_DAY for lot in found]) == pytest.approx(0.06, abs=0.02)
    assert share([0 <= (lot.expires_on - BASE_DAY).days <= 25 for lot in found]) == pytest.approx(0.05, abs=0.02)
    assert share([lot.state == "quarantined" for lot in found]) == pytest.approx(0.04, abs=0.02)
    assert share([lot.state == "blocked" for lot in found]) == pytest.approx(0.02, abs=0.02)
    assert share([lot.reuse_count >= 15 for lot in found]) == pytest.approx(0.05, abs=0.02)
    assert not [lot for lot in found if 6 < lot.reuse_count < 15 or lot.reuse_count > 25]


@pytest.mark.parametrize(
    ("process", "low", "high"),
    [
        ("MEX", 2, 12),
        ("VPP", 4, 20),
        ("SLS", 30, 120),
        ("MJF", 40, 160),
        ("LPBF", 25, 120),
        ("EBM", 20, 80),
        ("BJT", 40, 150),
    ],
)
def test_a_full_lot_weighs_what_its_process_buys(process: str, low: int, high: int) -> None:
    usual = {"HP MJF 5200": a_model()}
    large = {"HP MJF 5200": a_model(box_mm=(1000, 1000, 1000))}
    kilograms = [lot.grams / 1000 for lot in lots(many_assets(process=process), usual) if lot.grams > 300]
    assert low <= min(kilograms) < low * 1.2
    assert high * 0.95 < max(kilograms) <= high
    more = [lot.grams / 1000 for lot in lots(many_assets(process=process), large) if lot.grams > 300]
    assert low * 6 <= min(more)
    assert high * 5 < max(more) <= high * 6


def test_only_powder_is_used_again() -> None:
    models = {"HP MJF 5200": a_model()}
    for process in ("MEX", "VPP"):
        assert {lot.reuse_count for lot in lots(many_assets(process=process), models)} == {0}
    for process in ("SLS", "LPBF"):
        assert max(lot.reuse_count for lot in lots(many_assets(process=process), models)) == 25


def test_two_machines_of_a_node_share_the_lots_of_a_material() -> None:
    both = [an_asset(machine_id="N1-A"), an_asset(machine_id="N1-B")]
    models = {"HP MJF 5200": a_model()}
    assert lots(both, models) == lots(both[:1], models)
    assert next(lot.lot_id for lot in lots(both, models)) == "lot_N1_PA12_1"


# ---------------------------------------------------------------- nodes and machines


def test_packaging_and_minimum_orders_come_in_about_the_documented_shares() -> None:
    for kind, brand, refuse in (("in_house", 0.75, 0.0), ("service_bureau", 0.6, 0.12), ("regional_hub", 0.85, 0.0)):
        nodes = [described_node(row, []) for row in many_nodes(kind=kind)]
        assert all(node.packaging[0] == "plain" for node in nodes)
        assert share(["brand" in node.packaging for node in nodes]) == pytest.approx(brand, abs=0.04)
        assert share(["esd" in node.packaging for node in nodes]) == pytest.approx(0.3, abs=0.04)
        assert share([node.minimum_order_policy == "refuse" for node in nodes]) == pytest.approx(refuse, abs=0.03)
        assert not [node for node in nodes if "medical_clean" in node.packaging or node.export_permissions]


@pytest.mark.parametrize(
    ("country", "schemes", "days", "permissions"),
    [
        ("DE", ("EN9100",), (-100, 100), ("dual_use",)),
        ("US", ("EN9100",), (-100, 100), ("dual_use",)),
        ("US", ("EN9100", "ITAR-REG"), (-100, 100), ("dual_use", "itar")),
        ("US", ("ITAR-REG",), (-100, 0), ("itar",)),
        ("DE", ("ITAR-REG",), (-100, 100), ()),
        ("JP", ("EN9100",), (-100, 100), ()),
        ("DE", ("EN9100",), (-100, -1), ()),
        ("DE", ("EN9100",), (1, 100), ()),
        ("DE", ("ISO9001",), (-100, 100), ()),
    ],
)
def test_export_permissions_need_the_place_and_a_certificate_valid_on_the_base_day(
    country: str, schemes: tuple[str, ...], days: tuple[int, int], permissions: tuple[str, ...]
) -> None:
    held = [a_certificate(scheme=scheme, days=days) for scheme in schemes]
    assert described_node(a_node_row(country=country), held).export_permissions == permissions


def test_clean_packaging_needs_a_medical_certificate_that_is_valid() -> None:
    valid, over = a_certificate(scheme="ISO13485"), a_certificate(scheme="ISO13485", days=(-100, -1))
    assert "medical_clean" in described_node(a_node_row(), [valid]).packaging
    assert "medical_clean" not in described_node(a_node_row(), [over]).packaging


def test_a_machine_takes_the_mean_of_its_rows_and_none_is_down_in_a_small_network() -> None:
    rows = [
        an_asset(load=0.5),
        an_asset(material="PA11", load=0.8),
        an_asset(material="TPU", load=0.7),
        an_asset(machine_id="N1-B", load=0.9),
    ]
    machines = {machine.machine_id: machine for machine in described_machines(rows)}
    assert (machines["N1-A"].utilisation, machines["N1-B"].utilisation) == (0.666667, 0.9)
    assert {machine.status for machine in machines.values()} == {"up"}
    assert [machine.status for machine in described_machines(many_assets())].count("down") == 1
    assert described_machines([]) == ()


def test_one_parameter_set_in_twenty_is_in_development() -> None:
    offers = [described_offer(row) for row in many_assets()]
    assert share([offer.parameter_set_state == "development" for offer in offers]) == pytest.approx(0.05, abs=0.02)
    assert offers[0].offer_id == "offer_N0-A_PA-MJF_PS-1"
    assert len({offer.offer_id for offer in offers}) == MANY


def test_only_nodes_that_are_not_in_house_have_organisations_of_their_own() -> None:
    rows = [a_node_row(node_id=f"N{number}", kind=kind) for number, kind in enumerate(KINDS)]
    assert [(row.organisation_id, row.name, row.kind) for row in organisations(rows)] == [
        ("org_owner", "Northgate Spares", "owner"),
        ("org_operator", "Network operator", "operator"),
        ("org_N1", "Berlin Print Bureau", "bureau"),
        ("org_N2", "Berlin Hub", "bureau"),
    ]
    assert [described_node(row, []).organisation_id for row in rows] == ["org_owner", "org_N1", "org_N2"]


# ---------------------------------------------------------------- lanes


@pytest.mark.parametrize(
    ("kind", "shares"),
    [
        ("in_house", {"Z2": 1.0, "Z3": 1.0, "Z4": 0.4, "Z5": 0.0}),
        ("service_bureau", {"Z2": 0.95, "Z3": 0.95, "Z4": 0.95, "Z5": 0.285}),
        ("regional_hub", {"Z2": 1.0, "Z3": 1.0, "Z4": 1.0, "Z5": 1.0}),
    ],
)
def test_the_kind_of_node_decides_how_far_it_ships(kind: str, shares: dict[str, float]) -> None:
    found = Counter(lane.zone.value for lane in lanes(many_nodes(kind=kind)))
    assert (found["Z0"], found["Z1"]) == (MANY, MANY)
    assert {zone: found[zone] / MANY for zone in shares} == pytest.approx(shares, abs=0.04)


def test_hubs_always_book_next_flights_and_others_sometimes() -> None:
    for kind, expected in (("in_house", 0.5), ("service_bureau", 0.4), ("regional_hub", 1.0)):
        domestic = [lane for lane in lanes(many_nodes(kind=kind)) if lane.zone is Zone.DOMESTIC]
        hurried = share([Service.NEXT_FLIGHT in lane.services for lane in domestic])
        assert hurried == pytest.approx(expected, abs=0.05)
        assert all(lane.services[:2] == (Service.ECONOMY, Service.EXPRESS) for lane in domestic)
