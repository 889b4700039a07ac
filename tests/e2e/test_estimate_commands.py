"""``fabroute estimate`` and ``fabroute constants``, run as a person runs them, on the reference network."""

import json
import re
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.client import ApiClient, ApiRefusal
from fabroute.cli.follow import wait_for_order
from fabroute.cli.mapping import Json
from fabroute.cli.stack import Stack
from fabroute.database import create_database_engine, unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import issue_api_key
from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now
from tests.factories.api_jobs import make_old
from tests.factories.processes import PATIENCE_SECONDS

pytestmark = pytest.mark.timeout(600)


def _run(stack: Stack, *arguments: str) -> Result:
    """Run a command in this process; what ``main`` would print as one line is raised."""
    environment = {"FABROUTE_URL": stack.url, "FABROUTE_API_KEY": stack.owner_key}
    done = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=True)
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def _estimate(stack: Stack, *arguments: str) -> Any:
    return json.loads(_run(stack, "estimate", *arguments, "--json").stdout)


def test_an_estimate_tells_times_price_rows_and_how_far_each_figure_is_known(stack: Stack) -> None:
    found = _estimate(stack, "AP-0101", "--quantity", "10", "--limit", "3")
    best = found["estimates"][0]
    told = _run(stack, "estimate", "AP-0101", "--node", best["node_id"], "--quantity", "10").stdout

    assert told.startswith("AP-0101 A (released), 10 pieces, production only\n")
    assert re.search(r"figures behind it: \d+ stated, .*\d+ assumption", told)
    assert f"€{best['price']['amount_minor'] / 100:,.2f}" in told
    assert best["machine_id"] in told
    assert len(found["estimates"]) == 3 < found["able"]
    prices = [it["price"]["amount_minor"] for it in found["estimates"]]
    assert prices == sorted(prices)


def test_a_stated_rate_is_in_the_next_estimate(stack: Stack) -> None:
    before = _estimate(stack, "AP-0102", "--limit", "1")["estimates"][0]
    rate = {
        "code": "machine_hour",
        "subject": before["machine_id"],
        "amount": {"amount_minor": 1, "currency": "EUR"},
        "valid_from": "2026-01-01",
        "source": "test",
    }
    with ApiClient(url=stack.url, key=stack.operator_key) as operator:
        operator.post(f"/v1/nodes/{before['node_id']}/rates", rate)
    after = _estimate(stack, "AP-0102", "--machine", before["machine_id"])["estimates"][0]

    rows = {row["code"]: row["amount_minor"] for row in after["breakdown"]}
    figures = {it["code"]: (it["value"], it["mark"]) for it in after["figures"]}
    assert figures["rate_minor_per_hour"] == (1, "stated")
    assert rows["machine"] <= 1
    assert after["build_minutes_p50"] == before["build_minutes_p50"]


def test_what_can_not_be_estimated_is_told_in_the_api_s_words(stack: Stack) -> None:
    with pytest.raises(ApiRefusal, match="/part: you have no part XX-1"):
        _run(stack, "estimate", "XX-1")
    with pytest.raises(ApiRefusal, match="there is no node N999"):
        _run(stack, "estimate", "AP-0101", "--node", "N999")
    with pytest.raises(ApiRefusal, match="/revision: AP-0101 has no revision Z: there is A"):
        _run(stack, "estimate", "AP-0101", "--revision", "Z")


def test_constants_are_listed_by_mark(stack: Stack) -> None:
    vendor = json.loads(_run(stack, "constants", "--mark", "vendor", "--json").stdout)["data"]
    told = _run(stack, "constants").stdout
    none = _run(stack, "constants", "--mark", "measured").stdout

    assert {it["mark"] for it in vendor} == {"vendor"}
    assert len(vendor) > 20
    marks = re.findall(r"^(vendor|second-hand|memory|assumption) ", told, flags=re.MULTILINE)
    assert marks == sorted(marks, key=["vendor", "second-hand", "memory", "assumption"].index)
    assert set(marks) == {"vendor", "second-hand", "memory", "assumption"}
    assert none == "no constant has this mark\n"


def _token_of_node(stack: Stack, organisation_id: str) -> str:
    engine = create_database_engine(stack.environment["FABROUTE_DATABASE_URL"])
    try:
        with unit_of_work(engine) as session:
            return issue_api_key(
                session, organisation_id=organisation_id, name="t", scopes=ALL_SCOPES, now=utc_now()
            ).token
    finally:
        engine.dispose()


def _let_time_pass(stack: Stack) -> None:
    """Have jobs that were fetched today been so long ago: a build of theirs takes hours."""
    engine = create_database_engine(stack.environment["FABROUTE_DATABASE_URL"])
    try:
        make_old(engine)
    finally:
        engine.dispose()


def _wait_until(look: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what ``look`` finds as soon as it is something, ``None`` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _job_of_an_order(owner: ApiClient, part: str) -> dict[str, Any]:
    """Return the job of a new order, once the running worker has routed it."""
    ship_to: dict[str, Json] = {"city": "Hamburg", "country": "DE"}
    order = owner.place_order(
        {"ship_to": ship_to, "lines": [{"part": part, "quantity": 2}]}, idempotency_key=f"estimate {part}"
    )

    routed: Any = wait_for_order(owner, order_id=str(order["id"]))
    return cast("dict[str, Any]", owner.get(f"/v1/jobs/{routed['lines'][0]['routing']['job_id']}"))


def test_a_worker_learns_from_a_reported_build_within_seconds(stack: Stack) -> None:
    """The worker routes an order; its node accepts it, fetches the file and reports a build: the estimate moves."""
    with ApiClient(url=stack.url, key=stack.owner_key) as owner:
        job = _job_of_an_order(owner, "AP-0105")
        node: Any = owner.get(f"/v1/nodes/{job['node_id']}")
    before = _estimate(stack, "AP-0105", "--machine", job["machine_id"])["estimates"][0]
    with ApiClient(url=stack.url, key=_token_of_node(stack, node["organisation_id"])) as bureau:
        bureau.post(f"/v1/jobs/{job['id']}/acceptance")
        bureau.text(str(bureau.post(f"/v1/jobs/{job['id']}/file-tickets")["url"]))
        _let_time_pass(stack)
        told: dict[str, Json] = {"parts": 2, "machine_minutes": 480, "height_mm": 40, "printed_cm3": 60}
        build: Any = bureau.post(f"/v1/jobs/{job['id']}/build-times", told)

    def learnt() -> Any:
        found = _estimate(stack, "AP-0105", "--machine", job["machine_id"])["estimates"]
        return next((it for it in found if it["learnt_from"] and it["parameter_set"] == job["parameter_set"]), None)

    after = _wait_until(learnt)
    factors = {it["code"]: it["value"] for it in after["figures"]}
    assert (before["learnt_from"], after["learnt_from"]["builds"]) == (None, 1)
    ratio = build["machine_minutes"] / build["estimated_minutes"]
    assert factors["time_factor_p50"] == pytest.approx(min(3, ratio) ** (1 / 5), rel=1e-9)  # as far as one build counts
