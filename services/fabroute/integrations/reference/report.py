"""What a loading of the reference network came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fabroute.integrations.reference.dates import BASE_DAY
from fabroute.integrations.reference.description import Description
from fabroute.integrations.reference.stock import SHORT_GRAMS, TOO_MANY_REUSES
from fabroute.network.service import NewLot
from fabroute.qualification.rules import first_article_ends


@dataclass(frozen=True, slots=True, kw_only=True)
class LotCounts:
    """Lots, and those with a flaw that was put there on purpose."""

    total: int
    short: int
    expired: int
    quarantined: int
    blocked: int
    used_too_often: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedReport:
    """How much of what was loaded, how much of it was new or different, and for which day."""

    as_of: date | None
    changed: int
    """Rows that were added or changed, and revisions released."""
    organisations: int
    nodes: int
    machines: int
    offers: int
    certificates: int
    lots: LotCounts
    first_articles: int
    lapsed_first_articles: int
    lanes: int
    places: int
    parts: int
    part_numbers: int
    part_installations: int
    print_files: int
    print_files_drawn: int

    def __str__(self) -> str:
        """Return three lines for a person."""
        day = f"as of {self.as_of}" if self.as_of else "with the files' own dates"
        return (
            f"reference network {day}: {self.nodes} nodes, {self.machines} machines, {self.offers} offers, "
            f"{self.certificates} certificates, {self.lanes} lanes, {self.places:,} places\n"
            f"  {self.lots.total} lots ({self.lots.short} short, {self.lots.expired} expired, "
            f"{self.lots.quarantined} quarantined, {self.lots.blocked} blocked, {self.lots.used_too_often} used too "
            f"often); {self.first_articles} first articles ({self.lapsed_first_articles} lapsed)\n"
            f"  {self.parts} parts, {self.part_numbers} other numbers, {self.part_installations} installations, "
            f"{self.print_files} print files ({self.print_files_drawn} drawn now); "
            f"{self.changed:,} rows new or changed"
        )


def report_on(description: Description, *, changed: int, files: int, drawn: int, as_of: date | None) -> SeedReport:
    """Return the report on a loaded ``description``."""
    today = as_of or BASE_DAY
    articles = description.first_articles
    return SeedReport(
        as_of=as_of,
        changed=changed,
        organisations=len(description.organisations),
        nodes=len(description.network.nodes),
        machines=len(description.network.machines),
        offers=len(description.network.offers),
        certificates=len(description.certificates),
        lots=count_lots(description.network.lots, today=today),
        first_articles=len(articles),
        lapsed_first_articles=sum(first_article_ends(row.last_production_on) < today for row in articles),
        lanes=len(description.logistics.lanes),
        places=len(description.logistics.places),
        parts=len(description.parts),
        part_numbers=len(description.part_numbers),
        part_installations=len(description.part_installations),
        print_files=files,
        print_files_drawn=drawn,
    )


def count_lots(lots: Sequence[NewLot], *, today: date) -> LotCounts:
    """Return how many lots there are, and how many have which flaw on ``today``."""
    return LotCounts(
        total=len(lots),
        short=sum(lot.grams <= SHORT_GRAMS for lot in lots),
        expired=sum(lot.expires_on < today for lot in lots),
        quarantined=sum(lot.state == "quarantined" for lot in lots),
        blocked=sum(lot.state == "blocked" for lot in lots),
        used_too_often=sum(lot.reuse_count >= TOO_MANY_REUSES[0] for lot in lots),
    )
