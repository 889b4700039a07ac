"""What a bridge is told: the file, secrets from the environment, and one clear sentence where something is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest

from fabroute.bridges.bench import Bench
from fabroute.bridges.opening import open_bridge
from fabroute.bridges.running import Seldom
from fabroute.bridges.settings import BridgeMisconfigured, load_settings
from tests.factories.bridge_payloads import SHOPIFY_ORDER, WOOCOMMERCE_ORDER

CONFIG = """
[fabroute]
url = "https://fabroute.example/"
[orders]
left_alone = ["SHIRT-*"]
price_cap_percent = 80
due_days = 5
packaging = "brand"
[parts]
"SKU 1" = "RL-0001"
[currencies]
USD = "0.92"
[carriers]
courier = "https://courier.example/{number}"
[shopify]
shop = "Apple.myshopify.com"
"""
SECRETS = {"FABROUTE_API_KEY": "fr_key", "FABROUTE_BRIDGE_SECRET": "s", "FABROUTE_BRIDGE_TOKEN": "t"}


def written(folder: Path, text: str) -> Path:
    path = folder / "bridge.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_says_how_orders_are_placed_and_the_environment_the_secrets(tmp_path: Path) -> None:
    told = load_settings("shopify", config=written(tmp_path, CONFIG), environment=SECRETS)
    assert (told.url, told.key, told.journal) == ("https://fabroute.example", "fr_key", tmp_path / "shopify.sqlite3")
    assert (told.rules.parts, told.rules.left_alone) == ({"SKU 1": "RL-0001"}, ("SHIRT-*",))
    assert (told.rules.price_cap_percent, told.rules.due_days, told.rules.packaging) == (80, 5, "brand")
    assert told.rules.rates == {"USD": Decimal("0.92")}
    assert (told.text("secret"), told.text("token"), told.flag("notify_customer", True)) == ("s", "t", True)
    assert told.carriers == {"courier": "https://courier.example/{number}"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[shopify]", "[shopfy]"), "has tables"),
        (("url =", "uri ="), "[fabroute] needs url, a text; or set FABROUTE_URL"),
        (("due_days = 5", "due_days = -1"), "[orders] due_days is a whole number from 0 to 3650"),
        (("due_days", "days"), "[orders] knows no days"),
        (('USD = "0.92"', "USD = 0"), "[currencies] USD is what one USD is worth in euro"),
        (("[fabroute]", "fabroute"), "is no TOML"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    config = written(tmp_path, CONFIG.replace(*change))
    with pytest.raises(BridgeMisconfigured) as refusal:
        load_settings("shopify", config=config, environment=SECRETS)
    assert said in refusal.value.message
    assert refusal.value.status == 422


def test_a_file_that_is_not_there_and_a_secret_that_nobody_told_are_named(tmp_path: Path) -> None:
    with pytest.raises(BridgeMisconfigured, match="can't read"):
        load_settings("shopify", config=tmp_path / "none.toml", environment=SECRETS)
    told = load_settings("shopify", config=written(tmp_path, CONFIG), environment={"FABROUTE_API_KEY": "k"})
    with pytest.raises(BridgeMisconfigured, match=r"\[shopify\] needs token, a text"), open_bridge(told, say=print):
        pass


def test_every_kind_of_bridge_opens_from_its_file(tmp_path: Path) -> None:
    tables = {
        "shopify": 'shop = "apple.myshopify.com"',
        "woocommerce": 'site = "example.com"\nconsumer_key = "ck"',
        "erp": f'folder = "{tmp_path / "edi"}"',
        "cmms": 'site = "BEDFORD"\napi_url = "https://maximo.example/maximo"\n[cmms.ship_to]\ncity = "Ulm"',
    }
    opened = {}
    for kind, table in tables.items():
        config = written(tmp_path, f'[fabroute]\nurl = "http://127.0.0.1:9"\n[{kind}]\n{table}\n')
        with open_bridge(load_settings(kind, config=config, environment=SECRETS), say=print) as bridge:
            opened[kind] = (bridge.bench.foreign.kind, bridge.inbox is not None)
    assert opened == {kind: (kind, kind != "erp") for kind in tables}
    assert sorted(path.name for path in (tmp_path / "edi").iterdir()) == ["done", "in", "out", "refused"]


def test_samples_of_the_vendors_are_read_as_they_are_published(tmp_path: Path) -> None:
    config = written(tmp_path, CONFIG)
    with open_bridge(load_settings("shopify", config=config, environment=SECRETS), say=print) as bridge:
        shopify = bridge.bench.foreign.read(SHOPIFY_ORDER)
    text = CONFIG.replace('[shopify]\nshop = "Apple.myshopify.com"', '[woocommerce]\nsite="e.com"\nconsumer_key="c"')
    with open_bridge(
        load_settings("woocommerce", config=written(tmp_path, text), environment=SECRETS), say=print
    ) as bridge:
        woo = bridge.bench.foreign.read(WOOCOMMERCE_ORDER)
        without_shipping = bridge.bench.foreign.read(WOOCOMMERCE_ORDER | {"shipping": {"city": ""}})
    assert [(it.number, it.quantity, it.unit_price, it.shipped_goods) for it in shopify.lines] == [
        ("SKU2006-001", Decimal(3), Decimal("199.00"), True),
        ("SHIRT-L", Decimal(1), Decimal("12.00"), True),
        ("", Decimal(1), Decimal("10.00"), False),
    ]
    assert (shopify.currency, shopify.number, shopify.foreign_id) == ("USD", "#9999", "820982911946154508")
    assert [(it.foreign_id, it.number, it.unit_price) for it in woo.lines] == [("315", "WOO-SINGLE-1", Decimal(3))]
    assert without_shipping.ship_to == woo.ship_to


def test_a_seldom_step_is_done_once_in_its_time(tmp_path: Path) -> None:
    done: list[float] = []

    def note(bench: Bench) -> int:
        done.append(bench.now().timestamp())
        return 1

    config = written(tmp_path, CONFIG)
    with open_bridge(load_settings("shopify", config=config, environment=SECRETS), say=print) as opened:
        step = Seldom(note, seconds=3600)
        told = [step(opened.bench), step(opened.bench)]
    assert (told, len(done)) == ([1, 0], 1)
