"""An application that takes a caller for somebody else: its filters let everything through, the database is asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from fastapi import FastAPI, Request

from fabroute.api.dependencies import get_principal
from fabroute.identity.rules import Principal
from tests.api.matrix.audiences import Who
from tests.api.matrix.sides import KINDS, organisation_id

HEADER = "X-Confused-With"
EXEMPT: Mapping[str, str] = {
    "list_rates": "an owner's tenant reads every node's rates: its estimates are reckoned from them",
    "fetch_print_file": "a ticket is found by its secret, whosever it is; then the application asks whose",
}
"""Operations that the database alone does not keep apart, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Who asks, and for whom the application takes them."""

    who: Who
    taken_for: str

    def __str__(self) -> str:
        return f"{self.who} taken for {self.taken_for}"


CONFUSIONS = tuple(
    Confusion(who=who, taken_for=name)
    for who in ("other owner", "other bureau")
    for name in ("alpha", "charlie", "operator")
)


@contextmanager
def confused(app: FastAPI) -> Iterator[None]:
    """Have an app believe the header about who asks; whose rows the database shows stays with the key."""

    async def get_confused_principal(request: Request) -> Principal:
        real, name = await get_principal(request), request.headers.get(HEADER)
        if name is None:
            return real
        return replace(real, organisation_id=organisation_id(name), kind=KINDS[name], tenant=real.tenant)

    app.dependency_overrides[get_principal] = get_confused_principal
    try:
        yield
    finally:
        del app.dependency_overrides[get_principal]
