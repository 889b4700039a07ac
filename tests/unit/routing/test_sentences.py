"""Why a line went where it went, in one sentence."""

from dataclasses import replace
from datetime import UTC, datetime

from fabroute.estimation.breakdown import BreakdownRow
from fabroute.routing.service.options import ExcludedNode, Option
from fabroute.routing.service.sentences import (
    LONGEST_BYTES,
    binding_reason,
    day_name,
    difference,
    euro,
    reason_counts,
    why_not_routed,
    why_routed,
)
from fabroute.solver.eligibility import Exclusion, ExclusionCode
from tests.factories.routing import a_node_view, a_way, an_exclusion, an_option

FRIDAY = datetime(2026, 6, 19, 16, 0, tzinfo=UTC)
HAMBURG = an_option(a_way(node=a_node_view(node_id="N1", city="Hamburg")))
FREIGHT_ROWS = HAMBURG.price.breakdown[1:]
KRAKOW = an_option(a_way(node=a_node_view(node_id="N2", city="Kraków", country="PL"), freight_minor=690))


def sentence(
    chosen: Option,
    *,
    best: Option | None = None,
    runner_up: Option | None = None,
    exclusions: tuple[ExcludedNode, ...] = (),
    objective: str = "cheapest",
) -> str:
    return why_routed(
        chosen,
        best=best or chosen,
        runner_up=runner_up,
        exclusions=exclusions,
        objective=objective,
        promised_at=FRIDAY,
    )


def test_the_sentence_names_price_day_runner_up_and_what_rules_the_others_out() -> None:
    others = (*(an_exclusion(f"X{n}", "CERTIFICATE_MISSING") for n in range(30)), an_exclusion("X30", "CAPACITY"))

    assert sentence(HAMBURG, runner_up=KRAKOW, exclusions=others) == (
        "Hamburg: 11.30 EUR, arrives 19 Jun; Kraków 2.00 dearer; 31 nodes ruled out, mostly CERTIFICATE_MISSING"
    )


def test_nodes_that_never_could_are_counted_apart_from_those_that_almost_could() -> None:
    unable = tuple(an_exclusion(f"X{n}", "PROCESS_MATERIAL", "PACKAGING") for n in range(40))
    expired = an_exclusion("Y1", "CERTIFICATE_EXPIRES")
    missing = tuple(an_exclusion(f"Z{n}", "CERTIFICATE_MISSING") for n in range(2))

    assert sentence(HAMBURG, runner_up=KRAKOW, exclusions=(*unable, expired)).endswith(
        "41 nodes ruled out: 40 by PROCESS_MATERIAL, 1 by CERTIFICATE_EXPIRES"
    )
    assert sentence(HAMBURG, runner_up=KRAKOW, exclusions=(*unable, expired, *missing)).endswith(
        "43 nodes ruled out: 40 by PROCESS_MATERIAL, 3 mostly by CERTIFICATE_MISSING"
    )
    assert sentence(HAMBURG, runner_up=KRAKOW, exclusions=unable).endswith("40 nodes ruled out, mostly PACKAGING")


def test_a_price_that_was_lifted_to_the_node_s_minimum_says_so() -> None:
    lifting = BreakdownRow(code="minimum_order_top_up", amount_minor=640)
    price = replace(HAMBURG.price, breakdown=(lifting, *FREIGHT_ROWS))
    lifted = replace(HAMBURG, way=replace(HAMBURG.way, price=price))

    assert sentence(lifted) == "Hamburg: 11.30 EUR (minimum order), arrives 19 Jun; no other node can"
    assert sentence(HAMBURG) == "Hamburg: 11.30 EUR, arrives 19 Jun; no other node can"


def test_a_line_with_one_place_says_that_there_is_no_other() -> None:
    assert sentence(HAMBURG, exclusions=(an_exclusion("X", "PACKAGING"),)) == (
        "Hamburg: 11.30 EUR, arrives 19 Jun; no other node can; 1 node ruled out by PACKAGING"
    )


def test_a_cheaper_place_that_went_to_others_is_named() -> None:
    assert sentence(KRAKOW, best=HAMBURG, runner_up=HAMBURG) == (
        "Kraków: 13.30 EUR, arrives 19 Jun; Hamburg at 11.30 went to orders that gain more"
    )


def test_a_later_day_at_the_same_node_is_named_too() -> None:
    way = a_way(node=a_node_view(node_id="N1", city="Hamburg"))
    first, second = an_option(way, bucket=0), an_option(way, bucket=1)

    assert sentence(second, best=first, runner_up=KRAKOW) == (
        "Hamburg: 11.30 EUR, arrives 19 Jun; alone it would be 24 h sooner; Kraków 2.00 dearer"
    )


def test_another_machine_for_the_same_price_is_named() -> None:
    node = a_node_view(node_id="N1", city="Hamburg")
    first = an_option(a_way(node=node, machine_id="N1-A"))
    second = an_option(a_way(node=node, machine_id="N1-B", co2e_g=500))
    dearer = Option(way=second.way, bucket=0, minutes=second.minutes, cost_millis=first.cost_millis + 1)

    assert "its first machine there went to orders that gain more" in sentence(dearer, best=first)


def test_no_sentence_is_longer_than_200_bytes() -> None:
    long = an_option(a_way(node=a_node_view(node_id="N3", city="Llanfairpwllgwyngyll" * 6)))
    short = sentence(HAMBURG, best=HAMBURG, runner_up=long, exclusions=(an_exclusion("X", "CERTIFICATE_EXPIRES"),))
    cut = sentence(an_option(a_way(node=a_node_view(city="Ω" * 150))))

    assert short.endswith("Llanfairpwllgwyngyll as good")
    assert len(short.encode()) <= LONGEST_BYTES
    assert len(cut.encode()) == LONGEST_BYTES


