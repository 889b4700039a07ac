"""City names without case, accents and double spaces."""

import pytest

from fabroute.logistics.snapshot import PlaceView, city_key, place_book


@pytest.mark.parametrize(
    ("city", "key"),
    [
        ("São Paulo", "sao paulo"),
        ("  Frankfurt   am MAIN ", "frankfurt am main"),
        ("Łódź", "lodz"),
        ("Tromsø", "tromso"),
        ("Gießen", "giessen"),
        ("Ærøskøbing", "aeroskobing"),
        ("İstanbul", "istanbul"),
        ("Iaşi", "iasi"),
        ("Arkhangel\u2019sk", "arkhangel'sk"),
        ("東京", "東京"),
    ],
)
def test_a_city_has_one_key_however_it_is_written(city: str, key: str) -> None:
    assert city_key(city) == key
    assert city_key(key) == key
    assert city_key(city.upper()) == key


def test_a_book_finds_a_city_only_in_its_own_country() -> None:
    paris = PlaceView(city="Paris", country="FR", latitude=48.8534, longitude=2.3488, is_capital=True)
    book = place_book([paris])
    assert book.find(city="PARIS", country="fr") == paris
    assert book.find(city="Paris", country="US") is None
    assert book.resolve(city="Lyon", country="FR").assumed
    assert not book.resolve(city="paris", country="FR").assumed
