"""The network: all nodes on a map and in a table, and what no node can make."""

from functools import partial
from typing import Annotated

from fastapi import Query, Response

from fabroute.api.dependencies import NetworkReader, Now, ReadSession, decode_cursor, encode_cursor
from fabroute.console.pages.network.network import network_page
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.identity.rules import Principal
from fabroute.kernel.ids import sandbox_of
from fabroute.network import service as network
from fabroute.network.service.overview import count_machines
from fabroute.production.service.overview import list_standings
from fabroute.routing.service.unrouted import group_unrouted

router = console_router()

_ROWS = 25
_ON_THE_MAP = 500
_EXAMPLES = 5


@router.get("/network")
def show_network(
    console: ForPeople,
    caller: NetworkReader,
    session: ReadSession,
    now: Now,
    cursor: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """Show all nodes, as far as the viewer may see them; to those who order, also the lines that no node can make."""
    after = decode_cursor(cursor) if cursor else None
    found = list_standings(session, principal=caller, now=now, cursor=after, limit=_ROWS)
    nodes = network.list_nodes(session, limit=_ON_THE_MAP, seen_from=sandbox_of(caller.organisation_id)).items
    groups = group_unrouted(session, principal=caller, examples=_EXAMPLES) if _orders(caller) else None
    working = [node.node_id for node in nodes if node.status == "up"]
    make = partial(
        network_page,
        found.items,
        {node.node_id: node for node in nodes},
        groups,
        count_machines(session, node_ids=working),
        organisation_id=caller.organisation_id,
        cursor=cursor,
        next_cursor=encode_cursor(found.next_cursor) if found.next_cursor else "",
        fmt=console.viewer.formats,
    )
    return console.made("network/network.html", make)


def _orders(caller: Principal) -> bool:
    return caller.kind != "bureau" and "orders:read" in caller.scopes
