"""Guards of the product, each with what stands in its place once it is taken away, in this process or in a database."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Any

from sqlalchemy import Engine, TextClause, text
from sqlmodel import Session

from fabroute.orders.models import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A name in a module, and what is put in its place, made of what was there."""

    module: str
    name: str
    """Of a method with its class."""
    instead: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A guard, or one of several that stand behind each other, and how it is taken away."""

    what: str
    """For the table."""
    instead: tuple[Replacement, ...] = ()
    """In every process of the product."""
    dropped: tuple[str, ...] = ()
    """In the database, by the owner of its tables."""


def _nothing(*_: object, **__: object) -> int:
    return 0


def _always(*_: object, **__: object) -> bool:
    return True


def _find_anybodys_order(session: Session, *, organisation_id: str, order_id: str) -> Order | None:
    return session.get(Order, order_id, populate_existing=True)


def _put(value: object) -> Callable[[Any], Any]:
    """Return what puts a value in the place of another one."""
    return lambda _: value


def _reword(words: str, others: str, statement: Any) -> Any:
    """Return a statement with other words in the place of some."""
    said = str(statement)
    assert words in said, words
    changed = said.replace(words, others)
    return text(changed) if isinstance(statement, TextClause) else changed


def _words(module: str, name: str, words: str, others: str = "") -> Replacement:
    """Replace words of a statement."""
    return Replacement(module=module, name=name, instead=partial(_reword, words, others))


_LINES = "fabroute.orders.repository.lines"
_CAPACITY = "fabroute.network.repository.capacity"
_KNOWN_KEY = "WHERE earlier.organisation_id = asked.organisation_id AND earlier.key = asked.key LIMIT 1"
_NO_ROW_SECURITY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE 'ALTER TABLE ' || quote_ident(name) || ' DISABLE ROW LEVEL SECURITY';
    END LOOP;
END $$
"""

REMOVALS: Mapping[str, Removal] = MappingProxyType(
    {
        "sweeper": Removal(
            what="relays look for nothing that was forgotten",
            instead=(Replacement(module="fabroute_workers.delivery", name="Relay.sweep", instead=_put(_nothing)),),
        ),
        "scope_lease": Removal(
            what="runs are written whoever has their planning scope by now",
            instead=(
                _words(
                    "fabroute.routing.repository.scopes",
                    "_HOLD",
                    "fence = :fence",
                    "fence >= :fence",
                ),
            ),
        ),
        "line_fence": Removal(
            what="runs are written under whatever fence their lines have by now",
            instead=(_words(_LINES, "_LOCK_FENCED", " AND line.fence = held.fence"),),
        ),
        "line_state": Removal(
            what="runs are written over lines that are not being routed any more",
            instead=(
                _words(_LINES, "_LOCK_FENCED", "line.state = 'routing'", "true"),
                _words(_LINES, "_WRITE_OUTCOMES", " AND line.state = 'routing'"),
            ),
        ),
        "dispatch": Removal(
            what="no UNIQUE index over the live jobs of a share",
            dropped=("DROP INDEX uq_jobs_one_live_dispatch",),
        ),
        "reckoning": Removal(
            what="what a lot or a day has left is not looked at again, once it is locked",
            instead=(Replacement(module="fabroute.network.service.reservations", name="_fits", instead=_put(_always)),),
        ),
        "decrement": Removal(
            what="lots and days are taken from without the condition that they have enough",
            instead=(
                _words(_CAPACITY, "_TAKE_GRAMS", " AND lot.remaining_grams >= wanted.grams"),
                _words(_CAPACITY, "_TAKE_MINUTES", " AND slot.remaining_minutes >= wanted.minutes"),
            ),
        ),
        "check": Removal(
            what="no CHECK that a lot or a day has nothing below zero",
            dropped=(
                "ALTER TABLE material_lots DROP CONSTRAINT ck_material_lots_never_over_allocated",
                "ALTER TABLE capacity_slots DROP CONSTRAINT ck_capacity_slots_never_over_allocated",
            ),
        ),
        "row_security": Removal(what="row-level security off, on every table", dropped=(_NO_ROW_SECURITY,)),
        "tenant_filter": Removal(
            what="the application takes everybody for the owner of an order and the node of a job",
            instead=(
                Replacement(
                    module="fabroute.orders.repository.orders", name="find_order", instead=_put(_find_anybodys_order)
                ),
                Replacement(module="fabroute.production.service.access", name="_is", instead=_put(_always)),
            ),
        ),
        "hash_check": Removal(
            what="what the store gives is not held against its SHA-256",
            instead=(
                Replacement(
                    module="fabroute.integrations.object_storage", name="_require_same", instead=_put(_nothing)
                ),
            ),
        ),
        "job_epoch": Removal(
            what="writes about a job count under any lease",
            instead=(
                Replacement(module="fabroute.production.service.leases", name="require_lease", instead=_put(_nothing)),
            ),
        ),
        "known_key": Removal(
            what="an Idempotency-Key is not looked up before its order is written",
            instead=(_words("fabroute.orders.repository.placing", "_STATEMENT", _KNOWN_KEY, "WHERE false"),),
        ),
        "one_key": Removal(
            what="no primary key over Idempotency-Keys",
            dropped=("ALTER TABLE idempotency_keys DROP CONSTRAINT pk_idempotency_keys",),
        ),
    }
)


def remove(names: Iterable[str]) -> None:
    """Take guards away in this process, for as long as it lives."""
    for replacement in _replacements(names):
        put(replacement)


def put(replacement: Replacement) -> None:
    """Put something in the place of a name in this process."""
    holder, name, known = _place_of(replacement)
    setattr(holder, name, replacement.instead(known))


@contextmanager
def removed(names: Collection[str]) -> Iterator[None]:
    """Take guards away in this process while the block lasts."""
    with ExitStack() as back:
        for replacement in _replacements(names):
            holder, name, known = _place_of(replacement)
            back.callback(setattr, holder, name, known)
            put(replacement)
        yield


def drop(owner: Engine, names: Collection[str]) -> None:
    """Take away what a database keeps of guards, by the owner of its tables."""
    with owner.begin() as connection:
        for name in sorted(names):
            for statement in REMOVALS[name].dropped:
                connection.exec_driver_sql(statement)


def _replacements(names: Iterable[str]) -> list[Replacement]:
    return [replacement for name in sorted(names) for replacement in REMOVALS[name].instead]


def _place_of(replacement: Replacement) -> tuple[Any, str, Any]:
    """Return what holds the name, the name there, and what it stands for now."""
    *classes, name = replacement.name.split(".")
    holder: Any = import_module(replacement.module)
    for known in classes:
        holder = getattr(holder, known)
    return holder, name, getattr(holder, name)
