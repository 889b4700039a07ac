"""Figures as the viewer writes them: money and numbers by their locale, instants in their zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_datetime_format
from babel.numbers import format_currency, format_decimal, format_percent

from fabroute.kernel.money import Money, minor_units

DEFAULT_LOCALE = "en_GB"
DEFAULT_ZONE = "UTC"
_LONGEST_ACCEPT = 200
_MOST_LOCALES = 8
_LONGEST_ZONE = 64
_GRAMS_IN_KILOGRAM = 1000
_COARSE_KILOGRAMS = 10
_MINUTES_IN_HOUR = 60
_HOURS_SHOWN_AS_HOURS = 96
_HOURS_IN_DAY = 24
MINUS = "−"
_TimeStyle = Literal["short", "medium"]
_KEPT = 8_192
"""Figures that were written lately, of each kind: pages show the same days, times and amounts again and again."""
_VIEWERS_KEPT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """How one viewer reads figures. The words are English; the locale decides on separators and order.

    Days have the names of months where the viewer reads English, else they are written in figures: ``17.11.2026``.
    """

    locale: Locale
    zone: ZoneInfo

    def money(self, amount: Money | int, currency: str = "EUR") -> str:
        """Return an amount of minor units with its currency: ``€31.40``, ``31,40 €``."""
        if isinstance(amount, Money):
            return _money(self.locale, amount.amount_minor, amount.currency)
        return _money(self.locale, amount, currency)

    def money_difference(self, amount_minor: int, currency: str = "EUR") -> str:
        """Return what something costs more or less: ``+€9.80``, ``−€2.00``, ``±€0.00``."""
        return self._signed(self.money(abs(amount_minor), currency), amount_minor)

    def round_money(self, amount_minor: int, currency: str = "EUR") -> str:
        """Return an amount without decimals where it has none, for axes: ``€30``, ``€0.50``."""
        if amount_minor % minor_units(currency):
            return self.money(amount_minor, currency)
        pattern = self.locale.currency_formats["standard"].pattern.replace(".00", "")
        major = Decimal(amount_minor) / minor_units(currency)
        return format_currency(major, currency, pattern, locale=self.locale, currency_digits=False).replace("-", MINUS)

    def number(self, value: float | Decimal, decimals: int = 0) -> str:
        """Return a number with grouped digits and at most so many decimals."""
        return _number(self.locale, value or 0, decimals)

    def percent(self, share: float, decimals: int = 0) -> str:
        """Return a share of one as percent: ``97 %`` or ``97%``, as the locale has it."""
        return _percent(self.locale, share, decimals)

    def weight(self, grams: float) -> str:
        """Return a mass: grams below a kilogram, else kilograms; from ten on with one decimal: ``27.3 kg``."""
        if abs(grams) < _GRAMS_IN_KILOGRAM:
            return f"{self.number(grams)}\N{NO-BREAK SPACE}g"
        kilograms = grams / _GRAMS_IN_KILOGRAM
        return f"{self.number(kilograms, 1 if abs(kilograms) >= _COARSE_KILOGRAMS else 2)}\N{NO-BREAK SPACE}kg"

    def carbon(self, grams: float) -> str:
        """Return a mass of CO₂e, in kilograms with one decimal."""
        return f"{self.number(grams / _GRAMS_IN_KILOGRAM, 1)}\N{NO-BREAK SPACE}kg"

    def quantity(self, count: int, unit: str = "piece") -> str:
        """Return how many: ``1 piece``, ``1,200 pieces``."""
        return f"{self.number(count)}\N{NO-BREAK SPACE}{unit}{'' if count == 1 else 's'}"

    def duration(self, length: timedelta | float) -> str:
        """Return a length (a timedelta, or minutes) in two units at most: ``38 min``, ``3 h 20 min``, ``6 d``."""
        minutes = round(length.total_seconds() / 60 if isinstance(length, timedelta) else length)
        sign, minutes = (MINUS, -minutes) if minutes < 0 else ("", minutes)
        return sign + self._duration(minutes)

    def span(self, length: timedelta) -> str:
        """Return how far two instants are from each other: ``5 h``, from a day on ``1 d 7 h``."""
        return self._duration(round(abs(length).total_seconds() / 60), hours_shown=_HOURS_IN_DAY)

    def span_difference(self, length: timedelta) -> str:
        """Return how much later or sooner something is: ``+1 d 7 h``, ``−5 h``."""
        return self._signed(self.span(length), length.total_seconds())

    def weight_difference(self, grams: float) -> str:
        """Return how much heavier or lighter something is: ``+310 g``, ``−2.2 kg``."""
        return self._signed(self.weight(abs(grams)), grams)

    def number_difference(self, value: float, decimals: int = 0) -> str:
        """Return how much more or less there is: ``+3``, ``−0.5``, ``±0``."""
        return self._signed(self.number(abs(value), decimals), round(value, decimals))

    @staticmethod
    def _signed(figure: str, amount: float) -> str:
        return ("+" if amount > 0 else MINUS if amount < 0 else "±") + figure

    def _duration(self, minutes: int, hours_shown: int = _HOURS_SHOWN_AS_HOURS) -> str:
        hours, rest = divmod(minutes, _MINUTES_IN_HOUR)
        if not hours:
            return _with_unit(self.number(rest), "min")
        if hours >= hours_shown:
            days, hours_left = divmod(round(minutes / _MINUTES_IN_HOUR), _HOURS_IN_DAY)
            return _with_unit(self.number(days), "d") + (f" {_with_unit(str(hours_left), 'h')}" if hours_left else "")
        return _with_unit(self.number(hours), "h") + (f" {_with_unit(str(rest), 'min')}" if rest else "")

    def day(self, instant: datetime | date) -> str:
        """Return a day, of an instant that of the viewer's zone: ``2 Dec 2026``."""
        found = instant.astimezone(self.zone).date() if isinstance(instant, datetime) else instant
        return _day(self.locale, found)

    def short_day(self, instant: datetime) -> str:
        """Return a day of the viewer's zone without its year, for axes: ``2 Dec``."""
        return _short_day(self.locale, instant.astimezone(self.zone).date())

    def time(self, instant: datetime) -> str:
        """Return the time of day in the viewer's zone: ``19:00``."""
        return _time(self.locale, instant.astimezone(self.zone).time().replace(second=0, microsecond=0), "short")

    def instant(self, instant: datetime) -> str:
        """Return day and time in the viewer's zone, with the zone named where nobody has said which one it is."""
        text = _together(self.locale, instant.astimezone(self.zone), "short")
        return f"{text} UTC" if self.zone.key == DEFAULT_ZONE else text

    def full_instant(self, instant: datetime) -> str:
        """Return day, time to the second and zone, for titles and details."""
        text = _together(self.locale, instant.astimezone(self.zone), "medium")
        return f"{text} {self.zone.key.replace('_', ' ')}"

    def iso(self, instant: datetime) -> str:
        """Return an instant for machines, in UTC: what ``<time datetime>`` takes."""
        return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def until(self, instant: datetime, now: datetime) -> str:
        """Return how far off an instant is: ``in 38 min``, ``2 h 5 min ago``, ``now``."""
        minutes = round((instant - now).total_seconds() / 60)
        if not minutes:
            return "now"
        return f"in {self._duration(minutes)}" if minutes > 0 else f"{self._duration(-minutes)} ago"


