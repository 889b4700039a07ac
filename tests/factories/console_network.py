"""A network at work, as the console shows it: nodes over the world, lines that were routed, and some that were not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.network.service import NewNode, StatusChange
from fabroute.production.service import offer_jobs
from fabroute.production.service.rerouting import outages
from fabroute.qualification.service import NewCertificate, save_certificates
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.factories.console import ServedConsole
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_part, given_revision, make_order
from tests.factories.routable import given_routable_network

_LIMITS = RoutingLimits(seed=3, deterministic_seconds=2.0, wall_seconds=20.0)
_CITIES = (
    ("N102", "Potsdam", "DE", 52.39, 13.06, "in_house"),
    ("N103", "Porto", "PT", 41.15, -8.61, "regional_hub"),
    ("N104", "Minneapolis", "US", 44.98, -93.27, "service_bureau"),
    ("N105", "São José dos Campos", "BR", -23.18, -45.88, "service_bureau"),
    ("N106", "大阪", "JP", 34.69, 135.5, "service_bureau"),
    ("N107", "تل أبيب", "IL", 32.08, 34.78, "service_bureau"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAtWork:
    """Seven nodes, the first one the bureau's ``N101`` in Łódź; ``needy`` is a part that none can make."""

    console: ServedConsole
    today: date
    needy: Owner

    def route(self, *, good: int = 0, bad: int = 0) -> None:
        """Have orders routed that can be made, and others that can't."""
        owner = self.console.people.owner
        made = [make_order(owner, reference=f"PO-{number}") for number in range(good)]
        made += [make_order(self.needy, reference=f"PO-9{number}") for number in range(bad)]
        given_orders(self.console.engine, *made)
        now = utc_now()
        assert route_pending(self.console.engine, scope="global", now=now, dispatch=offer_jobs, limits=_LIMITS)

    def take_down(self, node_id: str, reason: str) -> None:
        """Take a node down, as its people would."""
        change = StatusChange(status="down", reason=reason, expected_version=None)
        with unit_of_work(self.console.engine) as session:
            outages.set_node_status(session, node_id=node_id, change=change, actor="key_bureau", now=utc_now())

    def use_material(self, *, grams: int) -> None:
        """Have the first node have used so much of its material lately."""
        self.table(
            "INSERT INTO lot_movements (lot_id, kind, grams, remaining_grams, reuse_count, actor, note, moved_at)"
            " VALUES ('lot_N101', 'consumed', :grams, 0, 0, 'key', '', :at) RETURNING id",
            grams=-grams,
            at=utc_now() - timedelta(days=2),
        )

    def certify(self, node_id: str, *, days_left: int) -> None:
        """Give a node a certificate that ends in so many days."""
        ends = self.today + timedelta(days=days_left)
        held = NewCertificate(node_id=node_id, scheme="EN9100", scope="*", valid_from=date(2020, 1, 1), valid_to=ends)
        with unit_of_work(self.console.engine) as session:
            save_certificates(session, certificates=(held,), now=utc_now())

    def table(self, sql: str, **values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return in_transaction(self.console.engine, lambda session: rows(session, sql, **values))


def a_network_at_work(console: ServedConsole) -> NetworkAtWork:
    """Save the network, with capacity from today on, and a part that asks for a certificate nobody has."""
    today, owner = utc_now().date(), console.people.owner
    given_routable_network(console.engine, nodes=tuple(_nodes(console.people.bureau_id)), today=today)
    part_id = given_part(console.engine, organisation_id=owner.organisation_id, part_no="NX-7")
    revision_id = given_revision(console.engine, part_id=part_id, revision="A")
    needs = f"UPDATE part_revisions SET required_certificates = '{{NADCAP}}' WHERE id = '{revision_id}' RETURNING 1"
    in_transaction(console.engine, lambda session: rows(session, needs))
    return NetworkAtWork(console=console, today=today, needy=replace(owner, part_id=part_id, revision_id=revision_id))


def _nodes(bureau_id: str) -> Sequence[NewNode]:
    first = a_node(organisation_id=bureau_id, city="Łódź", country="PL", timezone="Europe/Warsaw")
    others = (
        a_node(node_id=node_id, city=city, country=country, latitude=latitude, longitude=longitude, kind=kind)
        for node_id, city, country, latitude, longitude, kind in _CITIES
    )
    return (replace(first, latitude=51.77, longitude=19.46), *others)
