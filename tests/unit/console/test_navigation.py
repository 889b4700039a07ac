import pytest

from fabroute.console.navigation import OwnersPage, entries_for, landing_of, require_owner
from fabroute.identity.rules import ROLES, OrganisationKind, Principal


def somebody(kind: OrganisationKind, role: str) -> Principal:
    return Principal(organisation_id="org_1", kind=kind, key_id="person_1", scopes=ROLES[kind][role])


@pytest.mark.parametrize(
    ("kind", "role", "keys", "landing"),
    [
        ("owner", "buyer", "start orders order-a-part parts network decisions", "/console/"),
        ("owner", "viewer", "start orders parts network decisions", "/console/"),
        ("bureau", "production", "jobs network", "/console/jobs"),
        ("bureau", "viewer", "jobs network", "/console/jobs"),
        ("operator", "support", "start jobs network decisions", "/console/"),
    ],
)
def test_everybody_sees_what_they_may_do_and_begins_there(
    kind: OrganisationKind, role: str, keys: str, landing: str
) -> None:
    principal = somebody(kind, role)

    assert " ".join(entry.key for entry in entries_for(principal)) == keys
    assert landing_of(principal) == landing


@pytest.mark.parametrize(
    ("kind", "words"), [("bureau", "stands under Jobs"), ("operator", "any order opens from there")]
)
def test_who_has_no_orders_and_parts_is_told_where_their_own_work_is(kind: OrganisationKind, words: str) -> None:
    with pytest.raises(OwnersPage, match=f"Parts are kept and ordered by those who need them.*{words}"):
        require_owner(somebody(kind, "admin"))
    require_owner(somebody("owner", "viewer"))


def test_who_may_do_nothing_begins_at_their_account() -> None:
    nobody = Principal(organisation_id="org_1", kind="bureau", key_id="person_1", scopes=frozenset())

    assert landing_of(nobody) == "/console/account"
