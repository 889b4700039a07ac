"""A maintenance team with a legacy spare, and a network that can print it in two places."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from fabroute.inventory.service import (
    ConventionalMethod,
    NewAlias,
    NewInstallation,
    PartChange,
    add_alias,
    change_part,
    get_part,
    install_part,
)
from fabroute.kernel.time import utc_now
from fabroute.logistics.service import LogisticsData, PlaceView, save_logistics
from tests.factories.console import ServedConsole
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.organisations import NOW
from tests.factories.routable import given_routable_network

NAME = "Pump cover, northern station"
OLD_NUMBER, ASSET = "1987-P-17/b", "Pump P-17"
DEAR = 7_900
"""The minimum order of the node that is nearer."""
NODES = (
    a_node(node_id="N101", city="Łódź", country="PL", latitude=51.7592, longitude=19.456, timezone="Europe/Warsaw"),
    a_node(node_id="N102", city="Hamburg", latitude=53.5507, longitude=9.993, minimum_order_minor=DEAR),
    a_node(node_id="N103", city="Potsdam", packaging=("esd",)),
)
WARSAW = PlaceView(city="Warszawa", country="PL", latitude=52.2298, longitude=21.0118, is_capital=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacySpare:
    """The owner's part in a network: with an old number, in a pump, cheaper printed than with a tool."""

    console: ServedConsole

    @property
    def part_no(self) -> str:
        """Its number."""
        return self.console.people.owner.part_no

    def table(self, sql: str, **values: object) -> list[Any]:
        """Return the rows of a query, committed."""
        return in_transaction(self.console.engine, lambda session: list(rows(session, sql, **values)))

    def orders(self) -> list[Any]:
        """Return the ids of all orders with what they cost."""
        return self.table("SELECT id, agreed_price_minor FROM orders ORDER BY id")

    def renamed(self, name: str) -> None:
        """Give the part another name."""
        self.table("UPDATE parts SET name = :name RETURNING id", name=name)

    def expire_quotes(self) -> None:
        """Have all quotes end now."""
        self.table("UPDATE quotes SET valid_until = :now RETURNING id", now=utc_now())

    def network_changed(self, sql: str, **values: object) -> None:
        """Change the network, and have the next quote see it."""
        self.table(sql, **values)
        self.console.resources.quotes.books.outdated(told=self.console.people.owner.organisation_id)


def a_legacy_spare(console: ServedConsole) -> LegacySpare:
    """Save the network and all that is known of the part."""
    given_routable_network(console.engine, nodes=NODES, today=datetime.now(UTC).date())
    in_transaction(console.engine, lambda session: _known(session, console))
    return LegacySpare(console=console)


def _known(session: Session, console: ServedConsole) -> None:
    owner, part_no = console.people.owner.organisation_id, console.people.owner.part_no
    save_logistics(session, data=LogisticsData(places=(WARSAW,)))
    told: dict[str, Any] = {"organisation_id": owner, "part_no": part_no, "actor": "key_1", "now": NOW}
    add_alias(session, alias=NewAlias(kind="old", number=OLD_NUMBER), **told)
    install_part(session, installation=NewInstallation(asset=ASSET, position="4", quantity=2), **told)
    conventional = ConventionalMethod(unit_minor=1_200, tooling_minor=380_000, minimum_quantity=10, lead_days=42)
    version = get_part(session, organisation_id=owner, part_no=part_no).version
    change_part(session, change=PartChange(expected_version=version, name=NAME, conventional=conventional), **told)
