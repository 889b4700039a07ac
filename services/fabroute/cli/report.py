"""What orders came to, as tables and sentences for a person."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from rich.table import Table
from rich.text import Text

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json

WIDE = 150
"""Columns that the table of orders needs to show its sentences beside the figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReport:
    """One order line with its outcome, as the tables show it."""

    reference: str
    order_id: str
    part: str
    quantity: int
    city: str
    country: str
    objective: str
    state: str
    state_reason: str
    placed_at: datetime
    node: str = ""
    landed_minor: int = 0
    promised_at: datetime | None = None
    co2e_g: int = 0
    candidates: int = 0
    excluded: int = 0
    why: str = ""
    job_id: str = ""
    held_reason: str = ""
    """Why its job is held; empty unless it is."""
    agreed_minor: int | None = None
    """What is paid by an accepted quote, whatever was routed; ``None`` without one."""
    agreed_at: datetime | None = None
    """When that quote promised it."""
    agreed_note: str = ""
    """Why it may not be there by then; empty where the date stands."""
    shares: tuple[str, ...] = ()
    """Of a split line, each in words: pieces, machine, node, date; empty where one job makes it."""
    advice: str = ""
    """What the conventional way would save; empty where printing is the cheaper one, or that is not known."""

    @property
    def price_minor(self) -> int:
        """What is paid: as agreed by a quote, else as routed."""
        return self.landed_minor if self.agreed_minor is None else self.agreed_minor

    @property
    def lead_days(self) -> float:
        """Days from order to promised arrival; 0 where nothing is promised."""
        return (self.promised_at - self.placed_at).total_seconds() / 86_400 if self.promised_at else 0.0


def line_reports(orders: Iterable[JsonObject]) -> list[LineReport]:
    """Return one report a line, in the order of ``orders``."""
    return [_line_report(order, line) for order in orders for line in _list(order["lines"])]


def _line_report(order: JsonObject, line: JsonObject) -> LineReport:
    ship_to, routing, advice = _dict(order["ship_to"]), _dict(line.get("routing")), _dict(line.get("advice"))
    promised = routing.get("promised_at")
    return LineReport(
        reference=str(order.get("reference") or order["id"]),
        order_id=str(order["id"]),
        part=str(line["part"]),
        quantity=_int(line["quantity"]),
        city=str(ship_to["city"]),
        country=str(ship_to["country"]),
        objective=str(order["objective"]),
        state=str(line["state"]),
        state_reason=str(line.get("state_reason") or ""),
        placed_at=datetime.fromisoformat(str(order["placed_at"])),
        node=" ".join(str(routing[key]) for key in ("node_id", "city") if routing.get(key)),
        landed_minor=_int(_dict(routing.get("landed")).get("amount_minor")),
        promised_at=datetime.fromisoformat(str(promised)) if promised else None,
        co2e_g=_int(routing.get("co2e_g")),
        candidates=_int(routing.get("candidates")),
        excluded=_int(routing.get("excluded")),
        why=str(routing.get("why") or ""),
        job_id=str(routing.get("job_id") or ""),
        held_reason=str(routing.get("held_reason") or ""),
        shares=_shares(_list(routing.get("jobs"))),
        **_agreed(_dict(order.get("quote"))),
        advice=str(advice["meaning"]) if advice.get("cheaper") == "conventional" else "",
    )


def _shares(jobs: list[JsonObject]) -> tuple[str, ...]:
    """Return the jobs of a split line in words; none where one job makes it."""
    if len(jobs) < 2:
        return ()
    return tuple(
        f"{job['quantity']} at {job['node_id']} {job['city']} on {job['machine_id']}, "
        f"there by {str(job['promised_at'])[:16].replace('T', ' ')}, {job['state']}"
        for job in jobs
    )


class _Agreed(TypedDict, total=False):
    agreed_minor: int
    agreed_at: datetime
    agreed_note: str


def _agreed(quote: JsonObject) -> _Agreed:
    """Return what an order agreed on by accepting a quote; nothing without one."""
    if not quote:
        return {}
    return {
        "agreed_minor": _int(_dict(quote["price"])["amount_minor"]),
        "agreed_at": datetime.fromisoformat(str(quote["arrival"])),
        "agreed_note": str(quote.get("arrival_note") or "") if quote.get("arrival_at_risk") else "",
    }


def order_table(orders: Iterable[JsonObject], *, width: int = WIDE) -> Table:
    """Return the table of order lines: where each goes, for how much, by when, and why.

    Below ``WIDE`` columns the sentence why stands under its line instead of beside it.
    """
    if width < WIDE:
        return _narrow_table(orders)
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=["", "dim"])
    for heading in ("order", "part", "to", "wants"):
        table.add_column(heading, no_wrap=True)
    table.add_column("node", no_wrap=True)
    for heading in ("landed", "promised", "cand.", "excl."):
        table.add_column(heading, no_wrap=True, justify="right")
    table.add_column("why", overflow="fold", min_width=30)
    for line in line_reports(orders):
        table.add_row(*_texts(line))
    return table


def _texts(line: LineReport) -> list[Text]:
    """Return the cells as text: what a customer wrote in brackets is no colour."""
    texts = [Text(cell) for cell in _cells(line)]
    if line.state in ("no_route", "parked"):
        texts[4].stylize("red")
    return texts


