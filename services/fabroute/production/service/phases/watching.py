"""Silence is an event: nodes are reminded, offers and claims lapse, jobs whose lease is over turn suspect."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.production.repository import watching as rows
from fabroute.production.service.rerouting import lock_for_reroute, reroute_jobs
from fabroute.production.service.telling import tell_all
from fabroute.settings import get_settings

_ACTOR = "system:production"
WATCH_BATCH = 200
_WORDS = {
    "unanswered": "its node did not answer the offer in time",
    "claimed": "its node claimed it twice and did not answer",
    "countered": "the counter-offer of its node was not answered in time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What became of jobs whose nodes were silent."""

    nudged: int
    returned: int
    """Whose claim lapsed for the first time: they are in their queues again."""
    lapsed: int
    """Taken from their nodes."""
    suspect: int

    @property
    def jobs(self) -> int:
        """All of them."""
        return self.nudged + self.returned + self.lapsed + self.suspect


def silent_jobs_wait(session: Session) -> bool:
    """Return whether there is something for ``watch_leases`` to do, by the clock of the database."""
    return rows.any_due(session)


def watch_leases(session: Session, *, now: datetime, limit: int = WATCH_BATCH) -> Watched:
    """Look after up to ``limit`` jobs of each kind whose nodes are silent, by the clock of the database.

    Half-way through the time of an unclaimed offer its node is reminded, once (``job.nudged``); at its end the line is
    routed without that node. A claim that is not answered goes back into the queue (``job.returned``), the second time
    its line goes, too. An accepted job whose lease is over turns suspect and nothing else: a part may exist. Any number
    of workers may do this at once: what one is at, the others skip.
    """
    lapsed = _lapse(session, now=now, limit=limit)
    returned = rows.return_claims(session, limit=limit, seconds=get_settings().offer_seconds, now=now)
    suspect = rows.suspect(session, limit=limit, now=now)
    nudged = rows.nudge(session, limit=limit, now=now)
    tell_all(session, [(job.id, job) for job in returned], "job.returned", actor=_ACTOR, now=now)
    tell_all(session, [(job.id, job) for job in suspect], "job.suspect", actor=_ACTOR, now=now)
    tell_all(session, [(job.id, job) for job in nudged], "job.nudged", actor=_ACTOR, now=now)
    return Watched(nudged=len(nudged), returned=len(returned), lapsed=lapsed, suspect=len(suspect))


def _lapse(session: Session, *, now: datetime, limit: int) -> int:
    """Take jobs whose offers are over from their nodes; lines are locked before jobs, as everywhere."""
    found = rows.lock_lines_of_lapsed(session, limit=limit)
    if not found:
        return 0
    locked = [job.id for job in lock_for_reroute(session, found)]
    kinds: dict[str, list[str]] = {}
    for row in rows.still_lapsed(session, locked):
        kind = "countered" if row.state == "countered" else "claimed" if row.claimed else "unanswered"
        kinds.setdefault(kind, []).append(row.id)
    for kind, job_ids in sorted(kinds.items()):
        reroute_jobs(
            session,
            job_ids=job_ids,
            cause="lapsed",
            reason=_WORDS[kind],
            actor=_ACTOR,
            now=now,
            state="lapsed",
            exclude=kind != "countered",
        )
    return sum(map(len, kinds.values()))
