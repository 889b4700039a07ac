"""Readiness against what really happens: nodes taken away, proofs given, orders routed by the finder of runs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from fabroute.qualification.service import FirstArticleView
from fabroute.routing.rules.readiness import (
    is_worse,
    most_frequent,
    readiness_state,
    usual_quantity,
)
from fabroute.routing.service.quoting import PartAsked, QuoteBook
from fabroute.routing.service.readiness_books import with_unplanned_days
from fabroute.routing.service.readiness_finding import Finding
from fabroute.routing.service.readiness_making import Readiness, readiness_of
from fabroute.routing.service.readiness_sources import ShortEntry, ranked_sources
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.readiness import (
    an_ask,
    books_of,
    nodes_that_can,
    routed_at,
    with_what_it_needs,
    without_nodes,
)
from tests.factories.routing import MONDAY_MORNING, a_lot_view, a_node_view
from tests.factories.snapshots import a_certificate, a_first_article, a_printer, a_revision_view, a_snapshot
from tests.factories.wide_network import a_wide_snapshot, part_numbers, reference_part, some_places

NODES = 60


@pytest.fixture(scope="module")
def wide() -> RoutingSnapshot:
    """The reference network, with other places, rates and work by chance."""
    return a_wide_snapshot(nodes=NODES, seed=11)


@pytest.fixture(scope="module")
def found(wide: RoutingSnapshot) -> list[Readiness]:
    """The readiness of all reference parts in two places."""
    books = books_of(wide)
    places = [some_places()[0], some_places()[-1]]
    return [
        readiness_of(books, an_ask(reference_part(number, snapshot=wide), destination=place, quantity=3))
        for number in part_numbers()
        for place in places
    ]


@pytest.mark.parametrize(
    ("now", "later", "state"),
    [
        (0, 0, "no_route"),
        (0, 5, "no_route"),
        (1, 0, "ends_soon"),
        (7, 0, "ends_soon"),
        (1, 1, "one_failure_away"),
        (1, 9, "one_failure_away"),
        (9, 1, "one_failure_away"),
        (2, 2, "ready"),
    ],
)
def test_a_part_is_as_ready_as_the_worse_of_now_and_then(now: int, later: int, state: str) -> None:
    assert readiness_state(nodes_now=now, nodes_later=later) == state


def test_states_are_ranked_from_no_route_to_ready() -> None:
    assert is_worse("no_route", "ends_soon")
    assert is_worse("ends_soon", "one_failure_away")
    assert is_worse("one_failure_away", "ready")
    assert not is_worse("ready", "ready")


@pytest.mark.parametrize(
    ("ordered", "usual"),
    [({}, 1), ({4: 1}, 4), ({1: 1, 9: 1}, 1), ({1: 1, 5: 1, 9: 1}, 5), ({1: 3, 100: 2}, 1), ({1: 2, 100: 3}, 100)],
)
def test_the_usual_quantity_is_the_lower_median(ordered: Mapping[int, int], usual: int) -> None:
    assert usual_quantity(ordered) == usual


def test_of_places_the_one_that_gets_most_counts_and_of_equals_the_first_by_name() -> None:
    lyon, ghent = ("FR", "Lyon", 45.7, 4.8), ("BE", "Ghent", 51.0, 3.7)
    assert most_frequent({lyon: 2, ghent: 1}) == lyon
    assert most_frequent({lyon: 2, ghent: 2}) == ghent
    assert most_frequent({}) is None


def test_the_nodes_that_can_are_those_at_which_orders_are_routed_for_the_same_prices(
    wide: RoutingSnapshot, found: list[Readiness]
) -> None:
    assert {each.state for each in found} >= {"ready", "no_route"}
    for each in found[::5]:
        landed = routed_at(wide, each.ask.question)
        finding = Finding(QuoteBook(snapshot=wide), each.ask.question)
        assert each.nodes_now == nodes_that_can(wide, each.ask.question) == len(finding.able)
        assert {node: finding.able[node] for node in landed} == landed or min(landed.values()) == min(
            finding.able.values()
        )
        assert each.document["cheapest_minor"] == min(landed.values(), default=None)


def test_with_a_node_taken_away_for_real_a_part_has_as_many_left_as_the_report_says(
    wide: RoutingSnapshot, found: list[Readiness]
) -> None:
    scarce = [each for each in found if 1 <= each.nodes_now <= 4][:8]
    assert len(scarce) >= 4
    for each in scarce:
        able = list(Finding(QuoteBook(snapshot=wide), each.ask.question).able.items())
        for node_id, _ in able:
            left = nodes_that_can(without_nodes(wide, [node_id]), each.ask.question)
            assert left == each.nodes_now - 1
            assert (left == 0) == (each.document["only_node"] == node_id and each.nodes_now == 1)
        if len(able) > 1:
            without_cheapest = routed_at(without_nodes(wide, [able[0][0]]), each.ask.question)
            assert each.document["loss_minor"] == min(without_cheapest.values()) - able[0][1]


def test_a_node_that_gets_what_it_needs_for_real_makes_the_part_for_the_price_that_was_told(
    wide: RoutingSnapshot, found: list[Readiness]
) -> None:
    kinds: set[str] = set()
    for each in [each for each in found if each.state != "ready"][:14]:
        question = each.ask.question
        for source in Finding(QuoteBook(snapshot=wide), question).sources()[:4]:
            before = Finding(QuoteBook(snapshot=wide), question)
            snapshot, asked = with_what_it_needs(wide, question, source)
            after = Finding(QuoteBook(snapshot=snapshot), asked)
            assert source.node.node_id not in before.able
            assert after.able[source.node.node_id] == source.landed_minor
            assert nodes_that_can(snapshot, asked) == len(before.able) + 1
            kinds |= {need.kind for need in source.needs}
    assert kinds >= {"certificate", "first_article"}


def test_every_node_is_either_able_or_ruled_out_by_the_codes_of_a_quote(
    wide: RoutingSnapshot, found: list[Readiness]
) -> None:
    for each in found[::9]:
        finding = Finding(QuoteBook(snapshot=wide), each.ask.question)
        assert set(finding.able) | set(finding.against) == set(wide.network.nodes)
        assert not set(finding.able) & set(finding.against)
        assert list(finding.codes().values()) == sorted(finding.codes().values(), reverse=True)
        if each.state != "ready" and each.nodes_now <= 1:
            assert each.document["reasons"] == finding.codes()


# ---------------------------------------------------------------- small networks, by hand


CITIES = ("Berlin", "Hamburg", "Munich")
NAMES = ("N101", "N102", "N103")
LATER = MONDAY_MORNING.date() + timedelta(days=30)


def printers(count: int = 3, **given: Any) -> RoutingSnapshot:
    """Some of Berlin, Hamburg and Munich, each with a desktop printer and plenty of PLA."""
    places = zip(NAMES[:count], CITIES, strict=False)
    nodes = tuple(a_node_view(node_id=name, city=city, latitude=52.0, longitude=10.0) for name, city in places)
    return a_snapshot(nodes=nodes, **given)


def readiness(snapshot: RoutingSnapshot, *first_articles: FirstArticleView, **revision: Any) -> Readiness:
    articles = {(it.revision_id, it.machine_id, it.material, it.parameter_set): it for it in first_articles}
    part = PartAsked(revision=a_revision_view(**revision), first_articles=articles)
    return readiness_of(books_of(snapshot), an_ask(part))


def test_with_two_nodes_a_part_is_ready_with_one_it_is_one_failure_away_and_without_any_it_has_no_route() -> None:
    ready, alone = readiness(printers(2)), readiness(printers(1))
    nowhere = readiness(printers(1, offers=()))

    assert (ready.state, ready.nodes_now, ready.nodes_later, ready.document["only_node"]) == ("ready", 2, 2, None)
    assert (alone.state, alone.nodes_now, alone.document["only_node"]) == ("one_failure_away", 1, "N101")
    assert alone.document["loss_minor"] is None
    assert (nowhere.state, nowhere.nodes_now, nowhere.document["cheapest_minor"]) == ("no_route", 0, None)
    assert nowhere.document["reasons"] == {"PROCESS_MATERIAL": 1}


def test_a_certificate_for_another_material_is_no_proof_and_the_need_names_process_and_material() -> None:
    for_another = a_certificate(node_id="N101", scheme="FOOD", scope="MJF:PA12-MJF")
    proofs = {"N101": (for_another,)}
    snapshot = printers(2)
    snapshot = replace(snapshot, qualifications=replace(snapshot.qualifications, certificates=proofs))

    found = readiness(snapshot, required_certificates=("FOOD",))

    subjects = {it["node_id"]: it["needs"][0]["subject"] for it in found.document["second_sources"]}
    material = f"MEX:{snapshot.network.offers[0].material.code}"
    assert subjects == {"N101": f"FOOD for {material}", "N102": "FOOD"}
    assert [it["what"] for it in found.document["second_sources"]] == [
        f"Berlin proves FOOD for {material}",
        "Hamburg proves FOOD",
    ]
    assert (found.document["reasons"], found.document["binding"]) == (
        {"CERTIFICATE_MISSING": 2},
        ["CERTIFICATE_MISSING"],
    )


def test_the_binding_codes_are_those_of_the_nodes_that_come_closest() -> None:
    """Berlin doesn't print the material, Hamburg lacks a certificate and all material, Munich material alone."""
    offers = tuple(it for it in printers(3).network.offers if it.node_id != "N101")
    snapshot = printers(3, offers=offers, lots=())
    proofs = {"N103": (a_certificate(node_id="N103", scheme="FOOD"),)}
    snapshot = replace(snapshot, qualifications=replace(snapshot.qualifications, certificates=proofs))

    found = readiness(snapshot, required_certificates=("FOOD",))

    assert found.state == "no_route"
    assert found.document["reasons"]["PROCESS_MATERIAL"] == found.document["reasons"]["CERTIFICATE_MISSING"] == 1
    assert found.document["binding"] == ["MATERIAL_SHORT"]


