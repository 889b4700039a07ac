"""Job packets over the wire, and how they are claimed."""

from collections.abc import Sequence

from pydantic import AwareDatetime, Field
from pydantic_core import to_json

from fabroute.api.schemas.base import RequestModel, ResponseModel
from fabroute.api.schemas.jobs import JobOut, job_fields
from fabroute.api.schemas.revisions import CharacteristicOut
from fabroute.inventory.service import LeaseView, RevisionView
from fabroute.orders.service import ShipTo
from fabroute.production.service import JobView
from fabroute.production.service.claims import Packet

MOST_JOBS = 10
LONGEST_WAIT_SECONDS = 25
_CHARACTERISTIC = tuple(CharacteristicOut.model_fields)


class ClaimIn(RequestModel):
    """What a node's client asks for."""

    max: int = Field(default=1, ge=1, le=MOST_JOBS, description="How many jobs at most.")
    wait_seconds: int = Field(
        default=0, ge=0, le=LONGEST_WAIT_SECONDS, description="How long to wait for one, where there is none now."
    )
    job_id: str | None = Field(
        default=None, min_length=1, max_length=100, description="Only this job, now: 409 if another client has it."
    )


class PacketLeaseOut(ResponseModel):
    """The right to work on a job: every write names it in `Fabroute-Lease: <lease_id>;epoch=<epoch>`."""

    lease_id: str
    epoch: int = Field(description="Stays as long as the lease does.")
    kind: str = Field(description="`claim`, `hand` or `offline`.")
    until: AwareDatetime = Field(description="When it lapses, by our clock, unless it is answered or renewed before.")
    answer_by: AwareDatetime | None = Field(
        description="By when to accept, decline or propose another price or day; null once that is done."
    )
    heartbeat_seconds: int = Field(description="How often to give a sign of life, once the job is accepted.")


class PacketFileOut(ResponseModel):
    """The print file: fetched with a ticket, by `POST` to `ticket_url`, once the job is accepted."""

    sha256: str | None = Field(description="What the file's SHA-256 must be; hexadecimal.")
    size_bytes: int | None
    media_type: str | None
    ticket_url: str


class PacketParametersOut(ResponseModel):
    """The settings that were qualified, and on which machine."""

    parameter_set: str
    machine_id: str
    material: str
    lot_id: str | None
    orientation: str | None = Field(description="Which axis of the file points up in the machine; any, if null.")


class PacketRevisionOut(ResponseModel):
    """What is made: the traveller's facts."""

    part: str
    name: str
    revision: str
    criticality: str
    export_class: str
    box_mm: list[float] | None = Field(description="Along x, y and z.")
    volume_cm3: float | None


class PacketInspectionOut(ResponseModel):
    """What is inspected, and by which limits."""

    level: str = Field(description="`none`, `visual`, `dimensional`, `ct` or `test_report`.")
    plan: list[CharacteristicOut]


class PacketShipToOut(ResponseModel):
    """Where the parts go: name and street only for whoever has accepted the job."""

    name: str | None
    street: str | None
    postal_code: str | None
    city: str
    country: str


class PacketLicenceOut(ResponseModel):
    """The prints that the part's owner licensed for this job."""

    licence_id: str
    state: str
    prints: int = Field(description="Held for this job.")
    prints_left: int = Field(description="Good prints that may still be made.")


class JobPacket(ResponseModel):
    """A job with all that its node needs to make it."""

    job: JobOut
    lease: PacketLeaseOut | None = Field(description="Null while nobody holds the job.")
    revision: PacketRevisionOut
    parameters: PacketParametersOut
    file: PacketFileOut
    inspection: PacketInspectionOut
    required_certificates: list[str]
    packaging: str
    shipping_service: str
    ship_to: PacketShipToOut
    licence: PacketLicenceOut | None = Field(description="Null where the part's owner asks for none.")
    promised_at: AwareDatetime = Field(description="When the customer was promised the parts.")
    first_article: bool = Field(description="Whether one part is made first, and the rest once it is approved.")


class ClaimedOut(ResponseModel):
    """The jobs that were claimed, soonest due first."""

    data: list[JobPacket]


Fields = dict[str, object]


def packet_out(packet: Packet, *, heartbeat_seconds: int) -> JobPacket:
    """Return a packet for an answer to the job's node."""
    return JobPacket.model_validate(_packet(packet, heartbeat_seconds))


def claimed_body(packets: Sequence[Packet], *, heartbeat_seconds: int) -> bytes:
    """Return the answer to a claim, as it is sent and kept: ``ClaimedOut``, written without building it first."""
    return to_json({"data": [_packet(packet, heartbeat_seconds) for packet in packets]})


def _packet(packet: Packet, heartbeat_seconds: int) -> Fields:
    """Return what ``JobPacket`` says, in its order."""
    job, revision = packet.job, packet.revision
    return {
        "job": job_fields(job, to_holder=True),
        "lease": _lease(job, heartbeat_seconds),
        "revision": _revision(revision),
        "parameters": {
            "parameter_set": job.parameter_set,
            "machine_id": job.machine_id,
            "material": job.material,
            "lot_id": job.lot_id,
            "orientation": revision.qualified_orientation,
        },
        "file": _file(job, revision),
        "inspection": {
            "level": revision.inspection_level,
            "plan": [{name: getattr(it, name) for name in _CHARACTERISTIC} for it in revision.inspection_plan],
        },
        "required_certificates": list(revision.required_certificates),
        "packaging": job.packaging,
        "shipping_service": job.shipping_service,
        "ship_to": _ship_to(job, packet.ship_to),
        "licence": None if packet.licence is None else _licence(packet.licence),
        "promised_at": job.promised_at,
        "first_article": job.first_article,
    }


def _lease(job: JobView, heartbeat_seconds: int) -> Fields | None:
    if job.lease_id is None or job.lease_until is None:
        return None
    return {
        "lease_id": job.lease_id,
        "epoch": job.lease_epoch,
        "kind": job.lease_kind,
        "until": job.lease_until,
        "answer_by": job.lease_until if job.state == "offered" else None,
        "heartbeat_seconds": heartbeat_seconds,
    }


def _revision(revision: RevisionView) -> Fields:
    size = revision.size
    return {
        "part": revision.part_no,
        "name": revision.name,
        "revision": revision.revision,
        "criticality": revision.criticality,
        "export_class": revision.export_class,
        "box_mm": None if size is None else [size.box_x_mm, size.box_y_mm, size.box_z_mm],
        "volume_cm3": None if size is None else size.volume_cm3,
    }


def _file(job: JobView, revision: RevisionView) -> Fields:
    file = revision.file
    return {
        "sha256": revision.file_sha256,
        "size_bytes": None if file is None else file.size_bytes,
        "media_type": None if file is None else file.media_type,
        "ticket_url": f"/v1/jobs/{job.job_id}/file-tickets",
    }


def _ship_to(job: JobView, place: ShipTo | None) -> Fields:
    return {
        "name": None if place is None else place.name,
        "street": None if place is None else place.street,
        "postal_code": None if place is None else place.postal_code,
        "city": job.ship_to_city,
        "country": job.ship_to_country,
    }


def _licence(lease: LeaseView) -> Fields:
    return {
        "licence_id": lease.licence_id,
        "state": lease.licence_state,
        "prints": lease.prints,
        "prints_left": lease.left,
    }
