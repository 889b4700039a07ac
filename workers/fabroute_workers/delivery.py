"""What a relay does in one turn: tell of events, sweep for what was forgotten, keep the calendar long enough."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine

from fabroute.advice.service.screenings import due_screenings
from fabroute.database import unit_of_work, walk_indexes
from fabroute.identity.service.sealing import sealing_waits
from fabroute.inventory.service import due_submissions
from fabroute.kernel.time import utc_now
from fabroute.orders.service import scopes_with_due_lines
from fabroute.orders.service.traces import traces_of
from fabroute.outbox.service import OutboxMessage, claim_unpublished, mark_published
from fabroute.production.service import held_jobs_wait, planned_jobs_wait
from fabroute.production.service.moving import standing_scopes
from fabroute.production.service.phases.watching import silent_jobs_wait
from fabroute.production.service.rerouting.settling import reroutes_wait
from fabroute.routing.service.readiness import readiness_due
from fabroute.routing.service.scopes import lapsed_scopes
from fabroute.routing.service.shadow_runs import due_shadow_runs
from fabroute.sandbox.service import sandbox_waits
from fabroute.settings import get_settings
from fabroute.telemetry.tracing import record
from fabroute.webhooks.service.deliveries import deliveries_due
from fabroute.webhooks.service.sequencing import sequence_events
from fabroute_workers.bells import Bells
from fabroute_workers.measuring import ERRANDS, count
from fabroute_workers.subscriptions import (
    ASK_READINESS,
    DELIVER_DUE,
    DISPATCH_PLANNED,
    EXPORT_AUDIT_ROOTS,
    EXTEND_CAPACITY,
    FOLLOW_REROUTES,
    HOLD_UNQUALIFIED,
    IMPROVE_PROMISED,
    JUDGE_SCREENINGS,
    LEARN_CALIBRATIONS,
    MAKE_READINESS,
    PLAY_SANDBOXES,
    PURGE_ANSWERS,
    PURGE_ARCHIVES,
    PURGE_EVENTS,
    ROUTE_PENDING,
    RUN_SHADOWS,
    SEAL_AUDIT_LOG,
    SYNC_CARRIERS,
    TAKE_BACK_HELD,
    VALIDATE_PRINT_FILES,
    WATCH_LEASES,
    Errand,
    errands_of,
)

POLL_SECONDS = 1.0
HELD_BACK_SECONDS = 0.05
BATCH_EVENTS = 500
UPKEEP_SECONDS = 3600.0
RECHECK_SECONDS = 60.0
"""A job that a run offered in the instant in which a certificate was revoked is found within this time."""


IMPROVE_EVERY_SECONDS = 60.0
"""How often the promised lines of a planning scope are looked at again; what comes new is routed at once."""


CARRIERS_EVERY_SECONDS = 60.0

ROOTS_EVERY_SECONDS = 60.0
"""How often it is asked whether signed roots of the audit log are due: they are once an hour."""


class Ringer(Protocol):
    """What takes errands to the workers; raises ``BrokerDown`` if it can't at present."""

    def ring(self, errand: Errand) -> None:
        """Hand over one errand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a turn did, and how long the relay may wait for a notice before the next."""

    sent: int
    wait_seconds: float


