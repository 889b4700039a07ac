"""Every gate once where it lets a node through and once where it doesn't, with the figures it gives."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fabroute.solver.eligibility import ExclusionCode, ProductionWindow
from fabroute.solver.eligibility.commerce import (
    capacity,
    lane_exists,
    minimum_order,
    need_by,
    packaging_offered,
    price_cap,
)
from fabroute.solver.eligibility.law import export_control, ip_policy
from fabroute.solver.eligibility.machine import (
    build_volume,
    file_validated,
    machine_up,
    node_up,
    parameter_set_qualified,
    process_material,
)
from fabroute.solver.eligibility.proofs import (
    certificate_expires,
    certificate_missing,
    certified_until,
    first_article_ends,
    part_qualified,
    qualified_until,
)
from fabroute.solver.eligibility.supply import MAXIMUM_REUSE, lot_blocked, lot_usable, material_short, usable_lots
from tests.factories.eligibility import (
    WINDOW,
    certificate_facts,
    first_article_facts,
    line_facts,
    lot_facts,
    node_facts,
    offer_facts,
)


def test_every_code_has_a_meaning_in_words() -> None:
    assert len(ExclusionCode) == 20
    assert all(code.meaning and code.value == code.name for code in ExclusionCode)


def test_a_window_does_not_end_before_it_begins() -> None:
    assert ProductionWindow(first_day=date(2026, 6, 16), last_day=date(2026, 6, 16)).last_day == date(2026, 6, 16)
    with pytest.raises(ValueError, match="production can't end"):
        ProductionWindow(first_day=date(2026, 6, 17), last_day=date(2026, 6, 16))


def test_a_released_revision_with_a_validated_file_passes() -> None:
    assert file_validated(line_facts()) is None


@pytest.mark.parametrize(
    ("state", "validated", "words"),
    [
        ("released", False, "the revision is released and its print file not validated"),
        ("withdrawn", True, "the revision is withdrawn and its print file validated"),
    ],
)
def test_any_other_revision_has_no_file_to_print(state: str, validated: bool, words: str) -> None:
    refusal = file_validated(line_facts(revision_state=state, file_validated=validated))

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("FILE_NOT_VALIDATED", words)
    assert refusal.figures == {"revision_state": state, "file_validated": validated}


def test_a_node_and_a_machine_that_work_pass() -> None:
    assert node_up(node_facts()) is None
    assert machine_up(offer_facts()) is None


def test_a_node_or_machine_that_is_down_says_so() -> None:
    silent, told = node_up(node_facts(status="down")), node_up(node_facts(status="down", status_reason="flood"))
    machine = machine_up(offer_facts(machine_status="maintenance"))

    assert silent is not None
    assert told is not None
    assert machine is not None
    assert (silent.message, told.message) == ("the node is down", "the node is down: flood")
    assert (machine.code, machine.message, machine.machine_id) == (
        "NODE_DOWN",
        "machine N1-M290 is maintenance",
        "N1-M290",
    )


def test_an_allowed_process_and_material_passes_even_beside_others() -> None:
    offers = (offer_facts(material="TI64"), offer_facts())

    assert process_material(line_facts(), offers) is None


def test_a_node_without_the_process_or_material_shows_what_is_allowed_and_what_it_offers() -> None:
    line = line_facts(process_materials=frozenset({"LPBF:316L", "BJT:316L-BJ"}))

    refusal, empty = process_material(line, (offer_facts(material="TI64"),)), process_material(line, ())

    assert refusal is not None
    assert empty is not None
    assert refusal.figures == {"allowed": "BJT:316L-BJ, LPBF:316L", "offered": "LPBF:TI64"}
    assert (refusal.code, empty.figures["offered"]) == ("PROCESS_MATERIAL", "nothing")


def test_only_a_qualified_parameter_set_passes() -> None:
    refusal = parameter_set_qualified(offer_facts(parameter_set_state="development"))

    assert parameter_set_qualified(offer_facts()) is None
    assert refusal is not None
    assert (refusal.code, refusal.machine_id) == ("NO_PARAMETER_SET", "N1-M290")
    assert refusal.message == "parameter set PS-290-316L-v2 is in development, not qualified"


def test_a_part_that_fits_exactly_within_the_margins_passes_in_any_rotation() -> None:
    machine = offer_facts(build_box_mm=(106.0, 56.0, 46.0))

    assert build_volume(line_facts(box_mm=(40.0, 100.0, 50.0)), machine) is None
    assert build_volume(line_facts(box_mm=(100.0, 50.0, 40.0)), machine) is None


def test_a_part_one_tenth_too_long_names_what_it_needs_and_what_there_is() -> None:
    refusal = build_volume(line_facts(box_mm=(410.0, 20.0, 20.0)), offer_facts(build_box_mm=(340.0, 340.0, 340.0)))
    close = build_volume(line_facts(box_mm=(100.1, 50.0, 40.0)), offer_facts(build_box_mm=(106.0, 56.0, 46.0)))

    assert refusal is not None
    assert close is not None
    assert refusal.message == "needs 410 mm, has 334 mm of 340 × 340 × 340 less margins"
    assert (close.code, close.figures["needs_mm"], close.figures["has_mm"]) == ("BUILD_VOLUME", 100.1, 100.0)


def test_a_qualified_orientation_is_not_turned() -> None:
    machine = offer_facts(build_box_mm=(256.0, 256.0, 106.0))
    flat, upright = (200.0, 80.0, 90.0), (80.0, 90.0, 200.0)

    assert build_volume(line_facts(box_mm=upright), machine) is None
    assert build_volume(line_facts(box_mm=upright, orientation_mm=flat), machine) is None
    refusal = build_volume(line_facts(box_mm=flat, orientation_mm=upright), machine)
    assert refusal is not None
    assert (refusal.figures["needs_mm"], refusal.figures["has_mm"]) == (200.0, 100.0)


@pytest.mark.parametrize("scope", ["*", "LPBF", "LPBF:316L"])
def test_a_certificate_of_the_site_or_of_the_very_process_and_material_passes(scope: str) -> None:
    certificates = [certificate_facts(scope=scope)]

    assert certificate_missing(line_facts(), offer_facts(), certificates) is None
    assert certificate_expires(line_facts(), offer_facts(), certificates, WINDOW) is None
    assert certified_until(line_facts(), offer_facts(), certificates, WINDOW.first_day) == date(2027, 1, 1)


@pytest.mark.parametrize("scope", ["LPBF:TI64", "SLS", "316L", "SLS:316L"])
def test_a_certificate_of_another_scope_is_as_good_as_none(scope: str) -> None:
    certificates = [certificate_facts(scope=scope)]

    refusal = certificate_missing(line_facts(), offer_facts(), certificates)

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("CERTIFICATE_MISSING", "has no ISO9001 for LPBF:316L")
    assert certificate_expires(line_facts(), offer_facts(), certificates, WINDOW) is None
    assert certified_until(line_facts(), offer_facts(), certificates, WINDOW.first_day) is None


@pytest.mark.parametrize(
    ("narrowed", "covers"),
    [
        ({"machine_id": "N1-M290"}, True),
        ({"machine_id": "N1-M400"}, False),
        ({"parameter_set": "PS-290-316L-v2"}, True),
        ({"parameter_set": "PS-290-316L-v1"}, False),
        ({"scope": "LPBF", "machine_id": "N1-M290", "parameter_set": "PS-290-316L-v2"}, True),
        ({"scope": "SLS", "machine_id": "N1-M290"}, False),
        ({"machine_id": "N1-M400", "parameter_set": "PS-290-316L-v2"}, False),
    ],
)
def test_a_certificate_for_a_machine_or_parameter_set_covers_that_one_alone(
    narrowed: dict[str, Any], covers: bool
) -> None:
    held = [certificate_facts(**narrowed)]

    assert (certificate_missing(line_facts(), offer_facts(), held) is None) is covers
    assert (certified_until(line_facts(), offer_facts(), held, WINDOW.first_day) is not None) is covers


def test_a_certificate_that_nobody_verified_proves_nothing_and_the_reason_says_that_it_waits() -> None:
    line = line_facts(required_certificates=("ISO9001", "EN9100"))
    held = [certificate_facts(verified=False), certificate_facts(scheme="EN9100", scope="SLS", verified=False)]

    refusal = certificate_missing(line, offer_facts(), held)

    assert refusal is not None
    assert refusal.message == "has no ISO9001, EN9100 for LPBF:316L; ISO9001 waits for verification"
    assert refusal.figures == {"missing": "ISO9001, EN9100", "scope": "LPBF:316L", "waiting": "ISO9001"}
    assert certificate_expires(line, offer_facts(), held, WINDOW) is None
    assert certified_until(line, offer_facts(), held, WINDOW.first_day) is None


def test_a_verified_certificate_counts_beside_one_that_waits() -> None:
    held = [certificate_facts(verified=False, valid_to=date(2030, 1, 1)), certificate_facts()]

    assert certificate_missing(line_facts(), offer_facts(), held) is None
    assert certified_until(line_facts(), offer_facts(), held, WINDOW.first_day) == date(2027, 1, 1)


def test_every_certificate_that_ends_too_soon_is_named() -> None:
    line = line_facts(required_certificates=("ISO9001", "EN9100", "NADCAP"))
    held = [
        certificate_facts(valid_to=date(2026, 6, 22)),
        certificate_facts(scheme="EN9100", valid_to=date(2026, 6, 18)),
        certificate_facts(scheme="NADCAP"),
    ]

    refusal = certificate_expires(line, offer_facts(), held, WINDOW)

    assert refusal is not None
    assert refusal.message == (
        "certificate ISO9001 ends 2026-06-22, build ends 2026-06-23; "
        "certificate EN9100 ends 2026-06-18, build ends 2026-06-23"
    )
    assert (refusal.figures["certificate"], refusal.figures["valid_to"]) == ("ISO9001, EN9100", "2026-06-18")


def test_all_missing_certificates_are_named() -> None:
    line = line_facts(required_certificates=("ISO9001", "EN9100", "NADCAP"))

    refusal = certificate_missing(line, offer_facts(), [certificate_facts(scheme="EN9100")])

    assert refusal is not None
    assert refusal.figures == {"missing": "ISO9001, NADCAP", "scope": "LPBF:316L"}


def test_a_certificate_must_hold_from_the_first_to_the_last_day_of_production() -> None:
    def outcome(first: date, last: date) -> Any:
        certificate = certificate_facts(valid_from=first, valid_to=last)
        return certificate_expires(line_facts(), offer_facts(), [certificate], WINDOW)

    short, late = outcome(date(2025, 1, 1), date(2026, 6, 20)), outcome(date(2026, 6, 17), date(2027, 1, 1))

    assert outcome(WINDOW.first_day, WINDOW.last_day) is None
    assert short.message == "certificate ISO9001 ends 2026-06-20, build ends 2026-06-23"
    assert late.message == "certificate ISO9001 begins 2026-06-17, build begins 2026-06-16"
    assert short.figures["valid_to"] == "2026-06-20"


def test_two_certificates_that_only_together_span_the_window_do_not_serve() -> None:
    old = certificate_facts(valid_to=date(2026, 6, 18))
    new = certificate_facts(valid_from=date(2026, 6, 19))

    refusal = certificate_expires(line_facts(), offer_facts(), [old, new], WINDOW)

    assert refusal is not None
    assert refusal.code is ExclusionCode.CERTIFICATE_EXPIRES
    assert certificate_expires(line_facts(), offer_facts(), [old, certificate_facts()], WINDOW) is None


def test_certified_until_is_the_first_end_among_schemes_and_the_longest_within_one() -> None:
    line = line_facts(required_certificates=("ISO9001", "EN9100"))
    held = [
        certificate_facts(valid_to=date(2026, 7, 1)),
        certificate_facts(valid_to=date(2026, 9, 1)),
        certificate_facts(scheme="EN9100", valid_to=date(2026, 8, 1)),
    ]

    assert certified_until(line, offer_facts(), held, WINDOW.first_day) == date(2026, 8, 1)
    assert certified_until(line, offer_facts(), held, date(2026, 8, 2)) is None
    assert certified_until(line_facts(required_certificates=()), offer_facts(), [], WINDOW.first_day) == date.max


def test_a_part_without_qualification_or_with_a_living_first_article_passes() -> None:
    assert part_qualified(line_facts(part_qualification=False), offer_facts(), None, WINDOW) is None
    assert part_qualified(line_facts(), offer_facts(), first_article_facts(), WINDOW) is None


def test_a_machine_without_a_first_article_is_not_qualified() -> None:
    refusal = part_qualified(line_facts(), offer_facts(), None, WINDOW)

    assert refusal is not None
    assert (refusal.code, refusal.machine_id) == ("PART_NOT_QUALIFIED", "N1-M290")
    assert refusal.message == "no approved first article on N1-M290 with PS-290-316L-v2"


def test_a_first_article_counts_through_exactly_two_years_after_the_last_production() -> None:
    one_day = ProductionWindow(first_day=date(2026, 6, 16), last_day=date(2026, 6, 16))
    living = first_article_facts(last_production_on=date(2024, 6, 16))
    lapsed = first_article_facts(last_production_on=date(2024, 6, 15))

    refusal = part_qualified(line_facts(), offer_facts(), lapsed, one_day)

    assert part_qualified(line_facts(), offer_facts(), living, one_day) is None
    assert refusal is not None
    assert refusal.message.startswith("the first article lapsed after 2026-06-15")
    assert refusal.figures["ends_on"] == "2026-06-15"


@pytest.mark.parametrize(
    ("produced", "ends"),
    [
        (date(2024, 6, 15), date(2026, 6, 15)),
        (date(2024, 2, 29), date(2026, 2, 28)),
        (date(2026, 2, 28), date(2028, 2, 28)),
        (date(9998, 1, 1), date(9999, 1, 1)),
    ],
)
def test_two_years_end_on_the_same_day_of_the_calendar(produced: date, ends: date) -> None:
    article = first_article_facts(approved_on=produced, last_production_on=produced)

    assert first_article_ends(produced) == ends
    assert qualified_until(line_facts(), article, produced) == ends
    assert qualified_until(line_facts(), article, ends) == ends


def test_a_first_article_must_count_until_the_build_ends() -> None:
    refusal = part_qualified(
        line_facts(), offer_facts(), first_article_facts(last_production_on=date(2024, 6, 22)), WINDOW
    )

    assert (
        part_qualified(line_facts(), offer_facts(), first_article_facts(last_production_on=date(2024, 6, 23)), WINDOW)
        is None
    )
    assert refusal is not None
    assert refusal.message == (
        "the first article counts until 2026-06-22, build ends 2026-06-23 on N1-M290 with PS-290-316L-v2"
    )


def test_a_line_is_qualified_until_its_first_article_ends_or_for_ever_if_it_needs_none() -> None:
    article = first_article_facts(approved_on=date(2024, 6, 16), last_production_on=date(2024, 6, 20))

    assert qualified_until(line_facts(), article, date(2026, 6, 16)) == date(2026, 6, 20)
    assert qualified_until(line_facts(), article, date(2026, 6, 21)) is None
    assert qualified_until(line_facts(), article, date(2024, 6, 15)) is None
    assert qualified_until(line_facts(), None, date(2026, 6, 16)) is None
    assert qualified_until(line_facts(part_qualification=False), None, date(2026, 6, 16)) == date.max


def test_a_first_article_approved_later_does_not_count_yet() -> None:
    refusal = part_qualified(line_facts(), offer_facts(), first_article_facts(approved_on=date(2026, 6, 17)), WINDOW)

    assert refusal is not None
    assert refusal.message.startswith("the first article counts from 2026-06-17, build begins 2026-06-16")
    assert refusal.figures["approved_on"] == "2026-06-17"


def test_one_lot_that_holds_enough_and_may_be_used_passes() -> None:
    lots = [lot_facts(remaining_grams=5000)]

    assert material_short(offer_facts(), lots, WINDOW, needed_grams=5000) is None
    assert lot_blocked(offer_facts(), lots, WINDOW, needed_grams=5000) is None
    assert usable_lots(lots, WINDOW, needed_grams=5000) == tuple(lots)


def test_two_lots_that_only_together_hold_enough_are_short() -> None:
    lots = [lot_facts(remaining_grams=3000), lot_facts(lot_id="L2", remaining_grams=4999)]

    refusal = material_short(offer_facts(), lots, WINDOW, needed_grams=5000)

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("MATERIAL_SHORT", "needs 5000 g of 316L in one lot, has 4999 g")
    assert refusal.figures["lot_id"] == "L2"
    assert usable_lots(lots, WINDOW, needed_grams=5000) == ()


def test_a_node_without_any_lot_is_short_of_everything() -> None:
    refusal = material_short(offer_facts(), [], WINDOW, needed_grams=1)

    assert refusal is not None
    assert refusal.figures["largest_lot_grams"] == 0
    assert lot_blocked(offer_facts(), [], WINDOW, needed_grams=1) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "quarantined"}, "lot L1 of 316L is quarantined"),
        ({"expires_on": date(2026, 6, 22)}, "lot L1 of 316L expires 2026-06-22, build ends 2026-06-23"),
        ({"reuse_count": MAXIMUM_REUSE + 1}, "lot L1 of 316L was re-used 11 times, 10 are allowed"),
    ],
)
def test_a_lot_that_holds_enough_but_may_not_be_used_is_named(changes: dict[str, Any], words: str) -> None:
    lots = [lot_facts(**changes)]

    refusal = lot_blocked(offer_facts(), lots, WINDOW, needed_grams=100)

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("LOT_BLOCKED", words)
    assert material_short(offer_facts(), lots, WINDOW, needed_grams=100) is None
    assert lot_blocked(offer_facts(), [*lots, lot_facts(lot_id="L2")], WINDOW, needed_grams=100) is None


def test_a_small_usable_lot_beside_a_large_blocked_one_shows_both_codes() -> None:
    lots = [lot_facts(remaining_grams=10), lot_facts(lot_id="L2", state="blocked")]

    short = material_short(offer_facts(), lots, WINDOW, needed_grams=100)
    blocked = lot_blocked(offer_facts(), lots, WINDOW, needed_grams=100)

    assert short is not None
    assert blocked is not None
    assert (short.figures["lot_id"], blocked.figures["lot_id"]) == ("L1", "L2")


def test_a_lot_may_be_used_on_its_last_day_and_at_the_limit_of_re_use() -> None:
    assert lot_usable(lot_facts(expires_on=WINDOW.last_day), WINDOW) is None
    assert lot_usable(lot_facts(reuse_count=MAXIMUM_REUSE), WINDOW) is None


@pytest.mark.parametrize(
    ("export_class", "country", "permissions", "destination"),
    [
        ("none", "CN", set(), "RU"),
        ("dual_use", "FR", {"dual_use"}, "JP"),
        ("dual_use", "US", {"dual_use", "itar"}, "DE"),
        ("itar", "US", {"itar"}, "US"),
    ],
)
def test_export_control_lets_permitted_nodes_and_destinations_through(
    export_class: str, country: str, permissions: set[str], destination: str
) -> None:
    line = line_facts(export_class=export_class, destination_country=destination)
    node = node_facts(country=country, export_permissions=frozenset(permissions))

    assert export_control(line, node) is None
    assert ip_policy(line, node) is None


@pytest.mark.parametrize(
    ("export_class", "country", "permissions", "destination", "words"),
    [
        ("dual_use", "GB", {"dual_use"}, "DE", "dual_use files may not go to a node in GB"),
        ("dual_use", "DE", set(), "DE", "the node has no permission for dual_use files"),
        ("dual_use", "DE", {"dual_use"}, "CN", "dual_use parts may not be shipped to CN"),
        ("itar", "DE", {"itar"}, "US", "itar files may not go to a node in DE"),
        ("itar", "US", {"dual_use"}, "US", "the node has no permission for itar files"),
        ("itar", "US", {"itar"}, "DE", "itar parts may not be shipped to DE"),
        ("secret", "US", {"itar", "secret"}, "US", "export class secret has no rule, so no node may have the file"),
    ],
)
def test_export_control_denies_everything_else(
    export_class: str, country: str, permissions: set[str], destination: str, words: str
) -> None:
    line = line_facts(export_class=export_class, destination_country=destination)

    refusal = export_control(line, node_facts(country=country, export_permissions=frozenset(permissions)))

    assert refusal is not None
    assert (refusal.code, refusal.message) == ("EXPORT_CONTROL", words)
    assert refusal.figures["node_country"] == country


@pytest.mark.parametrize(
    ("zone", "inside", "outside"),
    [("EU", "FR", "US"), ("EU_US", "US", "GB"), ("US", "US", "DE"), ("same_country", "DE", "AT")],
)
def test_the_owner_s_zone_holds_for_the_node_s_country(zone: str, inside: str, outside: str) -> None:
    line = line_facts(ip_zone=zone)

    refusal = ip_policy(line, node_facts(country=outside))

    assert ip_policy(line, node_facts(country=inside)) is None
    assert refusal is not None
    assert refusal.code is ExclusionCode.IP_POLICY
    assert refusal.figures == {"permitted": zone, "node_country": outside, "ship_to": "DE"}


def test_an_unknown_zone_is_denied_and_a_same_country_rule_names_the_country() -> None:
    unknown = ip_policy(line_facts(ip_zone="MARS"), node_facts())
    same = ip_policy(line_facts(ip_zone="same_country"), node_facts(country="AT"))

    assert unknown is not None
    assert same is not None
    assert unknown.message == "the owner permits zone MARS; the node is in DE"
    assert same.message == "the owner permits only DE; the node is in AT"


def test_packaging_and_lane_must_be_there() -> None:
    packaging = packaging_offered(line_facts(packaging="esd"), node_facts())
    lane = lane_exists((), zone="Z4", destination_country="JP")

    assert packaging_offered(line_facts(packaging="brand"), node_facts()) is None
    assert lane_exists(("economy",), zone="Z4", destination_country="JP") is None
    assert packaging is not None
    assert lane is not None
    assert packaging.message == "packaging esd is not offered, only brand, plain"
    assert (lane.code, lane.message) == ("LANE_MISSING", "does not ship to JP (zone Z4)")


def test_the_price_cap_is_included_and_a_cent_more_is_not() -> None:
    refusal = price_cap(landed_minor=100_001, maximum_minor=100_000, machine_id="M")

    assert price_cap(landed_minor=100_000, maximum_minor=100_000) is None
    assert price_cap(landed_minor=10**9, maximum_minor=None) is None
    assert refusal is not None
    assert refusal.message == "lands at 1,000.01 EUR, the cap is 1,000.00 EUR"
    assert refusal.figures == {"landed_minor": 100_001, "maximum_minor": 100_000}


def test_a_small_order_is_refused_only_where_the_node_refuses_instead_of_topping_up() -> None:
    strict = node_facts(minimum_order_policy="refuse")

    refusal = minimum_order(strict, price_minor=9_999)

    assert minimum_order(node_facts(), price_minor=1) is None
    assert minimum_order(strict, price_minor=10_000) is None
    assert refusal is not None
    assert (refusal.code, refusal.message) == ("MIN_ORDER", "takes orders from 100.00 EUR, this one is 99.99 EUR")


def test_an_arrival_at_the_very_minute_is_in_time_and_a_second_later_an_hour_late() -> None:
    noon = datetime(2026, 6, 20, 12, tzinfo=UTC)

    late = need_by(earliest_arrival=noon + timedelta(seconds=1), needed_at=noon)
    later = need_by(earliest_arrival=noon + timedelta(hours=60), needed_at=noon)

    assert need_by(earliest_arrival=noon, needed_at=noon) is None
    assert need_by(earliest_arrival=noon, needed_at=None) is None
    assert late is not None
    assert later is not None
    assert (late.figures["late_hours"], later.figures["late_hours"]) == (1, 60)
    assert later.message == "arrives 2026-06-23 00:00 UTC at the earliest, 60 h late"


def test_capacity_counts_the_minutes_before_the_last_possible_day() -> None:
    refusal = capacity(needed_minutes=640, available_minutes=210, last_day=date(2026, 6, 20), machine_id="M")

    assert capacity(needed_minutes=640, available_minutes=640, last_day=date(2026, 6, 20)) is None
    assert refusal is not None
    assert refusal.message == "needs 640 min by 2026-06-20, has 210 min free"
    assert refusal.figures == {"needed_minutes": 640, "free_minutes": 210, "by": "2026-06-20"}
