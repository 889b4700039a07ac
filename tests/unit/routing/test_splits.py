"""Splits of lines: scenario S6 from the snapshot to the shares, every gate for each share, what may not be split."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from fabroute.network.service import LotView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.documents import decision_document, why
from fabroute.routing.service.options import Option
from fabroute.routing.service.problem import MachineDays
from fabroute.routing.service.splits_terms import SplitTerms, split_terms
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import PlanStatus
from tests.factories.line_down import NODE_A, WAITING_MINOR, a_cap_line, a_line_down_snapshot
from tests.factories.routing import MONDAY_MORNING, a_lot_view
from tests.factories.snapshots import a_licence, a_revision_view

LIMITS = SolveLimits(seed=7, deterministic_seconds=5.0, wall_seconds=20.0)
MONDAY = date(2026, 6, 15)


def decided_on(*lines: ClaimedLine, snapshot: RoutingSnapshot | None = None) -> Decided:
    return decide(snapshot or a_line_down_snapshot(*lines), LIMITS)


def chosen(decided: Decided, line: int = 0) -> Option:
    option = decided.verdicts[line].chosen
    assert option is not None
    return option


def pieces(option: Option) -> dict[str, int]:
    return {share.way.offer.machine_id: share.quantity for share in option.shares}


def codes(decided: Decided, node_id: str) -> list[str]:
    (excluded,) = [each for each in decided.verdicts[0].exclusions if each.node.node_id == node_id]
    return [reason.code.value for reason in excluded.reasons]


def test_line_down_within_twelve_hours_is_split_54_to_6_and_costs_899() -> None:
    decided = decided_on(a_cap_line(within_hours=12))
    option = chosen(decided)

    assert pieces(option) == {"A-1": 18, "A-2": 18, "A-3": 18, "B-1": 6}
    assert (option.price.landed_minor, option.minutes) == (89_900, 12 * 60)
    assert [share.minutes for share in option.shares] == [720, 720, 720, 6 * 40 + 120]
    assert [share.way.price.landed_minor for share in option.shares] == [25_200, 25_200, 25_200, 6 * 1_800 + 3_500]
    assert decided.plan.status is PlanStatus.OPTIMAL


def test_line_down_with_a_cost_of_waiting_is_split_42_to_18_and_costs_947() -> None:
    option = chosen(decided_on(a_cap_line(cost_of_waiting_minor=WAITING_MINOR)))

    assert pieces(option) == {"A-1": 14, "A-2": 14, "A-3": 14, "B-1": 9, "B-2": 9}
    assert (option.price.landed_minor, option.minutes) == (94_700, 560)
    # Freight is paid once by each node, and 2,000 an hour for 9 h 20 min.
    assert option.price.freight_minor == 3_500
    assert option.cost_millis == 94_700_000 + WAITING_MINOR * 1_000 * 560 // 60 + 9


def test_what_the_courier_brings_is_in_the_breakdown_once() -> None:
    option = chosen(decided_on(a_cap_line(within_hours=12)))
    rows = {row.code: row.amount_minor for row in option.price.breakdown}

    assert rows == {
        "machine": 60 * 1_184,
        "consumables_and_gas": 60 * 200,
        "material": 60 * 16,
        "margin": 6 * 400,
        "freight_base": 3_500,
    }
    assert sum(rows.values()) == option.price.landed_minor == 89_900


def test_each_machine_works_on_its_days_for_its_share() -> None:
    decided = decided_on(a_cap_line(within_hours=12))

    # 18 caps are 532.8 minutes of machine time, 6 are 177.6.
    assert decided.days == {
        "line_1": tuple(
            MachineDays(machine_id=machine_id, minutes_by_day=((MONDAY, minutes),))
            for machine_id, minutes in (("A-1", 533), ("A-2", 533), ("A-3", 533), ("B-1", 178))
        )
    }
    assert sum(share.way.grams for share in chosen(decided).shares) == 600


def test_the_decision_shows_every_share_and_says_who_makes_what() -> None:
    decided = decided_on(a_cap_line(within_hours=12))
    verdict = decided.verdicts[0]
    sentence = why(verdict, decided.calendars)
    document = decision_document(verdict, sentence=sentence, solver={}, calendars=decided.calendars)
    shown = document["chosen"]

    assert sentence.startswith("Peine 54 + Uelzen 6: 899.00 EUR, arrives 15 Jun")
    assert isinstance(shown, dict)
    assert [(share["share_no"], share["machine_id"], share["quantity"]) for share in shown["shares"]] == [
        (0, "A-1", 18),
        (1, "A-2", 18),
        (2, "A-3", 18),
        (3, "B-1", 6),
    ]
    assert shown["shares"][3]["promised_at"] == "2026-06-15T14:00:00+00:00"
    assert shown["promised_at"] == "2026-06-15T20:00:00+00:00"
    assert (shown["machine_minutes"], shown["grams"]) == (3 * 533 + 178, 600)


def test_several_machines_of_one_node_are_one_node() -> None:
    option = chosen(decided_on(a_cap_line(within_hours=14, max_nodes=1)))

    assert pieces(option) == {"A-1": 20, "A-2": 20, "A-3": 20}
    assert (option.price.landed_minor, option.minutes) == (84_000, 800)  # 13.33 h


def test_an_urgent_line_that_one_machine_can_make_is_planned_by_the_minute_too() -> None:
    option = chosen(decided_on(a_cap_line(quantity=1, within_hours=2, max_nodes=1)))

    assert (option.way.node.node_id, option.shares) == ("A", ())
    assert (option.minutes, option.price.landed_minor) == (40, 1_400)


@pytest.mark.parametrize(("max_nodes", "allowed"), [(0, "the order does not allow that"), (1, "the order allows 1")])
def test_a_line_that_would_be_possible_split_says_so_with_figures(max_nodes: int, allowed: str) -> None:
    decided = decided_on(a_cap_line(within_hours=12, max_nodes=max_nodes))
    reasons = [reason for each in decided.verdicts[0].exclusions for reason in each.reasons]
    (reason, _) = [reason for reason in reasons if reason.code == "SPLIT_FORBIDDEN"]

    assert decided.verdicts[0].chosen is None
    assert reason.message == (
        "needs 60 pieces by 2026-06-15T20:00:00+00:00: the largest machine makes 18, 2 nodes together 84; " + allowed
    )
    assert reason.figures == {
        "needed_pieces": 60,
        "by": "2026-06-15T20:00:00+00:00",
        "largest_pieces": 18,
        "together_pieces": 84,
        "nodes": 2,
        "allowed_nodes": max_nodes,
    }
    assert codes(decided, "A") == codes(decided, "B") == ["NEED_BY", "SPLIT_FORBIDDEN"]


def test_nothing_is_said_of_splits_where_a_split_would_not_help() -> None:
    decided = decided_on(a_cap_line(within_hours=6, max_nodes=0))  # 27 at A and 12 at B

    assert codes(decided, "A") == ["NEED_BY"]
    assert codes(decided, "B") == ["NEED_BY"]


@pytest.mark.parametrize("max_nodes", [0, 20])
def test_a_line_that_is_larger_than_all_nodes_together_says_what_they_make(max_nodes: int) -> None:
    decided = decided_on(a_cap_line(within_hours=6, max_nodes=max_nodes))  # 27 at A and 12 at B
    reasons = [reason for each in decided.verdicts[0].exclusions for reason in each.reasons if reason.code == "NEED_BY"]

    assert decided.verdicts[0].chosen is None
    assert [reason.figures["together_pieces"] for reason in reasons] == [39, 39]
    assert [reason.figures["together_nodes"] for reason in reasons] == [2, 2]
    assert [reason.message.partition("; split, ")[2] for reason in reasons] == ["2 nodes make 39 in time"] * 2


def test_a_node_gets_no_less_than_the_order_says() -> None:
    option = chosen(decided_on(a_cap_line(within_hours=12, min_per_node=10)))

    assert sum(share.quantity for share in option.shares if share.way.node.node_id == "B") == 10
    assert option.price.landed_minor == 50 * 1_400 + 10 * 1_800 + 3_500


def test_work_that_a_machine_holds_already_comes_first() -> None:
    busy = {"A-3": (1440 - 400,) + (1440,) * 13}
    snapshot = a_line_down_snapshot(a_cap_line(within_hours=12), free_minutes=busy)
    option = chosen(decided_on(snapshot=snapshot))

    # 400 minutes are held; 320 are left of twelve hours: eight caps.
    assert pieces(option)["A-3"] == 8
    assert sum(made for machine, made in pieces(option).items() if machine.startswith("B")) == 16


def test_two_urgent_lines_of_one_run_are_not_promised_the_same_minutes() -> None:
    first = a_cap_line(line_id="line_1", quantity=27, within_hours=6)
    second = a_cap_line(line_id="line_2", quantity=27, within_hours=12)
    decided = decided_on(first, second)
    one, two = chosen(decided, 0), chosen(decided, 1)

    # Nine caps are 333 minutes on a machine in nine cases of ten, and 27 of finishing, which machines don't wait for.
    assert (one.minutes, two.minutes) == (333 + 27, 2 * 333 + 27)
    assert pieces(one) == pieces(two) == {"A-1": 9, "A-2": 9, "A-3": 9}


def test_a_regulated_part_is_of_one_lot_and_so_of_one_node() -> None:
    line = a_cap_line(within_hours=14)
    plain, regulated = a_revision_view(), a_revision_view(part_qualification=True)

    assert split_terms(line, plain) == SplitTerms(quantity=60, max_nodes=2, min_per_node=1)
    assert split_terms(line, regulated) == SplitTerms(quantity=60, max_nodes=1, min_per_node=1)
    assert split_terms(replace(line, criticality="patient"), plain) == SplitTerms(
        quantity=60, max_nodes=1, min_per_node=1
    )


def test_nodes_that_go_on_with_other_shares_count() -> None:
    line = replace(a_cap_line(max_nodes=3, min_per_node=50, quantity=6), kept_quantity=54, kept_nodes="A,B")

    terms = SplitTerms(quantity=6, max_nodes=1, min_per_node=6, kept_nodes=frozenset("AB"))
    assert split_terms(line, a_revision_view()) == terms
    # Three of three are at work: one more may make what came back.
    everywhere = split_terms(replace(line, kept_nodes="A,B,C"), a_revision_view())
    assert everywhere == replace(terms, kept_nodes=frozenset("ABC"))
    assert split_terms(replace(line, split_max_nodes=0), a_revision_view()) is None


def test_a_share_needs_material_of_its_own_in_one_lot() -> None:
    lots = (
        a_lot_view(lot_id="lot_A", node_id="A", material="PLA", grams=300),
        a_lot_view(lot_id="lot_B", node_id="B", material="PLA"),
    )
    option = chosen(decided_on(snapshot=_with_lots(lots, a_cap_line(cost_of_waiting_minor=WAITING_MINOR))))

    # 300 g are thirty caps: the other thirty are made at B.
    assert sum(share.quantity for share in option.shares if share.way.node.node_id == "A") == 30
    assert sum(share.quantity for share in option.shares if share.way.node.node_id == "B") == 30
    assert {share.way.lot.lot_id for share in option.shares} == {"lot_A", "lot_B"}


def test_shares_do_not_take_from_several_licences() -> None:
    line = a_cap_line(within_hours=12)
    licensed = a_revision_view(box_mm=(200, 200, 100), volume_cm3=10, licence_required=True)
    snapshot = replace(a_line_down_snapshot(line), revisions={"rev_1": licensed})
    short = replace(snapshot, licences={"rev_1": (a_licence(granted=59), a_licence(licence_id="lic_2", granted=59))})
    enough = replace(snapshot, licences={"rev_1": (a_licence(granted=60),)})

    assert decided_on(snapshot=short).verdicts[0].chosen is None
    assert sum(pieces(chosen(decided_on(snapshot=enough))).values()) == 60


def test_a_node_that_is_down_gets_no_share() -> None:
    line = a_cap_line(within_hours=14)
    snapshot = a_line_down_snapshot(line)
    nodes = {**snapshot.network.nodes, "A": replace(NODE_A, status="down")}
    without = replace(snapshot, network=replace(snapshot.network, nodes=nodes))

    assert decided_on(snapshot=without).verdicts[0].chosen is None
    assert sum(pieces(chosen(decided_on(line))).values()) == 60


def test_a_price_cap_holds_for_all_shares_together() -> None:
    within = decided_on(a_cap_line(within_hours=12, max_price_minor=89_900))
    over = decided_on(a_cap_line(within_hours=12, max_price_minor=89_899))

    assert chosen(within).price.landed_minor == 89_900
    assert over.verdicts[0].chosen is None


def test_a_minimum_order_is_paid_once_by_all_machines_of_a_node() -> None:
    snapshot = a_line_down_snapshot(a_cap_line(within_hours=14, max_nodes=1))
    nodes = {**snapshot.network.nodes, "A": replace(NODE_A, minimum_order_minor=100_000)}
    option = chosen(decided_on(snapshot=replace(snapshot, network=replace(snapshot.network, nodes=nodes))))

    assert option.price.landed_minor == 100_000
    assert [row.amount_minor for row in option.price.breakdown if row.code == "minimum_order_top_up"] == [16_000]


def test_a_line_that_can_wait_is_split_by_days() -> None:
    line = replace(a_cap_line(quantity=200, within_hours=90), cost_of_waiting_minor=None)
    option = chosen(decided_on(line))
    single = decided_on(replace(line, split_max_nodes=0))

    # From Monday 10:00 a printer makes 76 caps by Tuesday's end and 125 by Wednesday's: none makes 200 by Thursday.
    assert sum(pieces(option).values()) == 200
    assert len(option.shares) > 1
    assert option.minutes <= 90 * 60
    assert single.verdicts[0].chosen is None
    assert "SPLIT_FORBIDDEN" in codes(single, "A")


def test_splits_compete_for_machines_with_other_lines() -> None:
    lines = [a_cap_line(line_id=f"line_{n}", quantity=40, within_hours=12) for n in range(3)]
    decided = decided_on(*lines)
    routed = [verdict.chosen for verdict in decided.verdicts if verdict.chosen is not None]

    # 84 caps are all that both nodes can make within twelve hours.
    assert len(routed) == 2
    assert sum(share.quantity for option in routed for share in option.shares) == 80


def test_the_same_snapshot_gives_the_same_split() -> None:
    line = a_cap_line(cost_of_waiting_minor=WAITING_MINOR)
    one, two = (decided_on(line) for _ in range(2))

    assert pieces(chosen(one)) == pieces(chosen(two))
    assert one.snapshot_sha256 == two.snapshot_sha256


def test_after_the_cut_off_machines_begin_on_the_next_day() -> None:
    evening = MONDAY_MORNING + timedelta(hours=8)  # 18:00 in Berlin: they begin at midnight
    line = replace(a_cap_line(quantity=3, max_nodes=1), need_by=evening + timedelta(hours=9))
    option = chosen(decided_on(snapshot=a_line_down_snapshot(line, now=evening)))

    assert option.minutes == 6 * 60 + 40 if option.shares else option.minutes == 6 * 60 + 120
    assert decided_on(snapshot=a_line_down_snapshot(line, now=evening)).days["line_1"][0].minutes_by_day[0][0] == date(
        2026, 6, 16
    )


def _with_lots(lots: tuple[LotView, ...], line: ClaimedLine) -> RoutingSnapshot:
    return a_line_down_snapshot(line, lots=lots)
