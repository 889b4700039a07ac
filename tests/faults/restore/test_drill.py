"""The drill: a backup under load, a disaster, a new server; clients replay what they sent, and nothing is lost."""

import hashlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.identity.service.sealing import Evidence, export_roots, seal_audit_log, verify_audit_log
from fabroute.integrations.audit_roots import open_root_folder
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.sign_in.secret_key import make_secret_key
from fabroute.integrations.validation.signing import open_signer, verify
from fabroute.kernel.time import utc_now
from fabroute_embedded import EmbeddedServers
from fabroute_workers.commands import relay_command, worker_command
from tests.conftest import Database
from tests.factories.api import an_order, client_on, given_owner_and_places
from tests.factories.api_jobs import qualify_node, token_of
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner
from tests.factories.organisations import BUREAU
from tests.factories.processes import a_process, run_module, wait_until
from tests.factories.routable import given_routable_network

BEFORE, DURING, AFTER = 8, 24, 8
NODES = (a_node(), a_node(node_id="N102", city="Potsdam"))
QUEUES = ("routing", "network", "production", "identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """An installation's settings: everything that a disaster takes, but for the audit roots, lies in one folder."""

    database: Database
    folder: Path
    settings: dict[str, str]

    @property
    def socket(self) -> str:
        return str(self.folder / "api.sock")

    def run(self, *words: str) -> str:
        """Run a command of fabroute to its good end and return what it said."""
        done = run_module("fabroute.cli", *words, environment=self.settings)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@dataclass(slots=True, kw_only=True)
class Client:
    """An owner's client, which remembers what it sent under which key, and what was answered first."""

    http: httpx.Client
    answers: dict[str, httpx.Response] = field(default_factory=dict)

    def place(self, number: int) -> httpx.Response:
        """Place an order under the key of its number."""
        key = f"order-{number}"
        answer = self.http.post("/v1/orders", json=an_order(reference=key), headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.text
        self.answers.setdefault(key, answer)
        return answer

    def to_the_end(self, cursor: str | None = None) -> tuple[str, list[str]]:
        """Read the feed on; return the cursor after its last event, and the types of what came."""
        types: list[str] = []
        while True:
            params = {"limit": "200"} | ({} if cursor is None else {"cursor": cursor})
            page = self.http.get("/v1/events", params=params).json()
            types += [event["type"] for event in page["data"]]
            cursor = str(page["next_cursor"])
            if not page["has_more"]:
                return cursor, types


def home(database: Database, folder: Path, roots: Path, broker_url: str) -> Home:
    folder.mkdir()
    settings = {
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_DATABASE_URL": database.url,
        "FABROUTE_MIGRATION_DATABASE_URL": database.migration_url,
        "FABROUTE_BROKER_URL": broker_url,
        "FABROUTE_STORAGE_URL": (folder / "files").as_uri(),
        "FABROUTE_AUDIT_ROOTS_URL": roots.as_uri(),
        "FABROUTE_SIGNING_KEY_FILE": str(folder / "signing-key.pem"),
        "FABROUTE_SECRET_KEY_FILE": str(folder / "secret-key"),
        "FABROUTE_ROUTING_DETERMINISTIC_SECONDS": "0.5",
    }
    return Home(database=database, folder=folder, settings=settings)


@contextmanager
def running(there: Home, token: str) -> Iterator[Client]:
    """Run API, worker and relay of an installation, and yield a client of it."""
    log = there.folder / "log"
    with (
        a_process("fabroute.api", "--uds", there.socket, environment=there.settings, log=log),
        a_process(*relay_command()[2:], environment=there.settings, log=log),
        a_process(*worker_command(1, queues=QUEUES)[2:], environment=there.settings, log=log),
        client_on(there.socket, token, {}) as http,
    ):
        assert wait_until(lambda: answers(http)), log.read_text()
        yield Client(http=http)


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").is_success
    except httpx.TransportError:
        return False


def routed(engine: Engine) -> int:
    query = "SELECT count(*) FROM orders WHERE state = 'routed'"
    ((count,),) = in_transaction(engine, lambda session: rows(session, query))
    return int(str(count))


def download(there: Home, token: str, job_id: str) -> str:
    """Fetch a job's print file by a ticket of its node; return the SHA-256 of what came."""
    with client_on(there.socket, token, {}) as bureau:
        ticket = bureau.post(f"/v1/jobs/{job_id}/file-tickets")
        assert ticket.status_code == 201, ticket.text
        return hashlib.sha256(bureau.get(ticket.json()["url"]).content).hexdigest()


def prepared(engine: Engine, there: Home) -> tuple[Owner, str]:
    """Save a network, an owner and the print file; return the owner and the bureau's key."""
    given_routable_network(engine, nodes=NODES, today=utc_now().date())
    qualify_node(engine)
    owner = given_owner_and_places(engine)
    open_signer(there.folder / "signing-key.pem", create=True)
    make_secret_key(there.folder / "secret-key")
    open_print_file_store(there.settings["FABROUTE_STORAGE_URL"]).put(owner.revision_id.encode())
    return owner, token_of(engine, BUREAU, "bureau")


def accept_one(engine: Engine, there: Home, token: str) -> str:
    """Accept a job by hand as its bureau and return its id."""
    query = "SELECT id FROM jobs WHERE node_id = 'N101' AND state = 'offered' ORDER BY id LIMIT 1"
    ((job_id,),) = in_transaction(engine, lambda session: rows(session, query))
    with client_on(there.socket, token, {}) as bureau:
        assert bureau.post(f"/v1/jobs/{job_id}/acceptance").status_code == 200
    return str(job_id)


def back_up_under_load(there: Home, client: Client, folder: Path) -> str:
    """Make a backup while orders come in."""
    numbers = range(BEFORE, BEFORE + DURING)
    placing = threading.Thread(target=lambda: [client.place(number) for number in numbers])
    placing.start()
    said = there.run("backup", str(folder), "--with-keys")
    placing.join()
    return said


def sign_roots(engine: Engine, there: Home, roots: Path) -> int:
    """Sign how far the audit log is, as it is done every hour."""
    seal_audit_log(engine, seconds=10.0)
    signer = open_signer(Path(there.settings["FABROUTE_SIGNING_KEY_FILE"]))
    with unit_of_work(engine) as session:
        return export_roots(session, signer=signer, folder=open_root_folder(roots.as_uri()), every_seconds=0.0)


def broken(engine: Engine) -> set[str]:
    return {finding.invariant.name for finding in check_invariants(engine) if finding.broken}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_after_a_disaster_clients_replay_what_they_sent_and_everything_is_whole(
    servers: EmbeddedServers, database: Database, empty_database: Database, broker_url: str, tmp_path: Path
) -> None:
    roots, backups = tmp_path / "roots", tmp_path / "backups"
    lost, new = (home(it, tmp_path / name, roots, broker_url) for it, name in ((database, "a"), (empty_database, "b")))
    everyone = BEFORE + DURING + AFTER

    with engine_for(database.url) as engine:
        owner, bureau = prepared(engine, lost)
        with running(lost, owner.token) as client:
            for number in range(BEFORE):
                client.place(number)
            assert wait_until(lambda: routed(engine) == BEFORE)
            job_id = accept_one(engine, lost, bureau)
            said = back_up_under_load(lost, client, backups)
            for number in range(BEFORE + DURING, everyone):
                client.place(number)
            assert wait_until(lambda: routed(engine) == everyone)
            cursor, _ = client.to_the_end()
            signed = sign_roots(engine, lost, roots)
            sent = client.answers
        highest = in_transaction(engine, lambda session: rows(session, "SELECT max(fence) FROM order_lines"))[0][0]
    servers.postgres.drop_database(str(make_url(database.url).database))
    shutil.rmtree(lost.folder)

    told = new.run("restore", str(backups))

    with engine_for(empty_database.url) as engine:
        kept = in_transaction(engine, lambda session: rows(session, "SELECT key FROM idempotency_keys"))
        with running(new, owner.token) as client:
            refused = client.http.get("/v1/events", params={"cursor": cursor})
            again = {key: client.place(int(key.removeprefix("order-"))) for key in sent}
            assert wait_until(lambda: routed(engine) == everyone)
            _, types = client.to_the_end(refused.json()["details"]["resume_cursor"])
            fetched = download(new, bureau, job_id)
        seal_audit_log(engine, seconds=10.0)
        audit = in_transaction(
            engine,
            lambda session: verify_audit_log(
                session,
                evidence=Evidence(check=verify, trusted_keys=frozenset(), folder=open_root_folder(roots.as_uri())),
            ),
        )
        orders = in_transaction(engine, lambda session: rows(session, "SELECT id, reference FROM orders"))
        fence = in_transaction(engine, lambda session: rows(session, f"SELECT fence FROM jobs WHERE id = '{job_id}'"))
        wrong = broken(engine)

    held = {str(key) for (key,) in kept if str(key).startswith("order-")}
    assert BEFORE <= len(held) < everyone - AFTER + 1  # under load: what was acknowledged before the snapshot
    assert {key for key, answer in again.items() if answer.content == sent[key].content} == held
    assert {str(reference): order_id for order_id, reference in orders} == {
        key: answer.json()["id"] for key, answer in again.items()
    }
    assert len(orders) == everyone  # none is lost, none is there twice
    assert (refused.status_code, refused.json()["code"]) == (410, "feed_restored")
    assert types.count("installation.restored") == 1
    assert types.count("order.placed") >= everyone - len(held)
    assert fetched == hashlib.sha256(owner.revision_id.encode()).hexdigest()
    assert (signed > 0, audit.findings, audit.exports) == (True, (), 2)
    assert int(str(highest)) < 100_000_000 < int(str(fence[0][0]))
    assert wrong == set()
    assert "restored: everything is as it was at" in told
    assert "feed_restored" in told
    assert "not in the backup" not in said
