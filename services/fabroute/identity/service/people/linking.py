"""Signing in at an OpenID provider: people are known by issuer and subject, never by an address that can change."""

from datetime import datetime

from sqlmodel import Session

from fabroute.identity.ports import VerifiedIdentity
from fabroute.identity.repository import people as people_repository
from fabroute.identity.repository import signing_in as repository
from fabroute.identity.repository.people import StoredInvitation, StoredPerson
from fabroute.identity.service.audit import record_audit
from fabroute.identity.service.people.emails import InvalidEmail, normalised
from fabroute.identity.service.people.sessions import Browser, OpenSession, open_session
from fabroute.identity.service.people.signing_in import enter_by_invitation
from fabroute.identity.service.people.views import may_sign_in, person_audit
from fabroute.kernel.errors import DomainError


class NotInvited(DomainError):
    """The provider let somebody in whom no organisation here has invited under a verified e-mail address."""

    code = "not_invited"
    status = 403


class SeveralInvitations(DomainError):
    """Several organisations have invited the same e-mail address."""

    code = "several_invitations"
    status = 409


def sign_in_at_provider(
    session: Session, *, identity: VerifiedIdentity, invitation_sha256: str | None, browser: Browser, now: datetime
) -> OpenSession:
    """Open a session for whom a provider has signed in.

    The first time, their verified e-mail address must be that of an open invitation; of several, the one whose link
    they came from (``invitation_sha256``). Raises ``NotInvited`` and ``SeveralInvitations``.
    """
    person_id = repository.find_identity(session, issuer=identity.issuer, subject=identity.subject)
    if person_id is None:
        return _first_time(session, identity, invitation_sha256, browser, now)
    person = people_repository.lock_person(session, person_id)
    if person is None or not may_sign_in(person):
        raise NotInvited("your account is disabled: ask an admin of your organisation")
    return open_session(session, person=person, method="oidc", browser=browser, now=now)


def _first_time(
    session: Session, identity: VerifiedIdentity, invitation_sha256: str | None, browser: Browser, now: datetime
) -> OpenSession:
    person, invitation = _invited(session, identity, invitation_sha256, now)
    row = {
        "issuer": identity.issuer,
        "subject": identity.subject,
        "person_id": person.person_id,
        "organisation_id": person.organisation_id,
        "linked_at": now,
    }
    if not repository.insert_identity(session, row):
        raise NotInvited("somebody else signed in with this identity at this moment: try again")
    entry = person_audit(person, "identity_linked", actor=person.person_id, now=now, issuer=identity.issuer)
    record_audit(session, entry=entry)
    return enter_by_invitation(
        session, token_sha256=invitation.token_sha256, values={}, method="oidc", browser=browser, now=now
    )


def _invited(
    session: Session, identity: VerifiedIdentity, invitation_sha256: str | None, now: datetime
) -> tuple[StoredPerson, StoredInvitation]:
    found = _open_invitations(session, _email_of(identity), now)
    if invitation_sha256 is not None:
        found = [it for it in found if it[1].token_sha256 == invitation_sha256]
    if len(found) > 1:
        raise SeveralInvitations("several organisations have invited you: open the link of the one that you mean")
    if not found:
        raise NotInvited(
            "you have no open invitation under an e-mail address that the provider has verified: ask an admin of your "
            "organisation to invite that address"
        )
    return found[0]


def _open_invitations(session: Session, email: str, now: datetime) -> list[tuple[StoredPerson, StoredInvitation]]:
    people = people_repository.find_people(session, email=email, organisation_id=None) if email else ()
    pairs = [(person, people_repository.invitation_of(session, person.person_id)) for person in people]
    return [
        (person, invitation)
        for person, invitation in pairs
        if invitation is not None
        and invitation.expires_at > now
        and person.disabled_at is None
        and not person.is_suspended
    ]


def _email_of(identity: VerifiedIdentity) -> str:
    try:
        return normalised(identity.email)
    except InvalidEmail:
        return ""
