"""Rules about organisations, API keys, OAuth2 clients and access tokens."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="a live access token has a live client of the same organisation",
        query="""
            SELECT token.id, token.client_id, client.revoked_at FROM access_tokens token
            LEFT JOIN oauth_clients client
                ON client.id = token.client_id AND client.organisation_id = token.organisation_id
            WHERE token.revoked_at IS NULL AND token.expires_at > now()
                AND (client.id IS NULL OR client.revoked_at IS NOT NULL)
            ORDER BY token.id
        """,
        advice="the API refuses these tokens; somebody wrote the table past the service: revoke the client again",
    ),
    Invariant(
        name="an access token lives for an hour at most, and opens nothing that its client doesn't",
        query="""
            SELECT token.id, token.client_id, token.created_at, token.expires_at, token.scopes
            FROM access_tokens token JOIN oauth_clients client ON client.id = token.client_id
            WHERE token.expires_at > token.created_at + interval '1 hour' OR NOT token.scopes <@ client.scopes
            ORDER BY token.id
        """,
        advice="end these tokens at once: UPDATE access_tokens SET revoked_at = now() WHERE id = …",
    ),
    Invariant(
        name="no key, client or person outlives its organisation",
        query="""
            SELECT holder.id, holder.organisation_id FROM (
                SELECT id, organisation_id FROM api_keys
                UNION ALL SELECT id, organisation_id FROM oauth_clients
                UNION ALL SELECT id, organisation_id FROM people
            ) holder
            LEFT JOIN organisations ON organisations.id = holder.organisation_id
            WHERE organisations.id IS NULL ORDER BY holder.id
        """,
        advice="these open nothing; add the organisation again under its id, or remove them",
    ),
    Invariant(
        name="nothing was used before it was made",
        query="""
            SELECT used.id, used.created_at, used.last_used_at FROM (
                SELECT id, created_at, last_used_at FROM api_keys
                UNION ALL SELECT id, created_at, last_used_at FROM oauth_clients
            ) used
            WHERE used.last_used_at < used.created_at ORDER BY used.id
        """,
        advice="a clock runs wrong, or somebody wrote the table: look at the audit log of these ids",
    ),
    Invariant(
        name="a key that was followed by another has an end, and its successor is of the same organisation",
        query="""
            SELECT key.id, key.replaced_by, key.expires_at FROM api_keys key
            LEFT JOIN api_keys successor
                ON successor.id = key.replaced_by AND successor.organisation_id = key.organisation_id
            WHERE key.replaced_by IS NOT NULL AND (key.expires_at IS NULL OR successor.id IS NULL) ORDER BY key.id
        """,
        advice="revoke these keys (fabroute keys revoke): their overlap would never be over",
    ),
    Invariant(
        name="the operator is not suspended",
        query="SELECT id, suspended_at FROM organisations WHERE kind = 'operator' AND suspended_at IS NOT NULL",
        advice="nobody can run the installation over HTTP: fabroute organisations restore ID",
    ),
)
