"""Made-up routing problems of any size, shaped like a network of bureaus: seeded, and built by arrays.

Orders ask for a process, a material, sometimes certificates, and a day; nodes in European cities have some processes,
lots and proofs. Capacity and stock are sized to the demand that each pool and lot attracts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabroute.solver.problem import BoolArray, IntArray, RoutingProblem

FloatArray = NDArray[np.float64]

UNROUTED_MULTIPLIER = 2.5
_UNROUTED_EXTRA = 50.0
_MILLIS_PER_EURO = 100_000

DAYS = 20
_PROCESS_SHARE = np.array([0.30, 0.25, 0.15, 0.10, 0.20])
"""MEX, SLS, MJF, VPP, LPBF."""
_MATERIAL_PROCESS = np.array([0] * 5 + [1] * 4 + [2] * 3 + [3] * 3 + [4] * 3)
_RATE = np.array([0.05, 0.12, 0.10, 0.08, 0.45])
"""Euro a machine minute."""
_MATERIAL_PRICE = np.array([0.05, 0.09, 0.07, 0.14, 0.06])
"""Euro a gram."""
_MINUTES = np.array([300.0, 180.0, 150.0, 160.0, 420.0])
_CERTIFICATE_HELD = np.array([0.8, 0.5, 0.35, 0.25])
_CERTIFICATE_ASKED = np.array([0.30, 0.10, 0.08, 0.05])
_FEWEST_NODES, _MOST_NODES = 5, 40
_LATE_DAYS = 2
_LATE_EUROS_A_DAY = 15.0

_CITIES = np.array(
    [
        (52.52, 13.40), (48.14, 11.58), (53.55, 9.99), (50.94, 6.96), (48.78, 9.18), (51.05, 13.74), (45.76, 4.84),
        (48.86, 2.35), (43.60, 1.44), (47.22, -1.55), (45.46, 9.19), (45.07, 7.69), (44.49, 11.34), (41.39, 2.17),
        (40.42, -3.70), (43.26, -2.93), (41.15, -8.61), (52.37, 4.90), (51.44, 5.47), (51.22, 4.40), (50.85, 4.35),
        (52.23, 21.01), (50.06, 19.94), (51.11, 17.03), (50.08, 14.44), (49.20, 16.61), (47.50, 19.04), (48.21, 16.37),
        (47.07, 15.44), (47.38, 8.54), (55.68, 12.57), (57.71, 11.97), (59.33, 18.07), (60.17, 24.94), (44.43, 26.10),
        (46.77, 23.59), (42.70, 23.32), (46.06, 14.51), (45.81, 15.98), (48.15, 17.11), (54.69, 25.28), (56.95, 24.11),
    ]
)  # fmt: skip
"""Latitude and longitude."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many orders, and how many nodes may make them."""

    orders: int
    nodes: int

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Read ``10000x300``."""
        orders, _, nodes = text.partition("x")
        return cls(orders=int(orders), nodes=int(nodes))

    def __str__(self) -> str:
        return f"{self.orders}x{self.nodes}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """A problem, and which of its options come late."""

    problem: RoutingProblem
    late: BoolArray
    process: IntArray
    """Process of each option: 0 MEX, 1 SLS, 2 MJF, 3 VPP, 4 LPBF."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Nodes:
    place: FloatArray
    pool: IntArray
    """Pool of a node and process, or -1."""
    lot: IntArray
    """Lot of a node and material, or -1."""
    holds: BoolArray
    speed: FloatArray
    price: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Orders:
    place: FloatArray
    process: IntArray
    material: IntArray
    asks: BoolArray
    minutes: FloatArray
    grams: FloatArray
    need_by: IntArray


def make_instance(size: Size, *, utilisation: float = 0.9, seed: int = 1) -> Instance:
    """Return one instance; the same arguments give the same arrays on any machine."""
    random = np.random.default_rng([seed, size.orders, size.nodes])
    nodes, orders = _nodes(random, size.nodes), _orders(random, size.orders)
    order, node = _qualified_pairs(random, orders, nodes)
    return _priced(random, orders, nodes, order, node, utilisation)


