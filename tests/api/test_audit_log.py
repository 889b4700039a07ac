"""The audit log over HTTP: an organisation reads its own, the operator anybody's."""

from datetime import timedelta

import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.identity.service.sealing import seal_audit_log
from tests.factories.api import Api
from tests.factories.audit import an_entry, given_entries, given_roots
from tests.factories.organisations import BUREAU, NOW, OWNER
from tests.factories.problems import Refusal, refusal_of
from tests.fakes.audit_roots import FakeRootFolder

PATH = "/v1/audit-log"


@pytest.fixture(scope="module")
def log(standing_api: Api) -> dict[str, dict[str, str]]:
    """Headers of an owner with six entries, a bureau with one, and an operator; two entries are of nobody."""
    headers: dict[str, dict[str, str]] = {}
    with unit_of_work(standing_api.engine) as session:
        kinds: tuple[tuple[str, OrganisationKind], ...] = ((OWNER, "owner"), (BUREAU, "bureau"), ("org_op", "operator"))
        for chosen, kind in kinds:
            create_organisation(session, name=kind, kind=kind, now=NOW, organisation_id=chosen)
    chains = (OWNER, OWNER, BUREAU, OWNER, None, OWNER, OWNER, None)
    entries = [
        an_entry(
            number=it, organisation_id=chain, actor=f"key_{it % 2}", action=("job.accepted", "job.declined")[it > 4]
        )
        for it, chain in enumerate(chains)
    ]
    given_entries(standing_api.engine, entries)
    seal_audit_log(standing_api.engine, seconds=10.0)
    given_roots(standing_api.engine, FakeRootFolder())
    with unit_of_work(standing_api.engine) as session:
        for chosen, kind in kinds:
            key = issue_api_key(session, organisation_id=chosen, name="k", scopes=["audit:read"], now=NOW)
            headers[kind] = {"Authorization": f"Bearer {key.token}"}
    return headers


def ids(api: Api, headers: dict[str, str], **parameters: str) -> list[str]:
    """The subjects of the entries that are listed."""
    answer = api.client.get(PATH, params=parameters, headers=headers)
    assert answer.status_code == 200, answer.text
    return [entry["subject_id"] for entry in answer.json()["data"]]


def test_an_entry_is_told_whole_with_its_seal(standing_api: Api, log: dict[str, dict[str, str]]) -> None:
    entry = standing_api.client.get(PATH, params={"limit": 1}, headers=log["bureau"]).json()["data"][0]

    assert (entry["position"], len(entry["hash"])) == (1, 64)
    assert {name: entry[name] for name in ("organisation_id", "actor", "action", "subject_type", "subject_id")} == {
        "organisation_id": BUREAU,
        "actor": "key_0",
        "action": "job.accepted",
        "subject_type": "job",
        "subject_id": "job_2",
    }
    assert entry["data"] == {"note": "Nº 2", "price_minor": 2, "share": 2 / 7, "late": True, "of": None}
    assert entry["occurred_at"] == "2026-06-15T08:00:02Z"


@pytest.mark.parametrize(
    ("parameters", "subjects"),
    [
        ({}, [6, 5, 3, 1, 0]),
        ({"actor": "key_1"}, [5, 3, 1]),
        ({"action": "job.declined"}, [6, 5]),
        ({"subject_type": "job", "subject_id": "job_3"}, [3]),
        ({"subject_type": "order"}, []),
        ({"since": (NOW + timedelta(seconds=3)).isoformat()}, [6, 5, 3]),
        ({"until": (NOW + timedelta(seconds=3)).isoformat()}, [1, 0]),
    ],
)
def test_entries_are_listed_the_last_first_by_what_is_asked_for(
    standing_api: Api, log: dict[str, dict[str, str]], parameters: dict[str, str], subjects: list[int]
) -> None:
    assert ids(standing_api, log["owner"], **parameters) == [f"job_{it}" for it in subjects]


def test_pages_follow_the_chain(standing_api: Api, log: dict[str, dict[str, str]]) -> None:
    first = standing_api.client.get(PATH, params={"limit": 2}, headers=log["owner"])
    second = standing_api.client.get(first.links["next"]["url"], headers=log["owner"])
    last = standing_api.client.get(second.links["next"]["url"], headers=log["owner"])
    broken = standing_api.client.get(PATH, params={"cursor": "eHg"}, headers=log["owner"])

    pages = [[entry["position"] for entry in page.json()["data"]] for page in (first, second, last)]
    assert pages == [[5, 4], [3, 2], [1]]
    assert [page.json()["has_more"] for page in (first, second, last)] == [True, True, False]
    assert refusal_of(broken) == Refusal(status=422, code="malformed_audit_cursor")


def test_the_operator_reads_anybodys_and_what_belongs_to_nobody(
    standing_api: Api, log: dict[str, dict[str, str]]
) -> None:
    assert ids(standing_api, log["operator"]) == []
    assert ids(standing_api, log["operator"], organisation_id=BUREAU) == ["job_2"]
    assert ids(standing_api, log["operator"], organisation_id="installation") == ["job_7", "job_4"]


@pytest.mark.parametrize(("who", "whose"), [("owner", BUREAU), ("owner", "installation"), ("operator", "org_none")])
@pytest.mark.parametrize("path", [PATH, f"{PATH}/head"])
def test_the_log_of_others_is_not_there(
    standing_api: Api, log: dict[str, dict[str, str]], path: str, who: str, whose: str
) -> None:
    answer = standing_api.client.get(path, params={"organisation_id": whose}, headers=log[who])

    assert refusal_of(answer) == Refusal(status=404, code="unknown_organisation")
    assert BUREAU not in answer.text or whose == BUREAU


def test_the_head_comes_with_the_last_signed_root(standing_api: Api, log: dict[str, dict[str, str]]) -> None:
    owner, operator = (standing_api.client.get(f"{PATH}/head", headers=log[it]).json() for it in ("owner", "operator"))

    assert (owner["organisation_id"], owner["position"]) == (OWNER, 5)
    assert (owner["root"]["position"], owner["root"]["hash"]) == (5, owner["hash"])
    assert operator == {"organisation_id": "org_op", "position": 0, "hash": "0" * 64, "root": None}


def test_reading_it_takes_a_scope_of_its_own(standing_api: Api, log: dict[str, dict[str, str]]) -> None:
    with unit_of_work(standing_api.engine) as session:
        key = issue_api_key(session, organisation_id=OWNER, name="k", scopes=["orders:read"], now=NOW)
    headers = {"Authorization": f"Bearer {key.token}"}

    for path in (PATH, f"{PATH}/head"):
        assert refusal_of(standing_api.client.get(path, headers=headers)) == Refusal(status=403, code="missing_scope")