def test_differences_are_told_in_what_the_objective_looks_at() -> None:
    slow = an_option(a_way(hours_to_delivery=(80,), freight_minor=390, co2e_g=1250))

    assert difference(slow, HAMBURG, objective="cheapest") == "1.00 cheaper and 32 h later"
    assert difference(slow, HAMBURG, objective="fastest") == "32 h later"
    assert difference(slow, HAMBURG, objective="greenest") == "0.75 kg CO2e more"
    assert difference(slow, HAMBURG, objective="balanced") == "1.00 cheaper and 32 h later"
    assert difference(HAMBURG, slow, objective="greenest") == "0.75 kg CO2e less and 1.00 dearer"
    assert difference(HAMBURG, slow, objective="fastest") == "32 h sooner and 1.00 dearer"
    assert difference(HAMBURG, HAMBURG, objective="cheapest") == "as good"


def test_without_a_place_the_nearest_nodes_and_their_reason_are_named() -> None:
    exclusions = (
        *(an_exclusion(f"P{n}", "PROCESS_MATERIAL") for n in range(40)),
        an_exclusion("N1", "CERTIFICATE_MISSING"),
        an_exclusion("N2", "CERTIFICATE_MISSING"),
        an_exclusion("N3", "CAPACITY", "PACKAGING"),
        an_exclusion("N4", "CAPACITY", "PACKAGING"),
        an_exclusion("N5", "CAPACITY", "PACKAGING"),
    )

    assert binding_reason(exclusions) == ("CERTIFICATE_MISSING", 2)
    assert why_not_routed(exclusions, outbid=None) == (
        "none of the 45 nodes can make it; the nearest (2) fail by CERTIFICATE_MISSING"
    )
    assert reason_counts(exclusions) == {
        "PROCESS_MATERIAL": 40,
        "CAPACITY": 3,
        "PACKAGING": 3,
        "CERTIFICATE_MISSING": 2,
    }


def test_where_no_node_has_the_process_that_is_the_reason() -> None:
    exclusions = (an_exclusion("N1", "PROCESS_MATERIAL", "NODE_DOWN"), an_exclusion("N2", "PROCESS_MATERIAL"))

    assert binding_reason(exclusions) == ("PROCESS_MATERIAL", 1)
    assert why_not_routed(exclusions[:1], outbid=None) == ("the only node can't make it: NODE_DOWN")


def test_a_licence_that_is_used_up_and_a_certificate_that_waits_are_said_in_words() -> None:
    def ruled_out(code: str, message: str, **figures: str | int) -> ExcludedNode:
        reason = Exclusion(code=ExclusionCode(code), message=message, figures=figures)
        return ExcludedNode(node=a_node_view(), reasons=(reason,))

    used_up = ruled_out("IP_POLICY", "licence lic_1 has 0 of 3 prints left, 1 are needed", licence="lic_1", left=0)
    waits = ruled_out("CERTIFICATE_MISSING", "has no ISO9001; ISO9001 waits for verification", waiting="ISO9001")
    far = an_exclusion("N2", "CAPACITY", "NODE_DOWN")

    assert why_not_routed((used_up,), outbid=None) == (
        "the only node can't make it: IP_POLICY; licence lic_1 has 0 of 3 prints left, 1 are needed"
    )
    assert why_not_routed((far, waits), outbid=None) == (
        "none of the 2 nodes can make it; the nearest (1) fail by CERTIFICATE_MISSING; has no ISO9001;"
        " ISO9001 waits for verification"
    )


def test_the_node_that_could_and_declined_comes_before_those_that_never_could() -> None:
    said = "N025 declined it on 2026-06-15: price"
    reason = Exclusion(code=ExclusionCode.DECLINED, message=said, figures={"node_id": "N025", "reason": "price"})
    able = ExcludedNode(node=a_node_view(node_id="N025"), reasons=(reason,))
    others = (
        *(an_exclusion(f"P{n}", "PROCESS_MATERIAL") for n in range(40)),
        *(an_exclusion(f"N{n}", "CERTIFICATE_MISSING") for n in range(13)),
    )

    assert why_not_routed((*others, able), outbid=None) == (
        f"{said}; of the 53 others the nearest (13) fail by CERTIFICATE_MISSING"
    )
    assert why_not_routed((able,), outbid=None) == said
    assert (
        why_not_routed((able, others[-1]), outbid=None) == f"{said}; the other node can't make it: CERTIFICATE_MISSING"
    )
    both = an_exclusion("N1", "DECLINED", "CAPACITY")
    assert why_not_routed((both, others[-1]), outbid=None).startswith("none of the 2 nodes can make it")


def test_a_place_that_others_took_is_named() -> None:
    said = why_not_routed((an_exclusion("N1", "CAPACITY"),), outbid=HAMBURG)

    assert said == "Hamburg at 11.30 EUR was taken by other orders; 1 node ruled out by CAPACITY"


def test_an_empty_network_is_called_that() -> None:
    assert why_not_routed((), outbid=None) == "there is no node in the network"


def test_amounts_and_days_are_written_as_people_do() -> None:
    assert euro(1130) == "11.30"
    assert euro(123_456_789) == "1,234,567.89"
    assert euro(-205) == "-2.05"
    assert day_name(FRIDAY) == "19 Jun"
