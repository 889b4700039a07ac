"""Reasons and fixes in words, with days in the viewer's zone and money in the viewer's locale."""

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from fabroute.console.formats import Formats
from fabroute.console.reasons import fix_words, meaning_of, reason_words, step_words, stored_words
from tests.factories.order_pages import FMT

NBSP = "\N{NO-BREAK SPACE}"
BERLIN = Formats(locale=Locale.parse("de_DE"), zone=ZoneInfo("Europe/Berlin"))


@dataclass(frozen=True, kw_only=True)
class Said:
    """A reason or a step as a decision has it."""

    code: str = ""
    rule: str = ""
    message: str = "as stored"
    words: str = "as stored"
    machine_id: str = "N101-A"
    figures: dict[str, Any] = field(default_factory=dict)


OVER_THE_CAP = {"landed_minor": 8310, "maximum_minor": 6000}
WITH_OTHERS = OVER_THE_CAP | {"others_minor": 2000, "order_minor": 10310}
TOO_LATE = {
    "earliest_arrival": "2026-12-02T22:30:00+00:00",
    "need_by": "2026-12-02T03:30:00+00:00",
    "late_hours": 19,
}
NO_TIME = {"needed_minutes": 500, "free_minutes": 120, "by": "2026-07-29"}
NO_MATERIAL = {"needed_grams": 3100, "largest_lot_grams": 250, "lot_id": "L1", "material": "PA12"}
LOT = {"lot_id": "L1", "state": "available", "expires_on": "2026-07-01", "reuse_count": 0, "remaining_grams": 9}
ENDS = {
    "certificate": "EN45545", "valid_from": "2025-01-01", "valid_to": "2026-06-20", "production_from": "2026-06-16",
    "production_to": "2026-06-22",
}  # fmt: skip
LOST = {"node_id": "N101", "cause": "declined", "excluded_at": "2026-06-15T23:30:00+00:00", "reason": "no time"}


@pytest.mark.parametrize(
    ("code", "figures", "words"),
    [
        ("PRICE_CAP", OVER_THE_CAP, "would cost €83.10, the cap is €60.00"),
        ("PRICE_CAP", WITH_OTHERS,
         "would cost €83.10, with the order's other lines €103.10: the order's cap is €60.00"),
        ("NEED_BY", TOO_LATE, f"arrives 2 Dec 2026, 22:30 UTC at the earliest, 19{NBSP}h late"),
        ("CAPACITY", NO_TIME, f"needs 8{NBSP}h 20{NBSP}min of machine time by 29 Jul 2026, has 2{NBSP}h free"),
        ("CAPACITY", NO_TIME | {"together_pieces": 828, "together_nodes": 3},
         f"needs 8{NBSP}h 20{NBSP}min of machine time by 29 Jul 2026, has 2{NBSP}h free; split, 3{NBSP}nodes could "
         "make 828 in time"),
        ("MATERIAL_SHORT", NO_MATERIAL, f"needs 3.1{NBSP}kg of PA12 in one lot, has 250{NBSP}g"),
        ("LOT_BLOCKED", LOT, "lot L1 may be used until 1 Jul 2026"),
        ("LOT_BLOCKED", LOT | {"state": "quarantined"}, "lot L1 is quarantined"),
        ("LOT_BLOCKED", LOT | {"reuse_count": 11}, "lot L1 was re-used 11 times"),
        ("CERTIFICATE_EXPIRES", ENDS, "EN45545 ends 20 Jun 2026, production ends 22 Jun 2026"),
        ("CERTIFICATE_EXPIRES", ENDS | {"valid_from": "2026-06-18", "valid_to": "2027-06-18"},
         "EN45545 begins 18 Jun 2026, production begins 16 Jun 2026"),
        ("MIN_ORDER", {"minimum_minor": 20000, "price_minor": 5000},
         "takes orders from €200.00, this one is €50.00"),
        ("DECLINED", LOST, "declined this line on 15 Jun 2026: no time"),
        ("LANE_MISSING", {"zone": "BR", "ship_to": "BR"}, "does not ship to BR"),
        ("LANE_MISSING", {"zone": "BR", "ship_to": "BR", "ended_on": "2026-05-31"},
         "the last tariff to BR ended 31 May 2026"),
        ("LANE_MISSING", {"zone": "BR", "ship_to": "BR", "begins_on": "2026-08-01"},
         "the first tariff to BR begins 1 Aug 2026"),
        ("LOT_BLOCKED", LOT | {"lot_id": "lot_N1_PA12"}, "lot_N1_PA12 may be used until 1 Jul 2026"),
        ("MATERIAL_SHORT", NO_MATERIAL | {"needed_grams": 27310, "largest_lot_grams": 27284},
         f"needs 27,310{NBSP}g of PA12 in one lot, has 27,284{NBSP}g"),
        ("BUILD_VOLUME", {"needed_mm": 62}, "as stored"),
        ("PRICE_CAP", {}, "as stored"),
        ("NEED_BY", TOO_LATE | {"earliest_arrival": "soon"}, "as stored"),
    ],
)  # fmt: skip
def test_reasons_are_made_of_their_figures(code: str, figures: dict[str, Any], words: str) -> None:
    assert reason_words(Said(code=code, figures=figures), FMT) == words


def test_days_and_money_stand_as_the_viewer_writes_them() -> None:
    assert reason_words(Said(code="NEED_BY", figures=TOO_LATE), BERLIN) == (
        f"arrives 02.12.2026, 23:30 at the earliest, 19{NBSP}h late"
    )
    assert reason_words(Said(code="DECLINED", figures=LOST), BERLIN) == "declined this line on 16.06.2026: no time"
    assert reason_words(Said(code="PRICE_CAP", figures=OVER_THE_CAP), BERLIN) == (
        f"would cost 83,10{NBSP}€, the cap is 60,00{NBSP}€"
    )


