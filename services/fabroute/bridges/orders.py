"""An order of a foreign system, and the fabroute order that it becomes. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from fabroute.kernel.errors import DomainError

MOST_TEXT = 120
MOST_CENTS = 1_000_000_000
"""The highest price cap that fabroute takes."""
_MOST_KEY = 200
_MOST_POSTCODE = 16
_CENT = Decimal("0.01")
_EUR = "EUR"


class NotOrderable(DomainError):
    """A foreign order can't become one of fabroute; ``reasons`` say all that is to be mended."""

    code = "not_orderable"
    status = 422

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignLine:
    """A line as the foreign system has it."""

    foreign_id: str
    number: str
    """The article's number there: a SKU, a buyer's or an old part number."""
    quantity: Decimal
    unit_price: Decimal | None = None
    """In the order's currency; ``None`` where there is no price."""
    part: str | None = None
    """fabroute's number, where it was looked up; the mapping table goes before it."""
    shipped_goods: bool = True
    """False for what is no parcel: vouchers, services, downloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the parts go."""

    name: str = ""
    company: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignOrder:
    """An order as the foreign system has it, whichever that is."""

    account: str
    """Whose order it is there: a shop's domain, a buyer's number, a site."""
    foreign_id: str
    number: str
    """What people call it there, such as ``#1001``."""
    lines: Sequence[ForeignLine]
    ship_to: Address | None
    currency: str
    note: str = ""
    need_by: datetime | None = None
    criticality: str | None = None
    objective: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRules:
    """How orders of one bridge are placed."""

    parts: Mapping[str, str] = field(default_factory=dict)
    """fabroute's part numbers by the foreign ones. A number that is not in it may be left alone, or is refused."""
    same_numbers: bool = False
    """Whether a number that is not in ``parts`` is fabroute's own: the inventory knows it, or refuses it."""
    left_alone: Sequence[str] = ()
    """Patterns of numbers that are not printed, such as ``SHIRT-*``."""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """Euro for one unit of a currency."""
    price_cap_percent: int = 0
    """The most that the printed lines may cost, landed, of what the foreign order pays for them; 0: no cap."""
    packaging: str = "plain"
    criticality: str | None = None
    objective: str | None = None
    due_days: int = 0
    """Days until it is needed, where the foreign order doesn't say; 0: no day."""
    need_by_hard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedOrder:
    """The body of ``POST /v1/orders``, and whose lines its lines are."""

    body: dict[str, Any]
    line_ids: tuple[str, ...]
    """Foreign ids in the order of the body's lines."""


def map_order(order: ForeignOrder, rules: OrderRules, *, now: datetime) -> MappedOrder | None:
    """Return what to order; ``None`` where nothing of it is printed. Raises ``NotOrderable`` with every reason."""
    printed = [line for line in order.lines if line.shipped_goods and not _is_left_alone(line.number, rules)]
    if not printed:
        return None
    reasons = [*_line_problems(printed, rules), *_address_problems(order.ship_to), *_cap_problems(order, rules)]
    if reasons or order.ship_to is None:
        raise NotOrderable(reasons)
    lines = [{"part": _part_of(line, rules), "quantity": int(line.quantity)} for line in printed]
    body: dict[str, Any] = {
        "reference": reference_of(order),
        "batch": clipped(order.account),
        "packaging": rules.packaging,
    }
    body |= {"ship_to": ship_to_of(order.ship_to), "lines": lines} | _wishes(order, rules, now)
    cap = price_cap_minor(order, printed, rules)
    if cap is not None:
        body["max_price"] = {"amount_minor": cap, "currency": _EUR}
    return MappedOrder(body=body, line_ids=tuple(line.foreign_id for line in printed))


def idempotency_key(kind: str, account: str, foreign_id: str) -> str:
    """Return the key of a foreign order: the same for every delivery of it, another one for every other order."""
    key = f"{kind}:{quote(account, safe='')}:{quote(foreign_id, safe='')}"
    return key if len(key) <= _MOST_KEY else f"{kind}:{hashlib.sha256(key.encode()).hexdigest()}"


