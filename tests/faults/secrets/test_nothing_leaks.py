"""API, worker, relay and commands at their most talkative: no secret is in a log or on a command line."""

import hashlib
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from fabroute.integrations.object_storage import open_print_file_store
from fabroute_workers.commands import worker_module
from tests.conftest import Database
from tests.factories.api import an_order, client_on, given_owner_and_places
from tests.factories.api_jobs import given_offered_jobs, save_a_qualified_node, token_of
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.homes import Home, a_home, wait_until_ready
from tests.factories.orders import Owner
from tests.factories.organisations import BUREAU
from tests.factories.people import PASSWORD, Somebody, given_invitation, given_person
from tests.factories.processes import a_process, run_module, wait_until
from tests.faults.secrets.command_lines import watched_command_lines

VERBOSE = "tests.faults.secrets.verbose"
DATABASE_PASSWORD, OIDC_SECRET = "zq-database-pa55word-7481", "zq-oidc-client-secret-6620"
BRIDGE_TOKEN, BRIDGE_SECRET = "shpat_zqbridge5512token", "zq-bridge-webhook-secret-9137"
WRONG_KEY = "fr_test_01zqwrongkeyzqwrongkey00_" + "z" * 39
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BRIDGE = """
[shopify]
shop = "zq.myshopify.com"
api_url = "http://127.0.0.1:9"
"""
SHORTEST = 12
"""So many characters of a secret are a secret, too."""


def with_password(url: str) -> str:
    """A URL with a password, which the embedded server does not ask for, and which must not show all the same."""
    user, _, rest = url.partition("@")
    return f"{user}:{DATABASE_PASSWORD}@{rest}"


def talkative(database: Database, folder: Path, broker_url: str) -> Home:
    secret = Database(url=with_password(database.url), migration_url=with_password(database.migration_url))
    more = {
        "FABROUTE_WEBHOOKS_TO_THIS_MACHINE": "true",
        "FABROUTE_PASSWORD_HASHING": "cheap",
        "FABROUTE_OIDC_ISSUER": "http://127.0.0.1:9/issuer",
        "FABROUTE_OIDC_CLIENT_ID": "fabroute",
        "FABROUTE_OIDC_CLIENT_SECRET": OIDC_SECRET,
    }
    return a_home(secret, folder, roots=folder.parent / "roots", broker_url=broker_url, **more)


