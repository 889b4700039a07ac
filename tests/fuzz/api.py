"""``make fuzz-api``: schemathesis asks a running installation what its OpenAPI document promises, with all checks.

The installation is real (PostgreSQL, Redis, API, worker, the reference network, routed orders). It is asked with a key
of each kind of organisation: the examples, the edges of every schema, random values, and chains of operations that hand
ids on. Whoever runs it gets counts and the seed.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import chdir
from datetime import timedelta
from pathlib import Path

import httpx

from fabroute.cli.client import ApiClient
from fabroute.cli.mapping import Json, OrderBody
from fabroute.cli.stack import Stack, running_stack
from fabroute.kernel.time import utc_now

CONFIG = Path(__file__).with_name("schemathesis.toml").resolve()
HOOKS = Path(__file__).with_name("hooks.py").resolve()
PARTS = ("AP-0101", "RL-0001", "RL-0002", "MA-0301", "FU-0205")
LEFT_OUT = r"/v1/(session|sign-in|oauth/revoke|api-keys/.+|oauth-clients/.+|organisations/.+|sandboxes)$"
"""What closes the key by which all else is asked, and what makes whole organisations; tests of their own hold them."""
SETTINGS = {
    "FABROUTE_WRONG_KEYS_A_MINUTE": "100000000",
    "FABROUTE_RATE_LIMIT_DEFAULT": "0",
    "FABROUTE_RATE_LIMIT_POLLING": "0",
    "FABROUTE_RATE_LIMIT_UPLOADS": "0",
    "FABROUTE_LONGEST_WAIT_SECONDS": "0",
}
"""Without the limits that so many requests would meet; tests of their own hold them."""
BUREAU_SCOPES = ("jobs:read", "jobs:write", "network:read", "network:write", "events:read", "webhooks:read")


def main(arguments: Sequence[str]) -> int:
    """Run ``api.py [SEED=1] [SECONDS=180] [PHASES=…] [CALLERS=owner,bureau,operator]``; 1 if anything was found."""
    asked = dict(word.partition("=")[::2] for word in arguments)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    installation = running_stack(keep=False, step=_quiet, settings=SETTINGS)
    with tempfile.TemporaryDirectory() as folder, chdir(folder), installation as stack:
        httpx.get(f"{stack.url}/openapi.json", timeout=300).raise_for_status()  # it is made once, which takes a while
        keys = _keys(stack)
        callers = (asked.get("CALLERS") or ",".join(keys)).split(",")
        found = [caller for caller in callers if _finds(caller, keys[caller], url=stack.url, asked=asked)]
    print(f"found something as {', '.join(found)}" if found else "nothing was found", flush=True)
    return 1 if found else 0


def _finds(caller: str, key: str, *, url: str, asked: Mapping[str, str]) -> bool:
    print(f"== as {caller}", flush=True)
    command = ["schemathesis", "--config-file", str(CONFIG), "run", f"{url}/openapi.json", "--checks", "all"]
    command += ["--continue-on-failure", "--suppress-health-check", "all", "--workers", "2"]
    command += ["--request-timeout", "60"]
    command += ["--phases", asked.get("PHASES") or "examples,coverage,fuzzing,stateful"]
    command += ["--seed", asked.get("SEED") or "1", "--max-time", asked.get("SECONDS") or "180"]
    command += ["--exclude-path-regex", LEFT_OUT, "--header", f"Authorization: Bearer {key}"]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)}
    return subprocess.run(command, check=False, env=environment).returncode != 0


def _keys(stack: Stack) -> Mapping[str, str]:
    """Have orders routed, and return a key of each kind of organisation."""
    with ApiClient(url=stack.url, key=stack.owner_key) as owner:
        for number, part in enumerate(PARTS):
            owner.place_order(_order(part), idempotency_key=f"fuzz-{number}")
    with ApiClient(url=stack.url, key=stack.operator_key) as operator:
        nodes = operator.pages("/v1/nodes")
        bureau = next(str(node["organisation_id"]) for node in nodes if node["kind"] == "service_bureau")
        made = operator.post("/v1/api-keys", {"organisation_id": bureau, "name": "fuzz", "scopes": [*BUREAU_SCOPES]})
    return {"owner": stack.owner_key, "bureau": str(made["token"]), "operator": stack.operator_key}


def _order(part: str) -> OrderBody:
    need_by = (utc_now() + timedelta(days=30)).isoformat()
    place: dict[str, Json] = {
        "name": "A customer",
        "street": "Am Kai 1",
        "postal_code": "20457",
        "city": "Hamburg",
        "country": "DE",
    }
    return {"ship_to": place, "need_by": need_by, "lines": [{"part": part, "quantity": 1}]}


def _quiet(what: str, done: int, total: int) -> None:
    """Take progress without showing it."""


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