def test_without_a_single_node_there_is_no_route_and_no_reason() -> None:
    snapshot = without_nodes(printers(1), ["N101"])
    found = readiness(snapshot)

    assert (found.state, found.nodes_now, found.nodes_later) == ("no_route", 0, 0)
    assert (found.document["reasons"], found.document["second_sources"], found.document["ends"]) == ({}, [], [])


def test_a_part_of_impossible_size_has_no_route_and_the_reason_for_every_node() -> None:
    found = readiness(printers(3), volume_cm3=-1.0)

    assert (found.state, found.document["reasons"]) == ("no_route", {"FILE_NOT_VALIDATED": 3})
    assert found.document["second_sources"] == []


def test_certificates_that_end_within_thirty_days_end_the_route() -> None:
    dying = tuple(
        a_certificate(node_id=name, valid_to=LATER - timedelta(days=days))
        for name, days in zip(NAMES, (1, 2, 3), strict=True)
    )
    found = readiness(printers(3, certificates=dying), required_certificates=("ISO9001",))

    assert (found.state, found.nodes_now, found.nodes_later) == ("ends_soon", 3, 0)
    assert [end["node_id"] for end in found.document["ends"]] == list(NAMES)
    assert {code for end in found.document["ends"] for code in end["codes"]} == {"CERTIFICATE_EXPIRES"}
    assert "2026-07-12" in found.document["ends"][2]["why"]
    assert found.document["reasons"] == {"CERTIFICATE_EXPIRES": 3}
    assert {source["what"] for source in found.document["second_sources"]} == {
        "Berlin proves ISO9001",
        "Hamburg proves ISO9001",
        "Munich proves ISO9001",
    }


