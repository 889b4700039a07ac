"""The examples of certificates, first articles and jobs are one story, which the API takes and tells word for word."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, a_job_world

EXAMPLES = Path(__file__).parents[2] / "openapi" / "examples"
STORY = (
    "CertificateIn.narrow.json",
    "CertificateOut.waiting.json",
    "FirstArticleIn.approval.json",
    "FirstArticleOut.approved.json",
    "FileTicketOut.issued.json",
    "JobOut.accepted.json",
    "JobEvidenceOut.photo.json",
    "PrintIn.failed.json",
    "PrintOut.failed.json",
    "ReprintRequestIn.photo.json",
    "ReprintRequestOut.requested.json",
    "ReprintDecisionIn.granted.json",
    "ReprintRequestOut.granted.json",
    "RevocationIn.certificate.json",
    "CertificateRevokedOut.held.json",
    "JobOut.held.json",
    "TakeBackIn.held.json",
    "Listing_JobOut_.queue.json",
)
_VARIES = (
    *("url", "statement", "signature", "public_key", "days_left", "state", "produce_by"),
    *("offer_until", "until"),
)
_STAYS = ("node_id", "machine_id", "lot_id")


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


def load(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf8"))


def plain(value: Any) -> Any:
    """Return an answer without what is another at every time: ids, instants, tokens, signatures."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    signed = {"sha256"} if "statement" in value else set()
    return {name: kind_of(item) if name in signed or _varies(name) else plain(item) for name, item in value.items()}


def kind_of(value: object) -> str:
    return type(value).__name__


def _varies(name: str) -> bool:
    is_id = name == "id" or (name.endswith("_id") and name not in _STAYS)
    return is_id or name.endswith("_at") or name in _VARIES


def told(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def story(world: JobWorld) -> dict[str, Any]:
    """Live through the story by the requests of the examples, and return the answers by the examples' names."""
    seen: dict[str, Any] = {}
    seen["Listing_JobOut_.queue.json"] = told(world.bureau.get("/v1/nodes/N101/jobs?state=offered"))
    seen["CertificateOut.waiting.json"] = told(
        world.bureau.post("/v1/nodes/N101/certificates", json=load("CertificateIn.narrow.json"))
    )
    articles = f"/v1/revisions/{world.api.owner.revision_id}/first-articles"
    seen["FirstArticleOut.approved.json"] = told(world.owner.post(articles, json=load("FirstArticleIn.approval.json")))
    world.accepted()
    seen["FileTicketOut.issued.json"] = told(world.bureau.post(f"{world.job}/file-tickets"))
    assert world.bureau.get(seen["FileTicketOut.issued.json"]["url"]).content == world.content
    seen["JobOut.accepted.json"] = told(world.bureau.get(world.job))
    return seen | failure(world) | revocation(world)


def failure(world: JobWorld) -> dict[str, Any]:
    """A print fails; the owner grants another."""
    headers = {"Content-Type": "image/jpeg"}
    photo = told(world.bureau.put(f"{world.job}/evidence/layer-212.jpg", content=b"\xff\xd8 torn", headers=headers))
    report = load("PrintIn.failed.json") | {"evidence_id": photo["id"]}
    failed = told(world.bureau.post(f"{world.job}/prints", json=report))
    wish = load("ReprintRequestIn.photo.json") | {"evidence_id": photo["id"]}
    asked = told(world.bureau.post(f"{world.job}/reprint-requests", json=wish))
    decision = f"/v1/reprint-requests/{asked['id']}/decision"
    return {
        "JobEvidenceOut.photo.json": photo,
        "PrintOut.failed.json": failed,
        "ReprintRequestOut.requested.json": asked,
        "ReprintRequestOut.granted.json": told(world.owner.post(decision, json=load("ReprintDecisionIn.granted.json"))),
    }


def revocation(world: JobWorld) -> dict[str, Any]:
    """The node's certificate is revoked; the job is held, then taken back."""
    revoke = "/v1/certificates/crt_N101/revocation"
    seen = {
        "CertificateRevokedOut.held.json": told(world.bureau.post(revoke, json=load("RevocationIn.certificate.json"))),
        "JobOut.held.json": told(world.owner.get(world.job)),
    }
    taken = told(world.owner.post(f"{world.job}/take-back", json=load("TakeBackIn.held.json")))
    assert taken["state"] == "cancelled"
    return seen


def test_the_examples_are_what_the_api_takes_and_answers(world: JobWorld) -> None:
    answers = story(world)

    assert {name: plain(answer) for name, answer in answers.items()} == {name: plain(load(name)) for name in answers}
    assert {name for name in STORY if "In." not in name} == set(answers)


def test_the_states_of_the_examples_are_those_of_the_story(world: JobWorld) -> None:
    answers = story(world)
    stated = [name for name in answers if "state" in answers[name] and not name.startswith(("Cert", "First"))]

    assert len(stated) == 4
    assert {name: answers[name]["state"] for name in stated} == {name: load(name)["state"] for name in stated}


@pytest.mark.parametrize("name", STORY)
def test_every_example_of_the_story_is_there(name: str) -> None:
    assert load(name)
    assert (EXAMPLES / name).read_text(encoding="utf8").endswith("}\n")
