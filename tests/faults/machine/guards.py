"""Guards of the product that can be taken away in this process, to see that the machine finds out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

from sqlalchemy import Engine, TextClause, text

from fabroute.network.repository import capacity
from fabroute.network.service import reservations
from fabroute.orders.repository import lines
from fabroute.production.repository import phases
from fabroute.production.service import holds, leases
from fabroute.routing.repository import scopes

Replacement = tuple[ModuleType, str, object]
"""A module, a name in it, and what stands there once the guard is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Something that keeps the product right."""

    instead: tuple[Replacement, ...]
    dropped: str = ""
    """What the database doesn't keep any more either."""


def _nothing(*_: object, **__: object) -> int:
    return 0


def _always(*_: object, **__: object) -> bool:
    return True


def _in(statement: TextClause, condition: str) -> TextClause:
    """Return a statement without one of its conditions."""
    words = str(statement)
    assert condition in words, condition
    return text(words.replace(condition, ""))


_UNFENCED: tuple[Replacement, ...] = (
    (scopes, "_HOLD", text("SELECT fence FROM planning_scopes WHERE name = :name AND :fence > 0 FOR SHARE")),
    (lines, "_LOCK_FENCED", _in(lines._LOCK_FENCED, " AND line.fence = held.fence")),
)

_ANY_BEAT = _in(phases._BEAT, " AND lease_id = :lease_id AND lease_epoch = :epoch")

GUARDS: Mapping[str, Guard] = {
    "lease": Guard(instead=((leases, "require_lease", _nothing),)),
    "heartbeat": Guard(
        instead=((phases, "_BEAT", _in(phases._BEAT, " AND lease_id = :lease_id AND lease_epoch = :epoch")),)
    ),
    "fence": Guard(instead=_UNFENCED),
    "dispatch": Guard(instead=_UNFENCED, dropped="DROP INDEX uq_jobs_one_live_dispatch"),
    "decrement": Guard(
        instead=(
            (reservations, "_fits", _always),
            (capacity, "_TAKE_GRAMS", _in(capacity._TAKE_GRAMS, " AND lot.remaining_grams >= wanted.grams")),
        ),
        dropped="ALTER TABLE material_lots DROP CONSTRAINT ck_material_lots_never_over_allocated",
    ),
    "hold": Guard(instead=((holds, "_hold_closed", _nothing),)),
}


@contextmanager
def without(name: str) -> Iterator[None]:
    """Take a guard away while the block lasts; none where the name is empty."""
    taken = GUARDS[name].instead if name else ()
    before = [(module, known, getattr(module, known)) for module, known, _ in taken]
    for module, known, instead in taken:
        setattr(module, known, instead)
    try:
        yield
    finally:
        for module, known, original in before:
            setattr(module, known, original)


def drop(admin: Engine, name: str) -> None:
    """Take away what a database keeps of a guard by itself."""
    if name and GUARDS[name].dropped:
        with admin.begin() as connection:
            connection.exec_driver_sql(GUARDS[name].dropped)
