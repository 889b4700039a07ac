"""Each good print of a job is a part of its own: with a serial, and a passport that only its label's code opens."""

import secrets
from datetime import datetime

from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.production.models import Job, Passport
from fabroute.production.repository import prints as rows
from fabroute.production.repository import proofs as proof_rows

_TOKEN_BYTES = 24
_SERIAL_LENGTH = 10


class SerialTaken(DomainError):
    """Another print of the job has this serial."""

    code = "serial_taken"
    status = 409


def serial_for(job: Job, *, number: int, given: str) -> str:
    """Return the serial of a good print: the node's own, else the end of the job's id with the number of the print."""
    return given or f"{job.id[-_SERIAL_LENGTH:].upper()}-{number}"


def require_free_serial(session: Session, *, job_id: str, serial: str) -> None:
    """Raise ``SerialTaken`` where a print of the job has this serial."""
    if serial and proof_rows.serial_is_taken(session, job_id=job_id, serial=serial):
        raise SerialTaken(f"job {job_id} has a print with serial {serial!r} already: each part has its own")


def issue_passport(session: Session, job: Job, *, number: int, serial: str, now: datetime) -> None:
    """Give a good print its passport, under a token that nobody guesses."""
    row = Passport(
        token=secrets.token_urlsafe(_TOKEN_BYTES),
        organisation_id=job.organisation_id,
        job_id=job.id,
        print_number=number,
        serial=serial,
        issued_at=now,
    )
    rows.add(session, row)
