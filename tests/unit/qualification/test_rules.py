"""Certificates, first articles and the plain rule, against days and boxes counted by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fabroute.qualification.rules import (
    CertificateView,
    FirstArticleView,
    MachineRow,
    PlainCapability,
    PrintNeeds,
    box_fits,
    capable_by_plain_rule,
    certificate_covers,
    certificate_valid,
    first_article_ends,
    scope_kind,
)
from fabroute.qualification.service import NewCertificate

DAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)


def a_certificate(
    *,
    node_id: str = "N1",
    scheme: str = "ISO9001",
    scope: str = "*",
    valid_from: date = date(2025, 1, 1),
    valid_to: date = date(2027, 1, 1),
) -> CertificateView:
    return CertificateView(
        certificate_id=f"cert_{node_id}_{scheme}",
        node_id=node_id,
        scheme=scheme,
        scope_kind="site",
        scope=scope,
        valid_from=valid_from,
        valid_to=valid_to,
    )


def needs(*, certificates: tuple[str, ...] = ("ISO9001",)) -> PrintNeeds:
    return PrintNeeds(
        box_mm=(10, 20, 30),
        process_materials=("SLS:PA12-SLS", "MJF:PA12-MJF"),
        required_certificates=certificates,
    )


def a_row(
    *, node_id: str = "N1", pair: str = "MJF:PA12-MJF", box_mm: tuple[float, float, float] = (30, 10, 20)
) -> MachineRow:
    return MachineRow(node_id=node_id, process_material=pair, box_mm=box_mm)


def plain(
    *rows: MachineRow, held: tuple[CertificateView, ...] = (), wanted: PrintNeeds | None = None
) -> PlainCapability:
    certificates = {node: [view for view in held if view.node_id == node] for node in {view.node_id for view in held}}
    return capable_by_plain_rule(wanted or needs(), rows=rows, certificates=certificates, day=DAY)


# ---------------------------------------------------------------- certificates and first articles


def test_a_certificate_covers_its_scheme_for_the_site_or_for_its_own_pair() -> None:
    site, pair = a_certificate(), a_certificate(scope="LPBF:316L")
    assert certificate_covers(site, scheme="ISO9001", process_material="MJF:PA12-MJF")
    assert certificate_covers(pair, scheme="ISO9001", process_material="LPBF:316L")
    assert not certificate_covers(pair, scheme="ISO9001", process_material="LPBF:TI64")
    assert not certificate_covers(site, scheme="ISO13485", process_material="MJF:PA12-MJF")


def test_a_certificate_is_valid_on_its_first_and_last_day_and_no_longer() -> None:
    held = a_certificate(valid_from=date(2026, 6, 15), valid_to=date(2026, 6, 20))
    assert certificate_valid(held, first_day=date(2026, 6, 15), last_day=date(2026, 6, 20))
    assert not certificate_valid(held, first_day=date(2026, 6, 14), last_day=date(2026, 6, 20))
    assert not certificate_valid(held, first_day=date(2026, 6, 15), last_day=date(2026, 6, 21))


def test_a_first_article_ends_two_years_after_the_last_production() -> None:
    assert first_article_ends(date(2024, 6, 15)) == date(2026, 6, 15)
    assert first_article_ends(date(2024, 2, 29)) == date(2026, 2, 28)
    assert first_article_ends(date.max) == date.max


@pytest.mark.parametrize(
    ("day", "verified", "revoked", "state"),
    [
        (date(2026, 6, 15), True, False, "valid"),
        (date(2025, 1, 1), True, False, "valid"),
        (date(2027, 1, 1), True, False, "valid"),
        (date(2024, 12, 31), True, False, "not_yet_valid"),
        (date(2027, 1, 2), True, False, "expired"),
        (date(2026, 6, 15), False, False, "waiting"),
        (date(2027, 1, 2), False, False, "expired"),
        (date(2026, 6, 15), True, True, "revoked"),
        (date(2027, 1, 2), False, True, "revoked"),
    ],
)
def test_a_certificate_says_whether_it_counts_on_a_day(day: date, verified: bool, revoked: bool, state: str) -> None:
    view = replace(a_certificate(), verified_at=NOW if verified else None, revoked_at=NOW if revoked else None)

    assert view.state_on(day) == state
    assert (view.verified, view.revoked) == (verified, revoked)


@pytest.mark.parametrize(
    ("day", "revoked", "state"),
    [
        (date(2024, 6, 15), False, "valid"),
        (date(2026, 6, 15), False, "valid"),
        (date(2026, 6, 16), False, "lapsed"),
        (date(2024, 6, 14), False, "not_yet_valid"),
        (date(2026, 6, 15), True, "revoked"),
    ],
)
def test_a_first_article_says_whether_it_counts_on_a_day(day: date, revoked: bool, state: str) -> None:
    view = FirstArticleView(
        first_article_id="fa_1",
        revision_id="rev_1",
        node_id="N1",
        machine_id="M1",
        material="316L",
        parameter_set="PS-1",
        approved_on=date(2024, 6, 15),
        last_production_on=date(2024, 6, 15),
        revoked_at=NOW if revoked else None,
    )

    assert view.state_on(day) == state
    assert (view.ends_on, view.revoked) == (date(2026, 6, 15), revoked)


@pytest.mark.parametrize(
    ("scope", "machine_id", "parameter_set", "kind"),
    [
        ("*", None, None, "site"),
        ("MJF", None, None, "process"),
        ("MJF:PA12-MJF", None, None, "process_material"),
        ("*", "M1", None, "machine"),
        ("MJF:PA12-MJF", "M1", "PS-1", "parameter_set"),
    ],
)
def test_the_narrowest_thing_that_is_named_is_the_kind_of_a_scope(
    scope: str, machine_id: str | None, parameter_set: str | None, kind: str
) -> None:
    assert scope_kind(scope=scope, machine_id=machine_id, parameter_set=parameter_set) == kind
    new = NewCertificate(
        node_id="N1",
        scheme="ISO9001",
        scope=scope,
        machine_id=machine_id,
        parameter_set=parameter_set,
        valid_from=DAY,
        valid_to=DAY,
    )
    assert new.scope_kind == kind


def test_the_plain_rule_knows_sites_and_pairs_only() -> None:
    machine = replace(a_certificate(), machine_id="M1")
    parameter_set = replace(a_certificate(), parameter_set="PS-1")

    for narrower in (machine, parameter_set, a_certificate(scope="MJF")):
        assert not certificate_covers(narrower, scheme="ISO9001", process_material="MJF:PA12-MJF")
    assert certificate_covers(a_certificate(), scheme="ISO9001", process_material="MJF:PA12-MJF")


# ---------------------------------------------------------------- the plain rule


@pytest.mark.parametrize("box_mm", [(10, 20, 30), (30, 10, 20), (20, 30, 10)])
def test_a_part_fits_in_any_axis_aligned_rotation(box_mm: tuple[float, float, float]) -> None:
    assert box_fits((10, 20, 30), box_mm)
    assert box_fits(box_mm, (10, 20, 30))


def test_a_part_that_is_too_long_in_one_direction_does_not_fit() -> None:
    assert not box_fits((10, 20, 30.1), (10, 20, 30))
    assert not box_fits((11, 11, 11), (10, 500, 500))


def test_a_node_is_capable_by_one_row_with_room_and_an_allowed_pair() -> None:
    rows = (a_row(), a_row(node_id="N2", pair="LPBF:316L"), a_row(node_id="N3", box_mm=(30, 10, 19)))
    assert plain(*rows) == PlainCapability(capable=frozenset({"N1"}), certified=frozenset())


def test_a_node_is_certified_when_one_of_its_rows_has_every_certificate_on_that_day() -> None:
    wanted = needs(certificates=("ISO9001", "FOOD"))
    rows = (a_row(), a_row(pair="SLS:PA12-SLS"), a_row(node_id="N2"))
    food = a_certificate(scheme="FOOD", scope="SLS:PA12-SLS")
    both = PlainCapability(capable=frozenset({"N1", "N2"}), certified=frozenset({"N1"}))
    none = PlainCapability(capable=frozenset({"N1", "N2"}), certified=frozenset())
    assert plain(*rows, held=(a_certificate(), food), wanted=wanted) == both
    assert plain(*rows, held=(a_certificate(),), wanted=wanted) == none
    elsewhere = a_certificate(scheme="FOOD", scope="LPBF:316L")
    assert plain(*rows, held=(a_certificate(), elsewhere), wanted=wanted) == none
    expired = a_certificate(valid_to=date(2026, 6, 14))
    assert plain(*rows, held=(expired, food), wanted=wanted) == none


def test_two_rows_do_not_share_their_certificates() -> None:
    wanted = needs(certificates=("FOOD", "FIRE"))
    held = (
        a_certificate(scheme="FOOD", scope="SLS:PA12-SLS"),
        a_certificate(scheme="FIRE", scope="MJF:PA12-MJF"),
    )
    found = plain(a_row(), a_row(pair="SLS:PA12-SLS"), held=held, wanted=wanted)
    assert found == PlainCapability(capable=frozenset({"N1"}), certified=frozenset())


def test_a_part_without_required_certificates_can_be_printed_by_every_capable_node() -> None:
    found = plain(a_row(), a_row(node_id="N2"), wanted=needs(certificates=()))
    assert found.certified == found.capable == {"N1", "N2"}
