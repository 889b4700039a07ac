"""Quotes worked out by hand: prices, windows, price breaks, and why there is none."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fabroute.inventory.service import RevisionNotMeasured
from fabroute.logistics.rules import Location
from fabroute.network.service import NodeView
from fabroute.routing.service.quoting import (
    LABELS,
    PartAsked,
    QuantityQuote,
    QuoteAsked,
    QuoteBook,
    QuotedOffer,
    QuoteResult,
    quote,
)
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.routing import a_lot_view, a_node_view
from tests.factories.snapshots import a_certificate, a_revision_view, a_snapshot, june

HERE = Location(latitude=53.0, longitude=10.0, country="DE")


def a_question(
    *quantities: int,
    part: PartAsked | None = None,
    destination: Location = HERE,
    criticality: str = "routine",
    need_by: datetime | None = None,
    need_by_hard: bool = True,
    max_price_minor: int | None = None,
) -> QuoteAsked:
    """Ask for two clips to 53 N, 10 E, or for other quantities."""
    return QuoteAsked(
        part=part or PartAsked(revision=a_revision_view()),
        quantities=quantities or (2,),
        destination=destination,
        criticality=criticality,
        need_by=need_by,
        need_by_hard=need_by_hard,
        max_price_minor=max_price_minor,
    )


def asked_of(snapshot: RoutingSnapshot, asked: QuoteAsked) -> QuoteResult:
    return quote(QuoteBook(snapshot=snapshot), asked)


def the_quote(asked: QuoteAsked, snapshot: RoutingSnapshot | None = None) -> QuantityQuote:
    (found,) = asked_of(snapshot or a_snapshot(), asked).quotes
    return found


def by_label(found: QuantityQuote) -> Mapping[str, QuotedOffer]:
    return {label: offer for offer in found.offers for label in offer.labels}


def codes(found: QuantityQuote) -> list[str]:
    (excluded,) = found.exclusions
    return [reason.code.value for reason in excluded.reasons]


def test_economy_is_the_cheapest_and_express_the_fastest() -> None:
    offers = by_label(the_quote(a_question()))

    # As routing has it: 93.95 to make, 7.98 or 9.97 to send.
    assert (offers["cheapest"].service, offers["cheapest"].price.landed_minor) == ("economy", 10_193)
    assert (offers["fastest"].service, offers["fastest"].price.landed_minor) == ("express", 10_392)
    assert offers["cheapest"].promised_at == datetime(2026, 6, 19, 16, tzinfo=UTC)
    assert offers["fastest"].promised_at == datetime(2026, 6, 17, 16, tzinfo=UTC)
    assert set(offers) == set(LABELS)


def test_the_rows_of_an_offer_add_up_and_its_figures_have_marks() -> None:
    offer = by_label(the_quote(a_question()))["fastest"]

    rows = {row.code: row.amount_minor for row in offer.price.breakdown}
    # 5.6389 h of a machine at 4.00, then 2 % of an operator at 46.00 for these hours.
    assert (rows["machine"], rows["operator"]) == (2256, 518)
    assert sum(rows.values()) == offer.price.landed_minor == 9395 + 997
    assert (offer.price.production_minor, offer.price.freight_minor, offer.price.duty_minor) == (9395, 997, 0)
    assert offer.price.co2e_g == 700
    assert {figure.mark.value for figure in offer.figures} >= {"stated", "vendor", "assumption"}


def test_an_offer_names_all_that_is_held_when_it_is_accepted() -> None:
    offer = by_label(the_quote(a_question()))["fastest"]

    assert (offer.offer.machine_id, offer.lot_id, offer.carrier) == ("N101-A", "lot_N101", "reference")
    assert (offer.machine_minutes, offer.grams, offer.quantity) == (339, 58, 2)
    assert offer.produce_by == date(2026, 6, 15)
    assert offer.node.node_id == "N101"


def test_the_window_runs_from_one_delivery_in_ten_to_nine_in_ten() -> None:
    economy = by_label(the_quote(a_question()))["cheapest"]

    # Sent on Tuesday: half arrive on Wednesday, 95 % by Friday.
    assert economy.earliest_at == economy.expected_at == datetime(2026, 6, 17, 16, tzinfo=UTC)
    assert economy.promised_at == datetime(2026, 6, 19, 16, tzinfo=UTC)
    assert economy.on_time_per_mille is None


@pytest.mark.parametrize(
    ("need_by", "per_mille"), [(june(17, 15), 0), (june(17, 16), 500), (june(19, 16), 950), (june(22, 16), 1000)]
)
def test_the_chance_to_be_on_time_is_that_of_the_carrier(need_by: datetime, per_mille: int) -> None:
    found = by_label(the_quote(a_question(need_by=need_by, need_by_hard=False)))

    assert found["cheapest"].on_time_per_mille == per_mille
    assert found["cheapest"].service == "economy"


def test_more_parts_cost_less_each() -> None:
    result = asked_of(a_snapshot(horizon_days=20), a_question(1, 2, 10, 40))
    units = [by_label(found)["cheapest"].price.landed_minor / found.quantity for found in result.quotes]

    assert [found.quantity for found in result.quotes] == [1, 2, 10, 40]
    assert units == sorted(units, reverse=True)
    assert units[1] == 10_193 / 2
    assert result.as_of == datetime(2026, 6, 15, 8, tzinfo=UTC)


def test_the_greenest_may_be_a_third_offer() -> None:
    def a_place(name: str, grid: float, margin: float) -> NodeView:
        return replace(a_node_view(node_id=name, margin=margin, latitude=52.0, longitude=10.0), grid_g_co2_per_kwh=grid)

    snapshot = a_snapshot(nodes=(a_place("N1", 700.0, 0.1), a_place("N2", 30.0, 0.5)))
    offers = by_label(the_quote(a_question(), snapshot))

    assert [offers[label].node.node_id for label in LABELS] == ["N1", "N1", "N2"]
    assert offers["greenest"].price.co2e_g < offers["cheapest"].price.co2e_g
    assert [offers[label].service for label in LABELS] == ["economy", "express", "economy"]


def test_a_need_by_is_met_if_nine_of_ten_are_in_time() -> None:
    just = the_quote(a_question(need_by=june(17, 16)))
    late = the_quote(a_question(need_by=june(17, 15)))

    assert {offer.service for offer in just.offers} == {"express"}
    assert late.offers == ()
    assert codes(late) == ["NEED_BY"]


def test_a_day_in_the_past_is_met_by_nobody_and_says_from_when_on_it_would_be() -> None:
    found = the_quote(a_question(need_by=june(10)))

    assert codes(found) == ["NEED_BY"]
    assert [fix.figures for fix in found.routable_if] == [{"need_by": "2026-06-17T16:00:00+00:00"}]
    assert found.routable_if[0].landed_minor == 10_392


def test_a_day_and_a_price_that_are_missed_together_are_told_as_a_pair() -> None:
    found = the_quote(a_question(need_by=june(10), max_price_minor=1))

    assert codes(found) == ["NEED_BY", "PRICE_CAP"]
    (fix,) = found.routable_if
    assert fix.change == "it may arrive 2026-06-19 16:00 UTC and cost 101.93 EUR"
    assert dict(fix.figures) == {"need_by": "2026-06-19T16:00:00+00:00", "max_price_minor": 10_193}
    assert (fix.landed_minor, fix.machine_id) == (10_193, "N101-A")


def test_a_soft_day_may_be_missed() -> None:
    found = the_quote(a_question(need_by=june(10), need_by_hard=False))

    assert len(found.offers) == 2
    assert {offer.on_time_per_mille for offer in found.offers} == {0}


def test_a_quantity_too_large_for_any_lot_names_what_it_needs() -> None:
    small_store = a_snapshot(lots=(a_lot_view(material="PLA", grams=300),))
    few, many = asked_of(small_store, a_question(2, 20)).quotes

    assert few.offers
    assert codes(many) == ["MATERIAL_SHORT"]
    reason = many.exclusions[0].reasons[0]
    assert (reason.figures["needed_grams"], reason.figures["largest_lot_grams"]) == (573, 300)  # 20 x 28.644 g
    assert many.routable_if[0].change == "one lot of PLA holds 573 g"


def test_a_part_that_fits_nowhere_is_told_by_how_much() -> None:
    found = the_quote(a_question(part=PartAsked(revision=a_revision_view(box_mm=(400, 40, 20)))))

    assert codes(found) == ["BUILD_VOLUME"]
    figures = found.exclusions[0].reasons[0].figures
    assert (figures["needs_mm"], figures["has_mm"], figures["part_mm"]) == (400, 324, "400 × 40 × 20")
    assert found.routable_if == ()  # a part that fits is another part, with another price


def test_a_part_without_a_size_can_not_be_quoted() -> None:
    unknown = PartAsked(revision=replace(a_revision_view(), size=None))

    with pytest.raises(RevisionNotMeasured, match="upload its print file, or state its box"):
        asked_of(a_snapshot(), a_question(part=unknown))
    assert RevisionNotMeasured.status == 409


def test_measures_that_can_not_be_right_rule_out_every_node() -> None:
    wrong = PartAsked(revision=a_revision_view(volume_cm3=1000))
    result = asked_of(a_snapshot(), a_question(1, 5, part=wrong))

    assert [codes(found) for found in result.quotes] == [["FILE_NOT_VALIDATED"]] * 2
    assert "more than the 40 cm3 of the bounding box" in result.quotes[0].exclusions[0].reasons[0].message
    assert not result.quotes[0].offers
    assert not result.quotes[0].routable_if


def test_the_same_reasons_for_several_quantities_are_told_once() -> None:
    nodes = tuple(a_node_view(node_id=name, latitude=52.0, longitude=10.0) for name in ("N1", "N2"))
    snapshot = a_snapshot(
        nodes=nodes,
        lots=(a_lot_view(lot_id="lot_1", node_id="N1", material="PLA", grams=300),),
        certificates=(a_certificate(node_id="N1"),),
    )
    certified = PartAsked(revision=a_revision_view(required_certificates=("ISO9001",)))
    ruled_out = asked_of(snapshot, a_question(1, 2, 20, part=certified)).ruled_out

    told = [
        ([node.node_id for node in each.nodes], each.quantities, [reason.code.value for reason in each.reasons])
        for each in ruled_out
    ]
    assert told == [
        (["N1"], (20,), ["MATERIAL_SHORT"]),
        (["N2"], (1,), ["CERTIFICATE_MISSING", "MATERIAL_SHORT"]),
        (["N2"], (2,), ["CERTIFICATE_MISSING", "MATERIAL_SHORT"]),
        (["N2"], (20,), ["CERTIFICATE_MISSING", "MATERIAL_SHORT"]),
    ]
    assert len(told) == 4


def test_nodes_that_share_all_reasons_stand_in_one_entry_in_their_order() -> None:
    names = ("N1", "N2", "N3", "N4")
    packed = {"N3": ("brand",)}
    nodes = tuple(
        replace(a_node_view(node_id=name, latitude=52.0, longitude=10.0), packaging=packed.get(name, ("esd",)))
        for name in names
    )
    metal = PartAsked(revision=a_revision_view(process_materials=("LPBF:316L",)))

    result = asked_of(a_snapshot(nodes=nodes), a_question(1, 5, part=metal))

    told = [([node.node_id for node in each.nodes], each.quantities) for each in result.ruled_out]
    assert told == [(["N1", "N2", "N4"], (1, 5)), (["N3"], (1, 5))]
    assert [reason.code.value for reason in result.ruled_out[1].reasons] == ["PROCESS_MATERIAL", "PACKAGING"]
    assert [excluded.node.node_id for excluded in result.quotes[1].exclusions] == list(names)
    assert result.quotes[0].exclusions[3].reasons == result.ruled_out[0].reasons
