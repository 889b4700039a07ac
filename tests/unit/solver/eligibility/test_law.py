"""Gates of law and property: zones, countries, nodes, export classes and print licences."""

from datetime import date
from typing import Any

import pytest

from fabroute.solver.eligibility import ExclusionCode
from fabroute.solver.eligibility.law import export_control, ip_policy, print_licence, usable_licences
from tests.factories.eligibility import WINDOW, licence_facts, line_facts, node_facts

LICENSED = {"licence_required": True}


@pytest.mark.parametrize(
    ("export_class", "country", "permissions", "destination"),
    [
        ("none", "CN", set(), "RU"),
        ("dual_use", "FR", {"dual_use"}, "JP"),
        ("dual_use", "US", {"dual_use", "itar"}, "DE"),
        ("itar", "US", {"itar"}, "US"),
    ],
)
def test_export_control_lets_permitted_nodes_and_destinations_through(
    export_class: str, country: str, permissions: set[str], destination: str
) -> None:
    line = line_facts(export_class=export_class, destination_country=destination)
    node = node_facts(country=country, export_permissions=frozenset(permissions))

    assert export_control(line, node) is None
    assert ip_policy(line, node) is None


@pytest.mark.parametrize(
    ("export_class", "country", "permissions", "destination", "words"),
    [
        ("dual_use", "GB", {"dual_use"}, "DE", "dual_use files may not go to a node in GB"),
        ("dual_use", "DE", set(), "DE", "the node has no permission for dual_use files"),
        ("dual_use", "DE", {"dual_use"}, "CN", "dual_use parts may not be shipped to CN"),
        ("itar", "DE", {"itar"}, "US", "itar files may not go to a node in DE"),
        ("itar", "US", {"dual_use"}, "US", "the node has no permission for itar files"),
        ("itar", "US", {"itar"}, "DE", "itar parts may not be shipped to DE"),
        ("secret", "US", {"itar", "secret"}, "US", "export class secret has no rule, so no node may have the file"),
    ],
)
def test_export_control_denies_everything_else(
    export_class: str, country: str, permissions: set[str], destination: str, words: str
) -> None:
    line = line_facts(export_class=export_class, destination_country=destination)

    refusal = export_control(line, node_facts(country=country, export_permissions=frozenset(permissions)))

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("EXPORT_CONTROL", words)
    assert refusal.figures["node_country"] == country


@pytest.mark.parametrize(
    ("zone", "inside", "outside"),
    [("EU", "FR", "US"), ("EU_US", "US", "GB"), ("US", "US", "DE"), ("same_country", "DE", "AT")],
)
def test_the_owner_s_zone_holds_for_the_node_s_country(zone: str, inside: str, outside: str) -> None:
    line = line_facts(ip_zone=zone)

    refusal = ip_policy(line, node_facts(country=outside))

    assert ip_policy(line, node_facts(country=inside)) is None
    assert refusal is not None
    assert refusal.code is ExclusionCode.IP_POLICY
    assert refusal.figures == {"permitted": zone, "node_country": outside, "ship_to": "DE"}


def test_an_unknown_zone_is_denied_and_a_same_country_rule_names_the_country() -> None:
    unknown = ip_policy(line_facts(ip_zone="MARS"), node_facts())
    same = ip_policy(line_facts(ip_zone="same_country"), node_facts(country="AT"))

    assert unknown is not None
    assert same is not None
    assert unknown.message == "the owner permits zone MARS; the node is in DE"
    assert same.message == "the owner permits only DE; the node is in AT"


@pytest.mark.parametrize(
    ("limit", "permitted", "words", "figures"),
    [
        (
            "ip_countries",
            {"FR", "AT"},
            "the owner permits the countries AT, FR; this is DE",
            {"permitted_countries": "AT, FR", "node_country": "DE"},
        ),
        (
            "ip_nodes",
            {"N2", "N3"},
            "the owner permits the nodes N2, N3; this is N1",
            {"permitted_nodes": "N2, N3", "node_id": "N1"},
        ),
        (
            "ip_kinds",
            {"in_house"},
            "the owner permits the kinds in_house; this is service_bureau",
            {"permitted_kinds": "in_house", "node_kind": "service_bureau"},
        ),
    ],
)
def test_countries_nodes_and_kinds_that_the_owner_names_are_the_only_ones(
    limit: str, permitted: set[str], words: str, figures: dict[str, str]
) -> None:
    node = node_facts()
    present = {"ip_countries": "DE", "ip_nodes": "N1", "ip_kinds": "service_bureau"}[limit]

    refusal = ip_policy(line_facts(**{limit: frozenset(permitted)}), node)

    assert ip_policy(line_facts(**{limit: frozenset({*permitted, present})}), node) is None
    assert refusal is not None
    assert (refusal.code, refusal.message) == ("IP_POLICY", words)
    assert refusal.figures == figures


