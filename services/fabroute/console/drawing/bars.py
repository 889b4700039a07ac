"""Bars: what a price is made of, how full something is, how long something lasts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from fabroute.console.drawing.markup import Attribute, Caption, Svg, element, number, ornament, picture

Kind = Literal["machine", "material", "labour", "margin", "shipping", "duty"]
KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        "machine": "Machine",
        "material": "Material",
        "labour": "Labour",
        "margin": "Margin and risk",
        "shipping": "Shipping",
        "duty": "Duty",
    }
)
"""The parts of a landed cost as they are stacked, with their names."""
_KIND_OF_ROW: Mapping[str, Kind] = MappingProxyType(
    {
        "machine": "machine",
        "energy": "machine",
        "material": "material",
        "file_preparation": "labour",
        "setup_and_unloading": "labour",
        "post_processing": "labour",
        "inspection": "labour",
        "yield_loss": "margin",
        "margin": "margin",
        "minimum_order_top_up": "margin",
        "freight_base": "shipping",
        "freight_weight": "shipping",
        "freight_minimum": "shipping",
        "fuel": "shipping",
        "freight_surcharge": "shipping",
        "duty": "duty",
    }
)
WIDTH, HEIGHT = 200.0, 10.0
_PATTERNS: Mapping[Kind, str] = MappingProxyType(
    {
        "material": "M0 6L6 0M-1 1L1-1M5 7L7 5",
        "labour": "M0 1.5H6M0 4.5H6",
        "margin": "M0 0L6 6M-1 5L1 7M5-1L7 1M0 6L6 0M-1 1L1-1M5 7L7 5",
        "shipping": "M1.5 0V6M4.5 0V6",
        "duty": "M1 1h1v1h-1zM4 4h1v1h-1z",
    }
)
"""What is drawn over the colour of each kind, so that kinds are told apart without it; machines are plain."""
_TILE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A landed cost by kinds, in minor units; what was saved is taken off the sum of the others."""

    amounts: tuple[tuple[Kind, int], ...]
    saved_minor: int = 0

    @property
    def total_minor(self) -> int:
        """The landed cost."""
        return self.gross_minor - self.saved_minor

    @property
    def gross_minor(self) -> int:
        """What all kinds add up to before savings."""
        return sum(amount for _, amount in self.amounts)


def stack_of(rows: Sequence[tuple[str, int]]) -> Stack:
    """Return the items of a breakdown by kinds; an item that is not known counts as margin, one below 0 as saved."""
    amounts = dict.fromkeys(KINDS, 0)
    for code, amount in rows:
        if amount > 0:
            amounts[_KIND_OF_ROW.get(code, "margin")] += amount
    saved = -sum(amount for _, amount in rows if amount < 0)
    return Stack(amounts=tuple((kind, amount) for kind, amount in amounts.items() if amount), saved_minor=saved)


def cost_patterns() -> Svg:
    """Return the patterns that cost bars and their legend refer to: once on a page, before them."""
    patterns = [_pattern(kind, path) for kind, path in _PATTERNS.items()]
    return ornament(css="patterns", width=0, height=0, content=element("defs", None, *patterns))


def cost_bar(caption: Caption, stack: Stack, *, largest_minor: int) -> Svg:
    """Return a landed cost as a stacked bar, as long as it is beside the largest one."""
    scale = WIDTH / max(largest_minor, stack.gross_minor, 1)
    content, x = [], 0.0
    for kind, amount in stack.amounts:
        content.append(_segment(kind, x, amount * scale))
        x += amount * scale
    if stack.saved_minor:
        width = stack.saved_minor * scale
        box: dict[str, Attribute] = {"x": x - width, "y": 0.5, "width": max(1.0, width - 0.5), "height": HEIGHT - 1}
        content.append(element("rect", {"class": "bar-saved", **box}))
    return picture(caption, css="cost-bar", width=WIDTH, height=HEIGHT, content="".join(content))


def kind_sample(kind: Kind) -> Svg:
    """Return a small field of a kind, for the legend."""
    return ornament(css="bar-key", width=14, height=HEIGHT, content=_segment(kind, 0, 14))


