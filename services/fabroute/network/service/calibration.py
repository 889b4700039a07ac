"""What builds and prints teach about a machine with a parameter set, kept as sums that can be worked out again."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.network.events import network_changed
from fabroute.network.repository import calibrations
from fabroute.network.repository.calibrations import MachineSet
from fabroute.outbox.service import record_all


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntSums:
    """All the evidence about a machine with a parameter set: builds that were timed, prints that were judged."""

    machine_id: str
    parameter_set: str
    builds: int = 0
    log_ratio_sum: float = 0.0
    """Over builds: the sum of ln(real / estimated machine minutes)."""
    log_ratio_sum_squares: float = 0.0
    good_prints: int = 0
    failed_prints: int = 0


Gather = Callable[[Collection[MachineSet]], Sequence[LearntSums]]
"""Returns the sums over all the evidence there is about machines with parameter sets."""


def learn(session: Session, *, keys: Collection[MachineSet], gather: Gather, now: datetime) -> int:
    """Replace what is known about ``keys`` by what ``gather`` says now; return how many calibrations changed.

    The calibrations are locked before the evidence is gathered. So whoever learns last has seen all that the others
    saw, and learning twice, or in any order, leaves the same rows. The transaction has to be read committed.

    Whenever the evidence about a machine has doubled, ``network.changed`` is recorded: a line without a route may have
    one now that the machine is known to be quicker or to fail less. Between two doublings the figures move too little
    to route everything again after each print.
    """
    known = {_key(row): row for row in calibrations.lock_calibrations(session, keys, now=now)} if keys else {}
    found = gather(known) if known else ()
    changed = [sums for sums in found if _differ(sums, known[sums.machine_id, sums.parameter_set])]
    for sums in changed:
        calibrations.write_calibration(session, {**asdict(sums), "learnt_at": now})
    doubled = {it.machine_id for it in changed if _has_doubled(it, known[it.machine_id, it.parameter_set])}
    events = [network_changed(subject=("machine", it), reason="calibration_learnt", now=now) for it in sorted(doubled)]
    record_all(session, events)
    return len(changed)


def _key(row: RowMapping) -> MachineSet:
    return row["machine_id"], row["parameter_set"]


def _differ(sums: LearntSums, row: RowMapping) -> bool:
    return any(value != row[name] for name, value in asdict(sums).items())


def _has_doubled(sums: LearntSums, row: RowMapping) -> bool:
    """Tell whether the builds or the prints have passed a power of two since they were learnt from last."""
    prints, before = sums.good_prints + sums.failed_prints, row["good_prints"] + row["failed_prints"]
    pairs = ((sums.builds, row["builds"]), (prints, before))
    return any(now.bit_length() > then.bit_length() for now, then in pairs)
