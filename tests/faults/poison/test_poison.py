"""Poisoned lines and real workers: the line is parked, everything else is routed, and each is in four runs at most."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from tests.factories.databases import in_transaction, rows
from tests.faults.poison.poisons import read_record
from tests.faults.poison.scene import Dose, follow, outcome_of, place, poisoned_workers

pytestmark = pytest.mark.timeout(600)

QUICK = {
    "FABROUTE_ROUTING_WALL_SECONDS": "5",
    "FABROUTE_ROUTING_GRACE_SECONDS": "2",
    "FABROUTE_ROUTING_SCOPE_LEASE_SECONDS": "1",
    "FABROUTE_WORKER_MEMORY_MIB": "600",
}
MAY_HANG_SECONDS = 7.0
PATIENCE_SECONDS = 400.0
WORDS = {
    "hang": "it was not done after 7 s",
    "abort": "its process was killed by SIGABRT",
    "memory": "it raised MemoryError",
    "raise": "it raised ArithmeticError",
}


@pytest.mark.slow
def test_poisoned_lines_are_parked_after_four_runs_and_all_others_are_routed(
    settings: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    kinds = place(engine, Dose(orders=20, poisoned=4, seed=7, kinds=("hang", "abort", "memory", "raise"), scopes=1))
    with poisoned_workers(settings | QUICK, tmp_path) as record:
        took = follow(engine, seconds=PATIENCE_SECONDS)
    outcome = outcome_of(engine, record, kinds, took=took, may_hang_seconds=MAY_HANG_SECONDS)

    assert (outcome.healthy, outcome.poisoned) == ({"routed": 16}, {"parked": 4})
    assert outcome.most_runs <= 4
    assert all(seconds <= 10 for _, seconds in outcome.back), outcome.back
    alone = {tuple(str(it) for it in _list(note["poisoned"])) for note in read_record(record) if note["lines"] == 1}
    assert alone >= {(line,) for line in kinds}  # the proof: each broke a run with nothing else in it
    why = in_transaction(engine, lambda session: rows(session, _WHY))
    assert {str(line): str(words) for line, words in why} == {line: WORDS[kind] for line, kind in kinds.items()}
    broken = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
    assert broken == set()


_WHY = "SELECT subject_id, data ->> 'why' FROM audit_entries WHERE action = 'order_line.parked'"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