def reference_of(order: ForeignOrder) -> str:
    """Return the order's number and id there, by which people and programs find it."""
    same = order.number in ("", order.foreign_id)
    return clipped(order.foreign_id if same else f"{order.number} {order.foreign_id}")


def ship_to_of(address: Address) -> dict[str, Any]:
    """Return a destination as fabroute takes it: company before name, empty things left out."""
    told = {
        "name": clipped(", ".join(filter(None, (clipped(address.company), clipped(address.name))))),
        "street": clipped(address.street),
        "postal_code": clipped(address.postal_code)[:_MOST_POSTCODE],
        "city": clipped(address.city),
        "country": address.country.strip().upper(),
    }
    place: dict[str, Any] = {name: text for name, text in told.items() if text}
    if address.latitude is not None and address.longitude is not None:
        place |= {"latitude": address.latitude, "longitude": address.longitude}
    return place


def price_cap_minor(order: ForeignOrder, printed: Sequence[ForeignLine], rules: OrderRules) -> int | None:
    """Return the cap in euro cents, rounded down, at most what fabroute takes; ``None`` without a cap or all prices."""
    prices = [line.unit_price * line.quantity for line in printed if line.unit_price is not None]
    if not rules.price_cap_percent or len(prices) < len(printed):
        return None
    euro = sum(prices, Decimal(0)) * _rate(order.currency, rules) * rules.price_cap_percent / 100
    cents = int(euro.quantize(_CENT, rounding=ROUND_FLOOR) * 100)
    return min(cents, MOST_CENTS) or None


def clipped(text: str) -> str:
    """Return a text as labels of fabroute are: one line without control characters, of 120 characters at most."""
    return " ".join("".join(it if it.isprintable() else " " for it in text).split())[:MOST_TEXT].strip()


def _rate(currency: str, rules: OrderRules) -> Decimal:
    return Decimal(1) if currency == _EUR else rules.rates[currency]


def _is_left_alone(number: str, rules: OrderRules) -> bool:
    return number not in rules.parts and any(fnmatchcase(number, pattern) for pattern in rules.left_alone)


def _part_of(line: ForeignLine, rules: OrderRules) -> str:
    return rules.parts.get(line.number) or line.part or line.number


def _line_problems(printed: Sequence[ForeignLine], rules: OrderRules) -> list[str]:
    problems = []
    for line in printed:
        if not line.number:
            problems.append(f"line {line.foreign_id} has no article number")
        elif line.number not in rules.parts and line.part is None and not rules.same_numbers:
            problems.append(f"unknown article {line.number}: map it in [parts], or list it under left_alone")
        if line.quantity < 1 or line.quantity != line.quantity.to_integral_value():
            problems.append(f"line {line.foreign_id} asks for {line.quantity} pieces: it has to be a whole number")
    return problems


def _address_problems(address: Address | None) -> list[str]:
    if address is None:
        return ["there is no address that the parts could go to"]
    missing = [name for name, text in (("city", address.city), ("country", address.country)) if not text.strip()]
    return [f"the address lacks its {name}" for name in missing]


def _cap_problems(order: ForeignOrder, rules: OrderRules) -> list[str]:
    if not rules.price_cap_percent or order.currency == _EUR or order.currency in rules.rates:
        return []
    return [f"no rate for {order.currency}: write it into [currencies], or set price_cap_percent to 0"]


def _wishes(order: ForeignOrder, rules: OrderRules, now: datetime) -> dict[str, Any]:
    need_by = order.need_by or (now + timedelta(days=rules.due_days) if rules.due_days else None)
    told = {
        "criticality": order.criticality or rules.criticality,
        "objective": order.objective or rules.objective,
        "need_by": None if need_by is None else need_by.isoformat(timespec="seconds"),
        "need_by_hard": None if need_by is None else rules.need_by_hard,
    }
    return {name: value for name, value in told.items() if value is not None}
