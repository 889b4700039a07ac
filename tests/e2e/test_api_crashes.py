"""``kill -9`` of the API while orders come in: what was answered is kept, what is repeated is not doubled."""

import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from fabroute.cli.client import ApiClient
from fabroute.cli.follow import read_states
from fabroute.cli.invariants import check_invariants
from fabroute.cli.stack import Stack
from fabroute.database import create_database_engine
from tests.factories.processes import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.timeout(600)

ORDERS = 160
BATCH = "crashes"


@contextmanager
def _api(stack: Stack, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "fabroute.api", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=dict(stack.environment), stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(port)
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(port: int) -> None:
    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz").is_success
        except httpx.TransportError:
            return False

    assert wait_until(answers), "the API did not come up"


def _post(http: httpx.Client, number: int) -> bytes | None:
    """Return the answer to order ``number``, None if the API died before it answered."""
    body = {
        "batch": BATCH,
        "reference": f"crash-{number}",
        "ship_to": {"city": "Hamburg", "country": "DE"},
        "lines": [{"part": "AP-0103", "quantity": 1}],
    }
    try:
        answer = http.post("/v1/orders", json=body, headers={"Idempotency-Key": f"crash-{number}"})
    except httpx.TransportError:
        return None
    assert answer.status_code == 201, answer.text
    return answer.content


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _post_until_killed(stack: Stack, numbers: list[int], *, after_seconds: float | None) -> dict[int, bytes]:
    """Post the orders with 16 clients, kill the API on the way if asked to, and return the answers that came."""
    port, headers = _free_port(), {"Authorization": f"Bearer {stack.owner_key}"}
    limits = httpx.Limits(max_connections=16)
    with (
        _api(stack, port) as process,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, limits=limits, timeout=PATIENCE_SECONDS
        ) as http,
        ThreadPoolExecutor(16) as clients,
    ):
        answers = [clients.submit(_post, http, number) for number in numbers]
        if after_seconds is not None:
            time.sleep(after_seconds)
            process.send_signal(signal.SIGKILL)
        found = {number: answer.result() for number, answer in zip(numbers, answers, strict=True)}
    return {number: answer for number, answer in found.items() if answer is not None}


def _wait_for_outcomes(owner: ApiClient) -> dict[str, int]:
    wait_until(lambda: not read_states(owner, batch=BATCH)["pending"], every=0.2)
    return read_states(owner, batch=BATCH)


def test_orders_survive_an_api_that_is_killed_again_and_again(stack: Stack, owner: ApiClient) -> None:
    chance = random.Random(11)
    answered: dict[int, bytes] = {}
    kills = 0
    while len(answered) < ORDERS:
        missing = [number for number in range(ORDERS) if number not in answered]
        after = chance.uniform(0.01, 0.25) if kills < 3 else None
        answered |= _post_until_killed(stack, missing, after_seconds=after)
        kills += after is not None

    repeated = _post_until_killed(stack, list(range(ORDERS)), after_seconds=None)
    states = _wait_for_outcomes(owner)

    assert kills >= 1
    assert repeated == answered
    assert states == {"pending": 0, "routed": ORDERS, "partly_routed": 0, "no_route": 0, "parked": 0, "cancelled": 0}
    engine = create_database_engine(stack.environment["FABROUTE_DATABASE_URL"])
    assert [found.invariant.name for found in check_invariants(engine) if found.broken] == []
    engine.dispose()