def _nodes(random: np.random.Generator, count: int) -> _Nodes:
    has = random.random((count, len(_PROCESS_SHARE))) < 0.8 * _PROCESS_SHARE
    idle = ~has.any(axis=1)
    has[idle, random.choice(len(_PROCESS_SHARE), int(idle.sum()), p=_PROCESS_SHARE)] = True
    has[np.arange(min(count, 5)), np.arange(min(count, 5))] = True
    stocked = has[:, _MATERIAL_PROCESS] & (random.random((count, len(_MATERIAL_PROCESS))) < 0.75)
    return _Nodes(
        place=_CITIES[random.integers(len(_CITIES), size=count)] + random.normal(0.0, 0.3, (count, 2)),
        pool=np.where(has, np.cumsum(has).reshape(has.shape) - 1, -1),
        lot=np.where(stocked, np.cumsum(stocked).reshape(stocked.shape) - 1, -1),
        holds=random.random((count, len(_CERTIFICATE_HELD))) < _CERTIFICATE_HELD,
        speed=random.uniform(0.75, 1.35, count),
        price=random.lognormal(0.0, 0.18, count),
    )


def _orders(random: np.random.Generator, count: int) -> _Orders:
    process = random.choice(len(_PROCESS_SHARE), count, p=_PROCESS_SHARE)
    first = np.searchsorted(_MATERIAL_PROCESS, process)
    kinds = np.bincount(_MATERIAL_PROCESS)[process]
    return _Orders(
        place=_CITIES[random.integers(len(_CITIES), size=count)] + random.normal(0.0, 0.5, (count, 2)),
        process=process,
        material=first + (random.random(count) ** 1.5 * kinds).astype(np.int64),
        asks=random.random((count, len(_CERTIFICATE_ASKED))) < _CERTIFICATE_ASKED,
        minutes=_MINUTES[process] * random.lognormal(0.0, 0.6, count),
        grams=180.0 * random.lognormal(0.0, 0.7, count),
        need_by=random.integers(3, DAYS + 3, count),
    )


def _qualified_pairs(random: np.random.Generator, orders: _Orders, nodes: _Nodes) -> tuple[IntArray, IntArray]:
    """Return pairs of order and node, sorted: those that hold all proofs, and others up to the fewest nodes."""
    found_orders, found_nodes = [], []
    for material in range(len(_MATERIAL_PROCESS)):
        makers = np.flatnonzero(nodes.lot[:, material] >= 0)
        wanting = np.flatnonzero(orders.material == material)
        lacking = orders.asks[wanting].astype(np.int64) @ ~nodes.holds[makers].T
        rank = np.argsort(np.argsort(lacking * 2.0 + random.random(lacking.shape), axis=1), axis=1)
        most = random.integers(_FEWEST_NODES, _MOST_NODES + 1, len(wanting))
        taken = (rank < _FEWEST_NODES) | ((lacking == 0) & (rank < most[:, None]))
        which, node = np.nonzero(taken)
        found_orders.append(wanting[which])
        found_nodes.append(makers[node])
    order, node = np.concatenate(found_orders), np.concatenate(found_nodes)
    ranked = np.lexsort((node, order))
    return order[ranked], node[ranked]


