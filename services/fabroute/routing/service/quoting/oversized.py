"""Where size keeps a part from every machine of its processes and materials: by how much, and the ways out."""

from collections.abc import Sequence

from fabroute.routing.service.explaining.elsewhere import envelopes
from fabroute.routing.service.explaining.oversize import Oversize, oversize
from fabroute.routing.service.quoting.answers import QuantityQuote
from fabroute.routing.service.quoting.asking import QuoteAsked
from fabroute.routing.service.quoting.book import QuoteBook
from fabroute.solver.eligibility import ExclusionCode


def oversize_of(book: QuoteBook, asked: QuoteAsked, quotes: Sequence[QuantityQuote]) -> Oversize | None:
    """Return the part of a question beside all machines; ``None`` unless size keeps it from each of its own."""
    codes = [{reason.code for reason in group.reasons} for group in quotes[0].ruled_out]
    in_the_game = [each for each in codes if ExclusionCode.PROCESS_MATERIAL not in each]
    if any(quote.candidates for quote in quotes) or not in_the_game:
        return None
    if not all(ExclusionCode.BUILD_VOLUME in each for each in in_the_game):
        return None
    revision, offers = asked.part.revision, book.snapshot.network.offers
    return oversize(
        (revision.box_x_mm, revision.box_y_mm, revision.box_z_mm),
        own=envelopes(offers, frozenset(revision.process_materials)),
        network=envelopes(offers),
    )
