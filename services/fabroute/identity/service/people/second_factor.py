"""The second factor: time-based one-time passwords (RFC 6238), and recovery codes that stand in for them."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyotp
from sqlmodel import Session

from fabroute.identity.ports import Sealer
from fabroute.identity.repository import people as people_repository
from fabroute.identity.repository import signing_in as repository
from fabroute.identity.repository.people import StoredPerson
from fabroute.identity.service.audit import record_audit
from fabroute.identity.service.people.tokens import digest_of
from fabroute.identity.service.people.views import UnknownPerson, person_audit
from fabroute.kernel.errors import DomainError

STEP_SECONDS: Final = 30
RECOVERY_CODES: Final = 10
_STEPS_AROUND = (0, -1, 1)
"""A clock may be half a minute off, and people type slowly."""
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LOOK_ALIKES = str.maketrans("oil", "011")
_GROUPS, _GROUP = 4, 4
_ISSUER = "fabroute"


class SecondFactorNeeded(DomainError):
    """The password is right; the account has a second factor as well."""

    code = "second_factor_needed"
    status = 401


class SecondFactorRefused(DomainError):
    """The code is wrong, too old, or was used before."""

    code = "second_factor_refused"
    status = 401


class SecondFactorIsOn(DomainError):
    """The account has a second factor already."""

    code = "second_factor_is_on"
    status = 409


class SecondFactorIsOff(DomainError):
    """The account has no second factor, or none that waits to be confirmed."""

    code = "second_factor_is_off"
    status = 409


class NoPassword(DomainError):
    """The account has no password: it is let in by a provider, which has factors of its own."""

    code = "no_password"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecondFactor:
    """What an authenticator app is told, once."""

    secret: str
    """In base 32, to type in."""
    uri: str
    """``otpauth://…``, to show as a QR code."""


def step_at(instant: datetime) -> int:
    """Return the number of the 30 seconds that an instant lies in, counted from 1970."""
    return int(instant.timestamp()) // STEP_SECONDS