def level_bar(caption: Caption, share: float, *, state: str = "ok", limit: float | None = None) -> Svg:
    """Return how full something is, from 0 to 1; over 1 it is full. A limit is a mark across the bar.

    ``state`` is ``ok``, ``low`` or ``critical``: it colours the bar; say it in words beside it.
    """
    filled = WIDTH * max(0.0, min(1.0, share))
    content = [element("rect", {"class": "bar-track", "width": WIDTH, "height": HEIGHT, "rx": 2})]
    if filled:
        content.append(element("rect", {"class": f"bar-fill is-{state}", "width": filled, "height": HEIGHT, "rx": 2}))
    if limit is not None:
        x = WIDTH * max(0.0, min(1.0, limit))
        content.append(element("line", {"class": "bar-limit", "x1": x, "x2": x, "y1": 0, "y2": HEIGHT}))
    return picture(caption, css="level-bar", width=WIDTH, height=HEIGHT, content="".join(content))


def days_bar(caption: Caption, days: float, *, horizon: float, low: float, critical: float) -> Svg:
    """Return how many days something lasts (a certificate, a material) on a scale that ends at the horizon."""
    state = "critical" if days <= critical else "low" if days <= low else "ok"
    return level_bar(caption, days / horizon, state=state, limit=low / horizon)


def day_columns(caption: Caption, shares: Sequence[float], *, closed: Sequence[bool] = ()) -> Svg:
    """Return a machine's days as columns, each as full as its share of 0 to 1; a closed day is crossed out."""
    width, height = 12.0 * max(1, len(shares)), 36.0
    columns = [_column(at, share, at < len(closed) and closed[at], height) for at, share in enumerate(shares)]
    return picture(caption, css="day-columns", width=width, height=height, content="".join(columns))


def sparkline(caption: Caption, values: Sequence[float]) -> Svg:
    """Return a row of figures as a line with a dot at the last one; the lowest is at the bottom."""
    width, height, edge = 120.0, 28.0, 3.0
    low, high = min(values, default=0.0), max(values, default=0.0)
    across, up = (width - 2 * edge) / max(1, len(values) - 1), (height - 2 * edge) / ((high - low) or 1)
    points = [(edge + at * across, height - edge - (value - low) * up) for at, value in enumerate(values)]
    content = []
    if len(points) > 1:
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
        content.append(element("path", {"class": "spark-line", "fill": "none", "d": path}))
    if points:
        content.append(element("circle", {"class": "spark-dot", "cx": points[-1][0], "cy": points[-1][1], "r": 2.5}))
    return picture(caption, css="sparkline", width=width, height=height, content="".join(content))


def _column(at: int, share: float, is_closed: bool, height: float) -> Svg:
    x, filled = at * 12.0 + 1, height * max(0.0, min(1.0, share))
    track: dict[str, Attribute] = {"class": "bar-track", "x": x, "width": 10, "height": height, "rx": 1}
    if is_closed:
        path = f"M{number(x)} {number(height)}L{number(x + 10)} 0"
        return Svg(element("rect", track) + element("path", {"class": "bar-closed", "d": path}))
    state = "critical" if share >= 1 else "low" if share >= 0.85 else "ok"
    fill: dict[str, Attribute] = {"x": x, "y": height - filled, "width": 10, "height": filled, "rx": 1}
    return Svg(element("rect", track) + (element("rect", {"class": f"bar-fill is-{state}", **fill}) if filled else ""))


def _segment(kind: Kind, x: float, width: float) -> Svg:
    """Return a field of a kind's colour and pattern, with a hair of ground after it."""
    box: dict[str, Attribute] = {"x": x, "width": max(0.5, width - 0.7), "height": HEIGHT}
    if kind in _PATTERNS:
        return element("rect", {"fill": f"url(#cost-{kind})", **box})
    return element("rect", {"class": f"cost-{kind}", **box})


def _pattern(kind: Kind, path: str) -> Svg:
    tile: dict[str, Attribute] = {
        "id": f"cost-{kind}",
        "width": _TILE,
        "height": _TILE,
        "patternUnits": "userSpaceOnUse",
    }
    ground = element("rect", {"class": f"cost-{kind}", "width": _TILE, "height": _TILE})
    return element("pattern", tile, ground, element("path", {"class": "cost-hatch", "fill": "none", "d": path}))
