"""Statements on machines that go down and on capacity that is cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlmodel import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfMachine:
    """What a machine has on a day, and what jobs hold of it."""

    day: date
    initial_minutes: int
    held_minutes: int


_NODE_OF = text("SELECT node_id FROM machines WHERE id = :machine_id")

_SET_MACHINE = text("UPDATE machines SET status = :status WHERE id = :machine_id AND status <> :status")

_CHANGED = text("UPDATE nodes SET version = version + 1 WHERE id = :node_id")

_DAYS = text("""
SELECT day, initial_minutes, initial_minutes - remaining_minutes AS held_minutes
FROM capacity_slots WHERE machine_id = :machine_id AND day BETWEEN :first_day AND :last_day ORDER BY day
""")

_DAYS_LOCKED = text(f"{_DAYS.text} FOR NO KEY UPDATE")

_CUT = text("""
UPDATE capacity_slots slot
SET initial_minutes = left_over.minutes, remaining_minutes = left_over.minutes
    - (slot.initial_minutes - slot.remaining_minutes)
FROM unnest(CAST(:days AS date[]), CAST(:minutes AS int[])) AS left_over (day, minutes)
WHERE slot.machine_id = :machine_id AND slot.day = left_over.day
""")


def node_of_machine(session: Session, machine_id: str) -> str | None:
    """Return the node at which a machine stands."""
    return session.connection().execute(_NODE_OF, {"machine_id": machine_id}).scalar_one_or_none()


def set_machine_status(session: Session, *, machine_id: str, node_id: str, status: str) -> bool:
    """Write a machine's status and count up its node's version; return whether it had another one."""
    changed = session.connection().execute(_SET_MACHINE, {"machine_id": machine_id, "status": status}).rowcount
    session.connection().execute(_CHANGED, {"node_id": node_id})
    return bool(changed)


def read_days(
    session: Session, *, machine_id: str, first_day: date, last_day: date, lock: bool = False
) -> list[DayOfMachine]:
    """Return the planned days of a machine from ``first_day`` through ``last_day``."""
    parameters = {"machine_id": machine_id, "first_day": first_day, "last_day": last_day}
    rows = session.connection().execute(_DAYS_LOCKED if lock else _DAYS, parameters).mappings()
    return [DayOfMachine(**row) for row in rows]


def cut_days(session: Session, *, machine_id: str, minutes: Mapping[date, int]) -> None:
    """Give locked days of a machine so many minutes in all: at least what jobs hold of each."""
    columns = {"machine_id": machine_id, "days": list(minutes), "minutes": list(minutes.values())}
    session.connection().execute(_CUT, columns)