def test_a_lot_that_expires_leaves_one_node_which_is_then_one_failure_from_none() -> None:
    lots = tuple(
        a_lot_view(lot_id=f"lot_{name}", node_id=name, material="PLA", expires_on=date(2026, 7, last))
        for name, last in zip(NAMES, (1, 30, 1), strict=True)
    )
    found = readiness(printers(3, lots=lots))

    assert (found.state, found.nodes_now, found.nodes_later) == ("one_failure_away", 3, 1)
    assert found.document["only_node"] == "N102"
    assert [(end["node_id"], end["codes"]) for end in found.document["ends"]] == [
        ("N101", ["LOT_BLOCKED"]),
        ("N103", ["LOT_BLOCKED"]),
    ]
    assert [source["needs"][0] for source in found.document["second_sources"]] == [
        {"kind": "material", "subject": "PLA"}
    ] * 2


def test_first_articles_that_lapse_and_everything_else_that_is_over_leave_nothing() -> None:
    articles = [a_first_article(machine_id=f"{name}-A", last_production_on=date(2024, 7, 1)) for name in NAMES]
    snapshot = printers(3, first_articles=tuple(articles))
    found = readiness(snapshot, *articles, part_qualification=True)
    over = readiness(
        printers(3, certificates=tuple(a_certificate(node_id=it, valid_to=date(2026, 1, 1)) for it in NAMES)),
        required_certificates=("ISO9001",),
    )

    assert (found.state, found.nodes_now, found.nodes_later) == ("ends_soon", 3, 0)
    assert (over.state, over.nodes_now, over.nodes_later) == ("no_route", 0, 0)
    assert over.document["reasons"] == {"CERTIFICATE_EXPIRES": 3}
    assert over.document["cheapest_minor"] is None
    assert [source["extra_minor"] for source in over.document["second_sources"]] == [None] * 3


