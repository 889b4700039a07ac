"""What lies beside an order: its papers, what was sent to webhook endpoints, and the requests that changed it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fabroute.console.pages.order.facts import OrderFacts
from fabroute.console.pages.webhooks.deliveries import DeliveryRow, delivery_row
from fabroute.production.service.order_records import OrderAct
from fabroute.webhooks.service.deliveries import AnsweredDelivery

_DOCUMENTS = {"drawing": "Drawing", "bom": "Bill of materials", "finish": "Finish instruction", "other": "Document"}
_EVIDENCE = {"photo": "Photo", "measurement": "Measurement", "report": "Report", "other": "Evidence"}
_ACTORS = {"key": "API key", "client": "OAuth client", "person": "person", "system": "fabroute itself"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A file to be read: what it is, what it belongs to, when it was made."""

    label: str
    name: str
    path: str
    of: str
    at: datetime | None
    is_void: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRow:
    """A request, or a step of the system, that changed something of the order."""

    action: str
    subject: str
    subject_id: str
    actor: str
    actor_kind: str
    at: datetime


def papers_of(facts: OrderFacts) -> tuple[Paper, ...]:
    """Return the files that belong to the line: those of its revision, of its jobs and of its parcels."""
    return (*_certificates(facts), *_slips(facts), *_evidence(facts), *_of_revision(facts))


def delivery_rows(deliveries: tuple[AnsweredDelivery, ...]) -> tuple[DeliveryRow, ...]:
    """Return what was sent to endpoints, the newest first."""
    return tuple(delivery_row(it) for it in deliveries)


def act_rows(acts: tuple[OrderAct, ...]) -> tuple[ActRow, ...]:
    """Return the requests about the order, the newest first."""
    return tuple(_act(it) for it in acts)


def _certificates(facts: OrderFacts) -> Iterator[Paper]:
    for it in facts.certificates:
        yield Paper(
            label="Certificate of conformity" if it.stands else "Certificate of conformity (withdrawn)",
            name=f"No. {it.number}",
            path=f"/v1/conformity-certificates/{it.certificate_id}.pdf",
            of=it.job_id,
            at=it.issued_at,
            is_void=not it.stands,
        )


def _slips(facts: OrderFacts) -> Iterator[Paper]:
    for it in facts.shipments:
        yield Paper(
            label="Packing slip",
            name=it.tracking_number or it.carrier,
            path=f"/v1/shipments/{it.shipment_id}/packing-slip.pdf",
            of=it.job_id,
            at=it.created_at,
        )


def _evidence(facts: OrderFacts) -> Iterator[Paper]:
    for it in facts.evidence:
        yield Paper(
            label=_EVIDENCE.get(it.kind, "Evidence"),
            name=it.name,
            path=f"/v1/jobs/{it.job_id}/evidence/{quote(it.name, safe='')}",
            of=it.job_id,
            at=it.added_at,
        )


def _of_revision(facts: OrderFacts) -> Iterator[Paper]:
    of = f"{facts.line.part} rev {facts.line.revision}"
    for it in facts.documents:
        yield Paper(
            label=_DOCUMENTS.get(it.kind, "Document"),
            name=it.name,
            path=f"/v1/revisions/{it.revision_id}/documents/{quote(it.name, safe='')}",
            of=of,
            at=it.added_at,
        )


def _act(it: OrderAct) -> ActRow:
    subject, _, action = it.action.partition(".")
    return ActRow(
        action=f"{subject} {action}".replace("_", " "),
        subject=it.subject_type.replace("_", " "),
        subject_id=it.subject_id,
        actor=it.actor_name or ("" if it.actor_kind == "system" else "of another organisation"),
        actor_kind=_ACTORS.get(it.actor_kind, it.actor_kind),
        at=it.at,
    )
