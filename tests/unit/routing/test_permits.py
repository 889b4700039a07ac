"""What owner and operator permit, seen by a line: which nodes are left, until when, and what the others are told."""

from dataclasses import replace
from datetime import date

from fabroute.inventory.service import RevisionView
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.options import LineChoices
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import Exclusion
from tests.factories.routing import a_node_view
from tests.factories.snapshots import (
    PRINTER,
    a_certificate,
    a_first_article,
    a_licence,
    a_line,
    a_printer,
    a_revision_view,
    a_snapshot,
)

LICENSED = a_revision_view(licence_required=True)
NODES = (
    a_node_view(node_id="N1", country="DE", latitude=52.0, longitude=10.0),
    a_node_view(node_id="N2", country="FR", latitude=48.9, longitude=2.4, packaging=("plain", "esd")),
)


def choices_of(snapshot: RoutingSnapshot) -> LineChoices:
    (choices,) = CandidateFinder(snapshot).choices()
    return choices


def nodes_of(choices: LineChoices) -> list[str]:
    return sorted({option.way.node.node_id for option in choices.options})


def last_days(choices: LineChoices, snapshot: RoutingSnapshot) -> set[date]:
    calendars = CandidateFinder(snapshot).calendars
    return {calendars.day(option.way.latest) for option in choices.options}


def reason_at(choices: LineChoices, node_id: str) -> Exclusion:
    (reason,) = next(each.reasons for each in choices.exclusions if each.node.node_id == node_id)
    return reason


def among_nodes(revision: RevisionView) -> LineChoices:
    return choices_of(a_snapshot(nodes=NODES, revisions=(revision,)))


def test_only_nodes_that_the_owner_permits_are_left() -> None:
    by_country = among_nodes(a_revision_view(ip_countries=("FR",)))
    by_node = among_nodes(a_revision_view(ip_nodes=("N1",)))
    by_kind = among_nodes(a_revision_view(ip_kinds=("in_house",)))

    assert nodes_of(among_nodes(a_revision_view())) == ["N1", "N2"]
    assert nodes_of(by_country) == ["N2"]
    assert nodes_of(by_node) == ["N1"]
    assert nodes_of(by_kind) == []
    assert reason_at(by_country, "N1").message == "the owner permits the countries FR; this is DE"
    assert reason_at(by_node, "N2").figures == {"permitted_nodes": "N1", "node_id": "N2"}
    assert reason_at(by_kind, "N1").message == "the owner permits the kinds in_house; this is service_bureau"


def test_a_part_that_needs_its_own_packaging_goes_where_it_is_offered_also_if_the_order_asks_for_none() -> None:
    choices = among_nodes(a_revision_view(packaging="esd"))

    assert nodes_of(choices) == ["N2"]
    assert reason_at(choices, "N1").message == "packaging esd is not offered, only plain"


def test_a_part_goes_to_machines_with_its_own_parameter_sets() -> None:
    choices = choices_of(a_snapshot(revisions=(a_revision_view(parameter_sets=("PS-2", "PS-3")),)))

    assert choices.options == ()
    assert reason_at(choices, "N101").message == "the part allows only PS-2, PS-3; this is PS-1"
    assert nodes_of(choices_of(a_snapshot(revisions=(a_revision_view(parameter_sets=("PS-1",)),)))) == ["N101"]


def test_a_licence_with_too_few_prints_left_rules_every_node_out_with_its_figures() -> None:
    enough = choices_of(a_snapshot(a_line(quantity=2), revisions=(LICENSED,), licences=(a_licence(good=8),)))
    short = choices_of(a_snapshot(a_line(quantity=3), revisions=(LICENSED,), licences=(a_licence(good=8),)))

    assert nodes_of(enough) == ["N101"]
    assert reason_at(short, "N101").figures == {
        "licence": "lic_1",
        "state": "active",
        "left": 2,
        "granted": 10,
        "needed": 3,
    }


