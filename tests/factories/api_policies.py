"""Policies, runs and their workers behind a served API."""

from datetime import datetime, timedelta

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute.routing.service.shadow_work import ShadowLimits, work_on_shadow_runs
from tests.factories.api import Api
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import given_routable_network

EURO = "EUR"
LIMITS = RoutingLimits(seed=3, deterministic_seconds=2.0, wall_seconds=20.0)
NODES = (
    a_node(node_id="N101", minimum_order_minor=5_000),
    a_node(node_id="N102", city="Potsdam", minimum_order_minor=5_300),
    a_node(node_id="N103", city="Cottbus", minimum_order_minor=6_000, kind="in_house"),
)
HALF_EACH: dict[str, object] = {"caps": [{"share": 0.5}]}
THAT_DAY = {"since": NOW.isoformat(), "until": (NOW + timedelta(days=1)).isoformat()}


def euro(amount_minor: int) -> dict[str, object]:
    """Return an amount as the API takes and gives it."""
    return {"amount_minor": amount_minor, "currency": EURO}


def given_nodes(api: Api) -> None:
    """Save three nodes that can make the owner's part: at 59.97, 62.97 and 69.97 EUR an order."""
    given_routable_network(api.engine, nodes=NODES)


def given_run(api: Api, *owners: Owner, at: datetime = NOW) -> None:
    """Decide an order of each owner in one run."""
    given_orders(api.engine, *(make_order(owner, placed_at=at) for owner in owners))
    assert route_pending(api.engine, scope="global", now=at, dispatch=offer_jobs, limits=LIMITS) is not None


def work(api: Api) -> None:
    """Do what waits of shadow runs and replays, as a worker does."""
    while work_on_shadow_runs(api.engine, limits=ShadowLimits(), now=utc_now()) is not None:
        pass


def token_of(api: Api, kind: OrganisationKind) -> str:
    """Return a key with every scope of a new organisation of a kind."""
    with unit_of_work(api.engine) as session:
        organisation_id = create_organisation(session, name=kind, kind=kind, now=NOW)
        return issue_api_key(session, organisation_id=organisation_id, name="test", scopes=ALL_SCOPES, now=NOW).token
