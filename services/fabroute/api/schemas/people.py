"""People as the API reads and writes them: members of an organisation, links, sessions, second factors."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from fabroute.api.schemas.base import RequestModel, ResponseModel, TrimmedLabel
from fabroute.identity.service.people.members import Invited, NewPerson, PersonChange
from fabroute.identity.service.people.passwords import LONGEST, SHORTEST
from fabroute.identity.service.people.second_factor import NewSecondFactor
from fabroute.identity.service.people.sessions import IDLE, OpenSession, SessionView
from fabroute.identity.service.people.views import PersonView

_ROLES = (
    "`admin` everywhere; of owners also `buyer`, `engineer`, `viewer`; of bureaus `production`, `viewer`; of the "
    "operator `support`."
)
EmailText = Annotated[
    str, Field(min_length=3, max_length=254, description="Capitals and spaces around it don't count.")
]
Role = Annotated[str, Field(min_length=1, max_length=40, description=_ROLES)]
Secret = Annotated[str, Field(min_length=1, max_length=4 * LONGEST)]
Password = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4 * LONGEST,
        description=f"At least {SHORTEST} characters, whichever; not a common one, nor the person's address or name.",
    ),
]
Code = Annotated[
    str, Field(min_length=6, max_length=40, description="Six digits of the authenticator app, or a recovery code.")
]
Token = Annotated[str, Field(min_length=1, max_length=200)]


class PersonIn(RequestModel):
    """Somebody to invite."""

    email: EmailText
    name: TrimmedLabel
    role: Role
    organisation_id: str | None = Field(
        default=None, max_length=100, description="For the operator: another organisation than its own."
    )


class PersonChangeIn(RequestModel):
    """What becomes of a person; what is left out stays."""

    name: TrimmedLabel | None = None
    role: Role | None = None
    disabled: bool | None = Field(default=None, description="Disabled, a person is signed out and can't sign in.")


class AcceptInvitationIn(RequestModel):
    """The token of a link, and the password for the next times."""

    token: Token
    password: Password


class SignInIn(RequestModel):
    """What a person signs in with."""

    email: EmailText
    password: Secret
    code: Code | None = None
    organisation_id: str | None = Field(
        default=None, max_length=100, description="Where the address has accounts in several organisations."
    )


class PasswordChangeIn(RequestModel):
    """The present password, and the new one."""

    present_password: Secret
    new_password: Password


class PasswordIn(RequestModel):
    """The present password, once more."""

    password: Secret


class TotpConfirmationIn(RequestModel):
    """The first code that the app shows."""

    code: Annotated[str, Field(min_length=6, max_length=10, description="Six digits.")]


class PersonOut(ResponseModel):
    """A person of an organisation."""

    id: str
    organisation_id: str
    email: str
    name: str
    role: str
    state: str = Field(description="`invited` until the link was used, then `active`; `disabled`.")
    has_password: bool
    has_second_factor: bool
    created_at: datetime
    joined_at: datetime | None
    signed_in_at: datetime | None = Field(description="The last time.")


class InvitationOut(ResponseModel):
    """A link that lets a person in once. It is shown here and never again."""

    token: str
    url: str = Field(description="Send it to the person yourself: fabroute mails nothing.")
    expires_at: datetime


class PersonInvitedOut(ResponseModel):
    """A person, and the link for them."""

    person: PersonOut
    invitation: InvitationOut


class SessionOut(ResponseModel):
    """Where a person is signed in."""

    id: str
    method: str = Field(description="`password`, `invitation` or `oidc`.")
    address: str
    user_agent: str
    created_at: datetime
    seen_at: datetime = Field(description="To the minute.")
    ends_at: datetime = Field(description="At the latest.")
    is_current: bool = Field(description="Whether it is the one that asks.")


class SignedInOut(ResponseModel):
    """Who is signed in, and what they may do."""

    person: PersonOut
    organisation_name: str
    organisation_kind: str = Field(description="`owner`, `bureau` or `operator`.")
    scopes: list[str]
    csrf_token: str = Field(description="For the header X-CSRF-Token of every request that changes something.")
    ends_at: datetime = Field(description="At the latest.")
    idle_seconds: int = Field(description="After so long without a request the session is over, too.")


class TotpOut(ResponseModel):
    """What an authenticator app is told. It is shown here and never again."""

    secret: str = Field(description="In base 32, to type in.")
    provisioning_uri: str = Field(description="`otpauth://…`, to show as a QR code.")


class RecoveryCodesOut(ResponseModel):
    """Codes that stand in for the second factor, each once. They are shown here and never again."""

    recovery_codes: list[str]


def new_person(asked: PersonIn) -> NewPerson:
    """Return whom a body asks to invite."""
    return NewPerson(email=asked.email, name=asked.name, role=asked.role, organisation_id=asked.organisation_id)


def person_change(asked: PersonChangeIn, *, version: int | None) -> PersonChange:
    """Return what a body asks to change, in which version."""
    return PersonChange(name=asked.name, role=asked.role, is_disabled=asked.disabled, expected_version=version)


def person_out(person: PersonView) -> PersonOut:
    """Return a person for an answer."""
    return PersonOut(
        id=person.person_id,
        organisation_id=person.organisation_id,
        email=person.email,
        name=person.name,
        role=person.role,
        state=person.state,
        has_password=person.has_password,
        has_second_factor=person.has_second_factor,
        created_at=person.created_at,
        joined_at=person.joined_at,
        signed_in_at=person.signed_in_at,
    )


def invited_out(invited: Invited, *, public_url: str) -> PersonInvitedOut:
    """Return a person and their link for an answer."""
    link = InvitationOut(
        token=invited.token, url=invitation_url(invited.token, public_url=public_url), expires_at=invited.expires_at
    )
    return PersonInvitedOut(person=person_out(invited.person), invitation=link)


def invitation_url(token: str, *, public_url: str) -> str:
    """Return the link: the token stands behind ``#``, which browsers keep to themselves and no log sees."""
    return f"{public_url.rstrip('/')}/join#{token}"


def session_out(found: SessionView, *, current: str) -> SessionOut:
    """Return a session for an answer."""
    return SessionOut(
        id=found.session_id,
        method=found.method,
        address=found.address,
        user_agent=found.user_agent,
        created_at=found.created_at,
        seen_at=found.seen_at,
        ends_at=found.ends_at,
        is_current=found.session_id == current,
    )


def signed_in_out(opened: OpenSession) -> SignedInOut:
    """Return who is signed in for an answer."""
    return SignedInOut(
        person=person_out(opened.person),
        organisation_name=opened.person.organisation_name,
        organisation_kind=opened.person.kind,
        scopes=sorted(opened.person.scopes),
        csrf_token=opened.csrf_token,
        ends_at=opened.session.ends_at,
        idle_seconds=int(IDLE.total_seconds()),
    )


def totp_out(started: NewSecondFactor) -> TotpOut:
    """Return a new second factor for an answer."""
    return TotpOut(secret=started.secret, provisioning_uri=started.uri)
