"""How to break each rule about keys, clients and tokens, by its name: the rule must find one row then."""

from collections.abc import Mapping

_ORGANISATION = (
    "INSERT INTO organisations (id, name, kind, created_at) VALUES ('org_keys', 'Keys', 'owner', now())"
    " ON CONFLICT DO NOTHING;"
)
_KEY = (
    f"{_ORGANISATION} INSERT INTO api_keys (id, organisation_id, name, secret_sha256, scopes, created_at)"
    " VALUES ('key_1', 'org_keys', 'k', 'x', '{orders:read}', now());"
)
_TOKEN = (
    f"{_ORGANISATION} INSERT INTO oauth_clients"
    " (id, organisation_id, name, scopes, secret_sha256, created_at, created_by)"
    " VALUES ('client_1', 'org_keys', 'c', '{orders:read}', 'x', now(), 'key_1');"
    " INSERT INTO access_tokens (id, client_id, organisation_id, secret_sha256, scopes, created_at, expires_at)"
    " VALUES ('tok_1', 'client_1', 'org_keys', 'x', '{orders:read}', now(), now() + interval '1 hour');"
)

BREAKS: Mapping[str, str] = {
    "a live access token has a live client of the same organisation": f"{_TOKEN}"
    " UPDATE oauth_clients SET revoked_at = now()",
    "an access token lives for an hour at most, and opens nothing that its client doesn't": f"{_TOKEN}"
    " UPDATE access_tokens SET scopes = '{orders:read,orders:write}'",
    "no key, client or person outlives its organisation": "ALTER TABLE api_keys"
    f" DROP CONSTRAINT fk_api_keys_organisation_id; {_KEY} UPDATE api_keys SET organisation_id = 'org_gone'",
    "nothing was used before it was made": f"{_KEY}"
    " UPDATE api_keys SET last_used_at = created_at - interval '1 microsecond'",
    "a key that was followed by another has an end, and its successor is of the same organisation": f"{_KEY}"
    " UPDATE api_keys SET replaced_by = id",
    "the operator is not suspended": f"{_ORGANISATION}"
    " UPDATE organisations SET kind = 'operator', suspended_at = now() WHERE id = 'org_keys'",
}

MORE_BREAKS: tuple[tuple[str, str], ...] = (
    (
        "a live access token has a live client of the same organisation",
        f"{_TOKEN} UPDATE access_tokens SET organisation_id = 'org_owner'",
    ),
    (
        "an access token lives for an hour at most, and opens nothing that its client doesn't",
        f"{_TOKEN} UPDATE access_tokens SET expires_at = expires_at + interval '1 s'",
    ),
    (
        "a key that was followed by another has an end, and its successor is of the same organisation",
        f"{_KEY} UPDATE api_keys SET replaced_by = 'key_gone', expires_at = now()",
    ),
    ("nothing was used before it was made", f"{_TOKEN} UPDATE oauth_clients SET last_used_at = '2020-01-01'"),
)
