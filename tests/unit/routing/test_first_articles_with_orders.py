"""A node without a first article may make a part where the order lets it: one part first, in a build of its own."""

from dataclasses import replace
from datetime import date

from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.gates import Gatekeeper
from fabroute.routing.service.options import LineChoices
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import ProductionWindow
from tests.factories.snapshots import a_first_article, a_line, a_printer, a_revision_view, a_snapshot, june

WINDOW = ProductionWindow(first_day=date(2026, 6, 15), last_day=date(2026, 6, 18))
QUALIFIED = a_revision_view(part_qualification=True)
ALLOWED = replace(a_line(need_by=june(17, 17)), first_article=True)


def choices_of(snapshot: RoutingSnapshot) -> LineChoices:
    (choices,) = CandidateFinder(snapshot).choices()
    return choices


def test_without_the_orders_leave_the_node_is_ruled_out() -> None:
    choices = choices_of(a_snapshot(a_line(need_by=june(17, 17)), revisions=(QUALIFIED,)))

    assert choices.options == ()
    assert [reason.code.value for reason in choices.exclusions[0].reasons] == ["PART_NOT_QUALIFIED"]


def test_with_it_two_clips_take_two_builds_of_one() -> None:
    (option, *_) = choices_of(a_snapshot(ALLOWED, revisions=(QUALIFIED,))).options

    # One clip: exposure 20 x 1.1 / (12 x 0.75) = 2.4444 h, build 0.75 h: 191.67 minutes, begun ones count. Its price:
    # (file 1150 + machine 1277.78 + operator 293.89 + set-up 2300 + consumables 200 + material 85.93 + post 368
    # + inspection 92) x 1.25 = 7209.5. Twice that, less the file once: 14419 - 1437.5 = 12981.5.
    assert option.way.machine_minutes == 2 * 192
    assert option.price.production_minor == 12981
    assert option.way.opening is None
    assert sum(row.amount_minor for row in option.price.breakdown) == option.price.landed_minor


def test_who_has_a_first_article_makes_them_at_one_go() -> None:
    (option, *_) = choices_of(a_snapshot(ALLOWED, revisions=(QUALIFIED,), first_articles=(a_first_article(),))).options

    assert (option.way.machine_minutes, option.price.production_minor) == (339, 9395)


def test_a_line_begins_with_a_first_article_where_it_may_and_there_is_none() -> None:
    offers = (a_printer(machine_id="N101-A"), a_printer(machine_id="N101-B"))
    proven = (a_first_article(machine_id="N101-B"),)
    gates = Gatekeeper(a_snapshot(offers=offers, revisions=(QUALIFIED,), first_articles=proven))
    strict, lenient = gates.asking(a_line()), gates.asking(ALLOWED)

    assert [gates.begins_with_first_article(lenient, offer, WINDOW) for offer in offers] == [True, False]
    assert [gates.begins_with_first_article(strict, offer, WINDOW) for offer in offers] == [False, False]
    assert gates.proof_reasons(lenient, offers[0], WINDOW) == ()
    assert gates.proven_until(lenient, offers[0], WINDOW.first_day, prints=2) == date.max
