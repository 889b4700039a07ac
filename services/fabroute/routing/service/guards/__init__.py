"""What keeps a line that breaks runs from holding up the others: it is found, and parked."""

from fabroute.routing.service.guards.apart import Account, decided_apart
from fabroute.routing.service.guards.blame import blame
from fabroute.routing.service.guards.breaking import Breaking

__all__ = ["Account", "Breaking", "blame", "decided_apart"]
