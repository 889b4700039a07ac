"""An installation of real processes on a database of its own: API, relay, worker, and an owner's client of it."""

import hashlib
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import Engine

from fabroute.integrations.object_storage import open_print_file_store
from fabroute.integrations.sign_in.secret_key import make_secret_key
from fabroute.integrations.validation.signing import open_signer
from fabroute.kernel.time import utc_now
from fabroute_workers.commands import relay_module, worker_module
from tests.conftest import Database
from tests.factories.api import an_order, client_on, given_owner_and_places
from tests.factories.api_jobs import qualify_node, token_of
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner
from tests.factories.organisations import BUREAU
from tests.factories.processes import a_process, run_module, wait_until
from tests.factories.routable import given_routable_network

READY_SECONDS = 300.0
"""On a machine that is busy elsewhere a process takes minutes to start."""
NODES = (a_node(), a_node(node_id="N102", city="Potsdam"))
QUEUES = ("routing", "suspects", "replanning", "network", "production", "identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """An installation's settings: everything that a disaster takes, but for the audit roots, lies in one folder."""

    folder: Path
    settings: dict[str, str]

    @property
    def socket(self) -> str:
        """Of its API."""
        return str(self.folder / "api.sock")

    @property
    def log(self) -> Path:
        """What all its processes say."""
        return self.folder / "log"

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


def a_home(database: Database, folder: Path, *, roots: Path, broker_url: str, **settings: str) -> Home:
    """Return an installation's place; the folder is made."""
    folder.mkdir()
    ours = {
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
    return Home(folder=folder, settings=ours | settings)


@contextmanager
def served_home(there: Home, token: str, *, beside: tuple[str, ...] = ("relay", "worker")) -> Iterator[Client]:
    """Run an installation's API, and relay and worker ``beside``, and yield a client of it."""
    with ExitStack() as stack:
        stack.enter_context(a_process("fabroute.api", "--uds", there.socket, environment=there.settings, log=there.log))
        for name in beside:
            stack.enter_context(a_program(there, name))
        http = stack.enter_context(client_on(there.socket, token, {}))
        wait_until_ready(there, http)
        yield Client(http=http)


@contextmanager
def a_program(there: Home, name: str, *, queues: Sequence[str] = QUEUES) -> Iterator[None]:
    """Run an installation's ``relay``, or its ``worker`` on some queues."""
    module = relay_module() if name == "relay" else worker_module(1, queues=queues)
    with a_process(*module, environment=there.settings, log=there.log):
        yield


def wait_until_ready(there: Home, http: httpx.Client) -> None:
    """Wait until an installation's API wants requests."""
    assert wait_until(lambda: is_listening(there.socket), seconds=READY_SECONDS), there.log.read_text(encoding="utf8")
    assert wait_until(lambda: http.get("/readyz").is_success), there.log.read_text(encoding="utf8")


def is_listening(path: str) -> bool:
    """Return whether somebody takes connections on a Unix socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(path)
        return True
    return False


def prepared(engine: Engine, there: Home) -> tuple[Owner, str]:
    """Save a network, an owner, the print file and keys; return the owner and the bureau's token."""
    given_routable_network(engine, nodes=NODES, today=utc_now().date())
    qualify_node(engine)
    owner = given_owner_and_places(engine)
    open_signer(there.folder / "signing-key.pem", create=True)
    make_secret_key(there.folder / "secret-key")
    open_print_file_store(there.settings["FABROUTE_STORAGE_URL"]).put(owner.revision_id.encode())
    return owner, token_of(engine, BUREAU, "bureau")


def routed(engine: Engine) -> int:
    """Return how many orders are routed."""
    query = "SELECT count(*) FROM orders WHERE state = 'routed'"
    ((count,),) = in_transaction(engine, lambda session: rows(session, query))
    return int(str(count))


def accept_one(engine: Engine, there: Home, token: str) -> str:
    """Accept a job by hand as its bureau and return its id."""
    query = "SELECT id FROM jobs WHERE node_id = 'N101' AND state = 'offered' ORDER BY id LIMIT 1"
    ((job_id,),) = in_transaction(engine, lambda session: rows(session, query))
    with client_on(there.socket, token, {}) as bureau:
        answer = bureau.post(f"/v1/jobs/{job_id}/acceptance")
    assert answer.status_code == 200, answer.text
    return str(job_id)


def download(there: Home, token: str, job_id: str) -> str:
    """Fetch a job's print file by a ticket of its node; return the SHA-256 of what came."""
    with client_on(there.socket, token, {}) as bureau:
        ticket = bureau.post(f"/v1/jobs/{job_id}/file-tickets")
        assert ticket.status_code == 201, ticket.text
        return hashlib.sha256(bureau.get(ticket.json()["url"]).content).hexdigest()
