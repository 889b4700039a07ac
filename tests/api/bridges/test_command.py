"""``fabroute bridge`` as a process of its own: killed while its order is on the way, it orders once."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from fabroute.bridges.journal import Heard, Journal
from fabroute.cli.app import app
from tests.factories.api import Api
from tests.factories.bridge_payloads import SECRET, SHOP, SHOPIFY_ORDER, body_of, shopify_headers, with_line
from tests.factories.bridges import transport_to
from tests.factories.processes import PATIENCE_SECONDS, a_process, wait_until
from tests.fakes.foreign_systems import TOKEN, FakeShopify
from tests.fakes.web_server import Answer, Asked, served_by

CONFIG = """
[orders]
left_alone = ["SHIRT-*"]
[parts]
"SKU2006-001" = "RL-0001"
[shopify]
shop = "{shop}"
api_url = "{shop_url}"
"""


class Passage:
    """Hands requests on to the API; the first order's answer is held back until the bridge is killed."""

    def __init__(self, api: Api) -> None:
        self._client = httpx.Client(transport=transport_to(api), base_url="http://fabroute", timeout=30)
        self.ordered, self.killed = threading.Event(), threading.Event()

    def __call__(self, asked: Asked) -> Answer:
        told = {name: asked.headers[name] for name in ("authorization", "idempotency-key", "content-type")
                if name in asked.headers}  # fmt: skip
        answer = self._client.request(asked.method, asked.path, content=asked.body, headers=told)
        if asked.method == "POST" and not self.killed.is_set():
            self.ordered.set()
            self.killed.wait(PATIENCE_SECONDS)
        kept = {"Content-Type": answer.headers.get("content-type", "application/json")}
        return Answer(status=answer.status_code, body=answer.content, headers=kept)

    def close(self) -> None:
        self._client.close()


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        port: int = it.getsockname()[1]
        return port


@contextmanager
def a_bridge(config: Path, port: int, environment: dict[str, str]) -> Iterator[int]:
    words = ("fabroute.cli", "bridge", "shopify", "--config", str(config), "--port", str(port))
    with a_process(*words, environment=environment, log=config.with_suffix(".log")) as process:
        yield process.pid


def send(port: int, body: bytes, **headers: str) -> int:
    def is_taken() -> bool:
        try:
            answer = httpx.post(f"http://127.0.0.1:{port}/", content=body, headers=shopify_headers(body, **headers))
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    return int(wait_until(is_taken))


def stages(folder: Path) -> list[str]:
    with closing(Journal(folder / "shopify.sqlite3")) as journal:
        return [entry.stage for entry in journal.all()]


@pytest.mark.slow
def test_killed_between_its_journal_and_the_answer_it_orders_once_and_shows_what_needs_people(
    api: Api, tmp_path: Path
) -> None:
    shop, passage, port, config = (
        FakeShopify(order_id=820982911946154508, line_id=866550311766439020, quantity=3),
        Passage(api),
        free_port(),
        tmp_path / "shop.toml",
    )
    with served_by(shop) as shop_url, served_by(passage) as url:
        config.write_text(CONFIG.format(shop=SHOP, shop_url=shop_url), encoding="utf-8")
        environment = {"FABROUTE_URL": url, "FABROUTE_API_KEY": api.owner.token}
        environment |= {"FABROUTE_BRIDGE_SECRET": SECRET, "FABROUTE_BRIDGE_TOKEN": TOKEN, "COLUMNS": "220"}
        with a_bridge(config, port, environment) as pid:
            assert send(port, body_of(SHOPIFY_ORDER)), config.with_suffix(".log").read_text(encoding="utf-8")
            assert passage.ordered.wait(PATIENCE_SECONDS)
            os.kill(pid, signal.SIGKILL)
            passage.killed.set()
        with a_bridge(config, port, environment):
            unknown = body_of(with_line(SHOPIFY_ORDER | {"id": 7, "name": "#7"}, 0, sku="NEW"))
            assert send(port, unknown, Webhook_Id="second")
            assert wait_until(lambda: any(it["name"] == "fabroute order" for it in shop.note_attributes))
            assert wait_until(lambda: "refused" in stages(tmp_path))
    status = CliRunner().invoke(app, ["bridge", "status", "shopify", "--config", str(config)], env=environment)
    again = CliRunner().invoke(app, ["bridge", "retry", "shopify", "7", "--config", str(config)], env=environment)
    passage.close()
    (order,) = api.client.get("/v1/orders").json()["data"]
    details = {it["name"]: it["value"] for it in shop.note_attributes}

    assert (order["reference"], details["fabroute order"]) == ("#9999 820982911946154508", order["id"])
    assert "unknown article NEW: map it in [parts], or list it under left_alone" in status.output
    assert "1 placed, 1 refused" in status.output
    assert (again.exit_code, stages(tmp_path)) == (0, ["placed", "received"])


def test_the_help_of_a_bridge_names_the_tables_of_its_file() -> None:
    shown = CliRunner().invoke(app, ["bridge", "shopify", "--help"]).output

    assert [name in shown for name in ("[fabroute]", "[orders]", "[parts]")] == [True, True, True]


def test_the_commands_of_a_bridge_say_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    config = tmp_path / "shop.toml"
    config.write_text(CONFIG.format(shop=SHOP, shop_url="http://127.0.0.1:9"), encoding="utf-8")
    environment = {"FABROUTE_URL": "http://127.0.0.1:9", "FABROUTE_API_KEY": "k"}

    def told(*words: str) -> Result:
        return CliRunner().invoke(app, ["bridge", *words, "--config", str(config)], env=environment)

    empty, never = told("status", "shopify"), told("retry", "shopify", "8")
    with closing(Journal(tmp_path / "shopify.sqlite3")) as journal:
        journal.hear(Heard(account=SHOP, foreign_id="1", number="#1", payload={}))
        journal.add_report(1, "shipment", "shipment:1", {})
        journal.end_report(1, stage="given_up", detail="nothing is left to fulfil")
    (shown,) = json.loads(told("status", "shopify", "--json").output)["orders"]

    assert ("nothing needs you" in empty.output, "no orders yet" in empty.output) == (True, True)
    assert (never.exit_code, getattr(never.exception, "code", "")) == (1, "nothing_to_retry")
    assert (shown["number"], shown["stage"], shown["to_tell"]) == ("#1", "received", 0)
    assert shown["needs_you"] == "nothing is left to fulfil"