def _cells(line: LineReport) -> tuple[str, ...]:
    routed, promised = line.state == "routed", line.agreed_at or line.promised_at
    return (
        line.reference,
        f"{line.quantity} × {line.part}",
        f"{line.city} {line.country}",
        line.objective,
        line.node if routed else line.state.replace("_", " "),
        euro(line.price_minor) if routed else "",
        f"{promised:%d %b}" if promised else "",
        str(line.candidates),
        str(line.excluded),
        f"held: {line.held_reason}" if line.held_reason else line.why or line.state_reason,
    )


def _narrow_table(orders: Iterable[JsonObject]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, row_styles=["", "dim"])
    table.add_column(overflow="fold")
    for line in line_reports(orders):
        *cells, why = _cells(line)
        table.add_row(Text("  ".join(cell for cell in cells[:-2] if cell) + f"\n    {why}"))
    return table


def order_story(order: JsonObject) -> str:
    """Return one order in a few lines: its state, and for each line the node, price, date and reason."""
    rows = [f"order {order['id']}: {str(order['state']).replace('_', ' ')}"]
    for line in line_reports([order]):
        rows.append(f"  {line.quantity} × {line.part} to {line.city}, {line.country} ({line.objective})")
        rows.extend(_price_words(line))
        rows.extend(f"      {share}" for share in line.shares)
        rows.extend(_held_words(line))
        if line.advice:
            rows.append(f"    told: {line.advice}")
        why = line.why or line.state_reason or "not decided yet"
        rows.append(f"    why: {why}" if order["state"] != "cancelled" else f"    before it was cancelled: {why}")
        rows.append(
            f"    {line.candidates} nodes could, {line.excluded} are ruled out: fabroute order why {line.order_id}"
        )
    return "\n".join(rows)


def _price_words(line: LineReport) -> list[str]:
    """Return what is paid and when it is there: first what a quote agreed on, then what is routed now."""
    made = f"arrives by {line.promised_at:%Y-%m-%d %H:%M %Z}" if line.promised_at else ""
    if line.agreed_minor is None:
        return [f"    {line.node}: {euro(line.landed_minor)} landed, {made}"] if line.state == "routed" and made else []
    agreed = f"    agreed {euro(line.agreed_minor)} by {line.agreed_at:%d %b}"
    if line.state == "routed" and made:
        agreed += f"; made at {line.node} for {euro(line.landed_minor)}, {made}"
    return [agreed, *([f"    {line.agreed_note}"] if line.agreed_note else [])]


def _held_words(line: LineReport) -> list[str]:
    if not line.held_reason:
        return []
    job = f"/v1/jobs/{line.job_id}"
    return [
        f"    held: {line.held_reason}; the promise does not stand until it is resumed "
        f"(POST {job}/resumption) or taken back (…/take-back)"
    ]


def outcome_summary(lines: Sequence[LineReport]) -> list[str]:
    """Return what became of ``lines`` in words: routed, no route by reason, money, carbon."""
    states, routed = Counter(line.state for line in lines), [line for line in lines if line.state == "routed"]
    rows = [f"{states['routed']} of {len(lines)} order lines routed to {len({line.node for line in routed})} nodes"]
    for reason, count in Counter(line.state_reason for line in lines if line.state == "no_route").most_common():
        rows.append(f"  no route: {count} × {reason}")
    rows.extend(
        f"  {state.replace('_', ' ')}: {states[state]}"
        for state in sorted(states)
        if state not in ("routed", "no_route")
    )
    if routed:
        rows.append(
            f"landed cost {euro(sum(line.price_minor for line in routed))}, "
            f"{sum(line.co2e_g for line in routed) / 1000:,.1f} kg CO2e, "
            f"median lead time {_median([line.lead_days for line in routed]):.1f} days"
        )
    return rows


def country_table(lines: Sequence[LineReport]) -> Table:
    """Return routed, no route, cost, lead time and carbon by destination country."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("country")
    for heading in ("lines", "routed", "no route", "landed", "landed/line", "lead days", "kg CO2e", "kg/line"):
        table.add_column(heading, justify="right")
    for country in sorted({line.country for line in lines}):
        table.add_row(Text(country), *_country_cells([line for line in lines if line.country == country]))
    table.add_row("all", *_country_cells(lines), style="bold")
    return table


def _country_cells(lines: Sequence[LineReport]) -> list[str]:
    routed = [line for line in lines if line.state == "routed"]
    landed, carbon = sum(line.price_minor for line in routed), sum(line.co2e_g for line in routed) / 1000
    count = max(1, len(routed))
    return [
        str(len(lines)),
        str(len(routed)),
        str(sum(1 for line in lines if line.state == "no_route")),
        euro(landed),
        euro(landed // count),
        f"{sum(line.lead_days for line in routed) / count:.1f}",
        f"{carbon:,.1f}",
        f"{carbon / count:.2f}",
    ]


def euro(minor: int) -> str:
    """Return an amount as people write it: ``€1,234.50``."""
    return f"€{minor / 100:,.2f}"


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _dict(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _int(value: Json) -> int:
    return value if isinstance(value, int) else 0
