"""Where a person can go: what the bar shows, by what they may do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fabroute.identity.rules import OrganisationKind, Principal, Scope
from fabroute.kernel.errors import DomainError

HOME = "/console/"
_EVERYBODY: frozenset[OrganisationKind] = frozenset({"owner", "bureau", "operator"})
_WATCHERS: frozenset[OrganisationKind] = frozenset({"owner", "operator"})
_OWNERS: frozenset[OrganisationKind] = frozenset({"owner"})
_MAKERS: frozenset[OrganisationKind] = frozenset({"bureau", "operator"})
_OTHERS: Mapping[OrganisationKind, str] = {
    "bureau": "Your organisation makes them: what it is asked to make stands under Jobs.",
    "operator": "Your organisation runs the network: what waits for a person stands on its first page, and any order "
    "opens from there.",
}


class OwnersPage(DomainError):
    """A page for those who have parts made, asked for by somebody who has none."""

    code = "owners_page"
    status = 403


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
    Entry(key="start", label="Start", path=HOME, kinds=_WATCHERS, scope="orders:read"),
    Entry(key="orders", label="Orders", path="/console/orders", kinds=_OWNERS, scope="orders:read"),
    Entry(key="order-a-part", label="Order a part", path="/console/order-a-part", kinds=_OWNERS, scope="orders:write"),
    Entry(key="parts", label="Parts", path="/console/parts", kinds=_OWNERS, scope="inventory:read"),
    Entry(key="jobs", label="Jobs", path="/console/jobs", kinds=_MAKERS, scope="jobs:read"),
    Entry(key="network", label="Network", path="/console/network", kinds=_EVERYBODY, scope="network:read"),
    Entry(key="decisions", label="Decisions", path="/console/decisions", kinds=_WATCHERS, scope="orders:read"),
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


def require_owner(principal: Principal) -> None:
    """Raise ``OwnersPage`` where somebody asks for a page about own orders or parts who has none."""
    if principal.kind in _OTHERS:
        raise OwnersPage(f"Parts are kept and ordered by those who need them. {_OTHERS[principal.kind]}")
