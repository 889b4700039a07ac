"""Orders of the reference parts that belong into one planning scope."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine

from fabroute.cli.stack import OWNER
from fabroute.kernel.ids import new_id
from fabroute.orders.rules import planning_scopes
from fabroute.orders.service import NewLine, NewOrder, ShipTo
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import Owner, given_orders, make_order


def _place(city: str, country: str, latitude: float, longitude: float) -> ShipTo:
    return ShipTo(name="", city=city, country=country, latitude=latitude, longitude=longitude, assumed=False)


_PLACES = (
    _place("Hamburg", "DE", 53.5507, 9.993),
    _place("Lyon", "FR", 45.7485, 4.8467),
    _place("Milan", "IT", 45.4643, 9.1895),
    _place("Warsaw", "PL", 52.2298, 21.0118),
    _place("Boston", "US", 42.3584, -71.0598),
    _place("Austin", "US", 30.2672, -97.7431),
    _place("Toronto", "CA", 43.7064, -79.3986),
    _place("Seattle", "US", 47.6062, -122.3321),
)
_BATCH = 100


def given_scoped_orders(engine: Engine, *, scope: str, count: int, seed: int, now: datetime) -> int:
    """Place so many orders of parts of a scope, by chance to four cities of its region; return how many."""
    released = in_transaction(
        engine,
        lambda session: rows(
            session,
            "SELECT part.id, revision.id, revision.process_materials FROM part_revisions revision"
            " JOIN parts part ON part.id = revision.part_id WHERE revision.state = 'released' ORDER BY part.part_no",
        ),
    )
    wanted = [
        (str(part_id), str(revision_id), place)
        for part_id, revision_id, pairs in released
        for place in _PLACES
        if isinstance(pairs, list) and planning_scopes([pairs], country=place.country) == (scope,)
    ]
    chance = random.Random(seed)
    orders = [_order(chance, wanted, scope, now) for _ in range(count)]
    for first in range(0, len(orders), _BATCH):
        given_orders(engine, *orders[first : first + _BATCH])
    return len(orders)


def _order(chance: random.Random, wanted: Sequence[tuple[str, str, ShipTo]], scope: str, now: datetime) -> NewOrder:
    part_id, revision_id, place = chance.choice(wanted)
    owner = Owner(organisation_id=OWNER, token="", key_id="key_1", part_id=part_id, revision_id=revision_id)
    line = NewLine(
        id=new_id("line"), part_id=part_id, revision_id=revision_id, quantity=chance.choice((1, 1, 2, 3, 5, 10))
    )
    order = make_order(owner, planning_scope=scope, placed_at=now)
    return replace(order, lines=(line,), ship_to=place)
