"""The network as its page shows it: a map, a table of nodes, and the lines that no node can make."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlencode

from fabroute.console.drawing.bars import level_bar
from fabroute.console.drawing.labels import LegendEntry
from fabroute.console.drawing.maps import MapMark, MarkState, draw_map, mark_sample
from fabroute.console.drawing.markup import Caption, Svg
from fabroute.console.drawing.projection import Place
from fabroute.console.formats import Formats
from fabroute.console.pages.network.standing import (
    Gauge,
    answer_gauge,
    certificate_gauge,
    kind_words,
    load_gauge,
    node_names,
    rate_gauge,
    runway_gauge,
)
from fabroute.console.reasons import stored_words
from fabroute.network.service import NodeView
from fabroute.network.service.overview import MachineCount
from fabroute.production.service.overview import NodeStanding
from fabroute.routing.service.unrouted import UnroutedGroup, UnroutedLine, meaning_of

PATH = "/console/network"
_WIDE, _NARROW = (940, 390), (340, 220)
_KEY: Mapping[MarkState, str] = {"candidate": "up", "down": "down", "ruled_out": "closed"}
_MAPS_KEPT = 16
_STATES: Mapping[str, MarkState] = {"up": "candidate", "down": "down"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """A node in the table."""

    node_id: str
    path: str
    name: str
    below: str
    """Its id, kind and country."""
    state: str
    reason: str
    load: Gauge | None
    certificate: Gauge | None
    runway: Gauge | None
    on_time: Gauge | None
    answer: Gauge | None
    open_jobs: int
    jobs_detail: str
    """How many of them are not answered or stuck; empty where none is."""
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkMap:
    """The map twice, for a desk and for a phone, so that its writing keeps its size; one of the two is shown."""

    wide: Svg
    narrow: Svg
    wide_legend: tuple[LegendEntry, ...]
    narrow_legend: tuple[LegendEntry, ...]
    key: tuple[tuple[str, Svg], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckLine:
    """A line that no node can make."""

    path: str
    name: str
    order: str
    quantity: int
    need_by: datetime | None
    fix: str
    reasons: str
    """How many nodes each reason ruled out, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckGroup:
    """Lines that the same reason keeps without a route."""

    code: str
    title: str
    lines: int
    orders: int
    bar: Svg
    since: datetime
    next_need_by: datetime | None
    fix: str
    with_fix: int
    examples: tuple[StuckLine, ...]
    decisions_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpAndDown:
    """How many nodes and machines there are, and which do not work."""

    nodes: str
    """How many nodes are up, down and closed, in words."""
    machines: str
    """How many machines those that are up have, in words; empty without any."""
    named: tuple[tuple[str, str], ...]
    """The first machines that are down: each with where it stands."""
    more: int
    """How many more of them are down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPage:
    """The network: one page of its nodes."""

    rows: tuple[NodeRow, ...]
    map: NetworkMap | None
    standing: UpAndDown | None
    """``None`` without any node."""
    stuck: tuple[StuckGroup, ...]
    """``None`` where the viewer orders nothing."""
    shows_stuck: bool
    next_path: str
    first_path: str

    @property
    def stuck_lines(self) -> int:
        """How many lines no node can make."""
        return sum(group.lines for group in self.stuck)


def network_page(
    standings: Sequence[NodeStanding],
    nodes: Mapping[str, NodeView],
    groups: Sequence[UnroutedGroup] | None,
    machines: MachineCount,
    *,
    organisation_id: str,
    cursor: str,
    next_cursor: str,
    fmt: Formats,
) -> NetworkPage:
    """Return the page for a page of nodes, cursors as they stand in URLs.

    ``nodes`` are all that the map shows, ``machines`` those of the ones that are up.
    """
    names = node_names(nodes)
    return NetworkPage(
        rows=tuple(_row(it, names.get(it.node.node_id, it.node.city), organisation_id, fmt) for it in standings),
        map=_map(nodes, names) if nodes else None,
        standing=up_and_down(Counter(node.status for node in nodes.values()), machines, fmt) if nodes else None,
        stuck=_stuck(groups or (), fmt),
        shows_stuck=groups is not None,
        next_path=f"{PATH}?{urlencode({'cursor': next_cursor})}" if next_cursor else "",
        first_path=PATH if cursor else "",
    )


def up_and_down(nodes: Mapping[str, int], machines: MachineCount, fmt: Formats) -> UpAndDown:
    """Return how many nodes and machines work; ``nodes`` by status."""
    others = [f"{fmt.number(nodes[it])} {it}" for it in ("down", "closed") if nodes.get(it)]
    counted = f"all {fmt.quantity(machines.machines, 'machine')} up" if machines.machines > 1 else "its machine up"
    if machines.down:
        counted = f"{fmt.number(machines.down)} of {fmt.quantity(machines.machines, 'machine')} down"
    return UpAndDown(
        nodes=", ".join([f"{fmt.quantity(nodes.get('up', 0), 'node')} up", *others]),
        machines=counted if machines.machines else "",
        named=tuple((machine_id, f"{node_path(node_id)}#machines") for machine_id, node_id in machines.named),
        more=machines.down - len(machines.named),
    )


def _row(standing: NodeStanding, name: str, organisation_id: str, fmt: Formats) -> NodeRow:
    node = standing.node
    waiting = {"not answered": standing.offered_jobs, "stuck": standing.stuck_jobs}
    return NodeRow(
        node_id=node.node_id,
        path=node_path(node.node_id),
        name=name,
        below=f"{node.node_id} · {kind_words(node.kind)} · {node.country}",
        state=node.status,
        reason=node.status_reason if node.status != "up" else "",
        load=load_gauge(standing.load, fmt, key=node.node_id),
        certificate=certificate_gauge(standing.certificate, key=node.node_id),
        runway=runway_gauge(standing.shortest_runway, key=node.node_id),
        on_time=rate_gauge(standing.on_time, fmt, "job"),
        answer=answer_gauge(standing, fmt),
        open_jobs=standing.open_jobs,
        jobs_detail=", ".join(f"{count:,} {words}" for words, count in waiting.items() if count),
        is_own=node.organisation_id == organisation_id,
    )


def node_path(node_id: str) -> str:
    """Return where a node's page is."""
    return f"{PATH}/{node_id}"


