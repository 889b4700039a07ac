"""What of jobs waits for a person: for the owner, at the node, for the operator."""

from datetime import timedelta

from fabroute.identity.rules import Principal
from fabroute.production.service.phases import countering
from fabroute.production.service.phases.declining import Decline, decline_job
from fabroute.production.service.waiting import WaitingGroup, list_waiting
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, key_of


def waiting(floor: Floor, principal: Principal | None = None, *, limit: int = 20) -> dict[str, WaitingGroup]:
    who = key_of(floor.owner) if principal is None else principal
    found = floor.do(lambda session: list_waiting(session, principal=who, limit=limit))
    return {group.kind: group for group in found}


def test_nothing_waits_where_nothing_happened(floor: Floor) -> None:
    assert waiting(floor) == {}
    assert waiting(floor, BUREAU_KEY) == {}
    assert waiting(floor, OPERATOR_KEY) == {}


def test_offers_wait_at_their_node_the_soonest_to_lapse_first(floor: Floor) -> None:
    first, second, third = (floor.offered()[0].job_id for _ in range(3))
    floor.table("UPDATE jobs SET offer_until = :at WHERE id = :it RETURNING id", it=third, at=NOW)

    found = waiting(floor, BUREAU_KEY, limit=2)

    assert list(found) == ["offer"]
    assert ([item.job_id for item in found["offer"].items], found["offer"].total) == ([third, first], 3)
    assert found["offer"].items[0].until == NOW
    assert found["offer"].items[0].price_minor == 2_000
    assert waiting(floor) == {}
    assert waiting(floor, RIVAL_KEY) == {}
    assert second not in [item.job_id for item in found["offer"].items]


def test_a_counter_offer_and_a_note_wait_for_the_owner_alone(floor: Floor) -> None:
    (dear,) = floor.offered()
    (odd,) = floor.offered()
    wanted = countering.NewCounterOffer(price_minor=2_900, produce_by=None, reason="support removal")
    floor.do(
        lambda session: countering.counter_job(
            session, principal=BUREAU_KEY, job_id=dear.job_id, wanted=wanted, lease=None, now=NOW
        )
    )
    said = Decline(reason="not_manufacturable", text="the wall is too thin")
    floor.do(
        lambda session: decline_job(session, principal=BUREAU_KEY, job_id=odd.job_id, decline=said, lease=None, now=NOW)
    )

    found = waiting(floor)

    assert list(found) == ["counter_offer", "note"]
    (counter,) = found["counter_offer"].items
    assert (counter.job_id, counter.price_minor, counter.offered_price_minor) == (dear.job_id, 2_900, 2_000)
    assert counter.reason.endswith("support removal")
    (note,) = found["note"].items
    assert (note.job_id, note.reason, note.part_no) == (odd.job_id, "the wall is too thin", "RL-0001")
    assert waiting(floor, OPERATOR_KEY) == found
    assert waiting(floor, BUREAU_KEY) == {}
    assert waiting(floor, RIVAL_KEY) == {}


def test_suspects_wait_at_both_ends_and_stops_at_the_node(floor: Floor) -> None:
    silent, stopped = floor.accepted(), floor.accepted()
    floor.table("UPDATE jobs SET state = 'suspect', suspect_since = :at WHERE id = :it RETURNING id", it=silent, at=NOW)
    asked = NOW + timedelta(hours=1)
    floor.table(
        "UPDATE jobs SET cancel_requested_at = :at, cancel_reason = 'not needed' WHERE id = :it RETURNING id",
        it=stopped,
        at=asked,
    )

    assert [(kind, group.total) for kind, group in waiting(floor).items()] == [("suspect", 1)]
    at_node = waiting(floor, BUREAU_KEY)
    assert [(kind, group.items[0].job_id) for kind, group in at_node.items()] == [
        ("suspect", silent),
        ("stop", stopped),
    ]
    assert (at_node["stop"].items[0].since, at_node["stop"].items[0].reason) == (asked, "not needed")


def test_held_jobs_and_submitted_first_articles_wait_apart(floor: Floor) -> None:
    gate, article, early = floor.accepted(), floor.accepted(), floor.accepted()
    hold = "UPDATE jobs SET state = 'held', held_kind = :kind, held_at = :at, held_reason = 'r', "
    floor.table(f"{hold} held_from = 'accepted' WHERE id = :it RETURNING id", it=gate, kind="gate", at=NOW)
    for job_id, submitted in ((article, NOW), (early, None)):
        floor.table(
            f"{hold} first_article = true, first_article_submitted_at = :submitted WHERE id = :it RETURNING id",
            it=job_id,
            kind="first_article",
            at=NOW,
            submitted=submitted,
        )

    found = waiting(floor)

    assert [(kind, [item.job_id for item in group.items]) for kind, group in found.items()] == [
        ("first_article", [article]),
        ("held", [gate]),
    ]