def talking(there: Home, *program: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run a program with all its logs."""
    return a_process(VERBOSE, *program, environment=there.settings, log=there.log)


def good(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def machine_secrets(there: Home, owner: Owner) -> dict[str, str]:
    """Make a key, an OAuth client and its token, a webhook secret; use a wrong key."""
    named = {"name": "zq", "scopes": ["orders:read"]}
    with client_on(there.socket, owner.token, {}) as client, client_on(there.socket, None, {}) as nobody:
        oauth = good(client.post("/v1/oauth-clients", json=named, headers={"Idempotency-Key": "zq1"}))
        asked = f"grant_type=client_credentials&client_id={oauth['client_id']}&client_secret={oauth['client_secret']}"
        hook = {"url": "http://127.0.0.1:59999/zq", "types": ["*"]}
        nobody.get("/v1/orders", headers={"Authorization": f"Bearer {WRONG_KEY}"})
        nobody.get(f"/v1/orders/{WRONG_KEY}?reference={WRONG_KEY}")
        return {
            "key": owner.token,
            "wrong key": WRONG_KEY,
            "new key": good(client.post("/v1/api-keys", json=named, headers={"Idempotency-Key": "zq2"}))["token"],
            "client secret": oauth["client_secret"],
            "access token": good(nobody.post("/v1/oauth/token", content=asked, headers=FORM))["access_token"],
            "webhook secret": good(client.post("/v1/webhook-endpoints", json=hook))["secrets"][0]["secret"],
        }


def personal_secrets(there: Home, person: Somebody, invitation: str) -> dict[str, str]:
    """Sign somebody in, wrongly first, and set a second factor up."""
    with client_on(there.socket, None, {}) as browser:
        browser.post("/v1/sign-in", json={"email": person.email, "password": "zq-dwarf-planet-trombone"})
        browser.get(f"/v1/invitations/{invitation}")
        signed = good(browser.post("/v1/sign-in", json={"email": person.email, "password": PASSWORD}))
        browser.headers["X-CSRF-Token"] = signed["csrf_token"]
        factor = good(browser.post("/v1/me/totp", json={"password": PASSWORD}))
        cookie = next(it for it in browser.cookies.jar if it.name.endswith("fabroute_session"))
    return {
        "password": PASSWORD,
        "wrong password": "zq-dwarf-planet-trombone",
        "invitation": invitation,
        "session": str(cookie.value),
        "CSRF token": signed["csrf_token"],
        "second factor": factor["secret"],
    }


def ticket(engine: Engine, there: Home, owner: Owner) -> str:
    """Have a job accepted, and return the token with which its print file is fetched."""
    with client_on(there.socket, owner.token, {}) as client:
        good(client.post("/v1/orders", json=an_order(), headers={"Idempotency-Key": "zq3"}))
    (job_id,) = given_offered_jobs(engine)
    with client_on(there.socket, token_of(engine, BUREAU, "bureau"), {}) as bureau:
        good(bureau.post(f"/v1/jobs/{job_id}/acceptance"))
        url = str(good(bureau.post(f"/v1/jobs/{job_id}/file-tickets"))["url"])
        bureau.get(url)
    return url.rpartition("/")[2]


def run_commands(there: Home, owner: Owner, folder: Path) -> str:
    """Run commands that hold secrets: backup, a bridge whose shop is down; return all that they said."""
    config = folder / "bridge.toml"
    config.write_text(BRIDGE, encoding="utf8")
    bridge = {
        "FABROUTE_URL": "http://127.0.0.1:9",
        "FABROUTE_API_KEY": owner.token,
        "FABROUTE_BRIDGE_TOKEN": BRIDGE_TOKEN,
        "FABROUTE_BRIDGE_SECRET": BRIDGE_SECRET,
    }
    words = ("bridge", "shopify", "--config", str(config), "--once")
    said = [
        run_module("fabroute.cli", "backup", str(folder / "backups"), "--with-keys", environment=there.settings),
        run_module(VERBOSE, "fabroute.cli", *words, environment=there.settings | bridge),
    ]
    assert said[0].returncode == 0, said[0].stderr
    return "".join(it.stdout + it.stderr for it in said)


def attempts(engine: Engine) -> int:
    return int(
        str(in_transaction(engine, lambda session: rows(session, "SELECT count(*) FROM webhook_attempts"))[0][0])
    )


def pieces(secret: str) -> set[str]:
    """A secret, its beginning and its end; of what names itself by a public id, only what is behind that."""
    hidden = secret.rpartition("_")[2] if "_" in secret and len(secret.rpartition("_")[2]) >= SHORTEST else secret
    return {hidden, hidden[:SHORTEST], hidden[-SHORTEST:]}


def leaks(secrets: Mapping[str, str], text: str) -> list[str]:
    return sorted(name for name, secret in secrets.items() if any(it in text for it in pieces(secret)))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_secret_is_in_a_log_or_on_a_command_line(database: Database, broker_url: str, tmp_path: Path) -> None:
    there = talkative(database, tmp_path / "home", broker_url)
    worker = worker_module(1, queues=("webhooks", "identity"), log_level="DEBUG")
    with watched_command_lines() as seen, engine_for(database.url) as engine:
        save_a_qualified_node(engine)
        owner = given_owner_and_places(engine)
        open_print_file_store(there.settings["FABROUTE_STORAGE_URL"]).put(owner.revision_id.encode())
        person = given_person(engine, organisation_id=owner.organisation_id)
        invitation = given_invitation(engine, organisation_id=owner.organisation_id).token
        with talking(there, "fabroute.api", "--uds", there.socket):
            with client_on(there.socket, None, {}) as probe:
                wait_until_ready(there, probe)
            secrets = machine_secrets(there, owner) | personal_secrets(there, person, invitation)
            secrets |= {"ticket": ticket(engine, there, owner), "database password": DATABASE_PASSWORD}
            with talking(there, "fabroute_workers.relay"), talking(there, *worker):
                assert wait_until(lambda: attempts(engine) > 0), there.log.read_text(encoding="utf8")
                said = run_commands(there, owner, tmp_path)
    secrets |= {"OpenID secret": OIDC_SECRET, "bridge token": BRIDGE_TOKEN, "bridge secret": BRIDGE_SECRET}
    secrets |= {name: (there.folder / name).read_text(encoding="utf8").split("\n")[-2] for name in ("secret-key",)}
    log = there.log.read_text(encoding="utf8", errors="replace")

    assert leaks(secrets, log) == []
    assert leaks(secrets, said) == []
    assert leaks(secrets, "\n".join(seen.seen)) == []
    assert len(secrets) == 18
    assert '"level": "debug"' in log  # they did talk
    assert "sqlalchemy" in log
    assert any("pg_dump" in line for line in seen.seen)
    digest = hashlib.sha256(b"").hexdigest()
    assert leaks({"planted": digest}, f"… {digest[:SHORTEST]} …") == ["planted"]  # the search finds something
