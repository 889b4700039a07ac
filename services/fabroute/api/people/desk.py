"""Lets people in: each attempt is counted before it is looked at, and no transaction is open while a hash is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from fabroute.api.people.cache import SessionCache
from fabroute.api.people.devices import device_cookie, known_device
from fabroute.api.people.hashing import PasswordSlots
from fabroute.api.people.visitors import Visitor
from fabroute.database import unit_of_work
from fabroute.identity.ports import Sealer
from fabroute.identity.service.people import passwords, signing_in, throttle
from fabroute.identity.service.people.emails import normalised
from fabroute.identity.service.people.sessions import OpenSession, end_session_of
from fabroute.identity.service.people.signing_in import Account, Entry, WrongPassword
from fabroute.identity.service.people.throttle import Bucket

_NOBODY: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody signs in with."""

    email: str
    password: str
    code: str | None = None
    organisation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """Somebody who has signed in, and the cookie that makes their browser a known one."""

    opened: OpenSession
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInDesk:
    """What lets people in; one instance serves all threads. It acts for every tenant: nobody is anybody's yet."""

    engine: Engine
    sealer: Sealer
    passwords: PasswordSlots
    sessions: SessionCache

    def sign_in(self, asked: Credentials, *, visitor: Visitor, now: datetime) -> LetIn:
        """Open a session for who has the right password, and the code where there is a second factor.

        Raises ``InvalidEmail``, ``TooManyAttempts``, ``SignInBusy``, ``SignInRefused``, ``SeveralAccounts``,
        ``SecondFactorNeeded`` and ``SecondFactorRefused``.
        """
        email = normalised(asked.email)
        device = known_device(visitor.device, email, sealer=self.sealer)
        buckets = throttle.buckets_of(email=email, address=visitor.browser.address, device=device)
        self._count(buckets, now)
        entry = self._entry(asked, email, visitor, now)
        with unit_of_work(self.engine) as session:
            if visitor.session is not None:
                end_session_of(session, token=visitor.session, now=now)
            opened = signing_in.sign_in(session, entry=entry, sealer=self.sealer, now=now)
            throttle.give_back(session, buckets=buckets, now=now)
        return self._let_in(opened, visitor)

    def accept(self, *, token: str, password: str, visitor: Visitor, now: datetime) -> LetIn:
        """Let in who has a link, with a password for the next times.

        Raises ``InvitationInvalid``, ``PasswordUnacceptable`` and ``SignInBusy``.
        """
        with unit_of_work(self.engine) as session:
            person = signing_in.invited_person(session, token=token, now=now)
        passwords.require_acceptable(password, email=person.email, name=person.name)
        kept = self.passwords.hash(password)
        with unit_of_work(self.engine) as session:
            if visitor.session is not None:
                end_session_of(session, token=visitor.session, now=now)
            opened = signing_in.accept_invitation(
                session, token=token, password_hash=kept, browser=visitor.browser, now=now
            )
        return self._let_in(opened, visitor)

    def change_password(
        self, *, opened: OpenSession, present: str, new: str, visitor: Visitor, now: datetime
    ) -> OpenSession:
        """Give somebody who is signed in another password; they stay signed in here, and nowhere else.

        Raises ``WrongPassword``, ``NoPassword``, ``PasswordUnacceptable``, ``TooManyAttempts`` and ``SignInBusy``.
        """
        account = self.confirm_password(opened=opened, password=present, visitor=visitor, now=now)
        passwords.require_acceptable(new, email=account.person.email, name=account.person.name)
        kept = self.passwords.hash(new)
        with unit_of_work(self.engine) as session:
            changed = signing_in.change_password(
                session, account=account, password_hash=kept, browser=visitor.browser, now=now
            )
        self.sessions.forget(opened.token)
        return changed

    def confirm_password(self, *, opened: OpenSession, password: str, visitor: Visitor, now: datetime) -> Account:
        """Return the account of somebody who is signed in and knows their password.

        Raises ``WrongPassword``, ``NoPassword``, ``TooManyAttempts`` and ``SignInBusy``.
        """
        person = opened.person
        buckets = throttle.buckets_of(
            email=person.email, address=visitor.browser.address, device=f"signed in as {person.person_id}"
        )
        with unit_of_work(self.engine) as session:
            account = signing_in.own_account(session, person_id=person.person_id)
        self._count(buckets, now)
        if not self.passwords.check(account.password_hash, password).is_right:
            raise WrongPassword("your present password is wrong")
        with unit_of_work(self.engine) as session:
            throttle.give_back(session, buckets=buckets, now=now)
        return account

    def _count(self, buckets: Sequence[Bucket], now: datetime) -> None:
        with unit_of_work(self.engine) as session:
            refusal = throttle.counted_attempt(session, buckets=buckets, now=now)
        if refusal is not None:
            raise refusal

    def _entry(self, asked: Credentials, email: str, visitor: Visitor, now: datetime) -> Entry:
        with unit_of_work(self.engine) as session:
            known = signing_in.find_accounts(session, email=email, organisation_id=asked.organisation_id)
        verdicts = [self.passwords.check(account.password_hash, asked.password) for account in known]
        if not known:
            self.passwords.check(_NOBODY, asked.password)
        right = [account for account, verdict in zip(known, verdicts, strict=True) if verdict.is_right]
        tag = self.sealer.tag(email, purpose="e-mail address of nobody")[:16]
        account = signing_in.only_account(right, email_tag=tag, known=known, now=now)
        is_outdated = verdicts[known.index(account)].is_outdated
        new_hash = self.passwords.hash(asked.password) if is_outdated else None
        return Entry(account=account, code=asked.code, browser=visitor.browser, new_hash=new_hash)

    def _let_in(self, opened: OpenSession, visitor: Visitor) -> LetIn:
        if visitor.session is not None:
            self.sessions.forget(visitor.session)
        return LetIn(opened=opened, device=device_cookie(opened.person.email, sealer=self.sealer))
