"""What the judge of chaos and the doctor find wrong, by the name of the rule that found it, with counts."""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from tests.faults.chaos.judge import broken_laws, compared
from tests.faults.chaos.record import read_record
from tests.faults.chaos.tally import Tally

NO_BUREAUS = "a job left behind"
"""Not asked here: where no bureau works, jobs stay where they are."""

Findings = Mapping[str, int]
"""By rule, how much is wrong: ``doctor: …`` for its invariants, ``judge: …`` for laws, ``told: …`` for clients."""


def findings(engine: Engine, tally: Tally | None = None) -> Findings:
    """Return what is wrong now, in the database and, where there is a tally, with what clients were told."""
    wrong = Counter({f"doctor: {it.invariant.name}": it.broken for it in check_invariants(engine)})
    wrong.update(f"judge: {_name(sentence)}" for sentence in broken_laws(engine) if _name(sentence) != NO_BUREAUS)
    if tally is not None:
        wrong.update(f"told: {_name(sentence)}" for sentence in compared(tally, read_record(engine)))
    return {name: count for name, count in sorted(wrong.items()) if count}


def _name(sentence: str) -> str:
    return sentence.partition(":")[0]
