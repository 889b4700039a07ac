"""Certificates of conformity that are made of their own accord, as soon as a job is inspected."""

from datetime import datetime

import structlog
from fastapi import Request
from sqlmodel import Session

from fabroute.api.dependencies import get_resources
from fabroute.integrations.validation.signing import SigningKeyExposed, SigningKeyMissing, SigningKeyUnusable
from fabroute.production.service.conformity import certify_inspected

_log = structlog.get_logger(__name__)


def certify_if_inspected(request: Request, session: Session, *, job_id: str, now: datetime) -> None:
    """Certify a job that the request has just finished; without a signing key it is certified when somebody asks."""
    signer = get_resources(request).signer
    try:
        certify_inspected(session, job_id=job_id, signer=signer, now=now)
    except (SigningKeyMissing, SigningKeyExposed, SigningKeyUnusable) as error:
        _log.warning("conformity.not_certified", job_id=job_id, reason=error.code)
