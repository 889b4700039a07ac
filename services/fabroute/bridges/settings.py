"""What a bridge is told: a TOML file, with secrets from the environment where they are not in it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from fabroute.bridges.orders import OrderRules
from fabroute.kernel.errors import DomainError

_ENVIRONMENT: Mapping[str, tuple[str, str]] = {
    "FABROUTE_URL": ("fabroute", "url"),
    "FABROUTE_API_KEY": ("fabroute", "key"),
    "FABROUTE_BRIDGE_SECRET": ("foreign", "secret"),
    "FABROUTE_BRIDGE_TOKEN": ("foreign", "token"),
}
_TABLES = frozenset({"fabroute", "orders", "parts", "currencies", "carriers"})


class BridgeMisconfigured(DomainError):
    """Something that a bridge needs to know is missing or can't be right."""

    code = "bridge_misconfigured"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """All that a bridge is told."""

    kind: str
    url: str
    key: str
    journal: Path
    rules: OrderRules
    carriers: Mapping[str, str]
    foreign: Mapping[str, Any]
    """The table named as the bridge, such as ``[shopify]``."""

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text of the foreign table; ``BridgeMisconfigured`` if it must be there and isn't."""
        value = self.foreign.get(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise BridgeMisconfigured(f"[{self.kind}] needs {name}, a text")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Return a yes or no of the foreign table."""
        value = self.foreign.get(name, default)
        if not isinstance(value, bool):
            raise BridgeMisconfigured(f"[{self.kind}] {name} is true or false")
        return value


def load_settings(kind: str, *, config: Path, environment: Mapping[str, str]) -> BridgeSettings:
    """Return the settings of one kind of bridge. Raises ``BridgeMisconfigured``."""
    told = _tables(config, kind)
    for variable, (table, name) in _ENVIRONMENT.items():
        if environment.get(variable):
            told[kind if table == "foreign" else table][name] = environment[variable]
    return BridgeSettings(
        kind=kind,
        url=_required(told["fabroute"], "fabroute", "url").rstrip("/"),
        key=_required(told["fabroute"], "fabroute", "key"),
        journal=config.parent / str(told["fabroute"].get("journal", f"{kind}.sqlite3")),
        rules=rules_of(told),
        carriers={name: str(url) for name, url in told["carriers"].items()},
        foreign=told[kind],
    )


def rules_of(told: Mapping[str, Mapping[str, Any]]) -> OrderRules:
    """Return how orders are placed, from ``[orders]``, ``[parts]`` and ``[currencies]``."""
    orders = dict(told["orders"])
    known = {"packaging", "criticality", "objective", "same_numbers", "need_by_hard"}
    unknown = sorted(set(orders) - known - {"left_alone", "price_cap_percent", "due_days"})
    if unknown:
        raise BridgeMisconfigured(f"[orders] knows no {', '.join(unknown)}")
    return OrderRules(
        parts={number: str(part) for number, part in told["parts"].items()},
        left_alone=tuple(orders.get("left_alone", ())),
        rates={code: _rate(code, rate) for code, rate in told["currencies"].items()},
        price_cap_percent=_number(orders, "price_cap_percent", most=1000),
        due_days=_number(orders, "due_days", most=3650),
        **{name: orders[name] for name in known & set(orders)},
    )


def _tables(config: Path, kind: str) -> dict[str, dict[str, Any]]:
    try:
        told = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise BridgeMisconfigured(f"can't read {config}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BridgeMisconfigured(f"{config} is no TOML: {error}") from error
    unknown = sorted(set(told) - _TABLES - {kind})
    if unknown or not all(isinstance(table, dict) for table in told.values()):
        raise BridgeMisconfigured(f"{config} has tables {', '.join(sorted(_TABLES | {kind}))} and no {unknown}")
    return {name: told.get(name, {}) for name in (*_TABLES, kind)}


def _required(table: Mapping[str, Any], title: str, name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value:
        variable = next(it for it, place in _ENVIRONMENT.items() if place == (title, name))
        raise BridgeMisconfigured(f"[{title}] needs {name}, a text; or set {variable}")
    return value


def _number(table: Mapping[str, Any], name: str, *, most: int) -> int:
    value = table.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise BridgeMisconfigured(f"[orders] {name} is a whole number from 0 to {most}")
    return value


def _rate(code: str, told: object) -> Decimal:
    try:
        rate = Decimal(str(told))
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or rate <= 0:
        raise BridgeMisconfigured(f'[currencies] {code} is what one {code} is worth in euro, such as "0.92"')
    return rate
