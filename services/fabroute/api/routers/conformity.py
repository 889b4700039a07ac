"""Certificates of conformity: made of the record of an inspected job, signed, checked by anyone."""

from fastapi import APIRouter, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.caching import conditional
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, JobsReader, JobsWriter, Now, ReadSession, WriteSession, get_resources
from fabroute.api.passport_links import passport_urls
from fabroute.api.schemas.conformity import (
    ConformityCertificateOut,
    ConformityCertificatesOut,
    conformity_certificate_out,
)
from fabroute.integrations.validation.signing import SigningKeyExposed, SigningKeyMissing, SigningKeyUnusable
from fabroute.production import service as production
from fabroute.production.service import conformity

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=ContractRoute)

_SIGNING = (SigningKeyMissing, SigningKeyExposed, SigningKeyUnusable)


@router.post(
    "/jobs/{job_id}/conformity-certificate",
    responses=docs.problems(production.UnknownJob, conformity.NotInspected, conformity.PartsRecalled, *_SIGNING),
)
def certify_job(
    request: Request, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now
) -> ConformityCertificateOut:
    """Certify an inspected job: for its owner, its node and the operator. One that stands is given as it is.

    After a withdrawal a new one is made of the record as it is then, under the next number; not for parts of
    recalled material.
    """
    signer = get_resources(request).signer
    made = conformity.issue_certificate(session, principal=caller, job_id=job_id, signer=signer, now=now)
    return conformity_certificate_out(made, passport_urls(request, session, job_id=job_id))


@router.get("/jobs/{job_id}/conformity-certificates", responses=docs.problems(production.UnknownJob))
def list_conformity_certificates(
    request: Request, job_id: Identifier, caller: JobsReader, session: ReadSession
) -> ConformityCertificatesOut:
    """List the certificates of a job, the first one first."""
    found = conformity.list_certificates(session, principal=caller, job_id=job_id)
    passports = passport_urls(request, session, job_id=job_id)
    return ConformityCertificatesOut(data=[conformity_certificate_out(it, passports) for it in found])


@router.get(
    "/conformity-certificates/{certificate_id}",
    response_model=ConformityCertificateOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(conformity.UnknownConformityCertificate),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_conformity_certificate(
    request: Request, certificate_id: Identifier, caller: JobsReader, session: ReadSession
) -> Response:
    """Read a certificate: what is certified, as it was signed, with signature and public key."""
    found = conformity.get_certificate(session, principal=caller, certificate_id=certificate_id)
    passports = passport_urls(request, session, job_id=found.job_id)
    return conditional(request, conformity_certificate_out(found, passports))
