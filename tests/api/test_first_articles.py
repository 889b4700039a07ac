"""First articles over HTTP: approved by the part's owner, revoked, and listed before they lapse."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from fabroute.kernel.time import utc_now
from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, messages_of, refusal_of

ARTICLE = {"node_id": "N101", "machine_id": "N101-A", "material": "PA12-MJF", "parameter_set": "PS-1"}


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


def url_of(world: JobWorld) -> str:
    return f"/v1/revisions/{world.api.owner.revision_id}/first-articles"


def approved(world: JobWorld, **changes: object) -> Any:
    answer = world.owner.post(url_of(world), json=ARTICLE | {"approved_on": str(utc_now().date())} | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_an_owner_approves_a_first_article_for_two_years(world: JobWorld) -> None:
    with time_machine.travel("2026-03-01T12:00:00Z"):
        article = approved(world, note="ct scan 12")

    assert (article["approved_on"], article["last_production_on"]) == ("2026-03-01", "2026-03-01")
    assert (article["ends_on"], article["days_left"], article["state"]) == ("2028-03-01", 731, "valid")
    assert {name: article[name] for name in ARTICLE} == ARTICLE
    assert (article["note"], article["evidence"], article["revoked_at"]) == ("ct scan 12", None, None)


def test_the_same_first_article_again_is_renewed(world: JobWorld) -> None:
    first, second = approved(world, approved_on="2025-01-05"), approved(world, approved_on="2025-03-05")

    assert second["id"] == first["id"]
    assert (first["ends_on"], second["ends_on"]) == ("2027-01-05", "2027-03-05")
    assert world.owner.get(url_of(world)).json()["data"] == [second]
    actions = "SELECT action FROM audit_entries WHERE subject_type = 'first_article' ORDER BY id"
    assert in_transaction(world.api.engine, lambda session: rows(session, actions)) == [
        ("first_article.added",),
        ("first_article.renewed",),
    ]


@pytest.mark.parametrize(
    ("change", "pointer", "word"),
    [
        ({"node_id": "N999"}, "/node_id", "N101"),
        ({"machine_id": "N999-A"}, "/machine_id", "N101-A"),
        ({"material": "GOLD"}, "/material", "PA12-MJF"),
        ({"parameter_set": "PS-9"}, "/parameter_set", "PS-1"),
        ({"last_production_on": "2020-01-01"}, "/last_production_on", "after its last production"),
        ({"approved_on": "2098-01-01"}, "/last_production_on", "to come"),
    ],
)
def test_a_first_article_that_can_not_be_says_what_can(
    lasting: JobWorld, change: dict[str, object], pointer: str, word: str
) -> None:
    body = ARTICLE | {"approved_on": "2025-06-01"} | change
    answer = lasting.owner.post(url_of(lasting), json=body)

    assert refusal_of(answer) == Refusal(status=422, code="invalid_certificate", pointers=(pointer,))
    assert word in messages_of(answer)[0]
    assert lasting.owner.get(url_of(lasting)).json()["data"] == []


@pytest.fixture(scope="module")
def lasting(standing_api: Api) -> Iterator[JobWorld]:
    """A world in which no first article is approved."""
    with a_job_world(standing_api) as made:
        yield made


def test_only_the_part_s_owner_approves_and_lists(lasting: JobWorld) -> None:
    body = ARTICLE | {"approved_on": "2025-06-01"}

    for client in (lasting.bureau, lasting.rival, lasting.stranger, lasting.operator):
        assert refusal_of(client.post(url_of(lasting), json=body)) == Refusal(status=404, code="unknown_revision")
    for client in (lasting.bureau, lasting.rival, lasting.stranger):
        assert refusal_of(client.get(url_of(lasting))) == Refusal(status=404, code="unknown_revision")
    assert lasting.operator.get(url_of(lasting)).json()["data"] == []


def test_a_first_article_is_read_by_the_parties(world: JobWorld) -> None:
    article = approved(world)
    url = f"/v1/first-articles/{article['id']}"

    for client in (world.owner, world.bureau, world.operator):
        assert client.get(url).json() == article
    for client in (world.rival, world.stranger):
        assert refusal_of(client.get(url)) == Refusal(status=404, code="unknown_first_article")


def test_the_report_of_a_first_article_is_kept_as_it_came(world: JobWorld) -> None:
    article = approved(world)
    url, headers = f"/v1/first-articles/{article['id']}/evidence", {"Content-Type": "application/pdf"}
    missing = world.owner.get(url)
    sent = world.owner.put(f"{url}?name=fai.pdf", content=b"%PDF 1", headers=headers)
    again = world.owner.put(f"{url}?name=fai.pdf", content=b"%PDF 1", headers=headers)

    assert refusal_of(missing) == Refusal(status=404, code="no_evidence")
    proof = {"name": "fai.pdf", "media_type": "application/pdf", "sha256": hashlib.sha256(b"%PDF 1").hexdigest()}
    assert sent.json() == article | {"evidence": proof}
    assert again.json() == sent.json()
    for client in (world.owner, world.bureau, world.operator):
        assert client.get(url).content == b"%PDF 1"


def test_the_report_of_a_first_article_is_its_owner_s_to_send(world: JobWorld) -> None:
    article = approved(world)
    url, headers = f"/v1/first-articles/{article['id']}/evidence", {"Content-Type": "application/pdf"}

    for client in (world.rival, world.stranger):
        assert refusal_of(client.get(url)) == Refusal(status=404, code="unknown_first_article")
    for client in (world.rival, world.stranger, world.bureau, world.operator):
        assert refusal_of(client.put(url, content=b"2", headers=headers)).code == "unknown_first_article"
    world.owner.post(f"/v1/first-articles/{article['id']}/revocation", json={"reason": "porous"})
    late = world.owner.put(url, content=b"3", headers=headers)
    assert refusal_of(late) == Refusal(status=409, code="first_article_revoked")


def test_a_revocation_is_the_owner_s_or_the_operator_s_and_stops_the_jobs(world: JobWorld) -> None:
    article = approved(world)
    needed = "UPDATE part_revisions SET part_qualification = true RETURNING 1"
    in_transaction(world.api.engine, lambda session: rows(session, needed))
    url, body = f"/v1/first-articles/{article['id']}/revocation", {"reason": "porous"}

    for client in (world.bureau, world.rival, world.stranger):
        assert refusal_of(client.post(url, json=body)) == Refusal(status=404, code="unknown_first_article")
    revoked = world.owner.post(url, json=body)
    again = world.operator.post(url, json={"reason": "another"})

    assert (revoked.json()["held_jobs"], revoked.json()["first_article"]["state"]) == (1, "revoked")
    assert again.json() == {"first_article": revoked.json()["first_article"], "held_jobs": 0}
    job = world.bureau.get(world.job).json()
    assert (job["state"], job["held_reason"].partition(":")[0]) == (
        "held",
        "the first article was revoked (porous); PART_NOT_QUALIFIED",
    )
    assert approved(world)["state"] == "valid"
    assert world.owner.post(f"{world.job}/resumption").json()["state"] == "offered"


def test_what_lapses_soon_is_listed_to_those_it_concerns(world: JobWorld) -> None:
    end = two_years_before(utc_now().date() + timedelta(days=30))
    article = approved(world, approved_on=str(end), last_production_on=str(end))

    for client in (world.owner, world.bureau, world.operator):
        listed = client.get("/v1/first-articles?expiring_within_days=31").json()["data"]
        assert listed == [article]
        assert client.get("/v1/first-articles?expiring_within_days=28").json()["data"] == []
        assert client.get("/v1/first-articles").json()["data"] == [article]
    for client in (world.rival, world.stranger):
        assert client.get("/v1/first-articles?expiring_within_days=31").json()["data"] == []


def two_years_before(day: date) -> date:
    return day.replace(year=day.year - 2, day=min(day.day, 28))
