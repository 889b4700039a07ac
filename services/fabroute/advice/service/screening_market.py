"""What the network prints today, as the judge of spare-part lists wants it."""

from collections.abc import Iterator
from datetime import date

from sqlmodel import Session

from fabroute.advice.rules.screening_printing import PrintMarket, PrintOffer, print_market
from fabroute.estimation.facts import InvalidFact
from fabroute.kernel.ids import sandbox_of
from fabroute.network import service as network
from fabroute.network.service import NetworkView, NodeView, OfferView

_UP, _QUALIFIED = "up", "qualified"
_NO_CARBON = 0.0
"""Nobody asks for the carbon of a screening, and no price depends on it."""


def read_print_market(session: Session, *, on: date) -> PrintMarket:
    """Return what the machines that are up, of the real nodes that are up, print with qualified parameter sets."""
    return print_market(_offers(network.read_network(session, first_day=on, last_day=on)))


def _offers(view: NetworkView) -> Iterator[PrintOffer]:
    for offer in view.offers:
        node, machine = view.nodes[offer.node_id], view.machines[offer.machine_id]
        is_real = not sandbox_of(node.organisation_id)
        if is_real and node.status == machine.status == _UP and offer.parameter_set_state == _QUALIFIED:
            yield from _offer(node, offer)


def _offer(node: NodeView, offer: OfferView) -> Iterator[PrintOffer]:
    """Yield an offer, unless its row says what no machine, material or node can be: that one prints nothing."""
    try:
        yield PrintOffer(
            node_id=node.node_id,
            machine_id=offer.machine_id,
            machine=network.machine_facts(offer.model),
            material=network.material_facts(offer.material),
            rates=network.rates_of(node, offer, grid_g_per_kwh=_NO_CARBON),
            evidence=network.evidence_of(offer),
        )
    except InvalidFact:
        return