@pytest.mark.parametrize(
    ("rule", "figures", "words"),
    [
        ("need_by", {"need_by": "2026-12-02T22:30:00+00:00", "later_hours": 50, "later_days": 3},
         f"a deadline 2{NBSP}d 2{NBSP}h later, 2 Dec 2026, 22:30 UTC"),
        ("capacity", NO_TIME | {"machine_id": "N101-A", "more_minutes": 380},
         f"6{NBSP}h 20{NBSP}min more on N101-A by 29 Jul 2026"),
        ("capacity", NO_TIME | {"machine_id": "N101-A", "free_minutes": 900}, "an earlier start on N101-A"),
        ("price_cap", OVER_THE_CAP, "raise the cap by €23.10 to €83.10"),
        ("price_cap", WITH_OTHERS, "raise the order's cap by €43.10 to €103.10"),
        ("material", {"needed_grams": 3100, "has_grams": 250, "more_grams": 2850, "material": "PA12"},
         f"2.85{NBSP}kg more of PA12 in one lot"),
        ("material", LOT | {"state": "quarantined"}, "another lot, or this one again: lot L1 is quarantined"),
        ("certificate:EN45545", {"certificate": "EN45545", "through": "2026-07-29", "scope": "MJF:PA12"},
         "certificate EN45545 until 29 Jul 2026 for MJF:PA12"),
        ("certificate:EN45545", {"through": "2026-07-29", "valid_from": "2025-01-01", "valid_to": "2026-06-20"},
         "certificate EN45545 until 29 Jul 2026 (now 1 Jan 2025 to 20 Jun 2026)"),
        ("licence", {}, "as stored"),
        ("capacity", {}, "as stored"),
    ],
)  # fmt: skip
def test_steps_are_made_of_their_figures(rule: str, figures: dict[str, Any], words: str) -> None:
    assert step_words(Said(rule=rule, figures=figures), FMT) == words


def test_a_step_without_figures_takes_those_of_the_reason_behind_it() -> None:
    reasons = [
        Said(code="NODE_DOWN"),
        Said(code="CAPACITY", figures=NO_TIME),
        Said(code="MATERIAL_SHORT", figures=NO_MATERIAL),
        Said(code="MIN_ORDER", figures={"minimum_minor": 20000, "price_minor": 1}),
        Said(code="NEED_BY", figures=TOO_LATE),
        Said(code="CERTIFICATE_EXPIRES", figures=ENDS),
    ]

    def told(rule: str) -> str:
        return step_words(Said(rule=rule), FMT, reasons=reasons)

    assert told("capacity") == f"6{NBSP}h 20{NBSP}min more on N101-A by 29 Jul 2026"
    assert told("material") == f"2.85{NBSP}kg more of PA12 in one lot"
    assert told("minimum_order") == "an order worth €200.00 there"
    assert told("need_by") == f"a deadline 19{NBSP}h later, 2 Dec 2026, 22:30 UTC"
    assert told("certificate:EN45545") == "certificate EN45545 until 22 Jun 2026 (now 1 Jan 2025 to 20 Jun 2026)"


def test_a_fix_is_all_its_steps_in_one_sentence() -> None:
    steps = [
        Said(rule="zone", words="permit DE: only US is permitted"),
        Said(rule="countries", words="permit DE: only FR is permitted"),
        Said(rule="price_cap", figures=OVER_THE_CAP),
    ]
    assert fix_words(steps, FMT) == (
        "permit DE: only US is permitted and only FR is permitted and raise the cap by €23.10 to €83.10"
    )
    assert fix_words((), FMT) == ""


def test_stored_sentences_are_read_in_the_viewers_words() -> None:
    stored = "raise the cap by 1,023.10 EUR, or wait until 2026-12-02 22:30 UTC: 2 fail by NEED_BY of MJF"
    assert stored_words(stored, BERLIN) == (
        f"raise the cap by 1.023,10{NBSP}€, or wait until 02.12.2026, 23:30: 2 fail by can't arrive in time of MJF"
    )
    odd = "lot L-2026-13-45 ends 2026-07-01, 10.50 EURO"
    assert stored_words(odd, FMT) == "lot L-2026-13-45 ends 1 Jul 2026, 10.50 EURO"
    assert (meaning_of("NEED_BY"), meaning_of("SOMETHING_NEW")) == ("can't arrive in time", "something new")


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("27284 g more of 17-4PH in one lot", f"27,3{NBSP}kg more of 17-4PH in one lot"),
        ("needs 850 g, emits 1.05 kg CO2e more", f"needs 850{NBSP}g, emits 1,05{NBSP}kg CO2e more"),
        ("permission for itar files and parts", "permission for ITAR files and parts"),
        ("permit AE: only same_country is permitted", "permit AE: only the country of delivery is permitted"),
        ("permit service_bureau nodes", "permit service bureau nodes"),
        ("lot lot_N1_PA12 expires 2026-12-01", "lot_N1_PA12 expires 01.12.2026"),
        ("needs attention: send it on with POST /v1/orders/{order_id}/lines/{position}/retry, or cancel the order",
         "send it on, or cancel the order"),
    ],
)  # fmt: skip
def test_stored_masses_and_names_are_read_as_people_write_them(stored: str, told: str) -> None:
    assert stored_words(stored, BERLIN) == told


def test_the_wall_around_a_sandbox_is_told_in_words_for_people() -> None:
    assert meaning_of("SANDBOX") == "test orders and test nodes stay among themselves"