def test_every_limit_of_the_owner_that_is_broken_is_named_in_one_reason() -> None:
    line = line_facts(ip_zone="US", ip_countries=frozenset({"US"}), ip_nodes=frozenset({"N1"}))

    refusal = ip_policy(line, node_facts())

    assert refusal is not None
    assert refusal.message == (
        "the owner permits zone US; the node is in DE; the owner permits the countries US; this is DE"
    )
    assert refusal.figures == {
        "permitted": "US",
        "node_country": "DE",
        "ship_to": "DE",
        "permitted_countries": "US",
    }


def test_a_part_without_licences_needs_none_and_one_that_needs_a_licence_is_denied_without() -> None:
    refusal = print_licence(line_facts(**LICENSED), node_facts(), (), prints=1, through=WINDOW.last_day)

    assert print_licence(line_facts(), node_facts(), (), prints=1, through=WINDOW.last_day) is None
    assert refusal is not None
    assert (refusal.code, refusal.message) == (
        "IP_POLICY",
        "the part may only be printed under a licence, and there is none",
    )
    assert refusal.figures == {"licence": "none", "state": "none", "left": 0, "granted": 0, "needed": 1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"left": 2}, "licence lic_1 has 2 of 10 prints left, 3 are needed"),
        ({"state": "frozen"}, "licence lic_1 is frozen"),
        ({"state": "revoked"}, "licence lic_1 is revoked"),
        ({"valid_to": date(2026, 6, 22)}, "licence lic_1 ends 2026-06-22, build ends 2026-06-23"),
        ({"node_ids": frozenset({"N2"})}, "licence lic_1 is not for node N1"),
        ({"countries": frozenset({"FR", "AT"})}, "licence lic_1 is not for DE, only for AT, FR"),
    ],
)
def test_a_licence_that_does_not_serve_says_why_with_its_figures(changes: dict[str, Any], words: str) -> None:
    licence = licence_facts(**changes)

    refusal = print_licence(line_facts(**LICENSED), node_facts(), [licence], prints=3, through=WINDOW.last_day)

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("IP_POLICY", words)
    assert (refusal.figures["licence"], refusal.figures["granted"]) == ("lic_1", 10)
    assert (refusal.figures["left"], refusal.figures["needed"]) == (licence.left, 3)


def test_a_licence_serves_down_to_its_last_print_and_through_its_last_day_at_the_places_it_names() -> None:
    licence = licence_facts(
        left=3, valid_to=WINDOW.last_day, node_ids=frozenset({"N1"}), countries=frozenset({"DE", "AT"})
    )

    assert print_licence(line_facts(**LICENSED), node_facts(), [licence], prints=3, through=WINDOW.last_day) is None
    assert usable_licences(node_facts(), [licence], prints=3, through=WINDOW.last_day) == (licence,)
    assert usable_licences(node_facts(), [licence], prints=4, through=WINDOW.last_day) == ()


def test_the_licence_that_ends_first_is_used_up_first_then_the_one_with_the_least_left() -> None:
    endless = licence_facts(licence_id="lic_endless", left=1)
    ending = licence_facts(licence_id="lic_ending", valid_to=date(2026, 7, 1))
    fewer = licence_facts(licence_id="lic_fewer", left=5, valid_to=date(2026, 7, 1))
    frozen = licence_facts(licence_id="lic_frozen", state="frozen")

    usable = usable_licences(node_facts(), [endless, frozen, ending, fewer], prints=1, through=WINDOW.last_day)

    assert [licence.licence_id for licence in usable] == ["lic_fewer", "lic_ending", "lic_endless"]
    assert usable_licences(node_facts(), [frozen], prints=1, through=WINDOW.last_day) == ()


def test_of_several_licences_the_reason_names_the_active_one_with_the_most_left() -> None:
    held = [
        licence_facts(licence_id="lic_frozen", state="frozen", left=9),
        licence_facts(licence_id="lic_two", left=2),
        licence_facts(licence_id="lic_one", left=1),
    ]

    refusal = print_licence(line_facts(**LICENSED), node_facts(), held, prints=3, through=WINDOW.last_day)

    assert refusal is not None
    assert refusal.message == "licence lic_two has 2 of 10 prints left, 3 are needed"
    assert refusal.figures["licence"] == "lic_two"
