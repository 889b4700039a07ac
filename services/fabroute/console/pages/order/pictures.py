"""The two pictures of a decision: the map with its lanes, and the plot of what the choice costs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fabroute.console.drawing.labels import LegendEntry
from fabroute.console.drawing.maps import Lane, Map, MapMark, MarkState, draw_map, mark_sample
from fabroute.console.drawing.markup import Caption, Svg
from fabroute.console.drawing.pareto import Offer, ParetoPlot, Scales, draw_pareto
from fabroute.console.drawing.projection import Place
from fabroute.console.formats import Formats
from fabroute.console.pages.order.candidates import place_name
from fabroute.console.pages.order.reading import Candidate, Decided
from fabroute.console.reasons import meaning_of
from fabroute.network.service import NodeView
from fabroute.orders.service import ShipTo

_KEY: Mapping[MarkState, str] = {
    "chosen": "makes it",
    "destination": "destination",
    "candidate": "could make it",
    "down": "down",
    "ruled_out": "ruled out",
}
_MOST_LANES = 12
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPicture:
    """A map, the key to its marks, what its numbers stand for, and how many nodes are not seen in it."""

    svg: Svg
    key: tuple[tuple[str, Svg], ...]
    legend: tuple[LegendEntry, ...]
    outside: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotPicture:
    """A plot, what its numbers stand for, and which candidates are too far off to be in it."""

    svg: Svg
    legend: tuple[LegendEntry, ...]
    outside: tuple[str, ...]


def map_picture(decided: Decided | None, nodes: Mapping[str, NodeView], ship_to: ShipTo, fmt: Formats) -> MapPicture:
    """Return the map of an order: where it goes, what could make it, what is ruled out."""
    destination = Place(ship_to.latitude, ship_to.longitude)
    marks = [MapMark(name=ship_to.name or ship_to.city, place=destination, state="destination")]
    lanes: list[Lane] = []
    if decided is not None:
        marks += _marks(decided, nodes, fmt)
        lanes += _lanes(decided, nodes, destination)
    drawn = draw_map(marks, lanes, caption=_map_caption(decided, ship_to))
    return _map_picture(drawn, marks)


def plot_picture(decided: Decided, fmt: Formats, *, since: datetime, need_by: datetime | None) -> PlotPicture | None:
    """Return the plot of the candidates' prices and days; ``None`` where there are none."""
    if not decided.candidates:
        return None
    offers = _offers(decided)
    drawn = draw_pareto(offers, caption=_plot_caption(offers, fmt), scales=_scales(fmt), since=since, deadline=need_by)
    return _plot_picture(drawn)


def _map_picture(drawn: Map, marks: Sequence[MapMark]) -> MapPicture:
    there = {mark.state for mark in marks}
    return MapPicture(
        svg=drawn.svg,
        key=tuple((words, mark_sample(state)) for state, words in _KEY.items() if state in there),
        legend=drawn.legend,
        outside=tuple(dict.fromkeys(mark.name for mark in drawn.outside)),
    )


def _plot_picture(drawn: ParetoPlot) -> PlotPicture:
    return PlotPicture(svg=drawn.svg, legend=drawn.legend, outside=tuple(it.name for it in drawn.outside))


def _marks(decided: Decided, nodes: Mapping[str, NodeView], fmt: Formats) -> Iterator[MapMark]:
    chosen = () if decided.chosen is None else decided.chosen.node_ids
    able = {it.node_id: it for it in decided.candidates}
    cities = Counter(node.city for node in nodes.values())
    for node_id in dict.fromkeys([*chosen, *able, *(it.node_id for it in decided.exclusions)]):
        node = nodes.get(node_id)
        if node is not None:
            name = node.city if cities[node.city] == 1 else f"{node.city} {node_id}"
            state: MarkState = "chosen" if node_id in chosen else "candidate" if node_id in able else _excluded(node)
            yield MapMark(
                name=name, place=Place(node.latitude, node.longitude), state=state, note=_note(node_id, decided, fmt)
            )


def _excluded(node: NodeView) -> MarkState:
    return "ruled_out" if node.status == "up" else "down"


def _note(node_id: str, decided: Decided, fmt: Formats) -> str:
    found = next((it for it in decided.candidates if it.node_id == node_id), None)
    if found is not None:
        return f"{fmt.money(found.landed_minor)}, there by {fmt.day(found.promised_at)}"
    barred = next((it for it in decided.exclusions if it.node_id == node_id), None)
    return "" if barred is None else "; ".join(dict.fromkeys(meaning_of(it.code) for it in barred.reasons))


def _lanes(decided: Decided, nodes: Mapping[str, NodeView], destination: Place) -> Iterator[Lane]:
    chosen = () if decided.chosen is None else decided.chosen.node_ids
    others = [it.node_id for it in sorted(decided.candidates, key=lambda it: it.cost_millis)]
    for node_id in dict.fromkeys([*chosen, *others][:_MOST_LANES]):
        node = nodes.get(node_id)
        if node is not None:
            yield Lane(start=Place(node.latitude, node.longitude), end=destination, chosen=node_id in chosen)


def _offers(decided: Decided) -> list[Offer]:
    chosen = decided.chosen
    others = [it for it in decided.candidates if chosen is None or it.key != chosen.key]
    return [*([] if chosen is None else [_offer(chosen, True)]), *(_offer(it, False) for it in others)]


def _offer(candidate: Candidate, chosen: bool) -> Offer:
    return Offer(
        name=place_name(candidate),
        cost_minor=candidate.landed_minor,
        median_at=candidate.expected_at,
        promised_at=candidate.promised_at,
        co2e_g=candidate.co2e_g,
        chosen=chosen,
    )


def _scales(fmt: Formats) -> Scales:
    return Scales(
        money=fmt.round_money,
        day=fmt.short_day,
        hour=lambda instant: f"{fmt.short_day(instant)} {fmt.time(instant)}",
        zone=fmt.zone,
        cost_title="landed cost · larger dot: more CO₂e",
        time_title="there by (9 in 10), whisker: half of them",
    )


def _map_caption(decided: Decided | None, ship_to: ShipTo) -> Caption:
    chosen = None if decided is None else decided.chosen
    told = "" if decided is None else f"{len(decided.candidates)} nodes could make it, {len(decided.exclusions)} can't."
    if chosen is None:
        return Caption(key="order-map", title=f"Map: to {ship_to.city}", description=told)
    return Caption(key="order-map", title=f"Map: from {place_name(chosen)} to {ship_to.city}", description=told)


def _plot_caption(offers: Sequence[Offer], fmt: Formats) -> Caption:
    told = "; ".join(
        f"{it.name} {fmt.money(it.cost_minor)}, {fmt.day(it.promised_at)}{' (chosen)' if it.chosen else ''}"
        for it in offers[:20]
    )
    return Caption(key="order-plot", title="Plot: price and day of each candidate", description=told)