def _priced(
    random: np.random.Generator,
    orders: _Orders,
    nodes: _Nodes,
    order: IntArray,
    node: IntArray,
    utilisation: float,
) -> Instance:
    process, material = orders.process[order], orders.material[order]
    minutes = np.maximum(1, np.rint(orders.minutes[order] * nodes.speed[node])).astype(np.int64)
    grams = np.maximum(1, np.rint(orders.grams[order])).astype(np.int64)
    making = nodes.price[node] * (minutes * _RATE[process] + grams * _MATERIAL_PRICE[process] + 12.0)
    distance = _kilometres(orders.place[order], nodes.place[node])
    standard_days = 1 + np.ceil(distance / 600.0).astype(np.int64)
    standard = 6.0 + distance * 0.008 + grams * 0.002
    need_by = orders.need_by[order]
    services = [
        (making + standard, need_by - standard_days, 0),
        (making + 2.2 * standard + 9.0, need_by - 1, 0),
        (making + standard + _LATE_DAYS * _LATE_EUROS_A_DAY, need_by - standard_days + _LATE_DAYS, 1),
    ]
    pool, lot = nodes.pool[node, process], nodes.lot[node, material]
    attracted = _attraction(order, making + standard, len(orders.process))
    daily = np.bincount(pool, attracted * minutes, minlength=int(nodes.pool.max()) + 1) / (utilisation * DAYS)
    drawn = np.bincount(lot, attracted * grams, minlength=int(nodes.lot.max()) + 1) / utilisation
    cost = np.stack([euros for euros, _, _ in services], axis=1)
    bucket = np.minimum(np.stack([days - 1 for _, days, _ in services], axis=1), DAYS - 1)
    late = np.broadcast_to([late > 0 for _, _, late in services], cost.shape)
    kept = (bucket >= 0) & ~_beaten(cost, bucket)
    pair = np.nonzero(kept)[0]
    return Instance(
        problem=RoutingProblem(
            line_count=len(orders.process),
            option_line=order[pair],
            option_cost=_millis(cost[kept]),
            option_pool=pool[pair],
            option_bucket=bucket[kept],
            option_minutes=minutes[pair],
            option_lot=lot[pair],
            option_grams=grams[pair],
            unrouted_cost=_millis(_unrouted(order[pair], cost[kept], len(orders.process))),
            capacity=np.rint(daily[:, None] * random.uniform(0.8, 1.2, (len(daily), DAYS))).astype(np.int64),
            stock=np.rint(drawn * random.lognormal(0.25, 0.4, len(drawn))).astype(np.int64),
        ),
        late=late[kept],
        process=process[pair],
    )


def _beaten(cost: FloatArray, bucket: IntArray) -> BoolArray:
    """Tell which services are no better than another of the same pair: dearer or equal, and not later."""
    worse = (cost[:, :, None] >= cost[:, None, :]) & (bucket[:, :, None] <= bucket[:, None, :])
    equal = (cost[:, :, None] == cost[:, None, :]) & (bucket[:, :, None] == bucket[:, None, :])
    return np.asarray((worse & ~equal).any(axis=2))


def _attraction(order: IntArray, cost: FloatArray, count: int) -> FloatArray:
    """Return the share of each order that goes to each of its nodes, the more the cheaper the node."""
    cheapest = np.full(count, np.inf)
    np.minimum.at(cheapest, order, cost)
    pull = np.exp(-(cost / cheapest[order] - 1.0) / 0.15)
    return np.asarray(pull / np.bincount(order, pull, minlength=count)[order])


def _unrouted(order: IntArray, cost: FloatArray, count: int) -> FloatArray:
    cheapest = np.full(count, np.inf)
    np.minimum.at(cheapest, order, cost)
    return np.asarray(np.where(np.isfinite(cheapest), cheapest, 0.0) * UNROUTED_MULTIPLIER + _UNROUTED_EXTRA)


def _kilometres(here: FloatArray, there: FloatArray) -> FloatArray:
    """Return great-circle distances (haversine, radius 6,371 km)."""
    a, b = np.radians(here), np.radians(there)
    half = np.sin((b - a) / 2.0) ** 2
    chord = half[:, 0] + np.cos(a[:, 0]) * np.cos(b[:, 0]) * half[:, 1]
    return np.asarray(2.0 * 6_371.0 * np.arcsin(np.sqrt(chord)))


def _millis(euros: FloatArray) -> IntArray:
    return np.rint(euros * _MILLIS_PER_EURO).astype(np.int64)
