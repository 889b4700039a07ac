"""How long builds took, over HTTP: reported once by their node, seen by the parties, with the ratio to the estimate."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.factories.api import Api
from tests.factories.api_builds import FULL_BED_MINUTES, days_ago, timed, withdrawn
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, messages_of, refusal_of


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


@pytest.fixture(scope="module")
def lasting(standing_api: Api) -> Iterator[JobWorld]:
    """A world with a fetched job, for tests that report no build of it."""
    with a_job_world(standing_api) as made:
        made.fetched_long_ago()
        yield made


def test_a_build_is_reported_and_listed_with_its_ratio(world: JobWorld) -> None:
    world.fetched_long_ago()
    first = timed(world.bureau, world.job, number=1, parts=2, machine_minutes=833, finished_at=days_ago(1))
    second = timed(world.bureau, world.job, number=2, height_mm=190, printed_cm3=900.5)

    assert (first.status_code, second.status_code) == (201, 201)
    build = first.json()
    assert (build["number"], build["parts"], build["machine_minutes"]) == (1, 2, 833)
    assert (build["estimated_minutes"], build["ratio"]) == (FULL_BED_MINUTES, 1.2995)
    assert (build["machine_id"], build["parameter_set"], build["height_mm"]) == ("N101-A", "PS-1", 380.0)
    for client in (world.owner, world.bureau, world.operator):
        listed = client.get(f"{world.job}/build-times").json()
        assert listed == {"data": [first.json(), second.json()], "has_more": False, "next_cursor": None}


def test_builds_are_listed_in_pages(world: JobWorld) -> None:
    world.fetched_long_ago()
    for days, minutes in ((3, 600), (2, 700), (1, 800)):
        timed(world.bureau, world.job, machine_minutes=minutes, finished_at=days_ago(days))

    first = world.owner.get(f"{world.job}/build-times?limit=2")
    second = world.owner.get(first.links["next"]["url"])

    assert [it["machine_minutes"] for it in first.json()["data"]] == [600, 700]
    assert ([it["machine_minutes"] for it in second.json()["data"]], second.json()["has_more"]) == ([800], False)


def test_the_same_report_counts_once_however_often_it_is_sent(world: JobWorld) -> None:
    world.fetched_long_ago()
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: timed(world.bureau, world.job, number=1), range(24)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(world.owner.get(f"{world.job}/build-times").json()["data"]) == 1
    events = "SELECT count(*) FROM outbox_events WHERE name = 'build.timed'"
    assert in_transaction(world.api.engine, lambda session: rows(session, events)) == [(1,)]


def test_another_report_under_the_same_number_is_refused(world: JobWorld) -> None:
    world.fetched_long_ago()
    first = timed(world.bureau, world.job, number=1)
    other = timed(world.bureau, world.job, number=1, machine_minutes=701)
    ahead = timed(world.bureau, world.job, number=3)

    assert refusal_of(other) == refusal_of(ahead) == Refusal(status=409, code="build_time_conflict")
    assert "another machine_minutes: a report never changes, 2 comes next" in other.json()["detail"]
    assert world.bureau.get(f"{world.job}/build-times").json()["data"] == [first.json()]


def test_an_owner_times_nothing_and_strangers_find_no_job(world: JobWorld) -> None:
    world.fetched_long_ago()

    assert refusal_of(timed(world.owner, world.job)) == Refusal(status=403, code="not_the_node")
    for client in (world.rival, world.stranger):
        assert refusal_of(timed(client, world.job)) == Refusal(status=404, code="unknown_job")
        assert refusal_of(client.get(f"{world.job}/build-times")) == Refusal(status=404, code="unknown_job")
    assert world.bureau.get(f"{world.job}/build-times").json()["data"] == []


def test_nothing_is_timed_before_its_job_was_accepted_and_its_file_fetched(world: JobWorld) -> None:
    offered = timed(world.bureau, world.job)
    world.accepted()
    unfetched = timed(world.bureau, world.job)

    assert refusal_of(offered) == Refusal(status=409, code="job_state_conflict")
    assert refusal_of(unfetched) == Refusal(status=409, code="file_not_fetched")


def test_more_parts_than_the_job_has_are_not_built(world: JobWorld) -> None:
    world.fetched_long_ago()
    timed(world.bureau, world.job, parts=2, finished_at=days_ago(1))
    refused = timed(world.bureau, world.job, parts=2)

    assert refusal_of(refused) == Refusal(status=409, code="no_parts_left")
    assert "1 are left, not 2" in refused.json()["detail"]
    assert timed(world.bureau, world.job, parts=1).status_code == 201


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"machine_minutes": 0}, "validation_failed", "/machine_minutes"),
        ({"machine_minutes": 700.5}, "validation_failed", "/machine_minutes"),
        ({"machine_minutes": 600_000}, "validation_failed", "/machine_minutes"),
        ({"machine_minutes": 6_500}, "build_time_implausible", "/machine_minutes"),
        ({"machine_minutes": 60}, "build_time_implausible", "/machine_minutes"),
        ({"parts": 0}, "validation_failed", "/parts"),
        ({"height_mm": 0}, "validation_failed", "/height_mm"),
        ({"height_mm": 381}, "invalid_build_time", "/height_mm"),
        ({"height_mm": None}, "invalid_build_time", "/height_mm"),
        ({"printed_cm3": -1}, "validation_failed", "/printed_cm3"),
        ({"number": 0}, "validation_failed", "/number"),
        ({"finished_at": "2026-06-15T12:00:00"}, "validation_failed", "/finished_at"),
        ({"finished_at": "2020-06-15T12:00:00Z"}, "invalid_build_time", "/finished_at"),
        ({"finished_at": "2099-06-15T12:00:00Z"}, "invalid_build_time", "/finished_at"),
        ({"minutes": 700}, "validation_failed", "/minutes"),
    ],
)
def test_absurd_figures_are_pointed_at(lasting: JobWorld, change: dict[str, object], code: str, pointer: str) -> None:
    answer = timed(lasting.bureau, lasting.job, **change)

    assert refusal_of(answer) == Refusal(status=422, code=code, pointers=(pointer,))
    assert all(messages_of(answer))
    assert lasting.bureau.get(f"{lasting.job}/build-times").json()["data"] == []


def test_the_minutes_of_a_build_have_to_fit_between_acceptance_and_now(world: JobWorld) -> None:
    """As it was found: a file that was fetched a second ago, and a build of it that took twelve hours."""
    world.fetched()
    answer = timed(world.bureau, world.job)

    assert refusal_of(answer) == Refusal(status=422, code="invalid_build_time", pointers=("/finished_at",))
    assert "can have begun at" in answer.json()["detail"]
    assert world.bureau.get(f"{world.job}/build-times").json()["data"] == []


def test_a_machine_is_at_one_build_at_a_time(world: JobWorld) -> None:
    world.fetched_long_ago()
    end = days_ago(2)
    answers = [timed(world.bureau, world.job, machine_minutes=2000, finished_at=end) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 409, 409]
    assert {refusal_of(answer).code for answer in answers[1:]} == {"builds_overlap"}
    assert f"N101-A was at build 1 of job {world.job_id} from " in answers[1].json()["detail"]


def test_a_wrong_report_is_withdrawn_with_a_reason_and_reported_again(world: JobWorld) -> None:
    world.fetched_long_ago()
    timed(world.bureau, world.job, number=1, parts=3, machine_minutes=2000)
    answer = withdrawn(world.bureau, world.job, 1, reason="another build's time")
    again = withdrawn(world.operator, world.job, 1, reason="asked twice")
    right = timed(world.bureau, world.job, number=2, parts=3, machine_minutes=700)

    assert (answer.status_code, again.json(), right.status_code) == (200, answer.json(), 201)
    assert answer.json()["withdrawal_reason"] == "another build's time"
    assert (right.json()["withdrawn_at"], right.json()["withdrawal_reason"]) == (None, None)
    assert world.owner.get(f"{world.job}/build-times").json()["data"] == [answer.json(), right.json()]
    assert refusal_of(timed(world.bureau, world.job, number=1)) == Refusal(status=409, code="build_time_conflict")


def test_only_node_and_operator_withdraw_and_say_why(world: JobWorld) -> None:
    world.fetched_long_ago()
    timed(world.bureau, world.job)

    refused = withdrawn(world.owner, world.job, 1)
    assert refusal_of(refused) == Refusal(status=403, code="not_the_node")
    assert "its own organisation, or the operator on its behalf, to do" in refused.json()["detail"]
    assert refusal_of(withdrawn(world.rival, world.job, 1)) == Refusal(status=404, code="unknown_job")
    assert refusal_of(withdrawn(world.bureau, world.job, 2)) == Refusal(status=404, code="unknown_build")
    without = withdrawn(world.bureau, world.job, 1, reason=" ")
    assert refusal_of(without) == Refusal(status=422, code="validation_failed", pointers=("/reason",))
    assert withdrawn(world.operator, world.job, 1).status_code == 200
