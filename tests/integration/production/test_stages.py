"""A queue in stages: what is urgent comes first, whatever is stuck is told apart, and who sees what."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.network.service import UnknownNode
from fabroute.production.service.claims import AskedStages, Stage, list_stages
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, key_of


def shown(
    floor: Floor, principal: Principal = BUREAU_KEY, *, limit: int = 20, first: int = 0, only: Stage | None = None
) -> dict[str, tuple[list[str], int]]:
    """Return by stage the ids of the jobs, and how many there are."""
    asked = AskedStages(node_id="N101", limit=limit, first=first, only=only)

    def read(session: Session) -> dict[str, tuple[list[str], int]]:
        found = list_stages(session, principal=principal, asked=asked, now=NOW)
        return {stage: ([job.job_id for job in page.jobs], page.total) for stage, page in found.pages.items()}

    return floor.do(read)


def put(floor: Floor, job_id: str, **values: object) -> None:
    columns = ", ".join(f"{name} = :{name}" for name in values)
    floor.table(f"UPDATE jobs SET {columns} WHERE id = :it RETURNING id", it=job_id, **values)


def test_offers_come_by_their_clocks_and_work_by_its_last_day(floor: Floor) -> None:
    late, soon, first, second = (offer.job_id for offer in floor.offered(1, 1, 1, 1))
    for job_id, hours in ((late, 3), (soon, 1)):
        put(floor, job_id, offer_until=NOW + timedelta(hours=hours))
    for job_id, state, days in ((first, "in_production", 1), (second, "accepted", 2)):
        put(floor, job_id, state=state, produce_by=(NOW + timedelta(days=days)).date())

    assert shown(floor) == {"offers": ([soon, late], 2), "making": ([first, second], 2)}


def test_what_is_held_silent_or_to_be_stopped_is_stuck_and_what_is_over_is_left_out(floor: Floor) -> None:
    jobs = sorted(offer.job_id for offer in floor.offered(*(1,) * 7))
    for job_id, state in zip(jobs, ("held", "suspect", "accepted", "inspected", "shipped", "declined"), strict=False):
        put(floor, job_id, state=state)
    put(floor, jobs[2], cancel_requested_at=NOW)

    assert shown(floor) == {"offers": ([jobs[6]], 1), "stuck": (jobs[:3], 3), "shipping": ([jobs[3]], 1)}


def test_a_stage_is_read_a_page_at_a_time(floor: Floor) -> None:
    jobs = sorted(offer.job_id for offer in floor.offered(*(1,) * 5))
    floor.table("UPDATE jobs SET state = 'accepted' RETURNING id")

    assert shown(floor, limit=2) == {"making": (jobs[:2], 5)}
    assert shown(floor, limit=2, first=4, only="making") == {"making": (jobs[4:], 5)}
    assert shown(floor, limit=2, first=6, only="making") == {}
    assert shown(floor, only="shipping") == {}


def test_an_offer_with_a_closed_gate_is_neither_shown_nor_counted(floor: Floor) -> None:
    floor.offered(1, 1)
    accepted = floor.accepted()
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING id")

    assert shown(floor) == {"making": ([accepted], 1)}
    assert shown(floor, OPERATOR_KEY)["offers"][1] == 2


def test_an_owner_sees_its_own_jobs_a_rival_nothing(floor: Floor) -> None:
    (offer,) = floor.offered()
    owner = key_of(floor.owner)

    assert shown(floor, owner) == {"offers": ([offer.job_id], 1)}
    assert shown(floor, OPERATOR_KEY) == {"offers": ([offer.job_id], 1)}
    put(floor, offer.job_id, organisation_id="org_other")
    assert shown(floor, owner) == {}
    with pytest.raises(UnknownNode):
        shown(floor, RIVAL_KEY)


def test_a_planned_job_of_another_is_not_shown_to_its_node(floor: Floor) -> None:
    (offer,) = floor.offered()
    put(floor, offer.job_id, dispatch_at=NOW + timedelta(hours=1))

    assert shown(floor) == {}
    assert shown(floor, OPERATOR_KEY) == {"offers": ([offer.job_id], 1)}
