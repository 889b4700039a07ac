"""Rules about people and what they sign in with."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant
from fabroute.identity.rules import ADMIN, ROLES

_ROLES = ", ".join(f"('{kind}', '{role}')" for kind, roles in ROLES.items() for role in roles)

RULES: Sequence[Invariant] = (
    Invariant(
        name="an organisation with people has an admin who can act",
        query=f"""
            SELECT organisation_id, count(*) FROM people
            WHERE joined_at IS NOT NULL AND disabled_at IS NULL AND removed_at IS NULL
            GROUP BY organisation_id HAVING bool_and(role <> '{ADMIN}')
        """,
        advice="invite an admin: fabroute people invite ORGANISATION EMAIL --role admin",
    ),
    Invariant(
        name="a person's role is one of their organisation's kind",
        query=f"""
            SELECT person.id, person.role, organisation.kind
            FROM people person JOIN organisations organisation ON organisation.id = person.organisation_id
            WHERE (organisation.kind, person.role) NOT IN ({_ROLES})
        """,
        advice="an unknown role allows nothing: give the person one that is known",
    ),
    Invariant(
        name="only people who have joined and are not disabled have sessions",
        query="""
            SELECT session.id, person.id FROM person_sessions session
            JOIN people person ON person.id = session.person_id
            WHERE person.joined_at IS NULL OR person.disabled_at IS NOT NULL OR person.removed_at IS NOT NULL
                OR session.ends_at > session.created_at + interval '30 days' OR session.seen_at < session.created_at
        """,
        advice="delete these sessions, and find out who wrote them",
    ),
    Invariant(
        name="what a person signs in with belongs to the person's organisation",
        query="""
            SELECT held.kind, held.person_id FROM (
                SELECT 'invitation' AS kind, person_id, organisation_id FROM invitations
                UNION ALL SELECT 'session', person_id, organisation_id FROM person_sessions
                UNION ALL SELECT 'recovery code', person_id, organisation_id FROM recovery_codes
                UNION ALL SELECT 'identity', person_id, organisation_id FROM person_identities
            ) held JOIN people person ON person.id = held.person_id
            WHERE held.organisation_id <> person.organisation_id
        """,
        advice="another organisation would see it: correct organisation_id",
    ),
    Invariant(
        name="a second factor that is on has its secret, and recovery codes have a second factor",
        query="""
            SELECT id, totp_confirmed_at FROM people WHERE totp_confirmed_at IS NOT NULL AND totp_sealed IS NULL
            UNION ALL
            SELECT person.id, code.created_at FROM recovery_codes code JOIN people person ON person.id = code.person_id
            WHERE person.totp_confirmed_at IS NULL
        """,
        advice="the person can't sign in: fabroute people reset EMAIL",
    ),
    Invariant(
        name="nothing is kept of a person who was removed but the id",
        query="""
            SELECT person.id FROM people person
            WHERE person.removed_at IS NOT NULL AND (
                person.email IS NOT NULL OR person.name <> '' OR person.password_hash IS NOT NULL
                OR person.totp_sealed IS NOT NULL
                OR EXISTS (SELECT 1 FROM invitations WHERE person_id = person.id)
                OR EXISTS (SELECT 1 FROM person_identities WHERE person_id = person.id)
                OR EXISTS (SELECT 1 FROM recovery_codes WHERE person_id = person.id)
            )
        """,
        advice="they asked to be forgotten: delete these columns and rows",
    ),
    Invariant(
        name="whoever has joined can sign in, or has a link to",
        query="""
            SELECT person.id, person.email FROM people person
            WHERE person.joined_at IS NOT NULL AND person.removed_at IS NULL AND person.password_hash IS NULL
                AND NOT EXISTS (SELECT 1 FROM person_identities WHERE person_id = person.id)
                AND NOT EXISTS (SELECT 1 FROM invitations WHERE person_id = person.id)
        """,
        advice="give the person a new link: fabroute people reset EMAIL",
    ),
)
