"""What explanations say: no amount without its price, nothing twice, never nothing."""

import pytest

from fabroute.routing.service.explaining.changes import Margin, NodeChange
from fabroute.routing.service.explaining.demands import MATERIAL, NEED_BY, Demand
from fabroute.routing.service.explaining.paper import fix_in_short, rule_in_short
from fabroute.routing.service.explaining.pricing_rules import RulePrice
from fabroute.routing.service.explaining.steps import Step
from tests.factories.routing import a_node_view


def a_rule_price(demand: Demand, *, landed_minor: int, hours: int, co2e_g: int) -> RulePrice:
    return RulePrice(
        demand=demand,
        nodes=1,
        alone=1,
        instead=None,
        landed_minor=landed_minor,
        minutes=60 * hours,
        co2e_g=co2e_g,
        cost_millis=-1,
    )


def a_change(*words: str, margin: Margin | None = None) -> NodeChange:
    steps = tuple(Step(demand=Demand("zone"), words=each, figures={}) for each in words)
    return NodeChange(node=a_node_view(), binding=None, steps=steps, place=None, margin=margin)


def test_a_rule_that_saves_money_says_what_is_later_and_heavier_without_it() -> None:
    dear = a_rule_price(MATERIAL, landed_minor=-501_050, hours=720, co2e_g=281_000)
    late = a_rule_price(MATERIAL, landed_minor=-501_050, hours=720, co2e_g=-5)
    quick = a_rule_price(NEED_BY, landed_minor=300, hours=-24, co2e_g=0)

    assert rule_in_short(dear) == (
        "without the limits of stock 5,010.50 EUR less, but 720 h later and with 281.00 kg CO2e more"
    )
    assert rule_in_short(late) == "without the limits of stock 5,010.50 EUR less, but 720 h later"
    assert rule_in_short(quick) == "without the need-by 24 h sooner for 3.00 EUR more"


@pytest.mark.parametrize(
    ("margin", "words"),
    [
        (Margin(cheaper_by_minor=113_147, sooner_by_minutes=5, lighter_by_g=5), "over 1,131.46 EUR cheaper"),
        (Margin(cheaper_by_minor=1, sooner_by_minutes=None, lighter_by_g=None), "0.01 EUR cheaper"),
        (Margin(cheaper_by_minor=None, sooner_by_minutes=121, lighter_by_g=5), "3 h sooner"),
        (Margin(cheaper_by_minor=None, sooner_by_minutes=None, lighter_by_g=1048), "1.05 kg CO2e lighter"),
        (
            Margin(cheaper_by_minor=None, sooner_by_minutes=None, lighter_by_g=None),
            "better in more than one of price, time and carbon",
        ),
    ],
)
def test_a_margin_always_has_words(margin: Margin, words: str) -> None:
    assert fix_in_short(a_change(margin=margin)) == words
    assert fix_in_short(a_change("+2 days", margin=margin)) == f"+2 days and {words}"


def test_a_country_that_two_rules_keep_off_is_permitted_once() -> None:
    zone = "permit KR: only same_country is permitted"
    patient = "permit KR: a patient's part is made in GB"

    assert fix_in_short(a_change(zone, patient, "+1 h")) == (
        "permit KR: only same_country is permitted and a patient's part is made in GB and +1 h"
    )
    assert fix_in_short(a_change()).startswith("nothing but a place: it is better for this line alone")
