"""What people decided over the routing: who, why, and what came of it."""

from datetime import timedelta

from fabroute.identity.rules import Principal
from fabroute.production.service import take_back_job
from fabroute.production.service.overrides import Override, list_overrides
from fabroute.production.service.rerouting.attention import retry_line
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, RIVAL_KEY, Floor, key_of

DAY = timedelta(days=1)


def listed(floor: Floor, *, limit: int = 50, days: int = 1) -> tuple[Override, ...]:
    return floor.do(
        lambda session: list_overrides(
            session, principal=key_of(floor.owner), since=NOW - DAY, until=NOW + days * DAY, limit=limit
        )
    )


def test_a_job_that_was_taken_back_and_a_line_that_was_sent_on_tell_who_did_it_and_why(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.do(
        lambda session: take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="kiln broke", now=NOW)
    )
    ((order_id,),) = floor.table("SELECT order_id FROM jobs")
    floor.do(
        lambda session: retry_line(
            session, principal=key_of(floor.owner), order_id=str(order_id), position=1, now=NOW + DAY / 2
        )
    )

    found = listed(floor)

    assert [(it.what, it.reason, it.order_id, it.job_id) for it in found] == [
        ("order.line_retried", "", order_id, None),
        ("job.taken_back", "kiln broke", order_id, job_id),
    ]
    assert (found[0].actor, found[0].actor_name) == (floor.owner.key_id, "test")
    assert (found[1].actor, found[1].node_id, found[1].outcome) == ("key_operator", "N101", "")
    assert listed(floor, limit=1) == found[:1]
    assert listed(floor, days=0) == ()


def test_what_people_of_one_owner_decided_is_not_told_to_others(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.do(lambda session: take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="x", now=NOW))

    def seen(principal: Principal) -> int:
        return len(
            floor.do(lambda session: list_overrides(session, principal=principal, since=NOW - DAY, until=NOW + DAY))
        )

    assert (seen(OPERATOR_KEY), seen(RIVAL_KEY), seen(key_of(floor.owner))) == (1, 0, 1)
