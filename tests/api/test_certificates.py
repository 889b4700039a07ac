"""Certificates over HTTP: handed in, verified, proved, revoked, and listed before they end."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.network.service import save_network
from fabroute.qualification.service import NewCertificate, save_certificates
from tests.factories.api import Api
from tests.factories.api_jobs import CERTIFICATE, JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_machine, a_network, a_node, an_offer
from tests.factories.organisations import NOW
from tests.factories.problems import Refusal, messages_of, refusal_of

NODE = "/v1/nodes/N101/certificates"
ALL_OF_IT = {"machine_id": None, "parameter_set": None}
PDF = b"%PDF-1.7 EN 45545-2 R22/R23, HL2"
WHOLE = {
    "scheme": "EN45545-HL2",
    "scope": "MJF:PA12-MJF",
    "machine_id": "N101-A",
    "parameter_set": "PS-1",
    "number": "0815/26",
    "issuer": "A test house",
    "valid_from": "2026-01-01",
    "valid_to": "2098-12-31",
}


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


@pytest.fixture(scope="module")
def lasting(standing_api: Api) -> Iterator[JobWorld]:
    """A world for tests that leave certificates behind, but ask for none that others made."""
    with a_job_world(standing_api) as made:
        yield made


def handed_in(client: httpx.Client, **changes: object) -> Any:
    answer = client.post(NODE, json=WHOLE | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def audited(world: JobWorld, certificate_id: str) -> list[object]:
    sql = "SELECT action FROM audit_entries WHERE subject_id = :id ORDER BY id"
    return [row[0] for row in in_transaction(world.api.engine, lambda session: rows(session, sql, id=certificate_id))]


# ---------------------------------------------------------------- handing in


def test_a_bureau_s_certificate_waits_and_the_operator_s_counts_at_once(lasting: JobWorld) -> None:
    waiting = handed_in(lasting.bureau)
    counting = handed_in(lasting.operator, number="4711")

    assert (waiting["state"], waiting["verified_at"], waiting["scope_kind"]) == ("waiting", None, "parameter_set")
    assert (counting["state"], counting["node_id"]) == ("valid", "N101")
    assert {name: waiting[name] for name in WHOLE} == WHOLE
    assert waiting["days_left"] == (date(2098, 12, 31) - utc_now().date()).days
    assert lasting.bureau.get(f"/v1/certificates/{waiting['id']}").json() == waiting
    assert audited(lasting, waiting["id"]) == ["certificate.added"]


def test_the_very_same_certificate_again_is_the_one_that_is_there(lasting: JobWorld) -> None:
    first = handed_in(lasting.bureau, number="twice")
    again = lasting.bureau.post(NODE, json=WHOLE | {"number": "twice"})
    renewed = handed_in(lasting.bureau, number="twice", valid_to="2099-12-31")

    assert (again.status_code, again.json()) == (200, first)
    assert renewed["id"] != first["id"]
    assert audited(lasting, first["id"]) == ["certificate.added"]


def test_the_operator_s_word_lets_a_waiting_certificate_count(lasting: JobWorld) -> None:
    waiting = handed_in(lasting.bureau, number="seen by the operator")
    again = lasting.operator.post(NODE, json=WHOLE | {"number": "seen by the operator"})

    assert (again.status_code, again.json()["id"], again.json()["state"]) == (200, waiting["id"], "valid")
    assert audited(lasting, waiting["id"]) == ["certificate.added", "certificate.verified"]


@pytest.mark.parametrize(
    ("change", "pointer", "word"),
    [
        ({"scope": "SLM"} | ALL_OF_IT, "/scope", "MJF"),
        ({"scope": "MJF:GOLD"} | ALL_OF_IT, "/scope", "MJF:PA12-MJF"),
        (ALL_OF_IT | {"machine_id": "N999-Z"}, "/machine_id", "N101-A"),
        ({"parameter_set": "PS-9"}, "/parameter_set", "PS-1"),
        ({"valid_to": "2025-12-31"}, "/valid_to", "before it begins"),
        ({"scheme": "ISO/ASTM 52901"}, "/scheme", "purchase orders"),
    ],
)
def test_a_certificate_that_can_not_be_says_what_can(
    lasting: JobWorld, change: dict[str, object], pointer: str, word: str
) -> None:
    before = len(lasting.operator.get(f"{NODE}?limit=200").json()["data"])
    answer = lasting.bureau.post(NODE, json=WHOLE | {"number": "new"} | change)

    assert refusal_of(answer) == Refusal(status=422, code="invalid_certificate", pointers=(pointer,))
    assert word in messages_of(answer)[0]
    assert len(lasting.operator.get(f"{NODE}?limit=200").json()["data"]) == before


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"valid_from": "1.1.2026"}, "/valid_from"),
        ({"valid_to": None}, "/valid_to"),
        ({"scheme": ""}, "/scheme"),
        ({"issuer": "a\u0000b"}, "/issuer"),
        ({"verified": True}, "/verified"),
    ],
)
def test_a_body_that_is_no_certificate_is_refused(lasting: JobWorld, change: dict[str, object], pointer: str) -> None:
    answer = lasting.bureau.post(NODE, json=WHOLE | change)

    assert refusal_of(answer) == Refusal(status=422, code="validation_failed", pointers=(pointer,))
    assert refusal_of(lasting.operator.post("/v1/nodes/N999/certificates", json=WHOLE)).code == "unknown_node"


def test_nobody_hands_in_certificates_of_another_s_node(lasting: JobWorld) -> None:
    for client in (lasting.owner, lasting.rival, lasting.stranger):
        assert refusal_of(client.post(NODE, json=WHOLE)) == Refusal(status=403, code="node_not_yours")
    assert refusal_of(lasting.rival.get(NODE)) == Refusal(status=404, code="unknown_node")


def test_rivals_see_nothing_of_each_other_s_certificates(lasting: JobWorld) -> None:
    own = handed_in(lasting.bureau, number="mine")
    url = f"/v1/certificates/{own['id']}"

    assert lasting.rival.get("/v1/certificates").json()["data"] == []
    for answer in (
        lasting.rival.get(url),
        lasting.rival.get(f"{url}/evidence"),
        lasting.rival.put(f"{url}/evidence", content=PDF, headers={"Content-Type": "application/pdf"}),
        lasting.rival.post(f"{url}/verification"),
        lasting.rival.post(f"{url}/revocation", json={"reason": "rivalry"}),
    ):
        assert refusal_of(answer) == Refusal(status=404, code="unknown_certificate")
    assert lasting.owner.get(url).json()["state"] == "waiting"


# ---------------------------------------------------------------- verifying and proving


def test_only_the_operator_verifies(lasting: JobWorld) -> None:
    certificate = handed_in(lasting.bureau, number="verify me")
    url = f"/v1/certificates/{certificate['id']}/verification"

    for client in (lasting.bureau, lasting.owner):
        assert refusal_of(client.post(url)) == Refusal(status=403, code="operator_only")
    first, again = lasting.operator.post(url), lasting.operator.post(url)
    assert (first.status_code, first.json()["state"]) == (200, "valid")
    assert again.json() == first.json()
    assert audited(lasting, certificate["id"]) == ["certificate.added", "certificate.verified"]


def test_the_operator_finds_what_waits(world: JobWorld) -> None:
    first, second = handed_in(world.bureau, number="1"), handed_in(world.bureau, number="2")
    before = world.operator.get("/v1/certificates?waiting=true").json()["data"]
    world.operator.post(f"/v1/certificates/{first['id']}/verification")

    assert [held["id"] for held in before] == [first["id"], second["id"]]
    assert world.operator.get("/v1/certificates?waiting=true").json()["data"] == [second]
    assert len(world.operator.get("/v1/certificates").json()["data"]) == 3
    assert world.rival.get("/v1/certificates?waiting=true").json()["data"] == []


def test_the_document_of_a_certificate_is_kept_as_it_came(lasting: JobWorld) -> None:
    certificate = handed_in(lasting.bureau, number="with document")
    url = f"/v1/certificates/{certificate['id']}/evidence"
    headers = {"Content-Type": "application/pdf"}
    missing = lasting.operator.get(url)
    sent = lasting.bureau.put(f"{url}?name=EN%2045545.pdf", content=PDF, headers=headers)
    again = lasting.bureau.put(f"{url}?name=EN%2045545.pdf", content=PDF, headers=headers)
    read = lasting.operator.get(url)

    sha256 = hashlib.sha256(PDF).hexdigest()
    assert refusal_of(missing) == Refusal(status=404, code="no_evidence")
    assert sent.json()["evidence"] == {"name": "EN 45545.pdf", "media_type": "application/pdf", "sha256": sha256}
    assert again.json() == sent.json()
    assert (read.content, read.headers["ETag"]) == (PDF, f'"{sha256}"')
    assert 'filename="EN_45545.pdf"' in read.headers["Content-Disposition"]
    assert lasting.owner.get(url, headers={"If-None-Match": f'"{sha256}"'}).status_code == 304


def test_a_document_is_not_exchanged_once_it_was_verified(lasting: JobWorld) -> None:
    certificate = handed_in(lasting.bureau, number="final")
    url = f"/v1/certificates/{certificate['id']}"
    headers = {"Content-Type": "application/pdf"}
    lasting.bureau.put(f"{url}/evidence", content=PDF, headers=headers)
    lasting.operator.post(f"{url}/verification")

    other = lasting.bureau.put(f"{url}/evidence", content=PDF + b"?", headers=headers)

    assert refusal_of(other) == Refusal(status=409, code="evidence_frozen")
    assert lasting.operator.get(f"{url}/evidence").content == PDF
    assert refusal_of(lasting.owner.put(f"{url}/evidence", content=PDF)).code == "node_not_yours"


# ---------------------------------------------------------------- revoking


def test_a_revocation_holds_the_jobs_that_stand_on_the_certificate(world: JobWorld) -> None:
    url = f"/v1/certificates/{CERTIFICATE}"
    revoked = world.bureau.post(f"{url}/revocation", json={"reason": "audit failed"})
    again = world.bureau.post(f"{url}/revocation", json={"reason": "once more"})

    assert (revoked.status_code, revoked.json()["held_jobs"]) == (200, 1)
    assert revoked.json()["certificate"]["state"] == "revoked"
    assert again.json() == {"certificate": revoked.json()["certificate"], "held_jobs": 0}
    assert revoked.json()["certificate"]["revocation_reason"] == "audit failed"
    job = world.owner.get(world.job).json()
    assert (job["state"], job["held_reason"].partition(":")[0]) == (
        "held",
        "certificate ISO9001 was revoked (audit failed); CERTIFICATE_MISSING",
    )
    assert refusal_of(world.operator.post(f"{url}/verification")) == Refusal(status=409, code="certificate_revoked")
    events = "SELECT subject_id FROM outbox_events WHERE name = 'job.held'"
    assert in_transaction(world.api.engine, lambda session: rows(session, events)) == [(world.job_id,)]


def test_a_certificate_is_revoked_by_its_node_and_the_operator_with_a_reason(lasting: JobWorld) -> None:
    certificate = handed_in(lasting.bureau, number="revoke me")
    url = f"/v1/certificates/{certificate['id']}/revocation"

    for client in (lasting.owner, lasting.stranger, lasting.rival):
        assert refusal_of(client.post(url, json={"reason": "x"})) == Refusal(status=404, code="unknown_certificate")
    for body in ({}, {"reason": ""}, {"reason": " "}):
        refused = refusal_of(lasting.bureau.post(url, json=body))
        assert refused == Refusal(status=422, code="validation_failed", pointers=("/reason",))
    assert lasting.operator.post(url, json={"reason": "a forgery"}).json()["certificate"]["state"] == "revoked"


# ---------------------------------------------------------------- lists


def test_a_node_s_certificates_come_in_pages(lasting: JobWorld) -> None:
    for number in range(3):
        handed_in(lasting.bureau, number=f"page {number}")
    seen, url = [], f"{NODE}?limit=2"
    while url:
        page = lasting.bureau.get(url)
        seen += [held["id"] for held in page.json()["data"]]
        url = page.links.get("next", {}).get("url", "")

    everything = lasting.operator.get(f"{NODE}?limit=200").json()["data"]
    assert seen == [held["id"] for held in everything]
    assert seen == sorted(set(seen))


def test_what_ends_soon_is_listed_by_its_last_day(world: JobWorld) -> None:
    given_ending_certificates(world)

    def listed(client: httpx.Client, within: int) -> list[tuple[str, int]]:
        data = client.get(f"/v1/certificates?expiring_within_days={within}").json()["data"]
        return [(held["id"], held["days_left"]) for held in data]

    assert listed(world.operator, 60) == [("today", 0), ("other", 7), ("month", 30), ("sixty", 60)]
    assert listed(world.operator, 59) == [("today", 0), ("other", 7), ("month", 30)]
    assert listed(world.bureau, 60) == [("today", 0), ("month", 30), ("sixty", 60)]
    assert listed(world.owner, 60) == [("today", 0), ("other", 7)]
    assert listed(world.stranger, 60) == []
    assert listed(world.rival, 60) == [("other", 7)]


def given_ending_certificates(world: JobWorld) -> None:
    """Give N101 certificates that end today, in 30, 60 and 61 days, yesterday, and one to a rival's node."""
    ends = {"today": 0, "month": 30, "sixty": 60, "later": 61, "yesterday": -1}
    schemes = {"today": "ISO9001", "other": "ISO9001"}
    rival = a_node(node_id="N102", organisation_id="org_rival")
    made = [(name, "N101", days) for name, days in ends.items()] + [("other", "N102", 7)]
    certificates = tuple(
        NewCertificate(
            certificate_id=name,
            node_id=node_id,
            scheme=schemes.get(name, "EN9100"),
            scope="*",
            valid_from=date(2020, 1, 1),
            valid_to=utc_now().date() + timedelta(days=days),
        )
        for name, node_id, days in made
    )
    with unit_of_work(world.api.engine) as session:
        data = a_network(
            nodes=(rival,),
            machines=(a_machine(machine_id="N102-A", node_id="N102"),),
            offers=(an_offer(machine_id="N102-A"),),
            lots=(),
        )
        save_network(session, data=data)
        save_certificates(session, certificates=certificates, now=NOW)


def test_what_ends_soon_comes_in_pages(world: JobWorld) -> None:
    given_ending_certificates(world)

    first = world.operator.get("/v1/certificates?expiring_within_days=60&limit=3")
    second = world.operator.get(first.links["next"]["url"])

    assert [held["id"] for held in first.json()["data"]] == ["today", "other", "month"]
    assert ([held["id"] for held in second.json()["data"]], second.json()["has_more"]) == (["sixty"], False)
    assert refusal_of(world.operator.get("/v1/certificates?expiring_within_days=-1")).code == "validation_failed"