class Relay:
    """A relay. ``clock`` is any steady count of seconds, ``now`` the wall clock; ``carriers``: some have a folder."""

    def __init__(
        self,
        engine: Engine,
        *,
        ringer: Ringer,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        carriers: bool = False,
    ) -> None:
        self._engine = engine
        self._ringer = ringer
        self._clock = clock
        self._now = now
        self._bells = Bells()
        self._swept_at = float("-inf")
        self._upkeep_at = float("-inf")
        self._recheck_at = float("-inf")
        self._improve_at = clock()
        self._carriers = carriers
        self._carriers_at = clock()
        self._roots_at = clock()
        self._deliveries_wait = False

    def turn(self) -> Turn:
        """Put events into feeds, publish them and, if a second has gone, sweep; on errors events stay where they are.

        Raises ``BrokerDown`` and the database's ``OperationalError``.
        """
        sequenced, published = self.sequence(), self.publish()
        wait_seconds = min(sequenced.wait_seconds, published.wait_seconds)
        if self._clock() - self._swept_at < POLL_SECONDS:
            return Turn(sent=sequenced.sent + published.sent, wait_seconds=wait_seconds)
        swept = self.sweep() + self.keep_up() + self.improve() + self.call_carriers() + self.seal() + self.play()
        self._swept_at = self._clock()
        return Turn(sent=sequenced.sent + published.sent + swept, wait_seconds=wait_seconds)

    def sequence(self) -> Turn:
        """Put a batch of events into the feeds of those whom they concern, and ring for those who deliver them.

        That is done in a transaction of its own: no feed waits for the broker, nor for a bell that rang just now.
        """
        done = sequence_events(self._engine, now=self._now())
        self._deliveries_wait = self._deliveries_wait or done.deliveries > 0
        errand, sent = Errand(task=DELIVER_DUE), 0
        if self._deliveries_wait and self._bells.ready(errand, at=self._clock()):
            sent = self._send([errand])
            self._deliveries_wait = False
        return Turn(sent=sent, wait_seconds=HELD_BACK_SECONDS if done.more or self._deliveries_wait else POLL_SECONDS)

    def publish(self) -> Turn:
        """Send the errands of a batch of events, each once, and mark those events as published."""
        with unit_of_work(self._engine) as session:
            messages = claim_unpublished(session, limit=BATCH_EVENTS)
            ready = [message for message in messages if self._ready(message)]
            traces = traces_of(session, order_ids={it.subject_id for it in ready if it.subject_type == "order"})
            errands = (errand for message in ready for errand in _errands(message, traces.get(message.subject_id)))
            sent = self._send(dict.fromkeys(errands))
            mark_published(session, ids=[message.id for message in ready], now=self._now())
        self._tell_traces(ready, traces)
        more = len(ready) < len(messages) or len(messages) == BATCH_EVENTS
        return Turn(sent=sent, wait_seconds=HELD_BACK_SECONDS if more else POLL_SECONDS)

    def _tell_traces(self, messages: Iterable[OutboxMessage], traces: Mapping[str, str]) -> None:
        """Tell, in the traces of orders, for how long their events lay in the outbox."""
        for message in messages:
            placed = traces.get(message.subject_id)
            if placed is not None:
                facts = {"order_id": message.subject_id, "event_id": message.event_id}
                times = (message.occurred_at, self._now())
                record(f"outbox {message.name}", kind="producer", parent=placed, times=times, facts=facts)

    def sweep(self) -> int:
        """Ring for all that is due: retries, lapsed leases, workers that died, a broker that forgot."""
        with unit_of_work(self._engine) as session:
            walk_indexes(session)
            scopes = dict.fromkeys((*scopes_with_due_lines(session), *lapsed_scopes(session)))
            errands = [Errand(task=ROUTE_PENDING, scope=scope) for scope in scopes]
            if due_submissions(session):
                errands.append(Errand(task=VALIDATE_PRINT_FILES))
            if held_jobs_wait(session):
                errands.append(Errand(task=TAKE_BACK_HELD))
            if planned_jobs_wait(session):
                errands.append(Errand(task=DISPATCH_PLANNED))
            if reroutes_wait(session):
                errands.append(Errand(task=FOLLOW_REROUTES))
            if silent_jobs_wait(session):
                errands.append(Errand(task=WATCH_LEASES))
            if due_screenings(session):
                errands.append(Errand(task=JUDGE_SCREENINGS))
            if due_shadow_runs(session):
                errands.append(Errand(task=RUN_SHADOWS))
            if readiness_due(session):
                errands.append(Errand(task=MAKE_READINESS))
            if deliveries_due(session, now=self._now()):
                errands.append(Errand(task=DELIVER_DUE))
        return self._send(errand for errand in errands if self._bells.overdue(errand, at=self._clock()))

    def keep_up(self) -> int:
        """At the start and then hourly have the calendar made longer, all evidence learnt from again, old archives and
        answers removed, and readiness reports asked for where the day has none yet.

        Every minute have jobs held whose proofs are gone.
        """
        at, errands = self._clock(), []
        if at - self._upkeep_at >= UPKEEP_SECONDS:
            errands += [Errand(task=EXTEND_CAPACITY), Errand(task=LEARN_CALIBRATIONS), Errand(task=PURGE_ARCHIVES)]
            errands += [Errand(task=ASK_READINESS), Errand(task=PURGE_ANSWERS), Errand(task=PURGE_EVENTS)]
        if at - self._recheck_at >= RECHECK_SECONDS:
            errands.append(Errand(task=HOLD_UNQUALIFIED))
        sent = self._send(errands)
        self._upkeep_at = at if Errand(task=EXTEND_CAPACITY) in errands else self._upkeep_at
        self._recheck_at = at if Errand(task=HOLD_UNQUALIFIED) in errands else self._recheck_at
        return sent

    def improve(self) -> int:
        """Every minute, first a minute after the start, have promised lines looked at for better places."""
        if self._clock() - self._improve_at < IMPROVE_EVERY_SECONDS:
            return 0
        with unit_of_work(self._engine) as session:
            scopes = standing_scopes(session)
        sent = self._send(Errand(task=IMPROVE_PROMISED, scope=scope) for scope in scopes)
        self._improve_at = self._clock()
        return sent

    def call_carriers(self) -> int:
        """Every minute, where carriers have folders, have these read and new shipments told."""
        if not self._carriers or self._clock() - self._carriers_at < CARRIERS_EVERY_SECONDS:
            return 0
        sent = self._send([Errand(task=SYNC_CARRIERS)])
        self._carriers_at = self._clock()
        return sent

    def seal(self) -> int:
        """Have new audit entries sealed, every second; every minute, first after one, have roots exported if due."""
        errands = []
        with unit_of_work(self._engine) as session:
            if sealing_waits(session) and self._bells.ready(Errand(task=SEAL_AUDIT_LOG), at=self._clock()):
                errands.append(Errand(task=SEAL_AUDIT_LOG))
        if self._clock() - self._roots_at >= ROOTS_EVERY_SECONDS:
            errands.append(Errand(task=EXPORT_AUDIT_ROOTS))
            self._roots_at = self._clock()
        return self._send(errands)

    def play(self) -> int:
        """Have the nodes of sandboxes do what is due, if something is."""
        errand = Errand(task=PLAY_SANDBOXES)
        if not self._bells.ready(errand, at=self._clock()):
            return 0
        with unit_of_work(self._engine) as session:
            waits = sandbox_waits(session, pace_seconds=get_settings().sandbox_step_seconds)
        return self._send([errand]) if waits else 0

    def _ready(self, message: OutboxMessage) -> bool:
        return all(self._bells.ready(errand, at=self._clock()) for errand in _errands(message))

    def _send(self, errands: Iterable[Errand]) -> int:
        sent = 0
        for errand in errands:
            self._ringer.ring(errand)
            count(ERRANDS, (errand.task,))
            self._bells.sent(errand, at=self._clock())
            sent += 1
        return sent


def _errands(message: OutboxMessage, traceparent: str | None = None) -> tuple[Errand, ...]:
    errands = errands_of(event_name=message.name, data=message.data)
    return errands if traceparent is None else tuple(replace(it, traceparent=traceparent) for it in errands)
