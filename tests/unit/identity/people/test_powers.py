"""Who may give which role, and what each role allows."""

from itertools import product

import pytest

from fabroute.identity.rules import ADMIN, ALL_SCOPES, ROLES, OrganisationKind, Principal
from fabroute.identity.service.people.powers import RoleNotHeld, UnknownRole, require_power, require_role

READS = {scope for scope in ALL_SCOPES if scope.endswith(":read")}
EVERY_ROLE = [(kind, role) for kind, roles in ROLES.items() for role in roles]


def a_caller(*scopes: str, kind: OrganisationKind = "owner", organisation_id: str = "org_1") -> Principal:
    return Principal(organisation_id=organisation_id, kind=kind, key_id="key_1", scopes=frozenset(scopes))


def test_roles_are_these() -> None:
    assert {kind: sorted(roles) for kind, roles in ROLES.items()} == {
        "owner": ["admin", "buyer", "engineer", "viewer"],
        "bureau": ["admin", "production", "viewer"],
        "operator": ["admin", "support"],
    }
    assert {role for roles in ROLES.values() for role, scopes in roles.items() if scopes == ALL_SCOPES} == {ADMIN}


@pytest.mark.parametrize(
    ("kind", "role", "scopes"),
    [
        ("owner", "buyer", "orders:read orders:write inventory:read network:read events:read"),
        ("owner", "engineer", "inventory:read inventory:write inventory:release orders:read network:read"),
        ("bureau", "production", "jobs:read jobs:write network:read network:write"),
    ],
)
def test_a_role_allows_what_its_work_needs(kind: str, role: str, scopes: str) -> None:
    assert ROLES[kind][role] == set(scopes.split())
    assert ROLES[kind][role] < ALL_SCOPES


@pytest.mark.parametrize(("kind", "role"), EVERY_ROLE)
def test_only_admins_let_people_in_make_keys_and_see_both(kind: str, role: str) -> None:
    scopes = ROLES[kind][role]

    assert ({"people:write", "keys:write", "keys:read"} <= scopes) is (role == ADMIN)
    assert ("audit:read" in scopes) is (role in (ADMIN, "support"))
    assert scopes <= ALL_SCOPES


def test_who_looks_on_sees_all_but_keys_and_the_audit_log_and_changes_nothing() -> None:
    for kind in ("owner", "bureau"):
        assert ROLES[kind]["viewer"] == READS - {"keys:read", "audit:read"}
    assert ROLES["operator"]["support"] == READS - {"keys:read"}


@pytest.mark.parametrize(("kind", "role"), [*product(ROLES, ["", "root", "Admin"]), ("owner", "production")])
def test_an_unknown_role_is_refused_with_those_that_are_there(kind: str, role: str) -> None:
    with pytest.raises(UnknownRole) as refusal:
        require_role(kind, role)

    assert (refusal.value.status, refusal.value.code) == (422, "unknown_role")
    assert ", ".join(ROLES[kind]) in refusal.value.message
    assert [problem.pointer for problem in refusal.value.problems] == ["/role"]


@pytest.mark.parametrize(("kind", "role"), EVERY_ROLE)
def test_who_may_all_that_a_role_may_gives_it_and_nobody_else(kind: OrganisationKind, role: str) -> None:
    needed = ROLES[kind][role]
    require_role(kind, role)
    require_power(a_caller(*needed, kind=kind), organisation_id="org_1", kind=kind, role=role)

    for missing in needed:
        narrow = a_caller(*(ALL_SCOPES - {missing}), kind=kind)
        with pytest.raises(RoleNotHeld, match=missing) as refusal:
            require_power(narrow, organisation_id="org_1", kind=kind, role=role)
        assert (refusal.value.status, refusal.value.code) == (403, "role_not_held")


def test_the_operator_gives_any_role_elsewhere_and_at_home_what_it_has() -> None:
    operator = a_caller("people:write", kind="operator", organisation_id="org_operator")

    require_power(operator, organisation_id="org_1", kind="owner", role=ADMIN)
    require_power(None, organisation_id="org_operator", kind="operator", role=ADMIN)
    with pytest.raises(RoleNotHeld):
        require_power(operator, organisation_id="org_operator", kind="operator", role="support")
    require_power(a_caller(), organisation_id="org_1", kind="owner", role="a role of former times")
