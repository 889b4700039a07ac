"""Signing in with an e-mail address and a password; joining by a link; choosing another password."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.ports import Sealer
from fabroute.identity.repository import people as repository
from fabroute.identity.repository import signing_in as sessions_repository
from fabroute.identity.repository.people import StoredPerson
from fabroute.identity.service.audit import AuditedRefusal, AuditRecord, record_audit
from fabroute.identity.service.people.second_factor import NoPassword, require_second_factor
from fabroute.identity.service.people.sessions import Browser, Method, OpenSession, open_session
from fabroute.identity.service.people.tokens import digest_of
from fabroute.identity.service.people.views import PersonView, UnknownPerson, may_sign_in, person_audit, person_view
from fabroute.kernel.errors import DomainError

_MOST_ACCOUNTS = 4
"""Of one address in several organisations: each costs a password's hash."""


class SignInRefused(AuditedRefusal):
    """The e-mail address is nobody's, or the password is not theirs: which of them is not said."""

    code = "sign_in_refused"
    status = 401


class SeveralAccounts(DomainError):
    """The address and the password belong to accounts in several organisations."""

    code = "several_accounts"
    status = 409


class InvitationInvalid(DomainError):
    """The link is unknown, was used, was renewed, or is too old."""

    code = "invitation_invalid"
    status = 410


class WrongPassword(DomainError):
    """The password that was sent along is not the person's."""

    code = "wrong_password"
    status = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What an attempt to sign in is compared with."""

    person: PersonView
    password_hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How somebody comes in: the right password, with the code of the second factor if one was sent."""

    account: Account
    code: str | None
    browser: Browser
    new_hash: str | None = None
    """Of the same password, where the kept hash is outdated."""


def find_accounts(session: Session, *, email: str, organisation_id: str | None) -> tuple[Account, ...]:
    """Return the accounts that an address could mean; none of people who may not sign in."""
    found = repository.find_people(session, email=email, organisation_id=organisation_id)
    return tuple(_account(it) for it in found if may_sign_in(it))[:_MOST_ACCOUNTS]


def only_account(right: Sequence[Account], *, email_tag: str, known: Sequence[Account], now: datetime) -> Account:
    """Return the account whose password was right; ``SignInRefused`` for none, ``SeveralAccounts`` for many.

    ``email_tag`` stands in the audit log for an address that is nobody's: the same is written either way.
    """
    if not right:
        raise _refusal(email_tag, known, now)
    if len(right) > 1:
        raise SeveralAccounts(
            "you have accounts in several organisations: send organisation_id as well",
            details={"organisations": [_organisation(account.person) for account in right]},
        )
    return right[0]


def sign_in(session: Session, *, entry: Entry, sealer: Sealer, now: datetime) -> OpenSession:
    """Open a session for somebody whose password was right, once the second factor is.

    Raises ``SecondFactorNeeded``, ``SecondFactorRefused``; ``SignInRefused`` where the account was disabled, or got
    another password, since it was compared.
    """
    account = entry.account
    person = repository.lock_person(session, account.person.person_id)
    if person is None or not may_sign_in(person) or person.password_hash != account.password_hash:
        raise _refusal("", (account,), now)
    require_second_factor(session, person, entry.code, sealer=sealer, now=now)
    if entry.new_hash is not None:
        repository.note_sign_in(session, person.person_id, {"password_hash": entry.new_hash})
    return open_session(session, person=person, method="password", browser=entry.browser, now=now)


def invited_person(session: Session, *, token: str, now: datetime) -> PersonView:
    """Return whom a link lets in; ``InvitationInvalid``."""
    return person_view(_invited(session, digest_of(token), now))


def accept_invitation(
    session: Session, *, token: str, password_hash: str, browser: Browser, now: datetime
) -> OpenSession:
    """Use up a link: the person has joined, with that password, and is signed in. ``InvitationInvalid``."""
    values: dict[str, object] = {"password_hash": password_hash}
    return enter_by_invitation(
        session, token_sha256=digest_of(token), values=values, method="invitation", browser=browser, now=now
    )


def enter_by_invitation(
    session: Session,
    *,
    token_sha256: str,
    values: dict[str, object],
    method: Method,
    browser: Browser,
    now: datetime,
) -> OpenSession:
    """Use up a link and sign its person in; ``InvitationInvalid``."""
    person_id = _invited(session, token_sha256, now).person_id
    locked = repository.lock_person(session, person_id)
    if locked is None or not repository.take_invitation(session, person_id, token_sha256):
        raise InvitationInvalid("this link was used: sign in, or ask an admin of your organisation for a new one")
    joined = values if locked.joined_at is not None else values | {"joined_at": now}
    repository.change_person(session, person_id, joined)
    record_audit(session, entry=person_audit(locked, "joined", actor=person_id, now=now, method=method))
    person = _present(session, person_id)
    return open_session(session, person=person, method=method, browser=browser, now=now)


def own_account(session: Session, *, person_id: str) -> Account:
    """Return the account of somebody who is signed in, to compare their password again. Raises ``NoPassword``."""
    account = _account(_present(session, person_id))
    if account.password_hash is None:
        raise NoPassword("you sign in at a provider and have no password here")
    return account


def change_password(
    session: Session, *, account: Account, password_hash: str, browser: Browser, now: datetime
) -> OpenSession:
    """Give a person another password and a new session; all their sessions before it are over.

    Raises ``WrongPassword`` where the password was changed since it was compared.
    """
    person_id = account.person.person_id
    locked = repository.lock_person(session, person_id)
    if locked is None or locked.password_hash != account.password_hash:
        raise WrongPassword("your password was changed meanwhile: sign in again")
    repository.change_person(session, person_id, {"password_hash": password_hash})
    repository.drop_invitation(session, person_id)
    sessions_repository.delete_sessions_of(session, person_id)
    record_audit(session, entry=person_audit(locked, "password_changed", actor=person_id, now=now))
    return open_session(session, person=_present(session, person_id), method="password", browser=browser, now=now)


def _invited(session: Session, token_sha256: str, now: datetime) -> StoredPerson:
    found = repository.find_invitation(session, token_sha256)
    person = None if found is None else repository.find_person(session, found.person_id)
    if found is None or found.expires_at <= now or person is None or person.disabled_at or person.is_suspended:
        raise InvitationInvalid("this link is not good any more: ask an admin of your organisation for a new one")
    return person


def _present(session: Session, person_id: str) -> StoredPerson:
    found = repository.find_person(session, person_id)
    if found is None:
        raise UnknownPerson("you are removed from your organisation")
    return found


def _account(found: StoredPerson) -> Account:
    return Account(person=person_view(found), password_hash=found.password_hash)


def _refusal(email_tag: str, known: Sequence[Account], now: datetime) -> SignInRefused:
    words = (
        "the e-mail address or the password is wrong: try again, or ask an admin of your organisation for a new link"
    )
    if known:
        return SignInRefused(
            words, entry=person_audit(known[0].person, "sign_in_failed", actor="system:sign-in", now=now)
        )
    entry = AuditRecord(
        organisation_id=None,
        occurred_at=now,
        actor="system:sign-in",
        action="person.sign_in_failed",
        subject_type="person",
        subject_id=f"unknown:{email_tag}",
    )
    return SignInRefused(words, entry=entry)


def _organisation(person: PersonView) -> dict[str, str]:
    return {"id": person.organisation_id, "name": person.organisation_name}
