"""Where the passports of a job's parts are read, for those who may see the job."""

from collections.abc import Mapping

from fastapi import Request
from sqlmodel import Session

from fabroute.api.dependencies import get_resources
from fabroute.production.service.conformity import passport_tokens
from fabroute.production.service.shipping.papers import PASSPORTS_PATH


def passport_urls(request: Request, session: Session, *, job_id: str) -> Mapping[int, str]:
    """Return, by the number of the print, where each part's passport is read. The caller may see the job."""
    public_url = get_resources(request).settings.public_url.rstrip("/")
    tokens = passport_tokens(session, job_id=job_id)
    return {number: f"{public_url}{PASSPORTS_PATH}/{token}" for number, token in tokens.items()}
