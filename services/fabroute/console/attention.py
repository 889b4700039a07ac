"""What needs a person now, asked of the services: each source is some sections of the start page."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.api.proofs import ending_soon
from fabroute.console.pages import start_sections as sections
from fabroute.console.pages.start import Section, StartPage
from fabroute.identity.rules import Principal
from fabroute.inventory.service.waiting import list_unreleased
from fabroute.network import service as network
from fabroute.network.service.overview import list_out, list_running_out
from fabroute.orders.service.waiting import list_parked
from fabroute.production.service.waiting import list_waiting
from fabroute.qualification import service as qualification
from fabroute.routing.service.readiness import list_unready
from fabroute.routing.service.unrouted import group_unrouted
from fabroute.webhooks.service.endpoints import list_failing

Source = Callable[[Session, Principal, datetime], Iterable[Section]]
EXPIRING_DAYS = 30
RUNWAY_DAYS = 7


def what_needs_a_person(session: Session, *, caller: Principal, now: datetime) -> StartPage:
    """Return what needs a person now, of what the caller may see, the most urgent first."""
    found = (
        section
        for source, scope in SOURCES
        if scope in caller.scopes
        for section in source(session, caller, now)
        if section.count
    )
    return StartPage(sections=tuple(found))


def _parked(session: Session, caller: Principal, now: datetime) -> Iterable[Section]:
    found = list_parked(session, principal=caller, limit=sections.SHOWN)
    yield sections.parked_section(found)


def _jobs(session: Session, caller: Principal, now: datetime) -> Iterable[Section]:
    for group in list_waiting(session, principal=caller, limit=sections.SHOWN):
        yield sections.job_section(group)


def _unrouted(session: Session, caller: Principal, now: datetime) -> Iterable[Section]:
    found = group_unrouted(session, principal=caller, examples=1)
    yield sections.unrouted_section(found, whole_network=_sees_all(caller))


def _unreleased(session: Session, caller: Principal, now: datetime) -> Iterable[Section]:
    found = list_unreleased(session, organisation_id=caller.organisation_id, limit=sections.SHOWN)
    yield sections.unreleased_section(found)


def _unready(session: Session, caller: Principal, now: datetime) -> Iterable[Section]:
    yield sections.unready_section(list_unready(session, organisation_id=caller.organisation_id, limit=sections.SHOWN))


def _proofs(session: Session, caller: Principal, now: datetime) -> Iterable[Section]:
    if caller.kind == "operator":
        page = qualification.list_certificates(session, waiting=True, limit=sections.SHOWN)
        yield sections.unverified_section(page.items, is_whole=page.next_cursor is None)
    found = ending_soon(session, caller=caller, within_days=EXPIRING_DAYS, now=now)
    yield sections.expiring_section(found, days=EXPIRING_DAYS)


def _network(session: Session, caller: Principal, now: datetime) -> Iterable[Section]:
    whose = None if caller.kind == "operator" else caller.organisation_id
    yield sections.out_section(list_out(session, organisation_id=whose, limit=sections.SHOWN))
    own = None if whose is None else network.nodes_of(session, organisation_id=whose)
    found = list_running_out(session, node_ids=own, within_days=RUNWAY_DAYS, now=now, limit=sections.SHOWN)
    yield sections.running_out_section(found, days=RUNWAY_DAYS)


def _sees_all(caller: Principal) -> bool:
    """Tell whether what waits is of the whole network: then the orders are others', and stand by what binds them."""
    return caller.kind == "operator"


def _webhooks(session: Session, caller: Principal, now: datetime) -> Iterable[Section]:
    yield sections.failing_section(list_failing(session, principal=caller))


SOURCES: Sequence[tuple[Source, str]] = (
    (_jobs, "jobs:read"),
    (_parked, "orders:read"),
    (_unrouted, "orders:read"),
    (_unreleased, "inventory:release"),
    (_network, "network:write"),
    (_proofs, "network:read"),
    (_unready, "inventory:read"),
    (_webhooks, "webhooks:read"),
)
"""What may wait, the most urgent first, and the scope that it takes to be asked. Each asks a service, with a limit."""
