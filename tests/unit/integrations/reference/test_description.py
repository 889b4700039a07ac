"""The reference network as chance completes it: every figure that its README names, and what must hold of it."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from fabroute.integrations.reference.dates import BASE_DAY, calendar_for
from fabroute.integrations.reference.description import describe, moved
from fabroute.integrations.reference.first_articles import is_permitted
from fabroute.integrations.reference.nodes import described_node
from fabroute.integrations.reference.report import LotCounts, count_lots, report_on
from fabroute.integrations.reference.rows import PartRow
from fabroute.logistics.rules import Service, Zone, grid_book, grid_g_per_kwh
from fabroute.network.service import NewLot, NewNode
from fabroute.qualification.rules import (
    CertificateView,
    MachineRow,
    PrintNeeds,
    capable_by_plain_rule,
    first_article_ends,
)
from tests.factories.reference import reference_description, reference_files

HORIZON = BASE_DAY + timedelta(days=45)
LAPSED = 17


def nodes_by_id() -> Mapping[str, NewNode]:
    return {node.node_id: node for node in reference_description().network.nodes}


def valid_certificates(day: date) -> Mapping[str, list[CertificateView]]:
    """Return the certificates that are valid on a day and 45 days on, by node."""
    found: defaultdict[str, list[CertificateView]] = defaultdict(list)
    for row in reference_description().certificates:
        if row.valid_from <= day <= day + timedelta(days=45) <= row.valid_to:
            found[row.node_id].append(
                CertificateView(
                    certificate_id=row.certificate_id or "",
                    node_id=row.node_id,
                    scheme=row.scheme,
                    scope_kind=row.scope_kind,
                    scope=row.scope,
                    valid_from=row.valid_from,
                    valid_to=row.valid_to,
                )
            )
    return found


def rows_that_work(part_no: str) -> list[MachineRow]:
    """Return the machine rows of a part that are up, qualified, stocked, and proven where the part needs that."""
    found = reference_description()
    part = next(part for part in found.parts if part.part_no == part_no)
    models = {model.model: (model.x_mm, model.y_mm, model.z_mm) for model in found.network.models}
    machines = {machine.machine_id: machine for machine in found.network.machines if machine.status == "up"}
    stocked = {(lot.node_id, lot.material) for lot in found.network.lots if is_good(lot)}
    proven = {
        (row.machine_id, row.material)
        for row in found.first_articles
        if row.revision_id == f"rev_{part_no}_A" and first_article_ends(row.last_production_on) >= HORIZON
    }
    return [
        MachineRow(
            node_id=machines[offer.machine_id].node_id,
            process_material=f"{offer.process}:{offer.material}",
            box_mm=models[machines[offer.machine_id].model],
        )
        for offer in found.network.offers
        if offer.machine_id in machines
        and offer.parameter_set_state == "qualified"
        and (machines[offer.machine_id].node_id, offer.material) in stocked
        and (not part.part_qualification or (offer.machine_id, offer.material) in proven)
        and is_permitted(part, nodes_by_id()[machines[offer.machine_id].node_id])
    ]


def is_good(lot: NewLot) -> bool:
    return lot.state == "available" and lot.expires_on >= HORIZON and lot.grams > 300 and lot.reuse_count <= 6


# ---------------------------------------------------------------- figures


def test_the_network_has_the_documented_size() -> None:
    found = reference_description()
    assert len(found.organisations) == 50
    assert Counter(node.kind for node in found.network.nodes) == {
        "service_bureau": 36,
        "in_house": 12,
        "regional_hub": 12,
    }
    assert (len(found.network.machines), len(found.network.offers)) == (211, 365)
    assert (len(found.network.models), len(found.network.materials)) == (26, 30)
    assert (len(found.certificates), len(found.parts), len(found.first_articles)) == (268, 32, 104)
    assert len(found.logistics.lanes) == 306


def test_the_same_files_make_the_same_network() -> None:
    assert describe(reference_files()) == reference_description()


def test_some_lots_have_flaws_on_purpose() -> None:
    lots = reference_description().network.lots
    assert count_lots(lots, today=BASE_DAY) == LotCounts(
        total=482, short=45, expired=24, quarantined=15, blocked=8, used_too_often=17
    )
    assert {lot.lot_id for lot in lots if lot.reuse_count > 6} == {lot.lot_id for lot in lots if lot.reuse_count >= 15}
    assert sum(BASE_DAY <= lot.expires_on <= BASE_DAY + timedelta(days=25) for lot in lots) == 19


def test_every_material_that_a_node_prints_has_one_or_two_lots_there() -> None:
    network = reference_description().network
    nodes = {machine.machine_id: machine.node_id for machine in network.machines}
    offered = {(nodes[offer.machine_id], offer.material) for offer in network.offers}
    held = Counter((lot.node_id, lot.material) for lot in network.lots)
    assert set(held) == offered
    assert Counter(held.values()) == {1: 176, 2: 153}


def test_one_machine_is_down_and_few_parameter_sets_are_in_development() -> None:
    network = reference_description().network
    assert [machine.machine_id for machine in network.machines if machine.status == "down"] == ["N052-EOSM290X"]
    assert Counter(offer.parameter_set_state for offer in network.offers) == {"qualified": 352, "development": 13}


def test_a_machine_is_as_busy_as_the_mean_of_its_rows() -> None:
    machine = next(
        machine for machine in reference_description().network.machines if machine.machine_id == "N001-Fortus451"
    )
    assert machine.utilisation == pytest.approx((0.85 + 0.76 + 0.5 + 0.48) / 4)


def test_owner_operator_and_bureaus_are_organisations_of_their_own() -> None:
    found = reference_description()
    named = {row.organisation_id: (row.name, row.kind) for row in found.organisations}
    assert named["org_owner"] == ("Northgate Spares", "owner")
    assert named["org_operator"] == ("Network operator", "operator")
    assert named["org_N013"] == ("Rotterdam Hub", "bureau")
    assert named["org_N025"] == ("Berlin Print Bureau", "bureau")
    assert {node.organisation_id for node in found.network.nodes if node.kind == "in_house"} == {"org_owner"}
    assert len({node.organisation_id for node in found.network.nodes if node.kind != "in_house"}) == 48


# ---------------------------------------------------------------- permissions


def test_export_permissions_follow_certificates_and_place() -> None:
    permissions = {node.node_id: node.export_permissions for node in nodes_by_id().values() if node.export_permissions}
    assert sorted(node for node, held in permissions.items() if "itar" in held) == ["N052", "N053", "N054"]
    assert sorted(node for node, held in permissions.items() if "dual_use" in held) == [
        *("N002", "N008", "N012", "N016", "N022", "N025", "N027", "N028", "N029", "N030"),
        *("N043", "N047", "N051", "N052", "N053", "N054"),
    ]
    assert all(nodes_by_id()[node].country == "US" for node, held in permissions.items() if "itar" in held)


def test_everyone_packs_plainly_and_medical_nodes_cleanly() -> None:
    nodes = nodes_by_id().values()
    assert Counter(name for node in nodes for name in node.packaging) == {
        "plain": 60,
        "brand": 41,
        "medical_clean": 17,
        "esd": 13,
    }
    medical = {
        row.node_id
        for row in reference_description().certificates
        if row.scheme == "ISO13485" and row.valid_from <= BASE_DAY <= row.valid_to
    }
    assert {node.node_id for node in nodes if "medical_clean" in node.packaging} == medical


def test_a_few_bureaus_refuse_small_orders() -> None:
    refusing = [node.node_id for node in nodes_by_id().values() if node.minimum_order_policy == "refuse"]
    assert refusing == ["N040", "N044", "N045", "N053", "N054"]
    assert {node.minimum_order_policy for node in nodes_by_id().values()} == {"refuse", "top_up"}


# ---------------------------------------------------------------- lanes


def test_every_node_delivers_at_home_and_hubs_everywhere_but_for_a_few_missing_lanes() -> None:
    served: defaultdict[Zone, set[str]] = defaultdict(set)
    for lane in reference_description().logistics.lanes:
        served[lane.zone].add(lane.node_id)
    assert {zone.value: len(nodes) for zone, nodes in served.items()} == {
        "Z0": 60,
        "Z1": 60,
        "Z2": 58,
        "Z3": 58,
        "Z4": 52,
        "Z5": 18,
    }
    in_house = {node.node_id for node in nodes_by_id().values() if node.kind == "in_house"}
    hubs = {node.node_id for node in nodes_by_id().values() if node.kind == "regional_hub"}
    assert len(in_house & served[Zone.INTERCONTINENTAL]) == 7
    assert not in_house & served[Zone.REMOTE]
    assert hubs <= served[Zone.REMOTE]
    assert set(nodes_by_id()) - served[Zone.CUSTOMS_UNION] == {"N037", "N046"}


def test_every_lane_but_the_local_one_has_a_slow_and_a_fast_service() -> None:
    for lane in reference_description().logistics.lanes:
        expected = (Service.EXPRESS,) if lane.zone is Zone.LOCAL else (Service.ECONOMY, Service.EXPRESS)
        assert lane.services[: len(expected)] == expected
        assert set(lane.services) - set(expected) <= {Service.NEXT_FLIGHT}
    assert sum(Service.NEXT_FLIGHT in lane.services for lane in reference_description().logistics.lanes) > 0


# ---------------------------------------------------------------- first articles


def test_some_first_articles_lapsed_on_purpose_and_none_lapses_within_the_horizon() -> None:
    ends = [first_article_ends(row.last_production_on) for row in reference_description().first_articles]
    assert sum(end < BASE_DAY for end in ends) == LAPSED
    assert not [end for end in ends if BASE_DAY <= end <= HORIZON]


def test_first_articles_stand_for_capable_rows_of_parts_that_need_them() -> None:
    found = reference_description()
    needing = {f"rev_{part.part_no}_A": part for part in found.parts if part.part_qualification}
    offers = {(offer.machine_id, offer.material): offer for offer in found.network.offers}
    for row in found.first_articles:
        offer = offers[row.machine_id, row.material]
        assert f"{offer.process}:{offer.material}" in needing[row.revision_id].process_materials
        assert (row.parameter_set, offer.parameter_set_state) == (offer.parameter_set, "qualified")
        assert row.machine_id.startswith(row.node_id)


@pytest.mark.parametrize("part", reference_description().parts, ids=lambda part: part.part_no)
def test_every_possible_part_can_be_made_at_two_nodes_where_the_files_leave_two(part: PartRow) -> None:
    models = {model.model: (model.x_mm, model.y_mm, model.z_mm) for model in reference_description().network.models}
    needs = PrintNeeds(
        box_mm=part.box_mm,
        process_materials=part.process_materials,
        required_certificates=part.required_certificates,
    )
    held = valid_certificates(BASE_DAY)
    all_rows = [
        MachineRow(node_id=row.value.node_id, process_material=row.value.pair, box_mm=models[row.value.model])
        for row in reference_files().assets
    ]
    by_files = capable_by_plain_rule(needs, rows=all_rows, certificates=held, day=BASE_DAY).certified
    permitted = {node for node in by_files if is_permitted(part, nodes_by_id()[node])}
    works = capable_by_plain_rule(needs, rows=rows_that_work(part.part_no), certificates=held, day=BASE_DAY).certified
    assert len(works) >= min(2, len(permitted))
    assert works <= permitted
    assert bool(works) is not part.part_no.startswith("ZZ")


# ---------------------------------------------------------------- moving


def test_a_moved_network_has_the_same_flaws_on_its_own_day() -> None:
    day = date(2026, 11, 22)
    found = reference_description()
    there = moved(found, calendar_for(day))
    assert count_lots(there.network.lots, today=day) == count_lots(found.network.lots, today=BASE_DAY)
    assert report_on(there, changed=0, files=0, drawn=0, as_of=day).lapsed_first_articles == LAPSED
    distances = {
        (new.valid_to - old.valid_to, new.valid_from - old.valid_from)
        for new, old in zip(there.certificates, found.certificates, strict=True)
    }
    assert distances == {(day - BASE_DAY, day - BASE_DAY)}
    assert (there.logistics, there.network.nodes) == (found.logistics, found.network.nodes)


# ---------------------------------------------------------------- electricity and currencies

PUBLISHED_GRID = {
    **{"NO": 30, "CH": 35, "SE": 41, "FR": 56, "FI": 79, "BR": 98, "AT": 111, "BE": 138, "DK": 152, "PT": 166},
    **{"CA": 170, "ES": 174, "HU": 204, "GB": 238, "NL": 268, "IE": 291, "IT": 331, "US": 369, "DE": 381, "KR": 431},
    **{"CZ": 450, "TR": 465, "SG": 471, "JP": 485, "MX": 507, "AU": 549, "AE": 561, "CN": 582, "PL": 662, "ZA": 708},
    **{"IN": 713, "*": 475},
}
"""Grams per kWh, 2023, rounded to whole ones."""


def test_the_grid_figures_are_the_published_ones() -> None:
    rows = {row.country: row for row in reference_description().logistics.grid_intensities}
    assert rows.keys() == PUBLISHED_GRID.keys()
    assert [country for country, row in rows.items() if abs(row.g_per_kwh - PUBLISHED_GRID[country]) > 0.5] == []
    assert {row.source[:2] for row in rows.values()} == {"V:"}


def test_nodes_on_their_countrys_grid_follow_it_and_their_figure_is_as_it_was() -> None:
    described = reference_description()
    book = grid_book(described.logistics.grid_intensities)
    own = {row.value.node_id: row.value.grid_g_co2_per_kwh for row in reference_files().nodes}
    assert {node.grid_g_co2_per_kwh for node in described.network.nodes} == {None}
    resolved = {node.node_id: grid_g_per_kwh(book, node.country, BASE_DAY) for node in described.network.nodes}
    assert {node_id: figure.g_per_kwh for node_id, figure in resolved.items()} == own
    assert not any(figure.assumed for figure in resolved.values())


def test_a_node_with_electricity_of_its_own_keeps_its_figure() -> None:
    row = reference_files().nodes[0].value
    book = grid_book(reference_description().logistics.grid_intensities)
    at = {
        grams: described_node(replace(row, grid_g_co2_per_kwh=grams), [], grid=book).grid_g_co2_per_kwh
        for grams in (0.0, 380.3, 380.5, 381.4, 381.5)
    }
    assert at == {0.0: 0.0, 380.3: 380.3, 380.5: None, 381.4: None, 381.5: 381.5}
    assert described_node(row, [], grid=grid_book([])).grid_g_co2_per_kwh == 380.9


def test_exchange_rates_say_that_they_are_examples() -> None:
    rates = reference_description().logistics.exchange_rates
    assert [rate.currency for rate in rates] == ["CHF", "CNY", "CZK", "DKK", "GBP", "JPY", "NOK", "PLN", "SEK", "USD"]
    assert {rate.source for rate in rates} == {"D: an example to be replaced, no market rate"}
    assert {(rate.valid_from, rate.valid_to) for rate in rates} == {(date(2026, 1, 1), date(2027, 12, 31))}
