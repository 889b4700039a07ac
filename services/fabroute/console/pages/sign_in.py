"""The steps of signing in: address and password, then what else is needed."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fabroute.console.navigation import HOME
from fabroute.console.typed import NOTHING_TYPED, Typed
from fabroute.identity.ports import SealBroken, Sealer

_PURPOSE = "second step of signing in"
_GOOD_FOR = timedelta(minutes=5)
_PLAIN = re.compile(r"/console/[A-Za-z0-9_.~/-]{0,190}")
"""What the way to a provider takes as the way back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several organisations that an address has accounts in."""

    organisation_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondStep:
    """What is asked for after the password: the code of the second factor, or which organisation is meant."""

    asks_for: Literal["code", "organisation"]
    sealed: str
    """Address and password, so that only this installation can read them, for five minutes."""
    choices: Sequence[Choice] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    """The sign-in page in its first or second step."""

    next: str = ""
    """The page that somebody was going to."""
    typed: Typed = NOTHING_TYPED
    """The form of another page, which is carried along."""
    step: SecondStep | None = None
    notice: str = ""
    email: str = ""
    has_provider: bool = False

    @property
    def return_to(self) -> str:
        """Where a provider leads back to: the page that somebody was going to, if its address is a plain one."""
        return self.next if _PLAIN.fullmatch(self.next) else HOME


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    """What somebody gave in the first step."""

    email: str
    password: str
    organisation_id: str | None = None


def seal_step(step: FirstStep, *, sealer: Sealer, now: datetime) -> str:
    """Return a first step as the page of the second one carries it."""
    until = (now + _GOOD_FOR).timestamp()
    return sealer.seal(json.dumps([step.email, step.password, step.organisation_id, until]), purpose=_PURPOSE)


def unseal_step(sealed: str, *, sealer: Sealer, now: datetime) -> FirstStep | None:
    """Return the first step that a page carried, ``None`` where it is none of ours or too old."""
    try:
        email, password, organisation_id, until = json.loads(sealer.unseal(sealed, purpose=_PURPOSE))
    except (SealBroken, ValueError):
        return None
    is_good = now.timestamp() <= float(until)
    return FirstStep(email=email, password=password, organisation_id=organisation_id) if is_good else None


def choices_in(details: object) -> tuple[Choice, ...]:
    """Return the organisations that a refusal names."""
    found = details if isinstance(details, list) else []
    return tuple(Choice(organisation_id=str(it["id"]), name=str(it["name"])) for it in found)
