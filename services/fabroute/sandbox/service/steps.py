"""What a node of a sandbox does, step by step: by the services that the HTTP API calls for a real bureau."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from fabroute.identity.rules import ALL_SCOPES, Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import RevisionView
from fabroute.kernel.errors import DomainError
from fabroute.production.service import PrintReport, accept_job, issue_ticket, list_prints, redeem_ticket, report_print
from fabroute.production.service.claims import AskedClaim, ClaimTerms, claim_jobs
from fabroute.production.service.inspection.reporting import NewInspection, report_inspection
from fabroute.production.service.inspection.rules import PIECE_BY_PIECE, Measurement
from fabroute.production.service.leases import Lease
from fabroute.production.service.phases.beating import heartbeat
from fabroute.production.service.phases.cancelling import CancellationAnswer, answer_cancellation
from fabroute.production.service.phases.countering import NewCounterOffer, counter_job
from fabroute.production.service.phases.declining import Decline, decline_job
from fabroute.production.service.phases.starting import start_job
from fabroute.production.service.recheck import JobUnqualified
from fabroute.production.service.rerouting.failing import JobFailure, report_failure
from fabroute.production.service.shipping.access import Desk
from fabroute.production.service.shipping.moving import NewShipmentEvent, hand_over, record_event
from fabroute.production.service.shipping.preparing import NewParcel, NewShipment, prepare_shipment
from fabroute.sandbox.rules import OFFER_SECONDS, Step

ACTOR = "system:sandbox"
_HELD = ("accepted", "in_production", "inspected", "suspect")
_PRINTS_AT_ONCE = 20
_MOST_PRINTS = 200
_WANTS_MORE = 1.1
_CARRIER = "Sandbox Parcels"
_INSPECTOR = "Sandbox inspector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Somebody at a node's bench, with a job and a session."""

    session: Session
    job: Row[Any]
    now: datetime

    @property
    def principal(self) -> Principal:
        """The bureau of the sandbox."""
        return Principal(organisation_id=self.job.bureau_id, kind="bureau", key_id=ACTOR, scopes=ALL_SCOPES)

    @property
    def lease(self) -> Lease | None:
        """What its claim gave out."""
        if self.job.lease_kind not in ("claim", "offline"):
            return None
        return Lease(lease_id=self.job.lease_id, epoch=self.job.lease_epoch)

    @property
    def desk(self) -> Desk:
        """Where parcels are made."""
        return Desk(principal=self.principal, now=self.now, lease=self.lease)

    @property
    def of_job(self) -> dict[str, Any]:
        """What every service about a job asks for."""
        return {"principal": self.principal, "job_id": self.job.id, "lease": self.lease, "now": self.now}


def take(hand: Hand, step: Step) -> None:
    """Do one step. Raises what the services raise."""
    if hand.lease is not None and hand.job.state in _HELD:
        heartbeat(hand.session, **hand.of_job)
    _STEPS[step](hand)


def _accept(hand: Hand) -> None:
    """Claim the job first, as a connector does; accept it at the next step."""
    if hand.lease is not None:
        accept_job(hand.session, **hand.of_job)
        return
    key = f"sandbox-{hand.job.id}-{hand.job.lease_epoch}-{hand.now:%Y%m%dT%H%M%S%f}"
    ask = AskedClaim(
        principal=hand.principal,
        node_id=hand.job.node_id,
        idempotency_key=key,
        request_sha256=key,
        job_id=hand.job.id,
    )
    terms = ClaimTerms(answer=lambda packets: b"", offer_seconds=OFFER_SECONDS)
    (result,) = claim_jobs(hand.session, asked=(ask,), terms=terms, now=hand.now)
    if isinstance(result, DomainError) and not isinstance(result, JobUnqualified):  # that one is held now
        raise result


def _decline(hand: Hand) -> None:
    decline_job(hand.session, **hand.of_job, decline=Decline(reason="capacity", text="the sandbox was asked to"))


