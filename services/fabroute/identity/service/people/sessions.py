"""Where people are signed in: a cookie with 256 random bits, of which the database keeps the SHA-256."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlmodel import Session

from fabroute.identity.repository import people as people_repository
from fabroute.identity.repository import signing_in as repository
from fabroute.identity.repository.people import StoredPerson
from fabroute.identity.repository.signing_in import StoredSession
from fabroute.identity.rules import Principal, Unauthenticated
from fabroute.identity.service.audit import record_audit
from fabroute.identity.service.people.tokens import csrf_token_of, digest_of, new_token
from fabroute.identity.service.people.views import PersonView, may_sign_in, person_audit, person_view, principal_of
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id

Method = Literal["invitation", "password", "oidc"]
IDLE: Final = timedelta(hours=12)
ABSOLUTE: Final = timedelta(days=30)
_SEEN_EVERY = timedelta(minutes=1)
_LONGEST_SHOWN = 200


class UnknownSession(DomainError):
    """The person is not signed in there."""

    code = "unknown_session"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """What is known of where somebody signs in; shown to that person alone."""

    address: str
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A session of a person."""

    session_id: str
    method: str
    address: str
    user_agent: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    """At the latest; earlier, twelve hours after it was last used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A person who is signed in, and by what."""

    person: PersonView
    session: SessionView
    csrf_token: str
    token: str
    """The cookie's value."""

    @property
    def principal(self) -> Principal:
        """Whom the session speaks for."""
        return principal_of(self.person)


def open_session(
    session: Session, *, person: StoredPerson, method: Method, browser: Browser, now: datetime
) -> OpenSession:
    """Sign a person in, audited, under a new token; sessions that are over are swept away."""
    token, session_id = new_token("fs"), new_id("ses")
    repository.delete_past_sessions(session, now=now, idle=IDLE)
    row = {
        "id": session_id,
        "person_id": person.person_id,
        "organisation_id": person.organisation_id,
        "token_sha256": digest_of(token),
        "method": method,
        "address": browser.address[:_LONGEST_SHOWN],
        "user_agent": _shown(browser.user_agent),
        "created_at": now,
        "seen_at": now,
        "ends_at": now + ABSOLUTE,
    }
    repository.insert_session(session, row)
    people_repository.note_sign_in(session, person.person_id, {"signed_in_at": now})
    entry = person_audit(person, "signed_in", actor=person.person_id, now=now, session_id=session_id, method=method)
    record_audit(session, entry=entry)
    return authenticate_session(session, token=token, now=now)


def authenticate_session(session: Session, *, token: str, now: datetime) -> OpenSession:
    """Return whose session a cookie is, and note that it was used; ``Unauthenticated`` if it is over or unknown.

    The person's role counts as it is now, so a change of it is felt at once.
    """
    found = repository.find_session(session, digest_of(token))
    person = None if found is None else people_repository.find_person(session, found.person_id)
    if found is None or person is None or _is_over(found, now) or not may_sign_in(person):
        raise Unauthenticated("you are not signed in any more: sign in again")
    if now - found.seen_at >= _SEEN_EVERY:
        repository.touch_session(session, found.session_id, now=now)
    return OpenSession(person=person_view(person), session=_view(found), csrf_token=csrf_token_of(token), token=token)


def list_sessions(session: Session, *, person_id: str, now: datetime) -> tuple[SessionView, ...]:
    """Return where a person is signed in, the latest first."""
    return tuple(_view(it) for it in repository.list_sessions(session, person_id) if not _is_over(it, now))


def end_session(session: Session, *, person_id: str, session_id: str, now: datetime) -> None:
    """Sign a person out of one browser, audited; ``UnknownSession``."""
    person = people_repository.find_person(session, person_id)
    ended = repository.delete_session(session, person_id=person_id, session_id=session_id)
    if person is None or not ended:
        raise UnknownSession(f"there is no session {session_id} of yours: GET /v1/me/sessions")
    entry = person_audit(person, "signed_out", actor=person_id, now=now, session_id=session_id)
    record_audit(session, entry=entry)


def end_session_of(session: Session, *, token: str, now: datetime) -> None:
    """End the session of a cookie, if it is one: who signs in anew leaves the old one."""
    found = repository.find_session(session, digest_of(token))
    if found is not None:
        end_session(session, person_id=found.person_id, session_id=found.session_id, now=now)


def _is_over(found: StoredSession, now: datetime) -> bool:
    return found.ends_at <= now or found.seen_at + IDLE <= now


def _view(found: StoredSession) -> SessionView:
    return SessionView(
        session_id=found.session_id,
        method=found.method,
        address=found.address,
        user_agent=found.user_agent,
        created_at=found.created_at,
        seen_at=found.seen_at,
        ends_at=found.ends_at,
    )


def _shown(text: str) -> str:
    return "".join(it if it.isprintable() else "?" for it in text[:_LONGEST_SHOWN])
