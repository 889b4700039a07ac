"""Inspections, scrap and certificates of conformity over HTTP."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from fabroute.kernel.time import utc_now
from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, refusal_of


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        made.fetched()
        yield made


def asks_for(world: JobWorld, level: str) -> None:
    sql = "UPDATE part_revisions SET inspection_level = :level RETURNING id"
    in_transaction(world.api.engine, lambda session: rows(session, sql, level=level))


def looked_at(world: JobWorld, **changes: object) -> Any:
    return world.bureau.post(f"{world.job}/inspections", json={"level": "visual", "inspector": "A. Weber"} | changes)


def all_printed(world: JobWorld) -> None:
    while world.bureau.get(world.job).json()["prints_left"]:
        number = len(world.bureau.get(f"{world.job}/prints").json()["data"]) + 1
        assert world.printed(number, "good").status_code == 201


def test_an_inspected_job_is_certified_at_once_and_its_certificate_is_read_by_the_parties(world: JobWorld) -> None:
    all_printed(world)
    refused = world.owner.post(f"{world.job}/conformity-certificate")
    reported = looked_at(world)

    assert refusal_of(refused) == Refusal(status=409, code="not_inspected")
    assert (reported.status_code, reported.json()["job_state"]) == (201, "inspected")
    (certificate,) = world.owner.get(f"{world.job}/conformity-certificates").json()["data"]
    assert world.bureau.post(f"{world.job}/conformity-certificate").json() == certificate
    url = f"/v1/conformity-certificates/{certificate['id']}"
    for client in (world.owner, world.bureau, world.operator):
        read = client.get(url)
        assert read.json() == certificate
        assert client.get(url, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
    for client in (world.rival, world.stranger):
        assert refusal_of(client.get(url)) == Refusal(status=404, code="unknown_conformity_certificate")
        assert refusal_of(client.get(f"{world.job}/conformity-certificates")) == Refusal(status=404, code="unknown_job")
    assert certificate["public_key"] == world.owner.get("/v1/signing-key").json()["public_key"]


def test_nobody_looks_at_a_part_before_its_job_was_accepted_nor_tomorrow(world: JobWorld) -> None:
    all_printed(world)
    for away in (timedelta(minutes=-10), timedelta(minutes=10)):
        refused = looked_at(world, inspected_at=(utc_now() + away).isoformat())
        assert refusal_of(refused) == Refusal(status=422, code="invalid_inspection", pointers=("/inspected_at",))
    assert looked_at(world, inspected_at=(utc_now() + timedelta(minutes=4)).isoformat()).status_code == 201


@pytest.mark.parametrize("level", ["none", "visual"])
def test_a_job_that_its_reports_finish_is_certified_at_once_too(world: JobWorld, level: str) -> None:
    asks_for(world, level)
    told: list[tuple[str, dict[str, object]]] = [("printed", {"serial": f"S-{number}"}) for number in (1, 2, 3)]
    if level == "visual":
        told.append(("inspected", {"level": "visual", "inspector": "A. Weber"}))
    at = utc_now().isoformat()
    reports = [
        {"sequence": number, "name": name, "occurred_at": at, "data": data}
        for number, (name, data) in enumerate(told, start=1)
    ]

    early = world.bureau.post(f"{world.job}/reports", json={"reports": reports[:-1]})
    assert (early.status_code, world.owner.get(f"{world.job}/conformity-certificates").json()["data"]) == (200, [])
    for _ in range(2):
        done = world.bureau.post(f"{world.job}/reports", json={"reports": reports[-1:]})
        assert [it["state"] for it in done.json()["data"]] == ["applied"]
        assert done.json()["job"]["state"] == "inspected"
        (certificate,) = world.owner.get(f"{world.job}/conformity-certificates").json()["data"]
        assert [part["serial"] for part in json.loads(certificate["statement"])["parts"]] == ["S-1", "S-2", "S-3"]


def test_inspections_are_listed_as_they_were_judged(world: JobWorld) -> None:
    all_printed(world)
    failed = looked_at(world, print_number=1, measurements=[{"name": "surface", "passed": False, "text": "pores"}])
    again = looked_at(world, print_number=1, measurements=[{"name": "surface", "passed": False, "text": "pores"}])

    assert failed.json() == again.json()
    assert failed.json()["inspection"]["findings"] == ["surface: pores"]
    assert world.owner.get(f"{world.job}/inspections").json()["data"] == [failed.json()["inspection"]]
    assert refusal_of(looked_at(world, print_number=1)) == Refusal(status=409, code="inspection_failed_before")
    assert refusal_of(looked_at(world, print_number=9)) == Refusal(status=404, code="unknown_print")
    assert refusal_of(looked_at(world, level="ct")) == Refusal(
        status=422, code="invalid_inspection", pointers=("/evidence",)
    )


def test_a_look_at_the_whole_job_does_not_overrule_a_print_that_failed(world: JobWorld) -> None:
    all_printed(world)
    assert looked_at(world, print_number=1, result="fail", note="a crack").status_code == 201
    refused = Refusal(status=409, code="inspection_failed_before")

    short = looked_at(world, result="pass")
    assert refusal_of(short) == refusal_of(looked_at(world, note="ground off")) == refused
    assert "print 1 of job" in short.json()["detail"]
    assert "(a crack): scrap it" in short.json()["detail"]
    photo = world.photo()
    assert refusal_of(looked_at(world, evidence=photo)) == refused
    put_right = looked_at(world, note="ground off", evidence=photo)
    assert (put_right.status_code, put_right.json()["job_state"]) == (201, "inspected")


def test_a_print_is_scrapped_by_its_node_and_its_certificate_withdrawn(world: JobWorld) -> None:
    asks_for(world, "none")
    photo = world.photo()
    all_printed(world)
    body = {"reason": "cracked in the box", "evidence": photo}
    url = f"{world.job}/prints/1/scrap"

    assert refusal_of(world.owner.post(url, json=body)) == Refusal(status=403, code="not_the_node")
    assert refusal_of(world.rival.post(url, json=body)) == Refusal(status=404, code="unknown_job")
    scrapped = world.bureau.post(url, json=body)
    assert (scrapped.status_code, scrapped.json()["scrap_reason"]) == (200, "cracked in the box")
    assert world.bureau.post(url, json=body).json() == scrapped.json()
    job = world.owner.get(world.job).json()
    assert (job["state"], job["failed_prints"], job["inspected_at"]) == ("in_production", 1, None)
    (certificate,) = world.owner.get(f"{world.job}/conformity-certificates").json()["data"]
    assert certificate["withdrawal_reason"] == "print 1 was scrapped: cracked in the box"


def test_a_job_without_a_first_article_has_none_to_decide(world: JobWorld) -> None:
    sent = world.bureau.post(f"{world.job}/first-article", json={"evidence": [world.photo()]})
    decided = world.owner.post(f"{world.job}/first-article/decision", json={"approved": True})
    mute = world.owner.post(f"{world.job}/first-article/decision", json={"approved": False})

    assert refusal_of(sent) == refusal_of(decided) == Refusal(status=409, code="no_first_article")
    assert refusal_of(mute) == Refusal(status=422, code="invalid_first_article", pointers=("/reason",))