def test_a_node_that_lacks_several_things_is_a_second_source_only_with_all_of_them() -> None:
    lots = (a_lot_view(lot_id="lot_1", node_id="N101", material="PLA"),)
    snapshot = printers(2, lots=lots, certificates=(a_certificate(node_id="N101"),))
    found = readiness(snapshot, required_certificates=("ISO9001", "EN9100"))
    (first, second) = found.document["second_sources"]

    assert (found.state, found.nodes_now) == ("no_route", 0)
    assert [first["node_id"], second["node_id"]] == ["N101", "N102"]
    assert first["needs"] == [{"kind": "certificate", "subject": "EN9100"}]
    assert second["needs"] == [
        {"kind": "certificate", "subject": "EN9100"},
        {"kind": "certificate", "subject": "ISO9001"},
        {"kind": "material", "subject": "PLA"},
    ]
    grams = second["grams"]
    assert (
        second["what"] == f"Hamburg proves EN9100; Hamburg proves ISO9001; Hamburg stores {grams:,} g of PLA in one lot"
    )


def test_what_a_node_can_never_mend_by_a_proof_is_no_second_source() -> None:
    down = printers(1, machine_status={"N101-A": "down"}, offers=(a_printer(node_id="N101"),))
    too_large = readiness(printers(2), box_mm=(900, 40, 20), required_certificates=("ISO9001",))

    assert readiness(down, required_certificates=("ISO9001",)).document["second_sources"] == []
    assert too_large.document["second_sources"] == []
    assert too_large.document["reasons"] == {"BUILD_VOLUME": 2, "CERTIFICATE_MISSING": 2}


def test_days_that_no_calendar_plans_yet_are_those_of_empty_machines() -> None:
    snapshot = printers(1, free_minutes={"N101-A": (7,) * 14})
    filled = with_unplanned_days(snapshot, planned_to=date(2026, 6, 19))
    nothing = with_unplanned_days(snapshot, planned_to=date(2026, 6, 1))

    week = (720, 720, 720, 720, 720, 0, 0)
    assert filled.network.capacity["N101-A"] == (7, 7, 7, 7, 7, 0, 0, *week)
    assert nothing.network.capacity["N101-A"] == week * 2
    assert with_unplanned_days(snapshot, planned_to=date(2027, 1, 1)) == snapshot


# ---------------------------------------------------------------- what is worth most


def a_source(
    node_id: str, *needs: tuple[str, str], landed: int = 1_000, extra: int | None = 100, grams: int = 5
) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "city": node_id.title(),
        "country": "DE",
        "needs": [{"kind": kind, "subject": subject} for kind, subject in needs],
        "what": f"{node_id} {needs} {grams}",
        "grams": grams,
        "landed_minor": landed,
        "extra_minor": extra,
    }


def test_single_proofs_are_ranked_by_the_parts_they_rescue_then_those_without_a_route_then_what_it_costs() -> None:
    rail, food, nylon = ("certificate", "EN45545"), ("certificate", "FOOD"), ("material", "PA12")
    ranked = ranked_sources(
        [
            ShortEntry(
                part_no="P1",
                region="europe",
                second_sources=[
                    a_source("lyon", rail, extra=900),
                    a_source("ghent", food, extra=-50),
                    a_source("bonn", nylon),
                ],
            ),
            ShortEntry(part_no="P2", region="europe", second_sources=[a_source("lyon", rail, extra=600)]),
            ShortEntry(
                part_no="P3",
                region="rest",
                second_sources=[a_source("bonn", food, landed=70, extra=None), a_source("kiel", rail, food)],
            ),
        ]
    )

    assert [
        (it["node_id"], it["subject"], it["parts"], it["parts_without_route"], it["extra_minor"]) for it in ranked
    ] == [
        ("lyon", "EN45545", 2, 0, 1_500),
        ("bonn", "FOOD", 1, 1, None),
        ("ghent", "FOOD", 1, 0, -50),
        ("bonn", "PA12", 1, 0, 100),
    ]
    assert ranked[0]["part_nos"] == ["P1", "P2"]
    assert (ranked[0]["regions"], ranked[0]["landed_minor"]) == (["europe"], 2_000)


def test_a_part_that_is_short_in_several_regions_counts_once_and_the_largest_lot_is_named() -> None:
    nylon = ("material", "PA12")
    (ranked,) = ranked_sources(
        ShortEntry(part_no="P1", region=region, second_sources=[a_source("lyon", nylon, grams=grams)])
        for region, grams in (("rest", 40), ("europe", 30))
    )

    assert (ranked["parts"], ranked["regions"]) == (1, ["europe", "rest"])
    assert ranked["what"].endswith(" 40")
    assert ranked_sources([]) == []
