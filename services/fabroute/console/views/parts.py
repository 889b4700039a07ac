"""Parts: the list of the digital inventory, and one part with its files, its proofs and its makers."""

from typing import Annotated

from fastapi import Path, Query, Request, Response
from sqlmodel import Session

from fabroute.api.dependencies import Now, OwnerReader, ReadSession, decode_cursor, encode_cursor, get_resources
from fabroute.console.pages.order_a_part.finding import find_page
from fabroute.console.pages.part.page import PartFacts, part_page
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartView, RevisionView
from fabroute.inventory.service.matching import match_parts
from fabroute.logistics.rules import Location
from fabroute.orders import service as orders
from fabroute.orders.service import OrderFilter, OrderView, ShipTo
from fabroute.routing.service.part_makers import PartAtNode, makers_of
from fabroute.routing.service.quoting import QuoteAsked, read_part
from fabroute.routing.service.readiness import EntryQuery, EntryView, NoReadinessReport, list_entries

router = console_router()

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
    owner, words = caller.organisation_id, text.strip()
    if words:
        found = match_parts(session, organisation_id=owner, words=words, limit=_FOUND + 1)
        return console.page("part/list.html", it=find_page(words, found, (), most=_FOUND), next_path="", first_path="")
    after = decode_cursor(cursor) if cursor else None
    page = inventory.list_parts(session, organisation_id=owner, cursor=after, limit=_ROWS)
    more = "" if page.next_cursor is None else f"/console/parts?cursor={encode_cursor(page.next_cursor)}"
    shown = find_page("", (), page.items, most=_FOUND)
    return console.page("part/list.html", it=shown, next_path=more, first_path="/console/parts" if cursor else "")


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
        makers=None if chosen is None else _makers(request, session, caller, chosen, goes_to),
        place="" if goes_to is None else f"{goes_to.city}, {goes_to.country}",
        readiness=_readiness(session, owner, part.part_no) if may_read else None,
        licences=()
        if chosen is None
        else inventory.read_licences(session, revision_ids=[chosen.revision_id]).get(chosen.revision_id, ()),
        orders=tuple(it for it in placed if any(line.part == part.part_no for line in it.lines)),
    )
    return console.page("part/part.html", it=part_page(facts))


def _chosen(part: PartView, name: str) -> RevisionView | None:
    named = next((it for it in part.revisions if it.revision == name), None)
    return named or part.released or next(reversed(part.revisions), None)


def _orders(session: Session, caller: Principal, part: PartView) -> tuple[OrderView, ...]:
    """Return the newest orders that name the part; else the newest of all, which tells where parts go."""
    owner = caller.organisation_id
    own = OrderFilter(organisation_id=owner, text=part.part_no)
    found = orders.list_orders(session, wanted=own, limit=_ORDERS).items
    return tuple(found or orders.list_orders(session, wanted=OrderFilter(organisation_id=owner), limit=1).items)


def _makers(
    request: Request, session: Session, caller: Principal, revision: RevisionView, goes_to: ShipTo | None
) -> tuple[PartAtNode, ...] | None:
    """Return all nodes beside a revision, delivered where parts went last; else where the first node stands."""
    book = get_resources(request).quotes.books.book(asked_by=caller.organisation_id)
    nodes = sorted(book.snapshot.network.nodes.values(), key=lambda it: it.node_id)
    place = goes_to or (nodes[0] if nodes else None)
    if place is None:
        return None
    asked = QuoteAsked(
        part=read_part(session, revision_id=revision.revision_id),
        quantities=(1,),
        destination=Location(latitude=place.latitude, longitude=place.longitude, country=place.country),
        criticality=revision.criticality,
        packaging=revision.packaging,
    )
    return makers_of(book, asked)


def _readiness(session: Session, owner: str, part_no: str) -> tuple[EntryView, ...] | None:
    try:
        return tuple(list_entries(session, query=EntryQuery(organisation_id=owner, part=part_no)).items)
    except NoReadinessReport:
        return None
