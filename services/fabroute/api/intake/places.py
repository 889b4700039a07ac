"""The known places, read once in a while by each process."""

from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.api.schemas.orders import ShipToIn
from fabroute.logistics.service import PlaceBook, load_places
from fabroute.orders.service import ShipTo

_LIFETIME = timedelta(minutes=5)


class Places:
    """The book of places that this process last read. One instance serves all its threads."""

    def __init__(self) -> None:
        self._seen: tuple[PlaceBook, datetime] | None = None

    def recall(self, *, now: datetime) -> PlaceBook | None:
        """Return the book if it was read lately and holds something, else ``None``."""
        if self._seen is None or self._seen[1] <= now or not self._seen[0].places:
            return None
        return self._seen[0]

    def load(self, session: Session, *, now: datetime) -> PlaceBook:
        """Read the book and keep it for five minutes."""
        book = load_places(session)
        self._seen = (book, now + _LIFETIME)
        return book


def ship_to_of(book: PlaceBook, asked: ShipToIn) -> ShipTo:
    """Return where something goes, with its coordinates; ``UnknownCountry`` and ``UnknownDestination``."""
    found = book.resolve(city=asked.city, country=asked.country, latitude=asked.latitude, longitude=asked.longitude)
    return ShipTo(
        name=asked.name or "",
        city=found.city,
        country=found.country,
        latitude=found.latitude,
        longitude=found.longitude,
        assumed=found.assumed,
        street=asked.street or "",
        postal_code=asked.postal_code or "",
    )
