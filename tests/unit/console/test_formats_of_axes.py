"""Figures on axes: short, and as the viewer writes them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from fabroute.console.formats import Formats


def formats(locale: str, zone: str = "UTC") -> Formats:
    return Formats(locale=Locale.parse(locale), zone=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("locale", "amount_minor", "currency", "text"),
    [
        ("en_GB", 3000, "EUR", "€30"),
        ("en_GB", 3050, "EUR", "€30.50"),
        ("en_GB", 123_400_000, "EUR", "€1,234,000"),
        ("de_DE", 3000, "EUR", "30\N{NO-BREAK SPACE}€"),
        ("en_GB", 3000, "JPY", "JP¥3,000"),
    ],
)
def test_round_amounts_have_no_decimals(locale: str, amount_minor: int, currency: str, text: str) -> None:
    assert formats(locale).round_money(amount_minor, currency) == text


def test_a_short_day_is_that_of_the_viewers_zone() -> None:
    instant = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)
    assert formats("en_GB").short_day(instant) == "1 Dec"
    assert formats("en_US", "Europe/Berlin").short_day(instant) == "Dec 2"
