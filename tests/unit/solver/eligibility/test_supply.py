"""Gates of material: lots that hold enough and may be used."""

from datetime import date
from typing import Any

import pytest

from fabroute.solver.eligibility.supply import MAXIMUM_REUSE, lot_blocked, lot_usable, material_short, usable_lots
from tests.factories.eligibility import WINDOW, lot_facts, offer_facts


def test_one_lot_that_holds_enough_and_may_be_used_passes() -> None:
    lots = [lot_facts(remaining_grams=5000)]

    assert material_short(offer_facts(), lots, WINDOW, needed_grams=5000) is None
    assert lot_blocked(offer_facts(), lots, WINDOW, needed_grams=5000) is None
    assert usable_lots(lots, WINDOW, needed_grams=5000) == tuple(lots)


def test_two_lots_that_only_together_hold_enough_are_short() -> None:
    lots = [lot_facts(remaining_grams=3000), lot_facts(lot_id="L2", remaining_grams=4999)]

    refusal = material_short(offer_facts(), lots, WINDOW, needed_grams=5000)

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("MATERIAL_SHORT", "needs 5000 g of 316L in one lot, has 4999 g")
    assert refusal.figures["lot_id"] == "L2"
    assert usable_lots(lots, WINDOW, needed_grams=5000) == ()


def test_a_node_without_any_lot_is_short_of_everything() -> None:
    refusal = material_short(offer_facts(), [], WINDOW, needed_grams=1)

    assert refusal is not None
    assert refusal.figures["largest_lot_grams"] == 0
    assert lot_blocked(offer_facts(), [], WINDOW, needed_grams=1) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "quarantined"}, "lot L1 of 316L is quarantined"),
        ({"expires_on": date(2026, 6, 22)}, "lot L1 of 316L expires 2026-06-22, build ends 2026-06-23"),
        ({"reuse_count": MAXIMUM_REUSE + 1}, "lot L1 of 316L was re-used 11 times, 10 are allowed"),
    ],
)
def test_a_lot_that_holds_enough_but_may_not_be_used_is_named(changes: dict[str, Any], words: str) -> None:
    lots = [lot_facts(**changes)]

    refusal = lot_blocked(offer_facts(), lots, WINDOW, needed_grams=100)

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("LOT_BLOCKED", words)
    assert material_short(offer_facts(), lots, WINDOW, needed_grams=100) is None
    assert lot_blocked(offer_facts(), [*lots, lot_facts(lot_id="L2")], WINDOW, needed_grams=100) is None


def test_a_small_usable_lot_beside_a_large_blocked_one_shows_both_codes() -> None:
    lots = [lot_facts(remaining_grams=10), lot_facts(lot_id="L2", state="blocked")]

    short = material_short(offer_facts(), lots, WINDOW, needed_grams=100)
    blocked = lot_blocked(offer_facts(), lots, WINDOW, needed_grams=100)

    assert short is not None
    assert blocked is not None
    assert (short.figures["lot_id"], blocked.figures["lot_id"]) == ("L1", "L2")


def test_a_lot_may_be_used_on_its_last_day_and_at_the_limit_of_re_use() -> None:
    assert lot_usable(lot_facts(expires_on=WINDOW.last_day), WINDOW) is None
    assert lot_usable(lot_facts(reuse_count=MAXIMUM_REUSE), WINDOW) is None
