"""Parts: the list of the digital inventory, and one part with its files, its proofs and its makers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import Path, Query, Request, Response
from sqlmodel import Session

from fabroute.api.dependencies import Now, OwnerReader, ReadSession, decode_cursor, encode_cursor, get_resources
from fabroute.console.formats import Formats
from fabroute.console.pages.part.listing import PartsPage, found_page, row_of_part
from fabroute.console.pages.part.page import Makers, PartFacts, PartPage, part_page
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import OWNERS, console_router
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartView, RevisionView
from fabroute.inventory.service.matching import match_parts
from fabroute.logistics.rules import IncompleteFreightData, Location
from fabroute.orders import service as orders
from fabroute.orders.service import OrderFilter, OrderView, ShipTo
from fabroute.routing.service.part_makers import makers_of
from fabroute.routing.service.quoting import QuoteAsked, QuoteBook, read_part
from fabroute.routing.service.readiness import read_part_readiness, read_states

router = console_router(dependencies=OWNERS)

_ROWS, _FOUND, _ORDERS = 25, 50, 8
Text = Annotated[str, Query(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
PartNumber = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")]


@router.get("/parts")
def list_parts(
    console: ForPeople,
    caller: OwnerReader,
    session: ReadSession,
    text: Text = "",
    cursor: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """List the parts of the viewer's organisation by number, or those that words find."""
    words = text.strip()
    it = _found(session, caller, words) if words else _listed(session, caller, cursor)
    return console.page("part/list.html", it=it)


@router.get("/parts/{part_no:path}")
def show_part(
    request: Request,
    console: ForPeople,
    caller: OwnerReader,
    session: ReadSession,
    now: Now,
    part_no: PartNumber,
    revision: Text = "",
) -> Response:
    """Show a part with one of its revisions: the named one, else the released one, else the newest."""
    owner = caller.organisation_id
    book, lacking = _book(request, caller)
    part = inventory.get_part(session, organisation_id=owner, part_no=part_no)
    chosen, may_read = _chosen(part, revision), "orders:read" in caller.scopes
    placed = _orders(session, caller, part) if may_read else ()
    goes_to = placed[0].ship_to if placed else None
    facts = PartFacts(
        part=part,
        chosen=chosen,
        submission=None
        if chosen is None
        else inventory.latest_submission(session, organisation_id=owner, revision_id=chosen.revision_id),
        makers=Makers(lacking=lacking if chosen is not None else ""),
        place="" if goes_to is None else f"{goes_to.city}, {goes_to.country}",
        readiness=read_part_readiness(session, organisation_id=owner, part_no=part.part_no) if may_read else None,
        licences=()
        if chosen is None
        else inventory.read_licences(session, revision_ids=[chosen.revision_id]).get(chosen.revision_id, ()),
        orders=tuple(it for it in placed if any(line.part == part.part_no for line in it.lines)) if may_read else None,
    )
    asked = None if book is None or chosen is None else _asked(session, book, chosen, goes_to)
    return console.made("part/part.html", partial(_page, facts, book, asked, console.viewer.formats))


def _found(session: Session, caller: Principal, words: str) -> PartsPage:
    found = match_parts(session, organisation_id=caller.organisation_id, words=words, limit=_FOUND + 1)
    return found_page(words, found, _states(session, caller, [it.part_id for it in found]), most=_FOUND)


def _listed(session: Session, caller: Principal, cursor: str) -> PartsPage:
    after = decode_cursor(cursor) if cursor else None
    page = inventory.list_parts(session, organisation_id=caller.organisation_id, cursor=after, limit=_ROWS)
    states = _states(session, caller, [it.part_id for it in page.items])
    return PartsPage(
        words="",
        rows=tuple(row_of_part(it, states) for it in page.items),
        has_more=False,
        first_path="/console/parts" if cursor else "",
        next_path="" if page.next_cursor is None else f"/console/parts?cursor={encode_cursor(page.next_cursor)}",
    )


def _states(session: Session, caller: Principal, part_ids: Sequence[str]) -> Mapping[str, str]:
    """Return how ready the network is for parts, for those who may read the report."""
    if "orders:read" not in caller.scopes:
        return {}
    return read_states(session, organisation_id=caller.organisation_id, part_ids=part_ids)


def _chosen(part: PartView, name: str) -> RevisionView | None:
    named = next((it for it in part.revisions if it.revision == name), None)
    return named or part.released or next(reversed(part.revisions), None)


def _orders(session: Session, caller: Principal, part: PartView) -> tuple[OrderView, ...]:
    """Return the newest orders that name the part; else the newest of all, which tells where parts go."""
    owner = caller.organisation_id
    own = OrderFilter(organisation_id=owner, text=part.part_no)
    found = orders.list_orders(session, wanted=own, limit=_ORDERS).items
    return tuple(found or orders.list_orders(session, wanted=OrderFilter(organisation_id=owner), limit=1).items)


def _book(request: Request, caller: Principal) -> tuple[QuoteBook | None, str]:
    """Return the network as quotes know it, read before the view holds a connection; else which data it lacks.

    Where data are missing that prices are made of, all else that is known of a part is shown.
    """
    try:
        return get_resources(request).quotes.books.book(asked_by=caller.organisation_id), ""
    except IncompleteFreightData as missing:
        return None, missing.message.partition(":")[0].replace("_", " ")


def _asked(session: Session, book: QuoteBook, revision: RevisionView, goes_to: ShipTo | None) -> QuoteAsked | None:
    """Return the question who makes one piece: delivered where parts went last, else where the first node stands."""
    nodes = sorted(book.snapshot.network.nodes.values(), key=lambda it: it.node_id)
    place = goes_to or (nodes[0] if nodes else None)
    if place is None:
        return None
    return QuoteAsked(
        part=read_part(session, revision_id=revision.revision_id),
        quantities=(1,),
        destination=Location(latitude=place.latitude, longitude=place.longitude, country=place.country),
        criticality=revision.criticality,
        packaging=revision.packaging,
    )


def _page(facts: PartFacts, book: QuoteBook | None, asked: QuoteAsked | None, fmt: Formats) -> PartPage:
    """Return the page with all nodes beside the part: they are judged when it is drawn."""
    if book is None or asked is None:
        return part_page(facts, fmt)
    return part_page(replace(facts, makers=Makers(nodes=makers_of(book, asked))), fmt)
