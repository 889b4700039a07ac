"""What keeps a line that breaks runs from holding up the others: it is found, and parked."""

from fabroute.routing.service.guards.apart import Account, decided_apart
from fabroute.routing.service.guards.blame import blame

__all__ = ["Account", "blame", "decided_apart"]