def test_a_licence_permits_its_own_nodes_and_territory() -> None:
    def served(*, node_ids: tuple[str, ...] = (), countries: tuple[str, ...] = ()) -> list[str]:
        licence = a_licence(node_ids=node_ids, countries=countries)
        return nodes_of(choices_of(a_snapshot(nodes=NODES, revisions=(LICENSED,), licences=(licence,))))

    assert served() == ["N1", "N2"]
    assert served(node_ids=("N2",)) == ["N2"]
    assert served(countries=("DE", "AT")) == ["N1"]
    assert served(node_ids=("N2",), countries=("DE",)) == []


def test_frozen_and_revoked_licences_and_none_at_all_permit_nothing() -> None:
    for licences, words in (
        ((), "the part may only be printed under a licence, and there is none"),
        ((a_licence(state="frozen"),), "licence lic_1 is frozen"),
        ((a_licence(state="revoked"),), "licence lic_1 is revoked"),
        ((a_licence(valid_to=date(2026, 6, 14)),), "licence lic_1 ends 2026-06-14, build ends 2026-06-15"),
    ):
        choices = choices_of(a_snapshot(revisions=(LICENSED,), licences=licences))
        assert choices.options == ()
        assert reason_at(choices, "N101").message == words


def test_a_licence_that_ends_limits_the_deadlines_and_the_longest_one_counts() -> None:
    short, long = a_licence(valid_to=date(2026, 6, 17)), a_licence(licence_id="lic_2", valid_to=date(2026, 6, 19))
    one = a_snapshot(revisions=(LICENSED,), licences=(short,))
    both = a_snapshot(revisions=(LICENSED,), licences=(short, long))

    assert last_days(choices_of(one), one) == {date(2026, 6, 17)}
    assert last_days(choices_of(both), both) == {date(2026, 6, 19)}


def test_a_first_article_that_lapses_limits_the_deadlines_to_exactly_two_years() -> None:
    revision = a_revision_view(part_qualification=True)
    produced = date(2024, 6, 18)
    article = replace(a_first_article(), approved_on=produced, last_production_on=produced)
    snapshot = a_snapshot(revisions=(revision,), first_articles=(article,))

    assert last_days(choices_of(snapshot), snapshot) == {date(2026, 6, 18)}


def test_a_first_article_of_exactly_two_years_ago_serves_one_last_day() -> None:
    revision = a_revision_view(part_qualification=True)

    def choices(produced: date) -> LineChoices:
        article = replace(a_first_article(), approved_on=produced, last_production_on=produced)
        return choices_of(a_snapshot(revisions=(revision,), first_articles=(article,)))

    assert nodes_of(choices(date(2024, 6, 15))) == ["N101"]
    assert choices(date(2024, 6, 14)).options == ()
    assert reason_at(choices(date(2024, 6, 14)), "N101").message == (
        "the first article lapsed after 2026-06-14 on N101-A with PS-1"
    )


def test_an_unverified_certificate_leaves_no_node_and_says_that_it_waits() -> None:
    revision = a_revision_view(required_certificates=("ISO9001",))
    waiting = choices_of(a_snapshot(revisions=(revision,), certificates=(a_certificate(verified=False),)))

    assert reason_at(waiting, "N101").message == "has no ISO9001 for MEX:PLA; ISO9001 waits for verification"
    assert nodes_of(choices_of(a_snapshot(revisions=(revision,), certificates=(a_certificate(),)))) == ["N101"]


def test_a_part_that_must_stand_up_takes_the_layers_of_its_height() -> None:
    """A layer process: 50 mm high is two and a half times as many layers as 20 mm."""
    slow = replace(PRINTER, layer_fixed_s=60, rate_cm3_per_hour=1000)

    def minutes(axis: str | None) -> int:
        revision = a_revision_view(box_mm=(50, 40, 20), qualified_orientation=axis)
        (choices,) = CandidateFinder(
            a_snapshot(a_line(quantity=1), revisions=(revision,), offers=(a_printer(model=slow),))
        ).choices()
        return choices.options[0].way.machine_minutes

    # 20 mm are 134 layers of 150 um, 50 mm are 334: 200 minutes more.
    assert minutes("x") - minutes("z") == 200
    assert minutes(None) == minutes("z")