def _map(nodes: Mapping[str, NodeView], names: Mapping[str, str]) -> NetworkMap:
    return _drawn(
        tuple(
            MapMark(
                name=names[node.node_id],
                place=Place(node.latitude, node.longitude),
                state=_STATES.get(node.status, "ruled_out"),
                note=node.status if node.status == "up" else f"{node.status}: {node.status_reason}".rstrip(": "),
            )
            for node in nodes.values()
        )
    )


@lru_cache(maxsize=_MAPS_KEPT)
def _drawn(marks: tuple[MapMark, ...]) -> NetworkMap:
    """Return the map; as long as no node changes it is the same one, which takes longer to draw than all the rest."""
    told = f"{len(marks)} nodes, {sum(mark.state == 'down' for mark in marks)} of them down."
    wide, narrow = (
        draw_map(
            marks,
            caption=Caption(key=f"network-map-{size[0]}", title="Map of the network", description=told),
            width=size[0],
            height=size[1],
        )
        for size in (_WIDE, _NARROW)
    )
    states = {mark.state for mark in marks}
    return NetworkMap(
        wide=wide.svg,
        narrow=narrow.svg,
        wide_legend=wide.legend,
        narrow_legend=narrow.legend,
        key=tuple((words, mark_sample(state)) for state, words in _KEY.items() if state in states),
    )


def _stuck(groups: Sequence[UnroutedGroup], fmt: Formats) -> tuple[StuckGroup, ...]:
    most = max((group.lines for group in groups), default=1)
    return tuple(_group(group, most, fmt) for group in groups)


def _group(group: UnroutedGroup, most: int, fmt: Formats) -> StuckGroup:
    title = sentence(group.meaning)
    caption = Caption(key=f"stuck-{group.code or 'none'}", title=f"{title}: {fmt.quantity(group.lines, 'line')}")
    return StuckGroup(
        code=group.code,
        title=title,
        lines=group.lines,
        orders=group.orders,
        bar=level_bar(caption, group.lines / most, state="low"),
        since=group.since,
        next_need_by=group.next_need_by,
        fix=stored_words(group.fix or "", fmt),
        with_fix=group.with_fix,
        examples=tuple(_line(line, fmt) for line in group.examples),
        decisions_path=f"/console/decisions?{urlencode({'code': group.code, 'outcome': 'no_route'})}",
    )


def _line(line: UnroutedLine, fmt: Formats) -> StuckLine:
    counted = sorted(line.reasons.items(), key=lambda it: (-it[1], it[0]))
    return StuckLine(
        path=f"/console/orders/{line.order_id}?line={line.position}",
        name=f"{line.part_name} · {line.part_no}",
        order=line.reference or line.order_id,
        quantity=line.quantity,
        need_by=line.need_by,
        fix=stored_words(line.fix or "", fmt),
        reasons=", ".join(f"{count:,} × {meaning_of(code)}" for code, count in counted),
    )


def sentence(words: str) -> str:
    """Return words with a capital letter in front."""
    return words[:1].upper() + words[1:]