def code_at(secret: str, step: int) -> str:
    """Return the six digits that an authenticator shows in a step (RFC 6238 with SHA-1, as all apps know it)."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).generate_otp(step)


def matching_step(secret: str, code: str, *, now: datetime) -> int | None:
    """Return the step whose code this is, now or half a minute around; ``None`` if it is none of them."""
    steps = [step_at(now) + offset for offset in _STEPS_AROUND]
    found = [step for step in steps if hmac.compare_digest(code_at(secret, step).encode(), code.encode())]
    return found[0] if found else None


def start_second_factor(session: Session, *, person_id: str, sealer: Sealer) -> NewSecondFactor:
    """Return a new secret, which counts for nothing until it is confirmed with a code.

    Raises ``SecondFactorIsOn`` and ``NoPassword``.
    """
    person = _locked(session, person_id)
    if person.totp_confirmed_at is not None:
        raise SecondFactorIsOn("your account has a second factor: remove it first, then set up the new one")
    if person.password_hash is None:
        raise NoPassword("you sign in at a provider: set up a second factor there")
    secret = pyotp.random_base32()
    sealed = sealer.seal(secret, purpose=_purpose(person_id))
    people_repository.change_person(session, person_id, {"totp_sealed": sealed, "totp_last_step": None})
    return NewSecondFactor(
        secret=secret, uri=pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name=_ISSUER)
    )


def confirm_second_factor(
    session: Session, *, person_id: str, code: str, sealer: Sealer, now: datetime
) -> tuple[str, ...]:
    """Turn the second factor on, once a code shows that the app has the secret; return recovery codes, shown once.

    Raises ``SecondFactorIsOff`` if none was started, ``SecondFactorIsOn`` and ``SecondFactorRefused``.
    """
    person = _locked(session, person_id)
    if person.totp_confirmed_at is not None:
        raise SecondFactorIsOn("your account has a second factor already")
    if person.totp_sealed is None:
        raise SecondFactorIsOff("there is nothing to confirm: POST /v1/me/totp first")
    _require_code(session, person, code, sealer=sealer, now=now)
    people_repository.change_person(session, person_id, {"totp_confirmed_at": now})
    record_audit(session, entry=person_audit(person, "second_factor_added", actor=person_id, now=now))
    return _new_recovery_codes(session, person, now=now)


def remove_second_factor(session: Session, *, person_id: str, now: datetime) -> None:
    """Turn the second factor off; recovery codes are void. ``SecondFactorIsOff`` if there is none."""
    person = _locked(session, person_id)
    if person.totp_sealed is None:
        raise SecondFactorIsOff("your account has no second factor")
    values = {"totp_sealed": None, "totp_confirmed_at": None, "totp_last_step": None}
    people_repository.change_person(session, person_id, values)
    repository.delete_recovery_codes_of(session, person_id)
    record_audit(session, entry=person_audit(person, "second_factor_removed", actor=person_id, now=now))


def renew_recovery_codes(session: Session, *, person_id: str, now: datetime) -> tuple[str, ...]:
    """Return new recovery codes, shown once; those before are void. ``SecondFactorIsOff`` without a second factor."""
    person = _locked(session, person_id)
    if person.totp_confirmed_at is None:
        raise SecondFactorIsOff("your account has no second factor: POST /v1/me/totp")
    record_audit(session, entry=person_audit(person, "recovery_codes_renewed", actor=person_id, now=now))
    return _new_recovery_codes(session, person, now=now)


def recovery_codes_left(session: Session, *, person_id: str) -> int:
    """Return how many recovery codes a person has left."""
    return repository.count_recovery_codes(session, person_id)


def require_second_factor(
    session: Session, person: StoredPerson, code: str | None, *, sealer: Sealer, now: datetime
) -> None:
    """Take the code of somebody who signs in, if the account has a second factor; a code is taken once.

    Raises ``SecondFactorNeeded`` without one, and ``SecondFactorRefused``.
    """
    if person.totp_confirmed_at is None:
        return
    if not code:
        raise SecondFactorNeeded("send the six digits of your authenticator app as code, or one of your recovery codes")
    plain = "".join(code.split()).replace("-", "").lower()
    if len(plain) == _GROUPS * _GROUP:
        _require_recovery_code(session, person, plain, now=now)
    else:
        _require_code(session, person, plain, sealer=sealer, now=now)


def _require_code(session: Session, person: StoredPerson, code: str, *, sealer: Sealer, now: datetime) -> None:
    secret = sealer.unseal(person.totp_sealed or "", purpose=_purpose(person.person_id))
    step = matching_step(secret, "".join(code.split()), now=now)
    if step is None or not people_repository.take_totp_step(session, person_id=person.person_id, step=step):
        raise SecondFactorRefused("this code is wrong, or was used: wait for the next one your app shows")


def _require_recovery_code(session: Session, person: StoredPerson, plain: str, *, now: datetime) -> None:
    digest = digest_of(plain.translate(_LOOK_ALIKES))
    if not repository.use_recovery_code(session, person_id=person.person_id, code_sha256=digest, now=now):
        raise SecondFactorRefused("this recovery code is wrong, or was used: take another one")
    record_audit(session, entry=person_audit(person, "recovery_code_used", actor=person.person_id, now=now))


def _new_recovery_codes(session: Session, person: StoredPerson, *, now: datetime) -> tuple[str, ...]:
    """Return ten codes of 80 random bits, e.g. ``4f7k-9mzt-q2xw-0c5d``: long enough for a fast hash."""
    plain = ["".join(secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP)) for _ in range(RECOVERY_CODES)]
    repository.replace_recovery_codes(
        session,
        person_id=person.person_id,
        organisation_id=person.organisation_id,
        hashes=[digest_of(code) for code in plain],
        now=now,
    )
    return tuple("-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP)) for code in plain)


def _locked(session: Session, person_id: str) -> StoredPerson:
    person = people_repository.lock_person(session, person_id)
    if person is None:
        raise UnknownPerson("you are removed from your organisation")
    return person


def _purpose(person_id: str) -> str:
    return f"totp of {person_id}"