def _counter(hand: Hand) -> None:
    wanted = NewCounterOffer(
        price_minor=round(hand.job.price_minor * _WANTS_MORE), produce_by=None, reason="the sandbox was asked to"
    )
    counter_job(hand.session, **hand.of_job, wanted=wanted)


def _start(hand: Hand) -> None:
    ticket = issue_ticket(hand.session, **hand.of_job)
    redeem_ticket(hand.session, principal=hand.principal, token=ticket.token, now=hand.now)
    start_job(hand.session, **hand.of_job)


def _print(hand: Hand) -> None:
    for _ in range(min(hand.job.quantity - hand.job.good_prints, _PRINTS_AT_ONCE)):
        report_print(hand.session, **hand.of_job, report=PrintReport(result="good"))


def _print_badly(hand: Hand) -> None:
    report_print(hand.session, **hand.of_job, report=PrintReport(result="failed", note="the sandbox was asked to"))


def _give_up(hand: Hand) -> None:
    failure = JobFailure(reason="print_failed", text="the sandbox was asked to")
    report_failure(hand.session, **hand.of_job, failure=failure)


def _inspect(hand: Hand) -> None:
    revision = inventory.read_revisions(hand.session, revision_ids={hand.job.revision_id})[hand.job.revision_id]
    numbers: tuple[int | None, ...] = (None,)
    if revision.inspection_level in PIECE_BY_PIECE:
        numbers = _good_prints(hand)
    for number in numbers:
        report_inspection(hand.session, **hand.of_job, inspection=_passed(revision, number, at=hand.now))


def _good_prints(hand: Hand) -> tuple[int | None, ...]:
    found = list_prints(
        hand.session, principal=hand.principal, job_id=hand.job.id, cursor=None, limit=_MOST_PRINTS
    ).items
    return tuple(it.number for it in found if it.result == "good")


def _passed(revision: RevisionView, number: int | None, *, at: datetime) -> NewInspection:
    return NewInspection(
        level=revision.inspection_level,
        inspector=_INSPECTOR,
        print_number=number,
        measurements=tuple(
            Measurement(name=it.name, value_mm=it.nominal_mm, passed=True if it.nominal_mm is None else None)
            for it in revision.inspection_plan
        ),
        inspected_at=at,
    )


def _pack(hand: Hand) -> None:
    parcel = NewParcel(quantity=hand.job.quantity, weight_grams=max(1, hand.job.grams))
    shipment = NewShipment(carrier=_CARRIER, parcels=(parcel,), tracking_number=f"SBX{hand.job.id[-10:].upper()}")
    prepare_shipment(hand.session, job_id=hand.job.id, shipment=shipment, desk=hand.desk)


def _hand_over(hand: Hand) -> None:
    hand_over(hand.session, shipment_id=hand.job.shipment_id, desk=hand.desk)


def _say(status: str, note: str = "") -> Callable[[Hand], None]:
    def say(hand: Hand) -> None:
        event = NewShipmentEvent(status=status, occurred_at=hand.now, note=note)
        record_event(hand.session, shipment_id=hand.job.shipment_id, event=event, desk=hand.desk)

    return say


def _stop(hand: Hand) -> None:
    answer_cancellation(hand.session, **hand.of_job, answer=CancellationAnswer(agreed=True, reason="sandbox"))


def _beat(_hand: Hand) -> None:
    """The sign of life that comes before every step is all."""


_STEPS: Mapping[Step, Callable[[Hand], None]] = MappingProxyType(
    {
        "accept": _accept,
        "decline": _decline,
        "counter": _counter,
        "start": _start,
        "print": _print,
        "print_badly": _print_badly,
        "give_up": _give_up,
        "inspect": _inspect,
        "pack": _pack,
        "hand_over": _hand_over,
        "travel": _say("in_transit"),
        "be_late": _say("exception", "delayed: the sandbox was asked to be late"),
        "deliver": _say("delivered"),
        "stop": _stop,
        "beat": _beat,
    }
)
