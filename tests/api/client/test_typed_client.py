"""The client that the recipe makes out of the API's document, against the API."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.factories.api import Api
from tests.factories.api_jobs import given_offered_jobs, save_a_qualified_node, token_of
from tests.factories.documents import rendered
from tests.factories.organisations import BUREAU
from tests.factories.processes import PATIENCE_SECONDS

RECIPE = Path(__file__).resolve().parents[3] / "openapi" / "client" / "generate.py"


def recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("client_recipe", RECIPE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make the client of the present document and have it importable."""
    document, target, made = tmp_path / "openapi.json", tmp_path / "client", recipe()
    document.write_text(rendered(), encoding="utf-8")
    assert made.make_client(target, document=document) == []
    assert made.compiles(target)
    monkeypatch.syspath_prepend(str(target))
    yield made.PACKAGE
    for name in [name for name in sys.modules if name.partition(".")[0] == made.PACKAGE]:
        del sys.modules[name]


def in_client(package: str, *names: str) -> list[Any]:
    return [importlib.import_module(f"{package}.{name}") for name in names]


@pytest.mark.slow
def test_every_operation_is_in_it_and_orders_are_placed_read_and_claimed_with_it(api: Api, package: str) -> None:
    save_a_qualified_node(api.engine)
    root, models, placing, reading, claiming = in_client(
        package, "client", "models", "api.orders.place_order", "api.orders.get_order", "api.jobs.claim_jobs"
    )

    def client_of(token: str) -> Any:
        made = root.AuthenticatedClient(base_url="http://fabroute", token=token)
        headers = {"Authorization": f"Bearer {token}"}
        transport = httpx.HTTPTransport(uds=api.socket, verify=False)
        return made.set_httpx_client(
            httpx.Client(transport=transport, base_url="http://fabroute", headers=headers, timeout=PATIENCE_SECONDS)
        )

    body = models.OrderRequest(
        lines=[models.LineIn(part="RL-0001", quantity=2)], ship_to=models.ShipToIn(city="Hamburg", country="DE")
    )
    with client_of(api.owner.token) as owner, client_of(token_of(api.engine, BUREAU, "bureau")) as bureau:
        order = placing.sync(client=owner, body=body, idempotency_key="typed-1")
        again = placing.sync_detailed(client=owner, body=body, idempotency_key="typed-1")
        read = reading.sync(order.id, client=owner)
        strange = reading.sync("ord_unknown", client=owner)
        (job_id,) = given_offered_jobs(api.engine)
        claimed = claiming.sync("N101", client=bureau, body=models.ClaimIn(max_=1), idempotency_key="claim-1")

    assert isinstance(order, models.OrderOut)
    assert (order.lines[0].part, order.lines[0].quantity, order.state) == ("RL-0001", 2, "pending")
    assert (again.status_code, again.headers["Idempotency-Replayed"], again.parsed) == (201, "true", order)
    assert (read.id, read.placed_at) == (order.id, order.placed_at)
    assert isinstance(strange, models.ProblemBody)
    assert (strange.code, strange.status) == ("unknown_order", 404)
    assert [packet.job.id for packet in claimed.data] == [job_id]
