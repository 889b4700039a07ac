"""The shares of a split as they are stored and shown, and in words."""

from collections import Counter

from fabroute.routing.service.options import Option
from fabroute.routing.service.timing import Calendars

Document = dict[str, object]


def share_documents(option: Option, calendars: Calendars) -> list[Document]:
    """Return the shares of a split option: who makes how many on what, for how much, by when; none without a split.

    Money in cents. The first share of each node pays for the parcel of all of them.
    """
    return [
        {
            "share_no": number,
            "node_id": share.way.node.node_id,
            "city": share.way.node.city,
            "machine_id": share.way.offer.machine_id,
            "parameter_set": share.way.offer.parameter_set,
            "lot_id": share.way.lot.lot_id,
            "service": share.way.service,
            "quantity": share.quantity,
            "produce_by": calendars.day(share.bucket).isoformat(),
            "promised_at": calendars.instant(share.minutes).isoformat(),
            "landed_minor": share.way.price.landed_minor,
            "production_minor": share.way.price.production_minor,
            "freight_minor": share.way.price.freight_minor,
            "duty_minor": share.way.price.duty_minor,
            "machine_minutes": share.way.machine_minutes,
            "grams": share.way.grams,
        }
        for number, share in enumerate(option.shares)
    ]


def place_words(option: Option) -> str:
    """Return where an option is made: a city, or each of those that share it with its pieces."""
    pieces: Counter[str] = Counter()
    for share in option.shares:
        pieces[share.way.node.city] += share.quantity
    if not pieces:
        return option.way.node.city
    return " + ".join(f"{city} {made}" for city, made in pieces.items())
