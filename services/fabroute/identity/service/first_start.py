"""The first start of an installation: somebody has to be able to run it."""

from datetime import datetime

from sqlmodel import Session

from fabroute.identity.repository import organisations as repository
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service.auditing import Act, note
from fabroute.identity.service.keys import IssuedKey, issue_api_key
from fabroute.identity.service.organisations import create_organisation

OPERATOR = "org_operator"
"""The organisation that runs an installation, where nobody chose another."""


def make_first_operator(session: Session, *, now: datetime) -> IssuedKey | None:
    """Make the operator and its first key, with every scope; ``None`` where an operator is there already.

    Several processes that start at once make one.
    """
    repository.lock_first_start(session)
    if repository.operator_exists(session):
        return None
    create_organisation(session, name="Operator", kind="operator", now=now, organisation_id=OPERATOR)
    act = Act(
        subject_type="organisation", subject_id=OPERATOR, organisation_id=OPERATOR, actor="system:first-start", now=now
    )
    note(session, "organisation.created", act, name="Operator", kind="operator")
    return issue_api_key(session, organisation_id=OPERATOR, name="first start", scopes=ALL_SCOPES, now=now)
