"""Secrets, sent wherever a request has room: none comes into a log, and none stands in the database as it was sent."""

import logging
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from fabroute.kernel.time import utc_now
from fabroute_workers.delivery import Relay
from tests.api.matrix.making import done
from tests.api.matrix.sides import VICTIM
from tests.api.matrix.world import World
from tests.factories.databases import in_transaction, rows
from tests.factories.people import PASSWORD, given_person, sign_in
from tests.fakes.ringers import FakeRinger

HEADERS = ("Authorization", "X-Api-Key", "Cookie", "X-CSRF-Token", "User-Agent", "Referer", "If-Match", "Accept")
PATHS = (
    "/v1/orders/{it}",
    "/v1/print-files/{it}",
    "/v1/passports/{it}",
    "/v1/nodes/{it}/jobs",
    "/v1/webhook-endpoints/{it}",
    "/{it}",
    "/v1/orders?reference={it}",
    "/v1/orders?cursor={it}",
    "/v1/orders?{it}=1",
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NAMED = {"name": "zq", "scopes": ["orders:read"]}
TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was written down while secrets were sent."""

    secrets: Mapping[str, str]
    logs: str
    entries: int
    dump: str


def given_secrets(world: World) -> dict[str, str]:
    """Have every kind of secret made over HTTP, each with a key that asks for the answer to be kept."""
    owner, ids = world.clients["owner"], world.ids_of(VICTIM)
    hook = {"url": "https://hooks.example.com/zq", "types": ["*"]}
    invited = {"email": "zqnew@example.org", "name": "zq", "role": "admin"}

    def made(path: str, body: Mapping[str, object]) -> Any:
        return done(owner.post(path, json=body, headers={"Idempotency-Key": f"secret of {path}"}))

    client = made("/v1/oauth-clients", NAMED)
    found = {
        "revoked key": world.recipe.tokens["revoked"],
        "live key": world.recipe.tokens["alpha"],
        "wrong key": "fr_test_01zqwrongkey_" + "z" * 39,
        "new key": made("/v1/api-keys", NAMED)["token"],
        "client secret": client["client_secret"],
        "webhook secret": made("/v1/webhook-endpoints", hook)["secrets"][0]["secret"],
        "invitation": made("/v1/people", invited)["invitation"]["token"],
        "file ticket": ids["print-files"],
        "password": PASSWORD,
        "wrong password": "zq-dwarf-planet-trombone",
    }
    credentials = (
        f"grant_type=client_credentials&client_id={client['client_id']}&client_secret={found['client secret']}"
    )
    found["access token"] = done(world.clients["nobody"].post("/v1/oauth/token", content=credentials, headers=FORM))[
        "access_token"
    ]
    return found | session_of(world)


def session_of(world: World) -> dict[str, str]:
    """Sign a person in and return what their browser keeps."""
    person = given_person(world.api.engine, organisation_id="org_alpha", email="zqperson@example.org")
    with world.api.as_(None) as browser:
        token = done(sign_in(browser, person))["csrf_token"]
        cookie = next(it for it in browser.cookies.jar if it.name.endswith("fabroute_session"))
    return {"session": str(cookie.value), "CSRF token": str(token)}


def requests_with(client: httpx.Client, it: str) -> Iterator[httpx.Response]:
    """Send a secret in headers, paths, queries and bodies."""
    for header in HEADERS:
        value = {"Authorization": f"Bearer {it}", "Cookie": f"fabroute_session={it}"}.get(header, it)
        yield client.get("/v1/orders/ord_1", headers={header: value})
    for path in PATHS:
        yield client.get(path.format(it=it))
    for path in ("/v1/parts", "/v1/orders", "/v1/api-keys", "/v1/sign-in", "/v1/oauth/token"):
        yield client.post(path, json={it: it}, headers={"Idempotency-Key": "zq"})
        yield client.post(
            path, content=f'{{"{it}', headers={"Content-Type": "application/json", "Idempotency-Key": "zq"}
        )
        yield client.post(path, content=it, headers={"Content-Type": f"text/{it[:20]}", "Idempotency-Key": "zq"})
    yield client.post("/v1/sign-in", json={"email": "zqperson@example.org", "password": it})
    yield client.post("/v1/invitations/accept", json={"token": it, "password": it})
    for path, field in (("token", "client_secret"), ("revoke", "token")):
        yield client.post(f"/v1/oauth/{path}", content=f"client_id=zq&{field}={it}", headers=FORM)


def rendered(entries: list[Any], records: list[logging.LogRecord]) -> str:
    """Return logs as they are written, with their tracebacks."""
    lines = [str(entry) for entry in entries] + [record.getMessage() for record in records]
    errors = [record.exc_info[1] for record in records if record.exc_info]
    errors += [entry["exc_info"] for entry in entries if isinstance(entry.get("exc_info"), BaseException)]
    return "\n".join([*lines, *("".join(traceback.format_exception(error)) for error in errors if error)])


@pytest.fixture(scope="module")
def told(world: World) -> Told:
    secrets, handler = given_secrets(world), _Records()
    logging.getLogger().addHandler(handler)
    with (
        capture_logs() as entries,
        world.api.as_(None) as stranger,
        world.api.as_(world.recipe.tokens["alpha"]) as owner,
    ):
        for it in secrets.values():
            for client in (stranger, owner):
                assert [answer.text for answer in requests_with(client, it) if answer.status_code >= 500] == []
        Relay(world.api.engine, ringer=FakeRinger(), now=utc_now).turn()
    logging.getLogger().removeHandler(handler)
    logs = rendered(list(entries), handler.records)
    return Told(secrets=secrets, logs=logs, entries=len(entries), dump=dump_of(world))


_CLIENTS = ("httpx", "httpcore")
"""What the test asks with, which logs the URLs that it asks for."""


class _Records(logging.Handler):
    """Keeps what uvicorn and the libraries log."""

    def __init__(self) -> None:
        super().__init__(level=logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(_CLIENTS):
            self.records.append(record)


def dump_of(world: World) -> str:
    """Return every column of every row as text; bytes as the text that they are, too."""
    engine = world.api.engine
    tables = [str(name) for (name,) in in_transaction(engine, lambda session: rows(session, TABLES))]
    found = [
        str(row)
        for table in tables
        for (row,) in in_transaction(engine, partial(rows, sql=f"SELECT CAST(it AS text) FROM {table} it"))
    ]
    kept = in_transaction(engine, lambda session: rows(session, "SELECT body FROM idempotency_keys"))
    return "\n".join(
        [*found, *(bytes(body).decode("utf-8", "replace") for (body,) in kept if isinstance(body, bytes | memoryview))]
    )


def test_no_secret_comes_into_a_log(told: Told) -> None:
    lines = [line for line in told.logs.splitlines() if any(it in line for it in told.secrets.values())]

    assert lines[:3] == []
    assert told.entries >= 100
    assert len(told.secrets) == 13


def test_no_secret_stands_in_the_database_as_it_was_sent(told: Told) -> None:
    assert [name for name, it in told.secrets.items() if it in told.dump] == []
    assert [name for name, it in told.secrets.items() if it.encode().hex() in told.dump] == []
    assert "zqalphacustomer" in told.dump
