"""How long parcels are on the way: a small distribution over working days, counted in whole parts per thousand."""

PER_MILLE = 1000
LONGEST_TRANSIT_DAYS = 365

Transit = tuple[tuple[int, int], ...]
"""(Working days, parts of a thousand parcels), the quickest first; the parts add up to 1000."""


def transit_of(*, p50_days: int, p95_days: int) -> Transit:
    """Return the distribution for a carrier that only says by when half, and by when 95 %, of its parcels arrive.

    Half arrive on the median day, 45 % on the late one, the rest a day after it (assumption); with both on one day,
    95 % arrive then.
    """
    if p95_days == p50_days:
        return ((p50_days, 950), (p50_days + 1, 50))
    return ((p50_days, 500), (p95_days, 450), (p95_days + 1, 50))


def delayed(transit: Transit, *, days: int) -> Transit:
    """Return the same distribution, every parcel later by as many working days."""
    return tuple((on_the_way + days, share) for on_the_way, share in transit) if days else transit


def quantile_days(transit: Transit, *, per_mille: int) -> int:
    """Return the least working days within which at least ``per_mille`` of a thousand parcels arrive."""
    arrived = 0
    for days, share in transit:
        arrived += share
        if arrived >= per_mille:
            return days
    return transit[-1][0]


def on_time_per_mille(transit: Transit, *, days: int) -> int:
    """Return how many of a thousand parcels arrive within so many working days; none if ``days`` is negative."""
    return sum(share for on_the_way, share in transit if on_the_way <= days)


def transit_problem(transit: Transit) -> str | None:
    """Return what is wrong with a distribution, and what to do about it; ``None`` if nothing is."""
    days = [on_the_way for on_the_way, _ in transit]
    shares = [share for _, share in transit]
    if not transit:
        return "is empty: give working days and parts of a thousand"
    if min(days) < 0 or max(days) > LONGEST_TRANSIT_DAYS:
        return f"names {min(days) if min(days) < 0 else max(days)} days: give 0 to {LONGEST_TRANSIT_DAYS} working days"
    if sorted(set(days)) != days:
        return "does not name each number of days once, the quickest first: put them in order"
    if min(shares) <= 0:
        return f"has a share of {min(shares)}: leave out days on which nothing arrives"
    if sum(shares) != PER_MILLE:
        return f"adds up to {sum(shares)} of a thousand parcels, not to {PER_MILLE}: correct the shares"
    return None
