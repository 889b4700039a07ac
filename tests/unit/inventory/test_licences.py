"""Which licence a node uses: every condition where it holds and where it doesn't, checked by brute force."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product

import pytest

from fabroute.inventory.rules.licences import LicenceView, licence_for, permits
from fabroute.inventory.service import LicenceLease

TODAY = date(2026, 6, 15)
PLAIN = LicenceView(
    licence_id="lic_1",
    organisation_id="org_owner",
    revision_id="rev_1",
    granted_prints=10,
    good_prints=3,
    leased_prints=2,
    node_ids=(),
    countries=(),
    valid_to=None,
    state="active",
    state_reason="",
    note="",
    granted_by="key_1",
    granted_at=datetime(2026, 6, 1, tzinfo=UTC),
)


def chosen(*licences: LicenceView, prints: int = 1) -> str | None:
    found = licence_for(licences, node_id="N1", country="DE", prints=prints, on=TODAY)
    return None if found is None else found.licence_id


def test_what_is_left_is_neither_made_nor_held() -> None:
    assert PLAIN.left == 5
    assert chosen(PLAIN, prints=5) == "lic_1"
    assert chosen(PLAIN, prints=6) is None


@pytest.mark.parametrize(
    ("state", "nodes", "countries", "valid_to"),
    list(
        product(
            ("active", "frozen", "revoked"),
            ((), ("N1",), ("N2",), ("N2", "N1")),
            ((), ("DE",), ("FR",)),
            (None, date(2026, 6, 14), TODAY, date(2026, 6, 16)),
        )
    ),
)
def test_a_licence_permits_exactly_what_all_its_conditions_permit(
    state: str, nodes: tuple[str, ...], countries: tuple[str, ...], valid_to: date | None
) -> None:
    licence = replace(PLAIN, state=state, node_ids=nodes, countries=countries, valid_to=valid_to)
    wanted = [
        state == "active",
        nodes in ((), ("N1",), ("N2", "N1")),
        countries in ((), ("DE",)),
        valid_to in (None, TODAY, date(2026, 6, 16)),
    ]
    assert permits(licence, node_id="N1", country="DE", on=TODAY) is all(wanted)
    assert (chosen(licence) == "lic_1") is all(wanted)


def test_of_several_the_one_that_ends_first_and_then_the_fullest_used_is_taken() -> None:
    later = replace(PLAIN, licence_id="lic_2", valid_to=date(2026, 12, 31))
    sooner = replace(PLAIN, licence_id="lic_3", valid_to=date(2026, 7, 31))
    scarce = replace(PLAIN, licence_id="lic_4", valid_to=date(2026, 7, 31), leased_prints=5)
    twin = replace(PLAIN, licence_id="lic_0")
    assert chosen(PLAIN, later, sooner, scarce, twin) == "lic_4"
    assert chosen(PLAIN, later, sooner, scarce, twin, prints=3) == "lic_3"
    assert (chosen(PLAIN, later), chosen(PLAIN, twin), chosen()) == ("lic_2", "lic_0", None)


def test_no_two_licences_are_put_together() -> None:
    assert chosen(PLAIN, replace(PLAIN, licence_id="lic_2"), prints=6) is None
    assert chosen(PLAIN, replace(PLAIN, licence_id="lic_2", granted_prints=11), prints=6) == "lic_2"


def test_a_lease_is_of_at_least_one_print() -> None:
    with pytest.raises(ValueError, match="job job_1 asks for 0 prints"):
        LicenceLease(job_id="job_1", licence_id="lic_1", prints=0)
    assert LicenceLease(job_id="job_1", licence_id="lic_1", prints=1).prints == 1
