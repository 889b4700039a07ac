"""Accepting a quote: order, decision, reservation and job in one transaction, or exactly why it can't be kept.

The network is read anew, with no transaction open while it is looked at. Then locks are taken in one order: quote,
idempotency key, lines, licences, lots, slots, nodes, orders. What is gone by then is looked for again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.orders import service as orders
from fabroute.orders.service import KeyReused, Placed, QuoteView, Replayed
from fabroute.routing.ports import JobDispatch
from fabroute.routing.service.agreeing import Acceptance, Standing, require_standing
from fabroute.routing.service.asked_once import answered_elsewhere, earlier_answer
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.commit import RunFacts, write_run
from fabroute.routing.service.decided import Decided, verified
from fabroute.routing.service.documents import Verdict
from fabroute.routing.service.keeping import Broken, Kept, keep_terms, kept_sentence
from fabroute.routing.service.options import LineChoices
from fabroute.routing.service.problem import JointProblem, joint_problem
from fabroute.routing.service.quoted import Document, QuotedTerms
from fabroute.routing.service.sentences import euro
from fabroute.routing.snapshot import RoutingSnapshot, read_snapshot
from fabroute.solver.plan import PlanStatus, RoutingPlan

ENGINE = "quote"
"""In the place of a solver: a person chose among the offers."""
ROUNDS = 16
"""How often what was taken meanwhile is looked for again."""
_CHOSEN = (0,)

AnswerWriter = Callable[[Session, str], bytes]
"""Returns the answer about an order, read in the transaction that writes it."""


class QuoteNotKept(DomainError):
    """What was quoted can't be kept: `details.reasons` and `errors` say why, `details.alternative` what is nearest."""

    code = "quote_not_kept"
    status = 409


class QuoteContended(DomainError):
    """Others took what an acceptance had found, again and again. Nothing was written."""

    code = "quote_contended"
    status = 409


class _TakenMeanwhile(RuntimeError):
    """What was found free was taken between the look and the transaction."""


class QuoteAcceptor:
    """Accepts quotes on one database. One for all requests of a process."""

    def __init__(self, engine: Engine, *, dispatch: JobDispatch, horizon_days: int, rounds: int = ROUNDS) -> None:
        self._engine = engine
        self._dispatch = dispatch
        self._horizon_days = horizon_days
        self._rounds = rounds

    def accept(self, acceptance: Acceptance, *, answer: AnswerWriter, now: datetime) -> Placed | Replayed | KeyReused:
        """Place the order that accepts a quote, routed and with its job, once for all repetitions of the request.

        Raises ``QuoteNotThere``, ``QuoteTaken``, ``QuoteExpired``, ``QuoteMismatch``, ``QuoteNotKept`` and
        ``QuoteContended``; of a request that was accepted once, the answer stands.
        """
        for _ in range(self._rounds):
            began = time.monotonic()
            with unit_of_work(self._engine, repeatable_read=True) as session:
                earlier = earlier_answer(session, acceptance)
                if earlier is not None:
                    return earlier
                standing = _require_standing(session, acceptance, now=now)
                snapshot = self._snapshot(session, standing, now=now)
            decided = _decided(snapshot, standing)
            try:
                with unit_of_work(self._engine) as session:
                    return self._write(session, _Work(acceptance, standing, snapshot, decided, began), answer, now)
            except _TakenMeanwhile:
                continue
        raise QuoteContended("others take what this quote needs just now: repeat the request with the same key")

    def _snapshot(self, session: Session, standing: Standing, *, now: datetime) -> RoutingSnapshot:
        return read_snapshot(session, lines=(standing.line,), now=now, horizon_days=self._horizon_days)

    def _write(
        self, session: Session, work: "_Work", answer: AnswerWriter, now: datetime
    ) -> Placed | Replayed | KeyReused:
        acceptance, order = work.acceptance, work.standing.order
        quote = orders.get_quote(
            session, organisation_id=order.organisation_id, quote_id=acceptance.quote_id, lock=True
        )
        earlier = earlier_answer(session, acceptance)
        if earlier is not None:
            return earlier
        _require_standing(session, acceptance, now=now, quote=quote)
        if not orders.claim_key(session, order=order):
            return answered_elsewhere(session, acceptance)
        orders.place_quoted_order(session, order=order, agreed=work.standing.agreed, now=now)
        written = write_run(
            session, facts=work.facts, snapshot=work.snapshot, decided=work.decided, dispatch=self._dispatch
        )
        if written.routed != 1:
            raise _TakenMeanwhile(order.id)
        body = answer(session, order.id)
        orders.finish_quoted_order(session, order=order, answer=body)
        return Placed(answer=body, location=order.location)


