"""Ids of others in paths, bodies and queries: as if they were not there, to the letter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.matrix.asking import ask
from tests.api.matrix.audiences import AUDIENCES, Who
from tests.api.matrix.leaks import ids_in, leaks_by, read_rows
from tests.api.matrix.making import Ids
from tests.api.matrix.operations import operations
from tests.api.matrix.sides import OTHERS, VICTIM
from tests.api.matrix.world import World
from tests.factories.problems import problem_of

NEVER = "never_was"
HIDDEN = tuple(
    name for name, audience in AUDIENCES.items() if 404 in (audience["other owner"], audience["other bureau"])
)
COUNTED = {"lines": "1", "prints": "1", "build-times": "1"}
OTHER_WORDS = {
    "fetch_print_file": "a ticket that nobody has is unknown, one of another organisation is told to its owner",
    "get_readiness": "it names nothing",
    **dict.fromkeys(
        ("list_node_certificates", "list_jobs", "get_build_plan", "list_builds", "open_build"),
        "everyone may know of every node: GET /v1/nodes",
    ),
}
"""Operations whose refusal may tell the two apart, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A request on one's own things that names one thing of others."""

    who: Who
    method: str
    url: str
    body: Mapping[str, Any] | None = None
    named: str
    """Whose id it names, among the ids of the victim."""

    def __str__(self) -> str:
        return f"{self.who}: {self.method} {self.url} naming {self.named}"


def _by_bureau(url: str, named: str, /, **body: Any) -> Reference:
    return Reference(who="other bureau", method="POST", url=url, body=body, named=named)


def _asked(who: Who, url: str, named: str) -> Reference:
    return Reference(who=who, method="GET", url=url, named=named)


def _by_owner(url: str, named: str, /, **body: Any) -> Reference:
    return Reference(who="other owner", method="POST", url=url, body=body, named=named)


IT = "{it}"
"""Stands where the id of the thing goes."""
JOB = "/v1/jobs/{jobs}"
ORDER = {"ship_to": {"city": "Hamburg", "country": "DE"}, "lines": [{"part": OTHERS.part_no, "quantity": 1}]}
PRINT = {"number": 2, "result": "good"}
KEY = {"name": "asked", "scopes": ["orders:read"]}
PERSON = {"email": "asked@example.org", "name": "asked", "role": "admin"}
REFERENCES = (
    _by_bureau(f"/v1/nodes/{OTHERS.node_id}/builds", "jobs", jobs=[{"job_id": IT, "parts": 1}]),
    _by_bureau(f"/v1/nodes/{OTHERS.node_id}/claims", "offered.jobs", max=1, job_id=IT),
    _by_bureau(f"{JOB}/prints", "builds", **PRINT, build_id=IT),
    _by_bureau(f"{JOB}/prints", "evidence_id", number=2, result="failed", evidence_id=IT),
    _by_bureau(f"{JOB}/reprint-requests", "evidence_id", print_number=1, reason="asked", evidence_id=IT),
    _by_bureau(f"{JOB}/prints/1/scrap", "evidence_id", reason="asked", evidence=IT),
    _by_bureau(f"{JOB}/first-article", "evidence_id", evidence=[IT]),
    _by_bureau(f"{JOB}/inspections", "evidence_id", level="visual", inspector="Q", evidence=IT),
    _by_bureau("/v1/builds/{builds}/start", "jobs", leases=[{"job_id": IT, "lease_id": "lse_1", "epoch": 1}]),
    _by_bureau("/v1/recalls", "lots", reason="asked", lot_id=IT),
    _by_owner("/v1/orders", "quotes", **ORDER, quote_id=IT, quote_offer="cheapest"),
    _by_owner("/v1/estimates", "parts", part=IT),
    _by_owner("/v1/shadow-runs", "organisations", since="2026-06-15T08:00:00Z", organisation_id=IT),
    _by_owner("/v1/api-keys", "organisations", **KEY, organisation_id=IT),
    _by_owner("/v1/oauth-clients", "organisations", **KEY, organisation_id=IT),
    _by_owner("/v1/people", "organisations", **PERSON, organisation_id=IT),
    _asked("other owner", f"/v1/orders?reference={IT}", "reference"),
    _asked("other owner", f"/v1/reroutes?order_id={IT}", "declined.orders"),
    _asked("other owner", f"/v1/nodes/{VICTIM.node_id}/jobs?order_id={IT}", "orders"),
    _asked("other owner", f"/v1/parts?number={IT}", "aliases"),
    _asked("other owner", f"/v1/api-keys?organisation_id={IT}", "organisations"),
    _asked("other owner", f"/v1/oauth-clients?organisation_id={IT}", "organisations"),
    _asked("other owner", f"/v1/people?organisation_id={IT}", "organisations"),
    _asked("other owner", f"/v1/audit-log?organisation_id={IT}", "organisations"),
    _asked("other bureau", f"/v1/reprint-requests?job_id={IT}", "jobs"),
)


@pytest.fixture(scope="module")
def victim_ids(world: World) -> frozenset[str]:
    return ids_in(read_rows(world.api.engine))


def filled(value: Any, it: str) -> Any:
    """Return a body with the id in it."""
    if isinstance(value, Mapping):
        return {name: filled(each, it) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, it) for each in value]
    return it if value == IT else value


def sent(world: World, asked: Reference, it: str) -> httpx.Response:
    """Send a request that names ``it``."""
    own: Ids = world.ids_of(OTHERS)
    url = asked.url.format_map({**own, "it": it})
    headers = {"Idempotency-Key": f"{asked} {it}", "If-Match": "*"}
    return world.clients[asked.who].request(asked.method, url, json=filled(asked.body, it), headers=headers)


def essence(answer: httpx.Response, it: str) -> tuple[int, object]:
    """Return what an answer says, whatever was asked for and when."""
    body = answer.json()
    words = (
        (
            body["code"],
            body["detail"].replace(it, NEVER),
            [each["message"].replace(it, NEVER) for each in body["errors"]],
        )
        if answer.is_error
        else body
    )
    return answer.status_code, words


@pytest.mark.parametrize("asked", REFERENCES, ids=str)
def test_a_reference_to_others_is_as_one_to_nothing(world: World, victim_ids: frozenset[str], asked: Reference) -> None:
    ids = world.ids_of(VICTIM) | {"reference": "zqalphareferencemade"}
    foreign, never = sent(world, asked, ids[asked.named]), sent(world, asked, NEVER)

    assert essence(foreign, ids[asked.named]) == essence(never, NEVER)
    assert foreign.is_client_error or foreign.json()["data"] == []
    assert leaks_by({asked.who: foreign}, operation="", victim_ids=victim_ids) == {}


@pytest.mark.parametrize("name", [name for name in HIDDEN if name not in OTHER_WORDS])
def test_what_is_of_others_is_hidden_to_the_letter(world: World, name: str) -> None:
    operation = operations()[name]
    ids = world.ids_of(VICTIM)
    for who in ("other owner", "other bureau"):
        if AUDIENCES[name][who] != 404:
            continue
        foreign = problem_of(ask(world, who, operation))
        never = problem_of(ask(world, who, operation, ids=dict.fromkeys(ids, NEVER) | COUNTED))
        assert foreign["code"] == never["code"]
        assert plain(foreign["detail"], ids) == plain(never["detail"], ids)


def plain(words: str, ids: Ids) -> str:
    """Return words without the ids that were asked for."""
    for it in sorted(ids.values(), key=len, reverse=True):
        words = words.replace(it, NEVER) if len(it) > 2 else words
    return words
