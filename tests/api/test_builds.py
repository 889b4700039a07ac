"""Builds over HTTP: a bureau opens, re-plans, starts and closes them; who may see what, and what is refused."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.api_bureau import HOUR, WEDNESDAY, BureauWorld, a_bureau_world
from tests.factories.problems import Refusal, refusal_of

PLANNED_MINUTES = 311
"""258 that open a build, and 6.6 for each of eight caps."""


@pytest.fixture
def world(database: Database) -> Iterator[BureauWorld]:
    with a_bureau_world(database.url) as made:
        yield made


@pytest.fixture
def pair(world: BureauWorld) -> tuple[str, str]:
    """Two accepted jobs of two owners, four caps each, whose files were fetched."""
    world.ordered("a")
    world.ordered("b")
    first, second = world.fetched("a", "b")
    return first, second


def plan_of(world: BureauWorld) -> list[dict[str, int]]:
    return [{job["job_id"]: job["parts"] for job in build["jobs"]} for build in world.plan()["builds"]]


def changed(world: BureauWorld, build: str, parts: dict[str, int], *, tag: str = "*") -> httpx.Response:
    jobs = [{"job_id": job_id, "parts": count} for job_id, count in parts.items()]
    return world.bureau.patch(build, json={"jobs": jobs}, headers={"If-Match": tag})


def at_once(do: Callable[[int], httpx.Response], *, times: int = 8) -> list[httpx.Response]:
    with ThreadPoolExecutor(times) as many:
        return list(many.map(do, range(times)))


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["code"]
    return code


def test_a_build_of_the_plan_is_opened_and_not_proposed_again(world: BureauWorld, pair: tuple[str, str]) -> None:
    (proposal,) = world.plan()["builds"]
    opened = world.opened({job["job_id"]: job["parts"] for job in proposal["jobs"]}, note="after lunch")

    assert opened.status_code == 201, opened.text
    build = opened.json()
    assert (build["state"], build["planned_minutes"], build["note"]) == ("planned", PLANNED_MINUTES, "after lunch")
    assert (build["machine_id"], build["material"], build["lot_id"]) == ("N101-A", "ASA", "lot_1")
    assert {job["job_id"]: job["parts"] for job in build["jobs"]} == dict.fromkeys(pair, 4)
    assert [job["share"] for job in build["jobs"]] == [0.5, 0.5]
    # Four of 28 on a bed of 350 by 200 by 300 mm.
    assert build["jobs"][0]["volume_cm3"] == pytest.approx(21_000 * 4 / 28)
    assert (build["cost"], build["jobs"][0]["cost"], build["build_key"]) == (None, None, proposal["build_key"])
    plan = world.plan()
    assert (plan["builds"], plan["open_builds"]) == ([], [build["id"]])
    assert world.bureau.get(opened.headers["Location"]).json() == build


def test_a_bureau_plans_its_own_way_and_gives_a_build_up(world: BureauWorld, pair: tuple[str, str]) -> None:
    first, second = pair
    build = world.opened({first: 3}).headers["Location"]
    read = world.bureau.get(build)
    assert sorted(map(sorted, plan_of(world))) == sorted(map(sorted, [{first: 1, second: 4}]))

    again = changed(world, build, {first: 4, second: 1}, tag=read.headers["ETag"])
    stale = changed(world, build, {first: 1}, tag=read.headers["ETag"])
    blind = world.bureau.patch(build, json={"jobs": [{"job_id": first, "parts": 1}]})

    assert again.status_code == 200, again.text
    assert {job["job_id"]: job["parts"] for job in again.json()["jobs"]} == {first: 4, second: 1}
    assert refusal_of(stale) == Refusal(status=412, code="stale_version")
    assert blind.status_code == 428
    assert plan_of(world) == [{second: 3}]

    gone = world.bureau.post(f"{build}/cancellation", json={"reason": "no powder"})
    twice = world.bureau.post(f"{build}/cancellation", json={"reason": "no powder"})
    assert (gone.json()["state"], gone.json()["note"]) == ("cancelled", "no powder")
    assert twice.json() == gone.json()
    assert plan_of(world) == [{first: 4, second: 4}]
    assert code_of(world.bureau.post(f"{build}/start", json={})) == "build_state_conflict"
    assert code_of(changed(world, build, {first: 1})) == "build_state_conflict"


def test_a_build_runs_and_is_closed_once(world: BureauWorld, pair: tuple[str, str]) -> None:
    first, second = pair
    build = world.running({first: 4, second: 4})
    assert [job["state"] for job in world.jobs()] == ["in_production"] * 2
    assert world.bureau.post(f"{build}/start", json={}).json()["state"] == "running"

    world.clock.move_to(WEDNESDAY + 6 * HOUR)
    closed = world.closed(build, minutes=330, grams=141, note="one support broke")
    again = world.closed(build, minutes=330, grams=141)
    other = world.closed(build, minutes=331, grams=141)

    assert closed.status_code == again.status_code == 200, closed.text
    assert again.json() == closed.json()
    assert refusal_of(other) == Refusal(status=409, code="build_closed_otherwise")
    whole = closed.json()
    # 5.5 h at 10.00, and 2.00 of consumables.
    assert whole["cost"] == {"amount_minor": 57_00, "currency": "EUR"}
    assert [job["cost"]["amount_minor"] for job in whole["jobs"]] == [28_50, 28_50]
    assert sorted(job["grams"] for job in whole["jobs"]) == [70, 71]
    assert (whole["machine_minutes"], whole["grams_used"], whole["note"]) == (330, 141, "one support broke")
    assert plan_of(world) == []
    taught = "SELECT job_id, parts, machine_minutes, estimated_minutes, printed_cm3::int FROM build_times"
    ((_, parts, minutes, estimated, printed),) = world.shop.table(taught)
    assert (parts, minutes, estimated, printed) == (4, 330, PLANNED_MINUTES, round(8 * 14.85))
    told = "SELECT name, count(*) FROM outbox_events WHERE subject_type = 'build' GROUP BY name ORDER BY name"
    assert world.shop.table(told) == [("build.closed", 3), ("build.opened", 3), ("build.started", 3)]


def test_what_a_build_took_is_booked_against_its_jobs(world: BureauWorld, pair: tuple[str, str]) -> None:
    first, second = pair
    lot = "SELECT initial_grams - remaining_grams FROM material_lots WHERE id = 'lot_1'"
    ((reserved,),) = world.shop.table(lot)
    build = world.running({first: 4, second: 2})
    world.clock.move_to(WEDNESDAY + 6 * HOUR)
    assert world.closed(build, minutes=300, grams=105).status_code == 200

    used = world.shop.table("SELECT id, used_grams FROM jobs ORDER BY used_grams DESC")
    allocated = "SELECT job_id, grams FROM material_allocations WHERE released_at IS NULL"
    held = world.shop.table(f"{allocated} ORDER BY grams DESC")
    moved = world.shop.table("SELECT sum(grams)::int, count(*) FROM lot_movements WHERE kind = 'consumed'")
    assert used == [(first, 70), (second, 35)]
    assert moved == [(-105, 2)]
    # Four caps were to take 67 g: 14.85 cm3 at 1.07 g and 5 % lost, each. What is left of it is for the other two.
    assert (reserved, held) == (2 * 67, [(first, 70), (second, 67)])
    assert world.shop.table(lot) == [(70 + 67,)]


def test_what_failed_is_to_be_made_again_once_a_reprint_is_granted(world: BureauWorld, pair: tuple[str, str]) -> None:
    first, second = pair
    build = world.running({first: 4, second: 4})
    world.clock.move_to(WEDNESDAY + 6 * HOUR)
    failed = [{"job_id": job_id, "good": 0, "failed": 4} for job_id in pair]
    too_many = world.closed(build, minutes=30, grams=20, results=[{"job_id": first, "good": 4, "failed": 1}])
    foreign = world.closed(build, minutes=30, grams=20, results=[{"job_id": "job_x", "good": 1, "failed": 0}])
    lost = world.closed(build, minutes=30, grams=20, results=failed)

    assert refusal_of(too_many) == refusal_of(foreign)
    assert refusal_of(foreign) == Refusal(status=422, code="invalid_build_result", pointers=("/results/0",))
    assert lost.status_code == 200, lost.text
    assert [(job["good"], job["failed"]) for job in lost.json()["jobs"]] == [(0, 4)] * 2
    # A build that was lost after half an hour teaches nothing, and costs all the same.
    assert world.shop.table("SELECT count(*) FROM build_times") == [(0,)]
    assert lost.json()["cost"]["amount_minor"] == 5_00 + 2_00


def test_owners_see_their_own_prints_and_rivals_nothing(world: BureauWorld, pair: tuple[str, str]) -> None:
    build = world.opened(dict.fromkeys(pair, 4)).headers["Location"]
    alone = world.opened({}).status_code

    for name, job_id in zip("ab", pair, strict=True):
        seen = world.owner(name).get(build).json()
        listed = world.owner(name).get("/v1/nodes/N101/builds").json()["data"]
        assert listed == [seen]
        assert [job["job_id"] for job in seen["jobs"]] == [job_id]
        assert (seen["printed_cm3"], seen["build_key"], seen["jobs"][0]["share"]) == (None, None, 0.5)
        denied = world.owner(name).post(f"{build}/start", json={})
        assert refusal_of(denied) == Refusal(status=403, code="not_the_node")
        assert refusal_of(world.owner(name).get("/v1/nodes/N101/build-plan")).code == "not_the_node"
    assert refusal_of(world.rival.get(build)) == Refusal(status=404, code="unknown_build")
    assert refusal_of(world.rival.get("/v1/nodes/N101/builds")) == Refusal(status=404, code="unknown_node")
    assert refusal_of(world.rival.get("/v1/nodes/N101/build-plan")) == Refusal(status=404, code="unknown_node")
    assert refusal_of(world.rival.post(f"{build}/start", json={})) == Refusal(status=404, code="unknown_build")
    assert world.operator.get(build).json() == world.bureau.get(build).json()
    assert world.owner("c").get("/v1/nodes/N101/builds").json()["data"] == []
    assert alone == 422


def test_builds_are_listed_by_state_and_in_pages(world: BureauWorld, pair: tuple[str, str]) -> None:
    opened = []
    for second in range(3):
        world.clock.move_to(WEDNESDAY + timedelta(seconds=second))
        opened.append(world.opened({pair[0]: 1}).json())
    world.bureau.post(f"/v1/builds/{opened[0]['id']}/cancellation", json={})

    planned = world.bureau.get("/v1/nodes/N101/builds?state=planned").json()["data"]
    page = world.bureau.get("/v1/nodes/N101/builds?limit=2")
    rest = world.bureau.get(page.links["next"]["url"])

    assert planned == opened[1:]
    assert [it["id"] for it in (*page.json()["data"], *rest.json()["data"])] == [it["id"] for it in opened]
    assert rest.json()["has_more"] is False


def test_what_no_build_can_be_is_refused_with_a_code_each(world: BureauWorld) -> None:
    world.ordered("a", 20)
    world.ordered("b", 20)
    world.ordered("c", 4)
    first, second = world.fetched("a", "b")
    third = str(world.job_of("c")["id"])

    def refused(parts: dict[str, int], client: httpx.Client | None = None) -> Refusal:
        jobs = [{"job_id": job_id, "parts": count} for job_id, count in parts.items()]
        return refusal_of((client or world.bureau).post("/v1/nodes/N101/builds", json={"jobs": jobs}))

    assert refused({first: 21}) == Refusal(status=409, code="build_too_many_parts")
    assert refused({first: 20, second: 20}) == Refusal(status=409, code="build_overfull")
    assert refused({"job_elsewhere": 1}) == Refusal(status=404, code="unknown_job")
    assert refused({third: 4}) == Refusal(status=409, code="job_state_conflict")
    assert refused({first: 1}, world.owner("a")) == Refusal(status=403, code="not_the_node")
    assert refused({first: 1}, world.rival) == Refusal(status=404, code="unknown_node")
    assert refused({first: 0}).code == "validation_failed"
    past = {"jobs": [{"job_id": first, "parts": 1}], "planned_start_at": (WEDNESDAY - 48 * HOUR).isoformat()}
    assert refusal_of(world.bureau.post("/v1/nodes/N101/builds", json=past)).pointers == ("/planned_start_at",)
    twice = {"jobs": [{"job_id": first, "parts": 1}] * 2}
    assert refusal_of(world.bureau.post("/v1/nodes/N101/builds", json=twice)).code == "build_job_twice"
    for column, value in (("lot_id", "lot_2"), ("parameter_set", "PS-2"), ("material", "PLA"), ("machine_id", "X")):
        world.shop.table(f"UPDATE jobs SET {column} = :value WHERE id = :id RETURNING id", value=value, id=second)
        assert refused({first: 1, second: 1}) == Refusal(status=409, code="build_mixed"), column
    assert world.bureau.get("/v1/nodes/N101/builds").json()["data"] == []


def test_one_build_runs_on_a_machine_and_nothing_before_its_file(world: BureauWorld) -> None:
    world.ordered("a")
    world.ordered("b")
    (first,) = world.fetched("a")
    second = str(world.job_of("b")["id"])
    world.bureau.post(f"/v1/jobs/{second}/acceptance")
    other = world.opened({second: 4}).headers["Location"]
    unfetched = world.bureau.post(f"{other}/start", json={})
    build = world.running({first: 4})
    world.bureau.get(world.bureau.post(f"/v1/jobs/{second}/file-tickets").json()["url"])
    busy = world.bureau.post(f"{other}/start", json={})
    to_come = world.bureau.post(f"{other}/start", json={"started_at": (WEDNESDAY + 6 * HOUR).isoformat()})
    too_early = world.bureau.post(f"{other}/start", json={"started_at": (WEDNESDAY - 60 * HOUR).isoformat()})
    running = world.bureau.post(f"{build}/cancellation", json={})

    assert refusal_of(too_early) == Refusal(status=422, code="invalid_build_time", pointers=("/started_at",))
    assert refusal_of(unfetched) == Refusal(status=409, code="file_not_fetched")
    assert refusal_of(busy) == Refusal(status=409, code="machine_busy")
    assert refusal_of(to_come) == Refusal(status=422, code="invalid_build_time", pointers=("/started_at",))
    assert refusal_of(running) == Refusal(status=409, code="build_state_conflict")
    assert [world.job_of(name)["state"] for name in "ab"] == ["in_production", "accepted"]


def test_times_that_can_not_have_been_are_refused_and_the_build_runs_on(
    world: BureauWorld, pair: tuple[str, str]
) -> None:
    first, second = pair
    planned = world.opened({second: 4}).headers["Location"]
    unstarted = world.closed(planned, minutes=300)
    build = world.running({first: 4})
    world.clock.move_to(WEDNESDAY + 6 * HOUR)

    def refused(**changes: Any) -> str:
        return code_of(world.closed(build, **{"minutes": 300, "grams": 70} | changes))

    assert refusal_of(unstarted) == Refusal(status=409, code="build_state_conflict")
    assert refused(finished_at=(utc_now() + HOUR).isoformat()) == "invalid_build_time"
    assert refused(finished_at=(WEDNESDAY - HOUR).isoformat()) == "invalid_build_time"
    assert refused(minutes=1_440) == "invalid_build_time"
    assert refused(height_mm=301) == "invalid_build_time"
    assert refused(minutes=20) == "build_time_implausible"
    assert refused(minutes=0) == "validation_failed"
    assert refused(grams=10_000_000) == "lot_short"
    assert world.bureau.get(build).json()["state"] == "running"
    assert world.closed(build, minutes=300, grams=70).status_code == 200

    # Another build of that machine at that time can't have been.
    assert world.bureau.post(f"{planned}/start", json={"started_at": (WEDNESDAY + HOUR).isoformat()}).status_code == 200
    assert code_of(world.closed(planned, minutes=300, grams=70)) == "builds_overlap"
    world.clock.move_to(WEDNESDAY + timedelta(hours=12))
    assert world.closed(planned, minutes=300, grams=70).status_code == 200


def test_a_build_that_broke_off_frees_machine_and_parts_and_books_what_it_used(
    world: BureauWorld, pair: tuple[str, str]
) -> None:
    first, _ = pair
    planned = world.opened({first: 1}).headers["Location"]
    early = world.bureau.post(f"{planned}/abort", json={"reason": "no"})
    world.bureau.post(f"{planned}/cancellation", json={})
    build = world.running(dict.fromkeys(pair, 4))
    world.clock.move_to(WEDNESDAY + HOUR)
    absurd = world.bureau.post(f"{build}/abort", json={"reason": "no", "machine_minutes": 9_000})
    broken = {"reason": "the bed came loose", "grams_used": 21, "machine_minutes": 10}
    ended = [world.bureau.post(f"{build}/abort", json=broken) for _ in range(2)]

    assert refusal_of(early) == Refusal(status=409, code="build_state_conflict")
    assert refusal_of(absurd) == Refusal(status=422, code="invalid_build_time", pointers=("/machine_minutes",))
    assert ended[0].json() == ended[1].json()
    now = ended[0].json()
    assert (now["state"], now["note"], now["machine_minutes"], now["grams_used"]) == (
        "cancelled", "the bed came loose", 10, 21,
    )  # fmt: skip
    assert sorted(job["grams"] for job in now["jobs"]) == [10, 11]
    assert plan_of(world) == [dict.fromkeys(pair, 4)]
    assert world.shop.table("SELECT sum(grams)::int FROM lot_movements WHERE kind = 'consumed'") == [(-21,)]
    # Both keep what they had reserved for the builds that are to come.
    assert world.shop.table("SELECT grams FROM material_allocations WHERE released_at IS NULL") == [(67,), (67,)]
    assert world.shop.table("SELECT count(*) FROM build_times") == [(0,)]
    again = world.running(dict.fromkeys(pair, 4))
    world.operator.post("/v1/recalls", json={"lot_id": "lot_1", "reason": "contaminated"})
    assert world.bureau.post(f"{again}/abort", json={"reason": "recalled"}).json()["state"] == "cancelled"


def test_a_first_article_is_built_alone_and_first(world: BureauWorld) -> None:
    world.ordered("a", 24)
    world.ordered("b", 4)
    first, second = world.fetched("a", "b")
    world.shop.table("UPDATE jobs SET first_article = true WHERE id = :id RETURNING id", id=first)

    proposed = {tuple(sorted(build.items())) for build in plan_of(world)}
    together = world.opened({first: 1, second: 4})
    more = world.opened({first: 2})

    assert proposed == {((first, 1),), ((second, 4),)}
    assert refusal_of(together) == Refusal(status=409, code="build_kept_apart")
    assert refusal_of(more) == Refusal(status=409, code="build_too_many_parts")
    assert [job["first_article"] for build in world.plan()["builds"] for job in build["jobs"]].count(True) == 1
    approved = "UPDATE jobs SET first_article_approved_at = now(), good_prints = 1 WHERE id = :id RETURNING id"
    world.shop.table(approved, id=first)
    assert plan_of(world) == [{first: 23, second: 4}]


def test_jobs_of_clients_start_under_their_claims_only(world: BureauWorld, pair: tuple[str, str]) -> None:
    first, _ = pair
    claimed = "UPDATE jobs SET lease_kind = 'claim', lease_id = 'lse_1', lease_epoch = 3 WHERE id = :id RETURNING id"
    world.shop.table(claimed, id=first)
    build = world.opened(dict.fromkeys(pair, 4)).headers["Location"]

    def started(**lease: object) -> httpx.Response:
        leases = [{"job_id": first, **lease}] if lease else []
        return world.bureau.post(f"{build}/start", json={"leases": leases})

    assert refusal_of(started()) == Refusal(status=428, code="lease_required")
    assert refusal_of(started(lease_id="lse_1", epoch=2)) == Refusal(status=409, code="lease_lost")
    assert {job["state"] for job in world.jobs()} == {"accepted"}
    assert started(lease_id="lse_1", epoch=3).status_code == 200
    assert {job["state"] for job in world.jobs()} == {"in_production"}


def test_of_many_requests_at_once_one_counts(world: BureauWorld, pair: tuple[str, str]) -> None:
    first, second = pair
    opened = at_once(lambda _: world.opened({first: 4}))
    assert Counter(answer.status_code for answer in opened) == {201: 1, 409: 7}
    assert {code_of(answer) for answer in opened if answer.status_code == 409} == {"build_too_many_parts"}

    others = [world.opened({second: 1}).headers["Location"] for _ in range(4)]
    started = at_once(lambda number: world.bureau.post(f"{others[number % 4]}/start", json={}))
    running = world.bureau.get("/v1/nodes/N101/builds?state=running").json()["data"]
    assert len(running) == 1
    assert {code_of(answer) for answer in started if answer.status_code != 200} == {"machine_busy"}

    world.clock.move_to(WEDNESDAY + 6 * HOUR)
    closed = at_once(lambda _: world.closed(f"/v1/builds/{running[0]['id']}", minutes=270, grams=17))
    assert {answer.status_code for answer in closed} == {200}
    assert len({answer.content for answer in closed}) == 1
    assert world.shop.table("SELECT count(*), sum(grams)::int FROM lot_movements WHERE kind = 'consumed'") == [(1, -17)]
    assert world.shop.table("SELECT count(*) FROM build_times") == [(1,)]


def test_a_build_that_lost_a_job_is_planned_anew(world: BureauWorld, pair: tuple[str, str]) -> None:
    first, second = pair
    build = world.opened(dict.fromkeys(pair, 4)).headers["Location"]
    world.shop.table("UPDATE jobs SET state = 'cancelled', ended_at = now() WHERE id = :id RETURNING id", id=first)

    assert refusal_of(world.bureau.post(f"{build}/start", json={})) == Refusal(status=409, code="job_state_conflict")
    assert changed(world, build, {second: 4}).status_code == 200
    assert world.bureau.post(f"{build}/start", json={}).json()["state"] == "running"
    assert plan_of(world) == []


def test_a_job_that_ends_leaves_its_planned_build_and_the_last_one_gives_it_up(
    world: BureauWorld, pair: tuple[str, str]
) -> None:
    first, second = pair
    build = world.opened({first: 3, second: 1}).headers["Location"]
    taken = [world.operator.post(f"/v1/jobs/{first}/take-back", json={"reason": "the customer asked"})]
    after = world.bureau.get(build).json()
    taken.append(world.operator.post(f"/v1/jobs/{second}/take-back", json={"reason": "nozzle clogged"}))
    at_last = world.bureau.get(build).json()

    assert [answer.status_code for answer in taken] == [200, 200], taken[0].text
    assert (after["state"], [(job["job_id"], job["parts"], job["share"]) for job in after["jobs"]]) == (
        "planned",
        [(second, 1, 1.0)],
    )
    assert (at_last["state"], at_last["note"]) == ("cancelled", "nozzle clogged")
    assert world.plan()["open_builds"] == []


def test_a_recall_gives_up_the_planned_builds_of_its_lots(world: BureauWorld, pair: tuple[str, str]) -> None:
    build = world.opened(dict.fromkeys(pair, 2))
    recalled = world.operator.post("/v1/recalls", json={"lot_id": "lot_1", "reason": "contaminated"})
    now = world.bureau.get(build.headers["Location"]).json()

    assert recalled.status_code == 200, recalled.text
    assert [(it["id"], it["state"]) for it in recalled.json()["builds"]] == [(build.json()["id"], "planned")]
    assert {it["job_id"]: it["outcome"] for it in recalled.json()["jobs"]} == dict.fromkeys(pair, "rerouted")
    assert (now["state"], now["note"]) == ("cancelled", "material recalled: contaminated")
    assert {job["job_id"] for job in now["jobs"]} == set(pair)
