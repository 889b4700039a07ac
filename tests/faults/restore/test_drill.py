"""The drill: a backup under load, a disaster, a new server; clients replay what they sent, and nothing is lost."""

import hashlib
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.identity.service.sealing import (
    Evidence,
    Verification,
    export_roots,
    seal_audit_log,
    verify_audit_log,
)
from fabroute.integrations.audit_roots import open_root_folder
from fabroute.integrations.validation.signing import open_signer, verify
from fabroute_embedded import EmbeddedServers
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.homes import Client, Home, a_home, accept_one, download, prepared, routed, served_home
from tests.factories.orders import Owner
from tests.factories.processes import wait_until

BEFORE, DURING, AFTER = 8, 24, 8
EVERYONE = BEFORE + DURING + AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What clients know of the time before the disaster."""

    owner: Owner
    bureau: str
    job_id: str
    """Accepted before the backup."""
    sent: Mapping[str, httpx.Response]
    cursor: str
    """After the last event of then."""
    highest_fence: int
    said: str
    """By the backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What clients found after the restore."""

    refused: httpx.Response
    again: Mapping[str, httpx.Response]
    types: list[str]
    fetched: str


def live_until_the_disaster(engine: Engine, there: Home, backups: Path) -> Before:
    owner, bureau = prepared(engine, there)
    with served_home(there, owner.token) as client:
        for number in range(BEFORE):
            client.place(number)
        assert wait_until(lambda: routed(engine) == BEFORE)
        job_id = accept_one(engine, there, bureau)
        said = back_up_under_load(there, client, backups)
        for number in range(BEFORE + DURING, EVERYONE):
            client.place(number)
        assert wait_until(lambda: routed(engine) == EVERYONE)
        cursor, _ = client.to_the_end()
        return Before(
            owner=owner,
            bureau=bureau,
            job_id=job_id,
            sent=client.answers,
            cursor=cursor,
            highest_fence=number_in(engine, "SELECT greatest(max(l.fence), max(j.fence)) FROM order_lines l, jobs j"),
            said=said,
        )


def back_up_under_load(there: Home, client: Client, folder: Path) -> str:
    """Make a backup while orders come in."""
    numbers = range(BEFORE, BEFORE + DURING)
    placing = threading.Thread(target=lambda: [client.place(number) for number in numbers])
    placing.start()
    said = there.run("backup", str(folder), "--with-keys")
    placing.join()
    return said


def replay(engine: Engine, there: Home, before: Before) -> Afterwards:
    """Do as every client shall after a restore: ask for the cursor to go on from, and send everything again."""
    with served_home(there, before.owner.token) as client:
        refused = client.http.get("/v1/events", params={"cursor": before.cursor})
        again = {key: client.place(int(key.removeprefix("order-"))) for key in before.sent}
        assert wait_until(lambda: routed(engine) == EVERYONE)
        _, types = client.to_the_end(refused.json()["details"]["resume_cursor"])
        fetched = download(there, before.bureau, before.job_id)
    return Afterwards(refused=refused, again=again, types=types, fetched=fetched)


def sign_roots(engine: Engine, there: Home, roots: Path) -> int:
    """Sign how far the audit log is, as it is done every hour."""
    seal_audit_log(engine, seconds=10.0)
    signer = open_signer(Path(there.settings["FABROUTE_SIGNING_KEY_FILE"]))
    with unit_of_work(engine) as session:
        return export_roots(session, signer=signer, folder=open_root_folder(roots.as_uri()), every_seconds=0.0)


def verified(engine: Engine, roots: Path) -> Verification:
    seal_audit_log(engine, seconds=10.0)
    evidence = Evidence(check=verify, trusted_keys=frozenset(), folder=open_root_folder(roots.as_uri()))
    return in_transaction(engine, lambda session: verify_audit_log(session, evidence=evidence))


def broken(engine: Engine) -> set[str]:
    return {finding.invariant.name for finding in check_invariants(engine) if finding.broken}


def number_in(engine: Engine, query: str) -> int:
    return int(str(in_transaction(engine, lambda session: rows(session, query))[0][0]))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_after_a_disaster_clients_replay_what_they_sent_and_everything_is_whole(
    servers: EmbeddedServers, database: Database, empty_database: Database, broker_url: str, tmp_path: Path
) -> None:
    roots, backups = tmp_path / "roots", tmp_path / "backups"
    lost = a_home(database, tmp_path / "a", roots=roots, broker_url=broker_url)
    new = a_home(empty_database, tmp_path / "b", roots=roots, broker_url=broker_url)
    with engine_for(database.url) as engine:
        before = live_until_the_disaster(engine, lost, backups)
        signed = sign_roots(engine, lost, roots)
    servers.postgres.drop_database(str(make_url(database.url).database))
    shutil.rmtree(lost.folder)

    told = new.run("restore", str(backups))

    with engine_for(empty_database.url) as engine:
        kept = in_transaction(engine, lambda session: rows(session, "SELECT key FROM idempotency_keys"))
        fence = number_in(engine, f"SELECT fence FROM jobs WHERE id = '{before.job_id}'")
        after = replay(engine, new, before)
        audit, wrong = verified(engine, roots), broken(engine)
        orders = in_transaction(engine, lambda session: rows(session, "SELECT id, reference FROM orders"))

    held = {str(key) for (key,) in kept if str(key).startswith("order-")}
    assert BEFORE <= len(held) <= BEFORE + DURING  # whatever was acknowledged when the snapshot was taken
    assert {key for key, answer in after.again.items() if answer.content == before.sent[key].content} == held
    assert {str(key): order_id for order_id, key in orders} == {
        key: answer.json()["id"] for key, answer in after.again.items()
    }
    assert len(orders) == EVERYONE  # none is lost, none is there twice
    assert (after.refused.status_code, after.refused.json()["code"]) == (410, "feed_restored")
    assert after.types.count("installation.restored") == 1
    assert after.types.count("order.placed") >= EVERYONE - len(held)
    assert after.fetched == hashlib.sha256(before.owner.revision_id.encode()).hexdigest()
    assert audit.findings == ()
    assert (signed >= 1, audit.exports) == (True, len([*roots.rglob("*.jsonl")]))  # the worker exports by itself, too
    assert before.highest_fence < 1_000 < 100_000_000 < fence
    assert wrong == set()
    assert "feed_restored" in told
    assert "not in the backup" not in before.said
