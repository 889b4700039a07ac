import re
from dataclasses import replace

import pytest

from fabroute.identity.rules import (
    ALL_SCOPES,
    MissingScope,
    Principal,
    Unauthenticated,
    key_id_of,
    make_token,
    require_scope,
)

KEY_ID = "key_01jz3v8c5h9m2n4p6q8r0s2t4v"


def test_a_token_names_its_environment_and_its_key() -> None:
    token = make_token(environment="demo", key_id=KEY_ID)

    assert re.fullmatch(r"fr_demo_01jz3v8c5h9m2n4p6q8r0s2t4v_[0-9a-hjkmnp-tv-z]{39}", token)
    assert key_id_of(token) == KEY_ID


def test_an_environment_may_have_underscores() -> None:
    assert key_id_of(make_token(environment="eu_west_1", key_id=KEY_ID)) == KEY_ID


def test_no_two_tokens_of_a_key_are_alike() -> None:
    tokens = {make_token(environment="demo", key_id=KEY_ID) for _ in range(100)}
    assert len(tokens) == 100


def test_every_single_changed_character_is_noticed_without_a_query() -> None:
    token = make_token(environment="demo", key_id=KEY_ID)
    broken = [token[:at] + ("0" if token[at] != "0" else "1") + token[at + 1 :] for at in range(len(token))]

    for candidate in broken:
        with pytest.raises(Unauthenticated, match="copy it again"):
            key_id_of(candidate)
    assert len(broken) == len(token)


@pytest.mark.parametrize("token", ["", "fr_", "Bearer", "fr_demo_1", "sk_live_abc_def", "fr_demö_1_2", "_" * 60])
def test_what_is_no_key_of_fabroute_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        key_id_of(token)
    assert (refusal.value.status, refusal.value.code) == (401, "unauthenticated")


def test_a_scope_opens_what_it_names_and_nothing_else() -> None:
    reader = Principal(organisation_id="org_1", kind="owner", key_id=KEY_ID, scopes=frozenset({"orders:read"}))

    require_scope(reader, "orders:read")
    with pytest.raises(MissingScope, match="orders:write") as refusal:
        require_scope(reader, "orders:write")
    assert refusal.value.status == 403
    assert {"inventory:write", "inventory:release", "jobs:write"} < ALL_SCOPES


def test_the_database_asks_for_the_callers_organisation_and_the_operator_sees_every_tenant() -> None:
    bureau = Principal(organisation_id="org_1", kind="bureau", key_id=KEY_ID, scopes=ALL_SCOPES)
    operator = Principal(organisation_id="org_2", kind="operator", key_id=KEY_ID, scopes=ALL_SCOPES)

    assert (bureau.tenant, operator.tenant) == ("org_1", "*")
    confused = replace(bureau, organisation_id="org_3")
    assert (confused.organisation_id, confused.tenant) == ("org_3", "org_1")
    assert bureau.person_id is None


@pytest.mark.parametrize(("credential_id", "form"), [("key_01jz", "fr"), ("tok_01jz", "frt"), ("client_01jz", "frs")])
def test_scanners_tell_keys_access_tokens_and_client_secrets_by_their_first_letters(
    credential_id: str, form: str
) -> None:
    token = make_token(environment="demo", key_id=credential_id)

    assert token.startswith(f"{form}_demo_01jz_")
    assert key_id_of(token) == credential_id


def test_an_id_that_is_no_word_is_refused_though_its_checksum_is_right() -> None:
    token = make_token(environment="demo", key_id="key_a\x00b")

    with pytest.raises(Unauthenticated, match="copy it again"):
        key_id_of(token)
    assert key_id_of(make_token(environment="demo", key_id="key_ab")) == "key_ab"
