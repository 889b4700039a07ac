"""How to break each rule about people, by its name: the rule must find one row then."""

from collections.abc import Mapping

_PERSON = (
    "INSERT INTO people (id, organisation_id, email, name, role, password_hash, created_at, joined_at, version)"
    " VALUES ('per_1', 'org_owner', 'ada@example.com', 'Ada', 'admin', 'x', now(), now(), 1);"
)
_SESSION = (
    f"{_PERSON} INSERT INTO person_sessions"
    " (id, person_id, organisation_id, token_sha256, method, address, user_agent, created_at, seen_at, ends_at)"
    " VALUES ('ses_1', 'per_1', 'org_owner', 'x', 'password', '', '', now(), now(), now() + interval '30 days');"
)
_INVITATION = (
    f"{_PERSON} INSERT INTO invitations (person_id, organisation_id, token_sha256, created_by, created_at, expires_at)"
    " VALUES ('per_1', 'org_owner', 'x', 'key_1', now(), now());"
)
_CODE = (
    f"{_PERSON} UPDATE people SET totp_sealed = 'x', totp_confirmed_at = now();"
    " INSERT INTO recovery_codes (person_id, code_sha256, organisation_id, created_at)"
    " VALUES ('per_1', 'x', 'org_owner', now());"
)
_IDENTITY = (
    f"{_PERSON} INSERT INTO person_identities (issuer, subject, person_id, organisation_id, linked_at)"
    " VALUES ('https://accounts.example', '1', 'per_1', 'org_owner', now());"
)
_ADMIN = "an organisation with people has an admin who can act"
_HAVE_SESSIONS = "only people who have joined and are not disabled have sessions"
_OF_ONE = "what a person signs in with belongs to the person's organisation"
_FACTOR = "a second factor that is on has its secret, and recovery codes have a second factor"
_FORGOTTEN = "nothing is kept of a person who was removed but the id"
_CAN_SIGN_IN = "whoever has joined can sign in, or has a link to"
_REMOVE = "UPDATE people SET removed_at = now(), email = NULL, name = '', password_hash = NULL"

BREAKS: Mapping[str, str] = {
    _ADMIN: f"{_PERSON} UPDATE people SET role = 'viewer'",
    "a person's role is one of their organisation's kind": f"{_PERSON} UPDATE people SET role = 'production'",
    _HAVE_SESSIONS: f"{_SESSION} UPDATE people SET disabled_at = now()",
    _OF_ONE: f"{_SESSION} UPDATE person_sessions SET organisation_id = 'org_other'",
    _FACTOR: f"{_PERSON} UPDATE people SET totp_confirmed_at = now()",
    _FORGOTTEN: f"{_PERSON} UPDATE people SET removed_at = now(), email = NULL, name = ''",
    _CAN_SIGN_IN: f"{_PERSON} UPDATE people SET password_hash = NULL",
}

MORE_BREAKS: tuple[tuple[str, str], ...] = (
    (_HAVE_SESSIONS, f"{_SESSION} UPDATE people SET joined_at = NULL"),
    (_HAVE_SESSIONS, f"{_SESSION} {_REMOVE}"),
    (_HAVE_SESSIONS, f"{_SESSION} UPDATE person_sessions SET ends_at = ends_at + interval '1 microsecond'"),
    (_OF_ONE, f"{_INVITATION} UPDATE invitations SET organisation_id = 'org_other'"),
    (_OF_ONE, f"{_CODE} UPDATE recovery_codes SET organisation_id = 'org_other'"),
    (_OF_ONE, f"{_IDENTITY} UPDATE person_identities SET organisation_id = 'org_other'"),
    (_FACTOR, f"{_CODE} UPDATE people SET totp_confirmed_at = NULL"),
    (_FORGOTTEN, f"{_INVITATION} {_REMOVE}"),
    (_FORGOTTEN, f"{_IDENTITY} {_REMOVE}"),
    (_FORGOTTEN, f"{_PERSON} {_REMOVE}, totp_sealed = 'x'"),
)
