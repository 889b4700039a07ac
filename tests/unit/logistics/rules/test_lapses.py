"""Which tariffs are nearest to a day on which none holds."""

from datetime import date

from fabroute.logistics.rules import Mode, Service, Tariff, Zone, freight_book
from fabroute.logistics.rules.lapses import Ended, Lapse, TariffEnd, lapse
from tests.factories.freight import a_tariff

DAY = date(2026, 11, 22)
BOTH = (Service.ECONOMY, Service.EXPRESS)


def an_end(day: int, *, carrier: str = "reference", service: Service = Service.EXPRESS) -> TariffEnd:
    return TariffEnd(ended_on=date(2026, 11, day), carrier=carrier, service=service)


def lapse_of(*tariffs: Tariff, ended: Ended | None = None, used: tuple[Service, ...] = BOTH) -> Lapse | None:
    """The lapse into the domestic zone on the day."""
    book = freight_book(tariffs=tariffs, duties=[], g_per_tonne_km=dict.fromkeys(Mode, 100.0))
    return lapse(book, ended or {}, zone=Zone.DOMESTIC, used=used, day=DAY)


def test_the_tariffs_that_ended_last_are_named() -> None:
    over = (an_end(21), an_end(21, service=Service.ECONOMY), an_end(20, carrier="Swift"))

    found = lapse_of(ended={Zone.DOMESTIC: over})

    assert found == Lapse(services=BOTH, carriers=("reference",), ended_on=date(2026, 11, 21))
    assert lapse_of(ended={Zone.LOCAL: over}) is None


def test_a_tariff_of_the_book_that_is_over_by_the_day_counts_like_one_that_is_no_longer_in_it() -> None:
    over = a_tariff(carrier="Swift", valid_to=date(2026, 11, 21))

    assert lapse_of(over) == Lapse(services=(Service.EXPRESS,), carriers=("Swift",), ended_on=date(2026, 11, 21))
    assert lapse_of(over, ended={Zone.DOMESTIC: (an_end(21),)}) == Lapse(
        services=(Service.EXPRESS,), carriers=("Swift", "reference"), ended_on=date(2026, 11, 21)
    )


def test_without_one_that_is_over_the_first_that_begins_is_named() -> None:
    soon = a_tariff(carrier="Swift", valid_from=date(2026, 12, 1))
    later = a_tariff(valid_from=date(2027, 1, 1))

    assert lapse_of(soon, later) == Lapse(services=(Service.EXPRESS,), carriers=("Swift",), begins_on=date(2026, 12, 1))
    assert lapse_of(soon, later, used=(Service.ECONOMY,)) is None
