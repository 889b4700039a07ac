"""Machines learn from the builds and prints of their jobs."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.estimation.calibration import MOST_LEARNT_RATIO
from fabroute.network import service as network
from fabroute.network.service import LearntSums
from fabroute.production.repository import build_times as rows


def learn_calibrations(session: Session, *, node_id: str | None, now: datetime) -> int:
    """Work out from all their evidence what is known about the machines of a node's jobs, or of all jobs.

    Returns how many calibrations changed. Nothing is added to what was known before: events that come twice, late or
    in another order leave the same rows, and a build that was withdrawn is as if it had never been reported.
    """
    keys = rows.read_taught(session, node_id=node_id)
    return network.learn(session, keys=keys, gather=lambda asked: _evidence(session, asked), now=now)


def _evidence(session: Session, keys: Collection[tuple[str, str]]) -> Sequence[LearntSums]:
    found: dict[tuple[str, str], dict[str, float]] = {key: {} for key in sorted(keys)}
    for row in (*rows.sum_builds(session, keys, most=MOST_LEARNT_RATIO), *rows.sum_prints(session, keys)):
        columns = dict(row)
        key = columns.pop("machine_id"), columns.pop("parameter_set")
        found[key].update(columns)
    return [
        LearntSums(
            machine_id=machine_id,
            parameter_set=parameter_set,
            builds=int(sums.get("builds", 0)),
            log_ratio_sum=float(sums.get("log_ratio_sum", 0)),
            log_ratio_sum_squares=float(sums.get("log_ratio_sum_squares", 0)),
            good_prints=int(sums.get("good_prints", 0)),
            failed_prints=int(sums.get("failed_prints", 0)),
        )
        for (machine_id, parameter_set), sums in found.items()
    ]
