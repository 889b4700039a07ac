"""Orders for the console's tests: routed and unroutable, on nodes in several cities, in any writing."""

from collections.abc import Sequence
from dataclasses import replace

from fabroute.network.service import NewNode
from tests.factories.console import ServedConsole
from tests.factories.network import a_node
from tests.factories.orders import given_orders, make_order
from tests.factories.rerouting import Works
from tests.factories.routable import given_routable_network

CITIES = (("Berlin", 52.52, 13.41), ("Leipzig", 51.34, 12.37), ("München", 48.14, 11.58))
LONG_NAME = "Wagenwerk der Vereinigten Nordwestdeutschen Eisenbahnen " * 4
OTHER_CITIES = (
    ("مركز الطباعة في الرياض", 52.52, 13.41),
    ("名古屋三次元造形センター", 51.34, 12.37),
    (LONG_NAME[:200], 48.14, 11.58),
)
MANY_CITIES = (
    ("Berlin-Charlottenburg-Wilmersdorf", 52.52, 13.41),
    ("Leipzig-Plagwitz-Lindenau", 51.34, 12.37),
    ("Halle (Saale)-Neustadt", 51.48, 11.97),
    ("Dresden", 51.05, 13.74),
    ("Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", 53.22, -4.2),
    ("Kraków", 50.06, 19.94),
    ("Łódź", 51.76, 19.46),
    ("تل أبيب", 32.08, 34.78),
    ("大阪市中央区北浜", 34.69, 135.5),
    ("São José dos Campos", -23.18, -45.88),
    ("Minneapolis", 44.98, -93.27),
    ("Porto", 41.15, -8.61),
)
"""A dozen: some close together, some with names of twice the usual length, in four writings."""


def given_console_works(console: ServedConsole, *, cities: Sequence[tuple[str, float, float]] = CITIES) -> Works:
    """Save three nodes in these cities, the first the cheapest, and return them with the console's owner."""
    nodes = tuple(_node(at, *city) for at, city in enumerate(cities))
    given_routable_network(console.engine, nodes=nodes)
    return Works(engine=console.engine, owner=console.people.owner)


def order_placed(works: Works, *quantities: int, name: str = "Rotterdam yard", routed: bool = True) -> str:
    """Place an order of these lines for somebody of that name, route it, and return its id."""
    order = make_order(works.owner, quantities=quantities or (2,), reference="PO-4711")
    given_orders(works.engine, replace(order, ship_to=replace(order.ship_to, name=name)))
    if routed:
        works.route()
    return order.id


def _node(at: int, city: str, latitude: float, longitude: float) -> NewNode:
    return a_node(
        node_id=f"N10{at + 1}",
        city=city,
        latitude=latitude,
        longitude=longitude,
        minimum_order_minor=5_000 + 1_000 * at,
        labour_minor_per_hour=4_600 + 1_400 * at,
    )
