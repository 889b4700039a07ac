"""Where a person can go: what the bar shows, by what they may do."""

from collections.abc import Callable
from dataclasses import dataclass

from fabroute.identity.rules import OrganisationKind, Principal, Scope

HOME = "/console/"
_EVERYBODY: frozenset[OrganisationKind] = frozenset({"owner", "bureau", "operator"})
_BUYERS: frozenset[OrganisationKind] = frozenset({"owner", "operator"})
_MAKERS: frozenset[OrganisationKind] = frozenset({"bureau", "operator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place in the bar: who sees it is told by kind and scope."""

    key: str
    label: str
    path: str
    kinds: frozenset[OrganisationKind]
    scope: Scope

    def is_for(self, principal: Principal) -> bool:
        """Tell whether somebody may go there."""
        return principal.kind in self.kinds and self.scope in principal.scopes


ENTRIES = (
    Entry(key="start", label="Start", path=HOME, kinds=_BUYERS, scope="orders:read"),
    Entry(key="orders", label="Orders", path="/console/orders", kinds=_BUYERS, scope="orders:read"),
    Entry(key="order-a-part", label="Order a part", path="/console/order-a-part", kinds=_BUYERS, scope="orders:write"),
    Entry(key="parts", label="Parts", path="/console/parts", kinds=_BUYERS, scope="inventory:read"),
    Entry(key="jobs", label="Jobs", path="/console/jobs", kinds=_MAKERS, scope="jobs:read"),
    Entry(key="network", label="Network", path="/console/network", kinds=_EVERYBODY, scope="network:read"),
    Entry(key="decisions", label="Decisions", path="/console/decisions", kinds=_BUYERS, scope="orders:read"),
)
"""In the order of the bar. A bureau lands on its jobs, everybody else on the start page."""


def entries_for(principal: Principal) -> tuple[Entry, ...]:
    """Return the places that somebody may go to, in the order of the bar."""
    return tuple(entry for entry in ENTRIES if entry.is_for(principal))


def landing_of(principal: Principal) -> str:
    """Return where somebody begins: at the first place they may go to, bureaus at their jobs."""
    first: Callable[[Entry], bool] = (lambda it: it.key == "jobs") if principal.kind == "bureau" else (lambda it: True)
    found = entries_for(principal)
    return next((it.path for it in found if first(it)), found[0].path if found else "/console/account")
