"""Puts a bridge together from its settings."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fabroute.bridges.bench import Bench, ForeignSystem
from fabroute.bridges.cmms import MaintenanceInbox, MaintenanceSystem, pull_requests
from fabroute.bridges.erp import DropFolder
from fabroute.bridges.fabroute import FabrouteWire
from fabroute.bridges.journal import Journal
from fabroute.bridges.receiving import Inbox
from fabroute.bridges.running import Bridge, Seldom
from fabroute.bridges.settings import BridgeMisconfigured, BridgeSettings
from fabroute.bridges.shopify import ShopifyInbox, ShopifyShop
from fabroute.bridges.shopify.shop import API_VERSION
from fabroute.bridges.wire import JsonWire
from fabroute.bridges.woocommerce import WooCommerceInbox, WooCommerceShop
from fabroute.kernel.time import utc_now

_PULL_SECONDS = 60.0
KINDS = ("shopify", "woocommerce", "erp", "cmms")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBridge:
    """A bridge that is ready to run, and what receives its webhooks where it has any."""

    bridge: Bridge
    bench: Bench
    inbox: Inbox | None


@contextmanager
def open_bridge(settings: BridgeSettings, *, say: Callable[[str], None]) -> Iterator[OpenBridge]:
    """Yield the bridge of some settings, on its journal. Raises ``BridgeMisconfigured``."""
    with ExitStack() as opened:
        journal = Journal(settings.journal)
        opened.callback(journal.close)
        fabroute = FabrouteWire(url=settings.url, key=settings.key)
        opened.callback(fabroute.close)
        foreign, inbox = _foreign(settings, fabroute, opened)
        bench = Bench(journal=journal, fabroute=fabroute, foreign=foreign, rules=settings.rules, now=utc_now, say=say)
        yield OpenBridge(bridge=_bridge(bench), bench=bench, inbox=inbox)


def _bridge(bench: Bench) -> Bridge:
    if isinstance(bench.foreign, DropFolder):
        return Bridge(bench, before=[bench.foreign.take_files], after=[bench.foreign.put_away])
    if isinstance(bench.foreign, MaintenanceSystem):
        return Bridge(bench, before=[Seldom(pull_requests, seconds=_PULL_SECONDS)])
    return Bridge(bench)


def _foreign(settings: BridgeSettings, fabroute: FabrouteWire, opened: ExitStack) -> tuple[ForeignSystem, Inbox | None]:
    if settings.kind == "shopify":
        return _shopify(settings, opened)
    if settings.kind == "woocommerce":
        return _woocommerce(settings, opened)
    if settings.kind == "cmms":
        return _cmms(settings, fabroute, opened)
    if settings.kind == "erp":
        folder = Path(settings.text("folder")).expanduser()
        return DropFolder(folder=folder, answers=settings.text("answers", "both"), kind="erp"), None
    raise BridgeMisconfigured(f"{settings.kind} is no bridge: use one of {', '.join(KINDS)}")


def _shopify(settings: BridgeSettings, opened: ExitStack) -> tuple[ForeignSystem, Inbox]:
    shop = settings.text("shop").lower()
    wire = _wire(shop, settings.text("api_url", f"https://{shop}"), opened,
                 {"X-Shopify-Access-Token": settings.text("token")})  # fmt: skip
    desk = ShopifyShop(
        shop=shop,
        wire=wire,
        api_version=settings.text("api_version", API_VERSION),
        fulfillment_service=settings.text("fulfillment_service", ""),
        notify_customer=settings.flag("notify_customer", True),
        carriers=settings.carriers,
    )
    return desk, ShopifyInbox(shop=shop, secret=settings.text("secret"))


def _woocommerce(settings: BridgeSettings, opened: ExitStack) -> tuple[ForeignSystem, Inbox]:
    site = settings.text("site").lower()
    pair = f"{settings.text('consumer_key')}:{settings.text('token')}"
    basic = {"Authorization": "Basic " + b64encode(pair.encode()).decode()}
    wire = _wire(site, settings.text("api_url", f"https://{site}"), opened, basic)
    status = settings.text("completed_status", "completed")
    desk = WooCommerceShop(site=site, wire=wire, completed_status=status, carriers=settings.carriers)
    paid_only = settings.flag("paid_only", True)
    return desk, WooCommerceInbox(site=site, secret=settings.text("secret"), paid_only=paid_only)


def _cmms(settings: BridgeSettings, fabroute: FabrouteWire, opened: ExitStack) -> tuple[ForeignSystem, Inbox]:
    site = settings.text("site")
    wire = _wire(site, settings.text("api_url"), opened, {"apikey": settings.text("token")})
    desk = MaintenanceSystem(
        site=site,
        wire=wire,
        fabroute=fabroute,
        certificate_url=f"{settings.url}/v1/conformity-certificates/{{id}}.pdf",
        ship_to={name: str(text) for name, text in _table(settings, "ship_to").items()},
        where=settings.text("where", ""),
        carriers=settings.carriers,
    )
    return desk, MaintenanceInbox(site=site, secret=settings.text("secret"))


def _wire(name: str, url: str, opened: ExitStack, headers: Mapping[str, str]) -> JsonWire:
    return opened.enter_context(JsonWire(name=name, url=url, headers=headers))


def _table(settings: BridgeSettings, name: str) -> Mapping[str, object]:
    value = settings.foreign.get(name, {})
    if not isinstance(value, dict):
        raise BridgeMisconfigured(f"[{settings.kind}.{name}] is a table")
    return value
