"""What a node may say about a job is checked before anything is done."""

from datetime import UTC, date, datetime

import pytest

from fabroute.production.service.leases import hand_lease_until
from fabroute.production.service.phases.countering import InvalidCounterOffer, NewCounterOffer
from fabroute.production.service.phases.declining import Decline, InvalidDecline
from fabroute.production.service.phases.policies import Band, BandChange, InvalidProductionPolicy

REASONS = ["capacity", "machine_down", "material", "price", "date"]


@pytest.mark.parametrize("reason", REASONS)
def test_honest_reasons_need_no_words(reason: str) -> None:
    assert Decline(reason=reason).in_words == reason
    assert Decline(reason=reason, text="  until Monday ").in_words == f"{reason}: until Monday"


@pytest.mark.parametrize("reason", ["not_manufacturable", "other"])
def test_what_the_owner_has_to_see_to_needs_words(reason: str) -> None:
    with pytest.raises(InvalidDecline, match="say what is the matter") as refusal:
        Decline(reason=reason, text="  ")
    assert [it.pointer for it in refusal.value.problems] == ["/text"]
    assert Decline(reason=reason, text="wall 0.4 mm").in_words == f"{reason}: wall 0.4 mm"


def test_an_unknown_reason_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidDecline, match=", ".join([*REASONS, "not_manufacturable", "other"])) as refusal:
        Decline(reason="holiday", text="x" * 1_001)
    assert [it.pointer for it in refusal.value.problems] == ["/reason", "/text"]
    assert (refusal.value.code, refusal.value.status) == ("invalid_decline", 422)


def test_a_counter_offer_needs_a_price_over_zero() -> None:
    for price in (0, -1, 1_000_000_001):
        with pytest.raises(InvalidCounterOffer, match="over zero"):
            NewCounterOffer(price_minor=price, produce_by=None)
    with pytest.raises(InvalidCounterOffer, match="1,000 characters"):
        NewCounterOffer(price_minor=1, produce_by=None, reason="x" * 1_001)


def test_a_band_is_a_share_and_some_days() -> None:
    with pytest.raises(InvalidProductionPolicy) as refusal:
        Band(counter_price_fraction=1.01, counter_days=61)
    assert [it.pointer for it in refusal.value.problems] == ["/counter_price_fraction", "/counter_days"]
    with pytest.raises(InvalidProductionPolicy, match="0 to 1"):
        Band(counter_price_fraction=float("nan"))
    assert Band(counter_price_fraction=1.0, counter_days=60).hold_not_manufacturable is False


def test_of_a_policy_that_is_stated_again_what_is_left_out_stays() -> None:
    known = Band(counter_price_fraction=0.1, counter_days=3, hold_not_manufacturable=True)
    assert BandChange().of(known) == known
    assert BandChange(counter_days=0).of(known) == Band(counter_price_fraction=0.1, hold_not_manufacturable=True)
    assert BandChange(hold_not_manufacturable=False).of(known).hold_not_manufacturable is False
    with pytest.raises(InvalidProductionPolicy):
        BandChange(counter_days=61).of(known)


def test_a_person_holds_a_job_until_the_day_after_its_last_day_of_production() -> None:
    now = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
    assert hand_lease_until(date(2026, 6, 18), now=now) == datetime(2026, 6, 20, tzinfo=UTC)
    assert hand_lease_until(date(2026, 6, 10), now=now) == datetime(2026, 6, 17, tzinfo=UTC)
