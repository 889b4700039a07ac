"""Gates of proof: certificates and first articles, for the days of production."""

from datetime import date
from typing import Any

import pytest

from fabroute.solver.eligibility import ExclusionCode, ProductionWindow
from fabroute.solver.eligibility.proofs import (
    certificate_expires,
    certificate_missing,
    certified_until,
    first_article_ends,
    part_qualified,
    qualified_until,
)
from tests.factories.eligibility import WINDOW, certificate_facts, first_article_facts, line_facts, offer_facts


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