@dataclass(frozen=True, slots=True)
class _Work:
    """What one round of an acceptance found and is about to write."""

    acceptance: Acceptance
    standing: Standing
    snapshot: RoutingSnapshot
    decided: Decided
    began: float

    @property
    def facts(self) -> RunFacts:
        agreed = self.standing.agreed
        return RunFacts(
            run_id=new_id("run"),
            scope=self.standing.order.planning_scope,
            limits={"quote_id": agreed.quote_id, "offer": agreed.offer, "agreed_price_minor": agreed.price_minor},
            wall_ms=round((time.monotonic() - self.began) * 1000),
            kind="quote",
        )


def _require_standing(
    session: Session, acceptance: Acceptance, *, now: datetime, quote: QuoteView | None = None
) -> Standing:
    """Return what is to be kept; ``QuoteNotKept`` where the revision is not ordered any more."""
    standing = require_standing(session, acceptance, now=now, quote=quote)
    if standing.closed is not None:
        raise _not_kept(standing, Broken(reasons=(standing.closed,), alternative=None), now=now)
    return standing


def _decided(snapshot: RoutingSnapshot, standing: Standing) -> Decided:
    """Return the decision to make what was quoted, with all that speaks for and against every node today."""
    finder, line, terms = CandidateFinder(snapshot), standing.line, standing.terms
    kept = keep_terms(finder, snapshot, line, terms)
    if isinstance(kept, Broken):
        raise _not_kept(standing, kept, now=snapshot.now)
    (choices,) = finder.choices()
    joint = _joint(finder, choices, kept)
    plan = _plan(joint)
    sentence = kept_sentence(kept, terms, label=standing.agreed.offer, calendars=finder.calendars)
    return Decided(
        verdicts=(Verdict(choices=choices, chosen=kept.option, exclusions=choices.exclusions),),
        days=joint.days(plan.chosen, finder.calendars),
        baseline=joint.chosen(plan.chosen),
        plan=verified(joint.problem, plan),
        options=len(choices.options),
        snapshot_sha256=snapshot.sha256(),
        calendars=finder.calendars,
        sentences={line.line_id: sentence},
    )


def _joint(finder: CandidateFinder, choices: LineChoices, kept: Kept) -> JointProblem:
    """Return the problem of one line with one option: its days and its check are those of any plan."""
    only = LineChoices(
        line=choices.line,
        options=(kept.option,),
        exclusions=(),
        best=(kept.option,),
        fastest=kept.option,
        cheapest=kept.option,
        greenest=kept.option,
    )
    return joint_problem((only,), supply=finder.supply(), buckets=finder.calendars.horizon_days)


def _plan(joint: JointProblem) -> RoutingPlan:
    cost = joint.options[0].cost_millis
    return RoutingPlan(
        chosen=_CHOSEN, cost=cost, bound=cost, engine=ENGINE, status=PlanStatus.BASELINE, seed=0, wall_ms=0
    )


def _not_kept(standing: Standing, broken: Broken, *, now: datetime) -> QuoteNotKept:
    agreed, terms = standing.agreed, standing.terms
    reasons = "; ".join(f"{reason['code']}: {reason['message']}" for reason in broken.reasons)
    return QuoteNotKept(
        f"the {agreed.offer} offer of quote {agreed.quote_id} ({terms.quantity} at {euro(terms.landed_minor)} EUR in "
        f"{terms.city} by {terms.promised_at:%Y-%m-%d}) can't be kept. {reasons}. "
        f"{_cutoff(terms, now)}{_nearest(broken.alternative)}",
        problems=tuple(
            FieldProblem(pointer="/quote_id", message=f"{reason['code']}: {reason['message']}")
            for reason in broken.reasons
        ),
        details={
            "quote_id": agreed.quote_id,
            "offer": agreed.offer,
            "quantity": terms.quantity,
            "node_id": terms.node_id,
            "offer_valid_until": None if terms.valid_until is None else terms.valid_until.isoformat(),
            "reasons": list(broken.reasons),
            "alternative": broken.alternative,
        },
    )


def _cutoff(terms: QuotedTerms, now: datetime) -> str:
    """Return that the offer's node is past its cut-off, if so: the quote itself may still stand."""
    if terms.valid_until is None or now <= terms.valid_until:
        return ""
    return (
        f"The cut-off in {terms.city} was at {terms.valid_until:%Y-%m-%dT%H:%M:%SZ}, production would now begin a "
        "working day later: POST /v1/quotes with the same body renews the quote. "
    )


def _nearest(alternative: Document | None) -> str:
    if alternative is None:
        return "Nothing comes near it now: POST /v1/quotes tells what would have to be different"
    more, later = int(str(alternative["more_minor"])), float(str(alternative["later_hours"]))
    price = f"{euro(abs(more))} EUR {'more' if more > 0 else 'less'}" if more else "the same price"
    when = f"{abs(later):g} h {'later' if later > 0 else 'sooner'}" if later else "at the same time"
    return f"Nearest is {alternative['city']}: {price}, {when}. Ask for a new quote: POST /v1/quotes"
