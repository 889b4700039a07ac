"""Take orders: each is placed once, whatever the client repeats and whichever process gets it first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.orders.repository import placing as repository
from fabroute.orders.repository.placing import NewOrder, Outcome, StoredAnswer

_ROUNDS = 5


class KeyContended(DomainError):
    """Other requests with the same idempotency key came and went while this one was being placed."""

    code = "idempotency_key_in_flight"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The order is in the database, and this is its answer."""

    answer: bytes
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The same request was answered before; this is that answer, byte for byte."""

    status: int
    answer: bytes
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReused:
    """The idempotency key belongs to another request. Nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Lines at these ``positions`` (from 1) name a revision that may not be ordered (any more). Nothing was written."""

    positions: tuple[int, ...]


Placing = Placed | Replayed | KeyReused | Refused


class OrderPlacer:
    """Places orders on a connection of its own, whose answers the event loop reads. One call at a time.

    ``connection`` is in autocommit mode. Make it where it may block: the server plans the statement then.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._statement = repository.placing_statement(connection)

    @property
    def is_open(self) -> bool:
        """Tell whether the connection may be used."""
        return self._statement.is_open

    async def place(self, orders: Sequence[NewOrder]) -> tuple[Placing, ...]:
        """Write ``orders`` by one statement, committed on return, and say of each what became of it.

        Equal keys are found wherever the other request is: in the database, in this batch, or in a transaction under
        way, which the statement waits for and a second round then sees. Raises ``KeyContended`` and ``psycopg.Error``.
        """
        settled: dict[int, Placing] = {}
        open_numbers: Sequence[int] = range(len(orders))
        for _ in range(_ROUNDS):
            found = await repository.place(self._statement, [orders[number] for number in open_numbers])
            settled |= {
                number: placing
                for number, outcome in zip(open_numbers, found, strict=True)
                if (placing := _settle(orders[number], outcome)) is not None
            }
            open_numbers = [number for number in open_numbers if number not in settled]
            if not open_numbers:
                return tuple(settled[number] for number in range(len(orders)))
        raise KeyContended("requests with this Idempotency-Key race each other: wait for one answer before repeating")

    def end(self) -> None:
        """Leave the event loop; the connection stays open."""
        self._statement.end()

    def close(self) -> None:
        """Leave the event loop and close the connection."""
        self.end()
        self._connection.close()


def find_answer(
    session: Session, *, organisation_id: str, idempotency_key: str, request_sha256: str
) -> Replayed | KeyReused | None:
    """Return what became of an earlier request with this key, ``None`` if there was none.

    For a request that would be refused today: if it was accepted once, its answer stands.
    """
    stored = repository.find_answer(session, organisation_id=organisation_id, key=idempotency_key)
    return None if stored is None else _replay(stored, request_sha256)


def _settle(order: NewOrder, outcome: Outcome) -> Placing | None:
    known = outcome.known
    if outcome.placed or (known and known.subject_id == order.id):  # the latter: written before, but never answered
        return Placed(answer=order.answer, location=order.location)
    if known:
        return _replay(known, order.request_sha256)
    return Refused(positions=outcome.closed) if outcome.closed else None


def _replay(stored: StoredAnswer, request_sha256: str) -> Replayed | KeyReused:
    if stored.request_sha256 != request_sha256:
        return KeyReused()
    return Replayed(status=stored.status, answer=stored.body, location=stored.location)
