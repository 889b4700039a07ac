"""Tables of people: who they are, how they are invited and sign in, and where they are signed in."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant


class Person(SQLModel, table=True):
    """Somebody who acts for an organisation; of one who is removed only the id stays, which the audit log names."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("organisation_id", "email"),
        Index("ix_people_organisation", "organisation_id", "id"),
        Index("ix_people_email", "email"),
    )

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    email: str | None = None
    """As ``emails.normalised`` writes it; none of one who is removed."""
    name: str
    role: str
    """One of ``rules.ROLES`` of the organisation's kind."""
    password_hash: str | None = None
    """Argon2id, with its parameters."""
    totp_sealed: str | None = None
    """The secret of the second factor, sealed with the installation's key; an unconfirmed one counts for nothing."""
    totp_confirmed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    totp_last_step: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    """The 30 seconds of the last code that was taken: neither it nor an earlier one is taken again."""
    created_at: datetime = Field(sa_column=instant())
    joined_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    disabled_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    removed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    signed_in_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    version: int = 1


class Invitation(SQLModel, table=True):
    """A link that lets a person in once: to join, or to choose a new password."""

    __tablename__ = "invitations"

    person_id: str = Field(primary_key=True, foreign_key="people.id")
    organisation_id: str
    token_sha256: str = Field(unique=True)
    created_by: str
    created_at: datetime = Field(sa_column=instant())
    expires_at: datetime = Field(sa_column=instant())


class PersonSession(SQLModel, table=True):
    """A browser that a person is signed in with; the row goes when the session ends."""

    __tablename__ = "person_sessions"

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="people.id", index=True)
    organisation_id: str
    token_sha256: str = Field(unique=True)
    method: str
    """``invitation``, ``password`` or ``oidc``."""
    address: str
    user_agent: str
    created_at: datetime = Field(sa_column=instant())
    seen_at: datetime = Field(sa_column=instant(index=True))
    """To the minute: the session ends twelve hours after it."""
    ends_at: datetime = Field(sa_column=instant(index=True))
    """Whatever is done with it."""


class RecoveryCode(SQLModel, table=True):
    """What stands in for the second factor, once."""

    __tablename__ = "recovery_codes"

    person_id: str = Field(primary_key=True, foreign_key="people.id")
    code_sha256: str = Field(primary_key=True)
    organisation_id: str
    created_at: datetime = Field(sa_column=instant())
    used_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class PersonIdentity(SQLModel, table=True):
    """Who a person is at an OpenID provider: its issuer's name and the subject there, never the e-mail address."""

    __tablename__ = "person_identities"

    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="people.id", index=True)
    organisation_id: str
    linked_at: datetime = Field(sa_column=instant())


class SignInAttempts(SQLModel, table=True):
    """How often somebody tried to sign in within a window of time: by address, by account, by known device."""

    __tablename__ = "sign_in_attempts"

    bucket: str = Field(primary_key=True)
    """A SHA-256: whose it is can't be read from it."""
    attempts: int
    window_ends_at: datetime = Field(sa_column=instant(index=True))