def formats_for(*, accept_language: str, zone: str | None) -> Formats:
    """Return the formats of a viewer by what their browser says; what it does not say, or wrongly, is the default."""
    return Formats(locale=_locale(accept_language[:_LONGEST_ACCEPT]), zone=zone_named(zone))


def zone_named(name: str | None) -> ZoneInfo:
    """Return the zone that a browser names, UTC where there is none of that name."""
    is_name = name is not None and len(name) <= _LONGEST_ZONE and name.replace("/", "").replace("_", "").isascii()
    try:
        return ZoneInfo(name or DEFAULT_ZONE) if is_name else ZoneInfo(DEFAULT_ZONE)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)


@lru_cache(maxsize=_VIEWERS_KEPT)
def _locale(accept_language: str) -> Locale:
    for tag in _preferred(accept_language):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return _default_locale()


@lru_cache(maxsize=1)
def _default_locale() -> Locale:
    return Locale.parse(DEFAULT_LOCALE)


def _preferred(accept_language: str) -> Sequence[str]:
    """Return the tags of an Accept-Language header, the most wanted first (RFC 9110, 12.5.4)."""
    wanted = []
    for item in accept_language.split(",")[:_MOST_LOCALES]:
        tag, _, quality = item.partition(";")
        wanted.append((_quality(quality), tag.strip()))
    best_first = sorted((it for it in wanted if it[0] > 0 and it[1]), key=lambda it: -it[0])
    return [DEFAULT_LOCALE.replace("_", "-") if tag == "en" else tag for _, tag in best_first]


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0


def _with_unit(figure: str, unit: str) -> str:
    return f"{figure}\N{NO-BREAK SPACE}{unit}"


@lru_cache(maxsize=_KEPT)
def _money(locale: Locale, amount_minor: int, currency: str) -> str:
    major = Decimal(amount_minor) / minor_units(currency)
    return format_currency(major, currency, locale=locale).replace("-", MINUS)


@lru_cache(maxsize=_KEPT)
def _number(locale: Locale, value: float | Decimal, decimals: int) -> str:
    pattern = "#,##0" + ("." + "#" * decimals if decimals else "")
    return format_decimal(value, format=pattern, locale=locale).replace("-", MINUS)


@lru_cache(maxsize=_KEPT)
def _percent(locale: Locale, share: float, decimals: int) -> str:
    rounded = Decimal(str(share)).quantize(Decimal(1).scaleb(-2 - decimals), rounding=ROUND_HALF_UP)
    return format_percent(rounded, locale=locale, decimal_quantization=False)


@lru_cache(maxsize=_KEPT)
def _day(locale: Locale, day: date) -> str:
    usual = format_date(day, format="medium", locale=locale)
    if locale.language == "en" or not any(it.isalpha() for it in usual):
        return usual
    return format_skeleton("yMd", datetime.combine(day, time()), locale=locale)


@lru_cache(maxsize=_KEPT)
def _short_day(locale: Locale, day: date) -> str:
    return format_skeleton("MMMd" if locale.language == "en" else "Md", datetime.combine(day, time()), locale=locale)


@lru_cache(maxsize=_KEPT)
def _time(locale: Locale, at: time, style: _TimeStyle) -> str:
    if locale.language == "en":
        return format_time(at, format=style, locale=locale)
    return format_skeleton("Hm" if style == "short" else "Hms", datetime.combine(date.min, at), locale=locale)


def _together(locale: Locale, local: datetime, style: _TimeStyle) -> str:
    """Return day and time, as the locale puts them together; ``medium`` has seconds."""
    seconds = local.second if style == "medium" else 0
    clock = _time(locale, local.time().replace(second=seconds, microsecond=0), style)
    return _frame(locale).replace("{0}", clock).replace("{1}", _day(locale, local.date()))


@lru_cache(maxsize=_VIEWERS_KEPT)
def _frame(locale: Locale) -> str:
    return str(get_datetime_format("medium", locale=locale)).replace("'", "")
