"""Statements on what builds and prints have taught about machines."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

MachineSet = tuple[str, str]
"""A machine and a parameter set: what owns a calibration."""


def read_calibrations(session: Session, *, node_id: str | None = None) -> Sequence[RowMapping]:
    """Return calibrations in the order of machine and parameter set: all, or those of a node's machines."""
    statement = _READ if node_id is None else _READ_OF_NODE
    return session.connection().execute(statement, {"node_id": node_id} if node_id else {}).mappings().all()


def lock_calibrations(session: Session, keys: Collection[MachineSet], *, now: datetime) -> Sequence[RowMapping]:
    """Return the calibrations of ``keys``, made where they are missing, as nobody else can change them any more.

    A machine that is not in the network (any more) has none.
    Two statements: what is read after the lock sees all that was committed by whoever held it before.
    """
    parameters = {**_columns(keys), "now": now}
    session.connection().execute(_INSERT_MISSING, parameters)
    return session.connection().execute(_LOCK, _columns(keys)).mappings().all()


def write_calibration(session: Session, row: Mapping[str, object]) -> None:
    """Write the sums of a calibration that the caller has locked."""
    session.connection().execute(_WRITE, dict(row))


def _columns(keys: Collection[MachineSet]) -> dict[str, list[str]]:
    ordered = sorted(keys)
    return {
        "machine_ids": [machine_id for machine_id, _ in ordered],
        "parameter_sets": [parameter_set for _, parameter_set in ordered],
    }


_COLUMNS = (
    "c.machine_id, c.parameter_set, c.builds, c.log_ratio_sum, c.log_ratio_sum_squares, c.good_prints,"
    " c.failed_prints, c.learnt_at"
)

_READ = text(f"SELECT {_COLUMNS} FROM calibrations c ORDER BY c.machine_id, c.parameter_set")

_READ_OF_NODE = text(f"""
SELECT {_COLUMNS} FROM calibrations c JOIN machines ON machines.id = c.machine_id
WHERE machines.node_id = :node_id ORDER BY c.machine_id, c.parameter_set
""")

_INSERT_MISSING = text("""
INSERT INTO calibrations (machine_id, parameter_set, builds, log_ratio_sum, log_ratio_sum_squares, good_prints,
    failed_prints, learnt_at)
SELECT wanted.machine_id, wanted.parameter_set, 0, 0, 0, 0, 0, :now
FROM unnest(CAST(:machine_ids AS text[]), CAST(:parameter_sets AS text[])) AS wanted (machine_id, parameter_set)
WHERE EXISTS (SELECT FROM machines WHERE machines.id = wanted.machine_id)
ORDER BY wanted.machine_id, wanted.parameter_set
ON CONFLICT DO NOTHING
""")

_LOCK = text(f"""
SELECT {_COLUMNS} FROM calibrations c
WHERE (c.machine_id, c.parameter_set) IN (
    SELECT * FROM unnest(CAST(:machine_ids AS text[]), CAST(:parameter_sets AS text[])))
ORDER BY c.machine_id, c.parameter_set FOR UPDATE
""")

_WRITE = text("""
UPDATE calibrations SET builds = :builds, log_ratio_sum = :log_ratio_sum,
    log_ratio_sum_squares = :log_ratio_sum_squares, good_prints = :good_prints, failed_prints = :failed_prints,
    learnt_at = :learnt_at
WHERE machine_id = :machine_id AND parameter_set = :parameter_set
""")
