"""Gates of material: enough grams in one lot that may be used through production."""

from collections.abc import Iterable

from fabroute.solver.eligibility.codes import ExclusionCode
from fabroute.solver.eligibility.facts import Exclusion, LotFacts, OfferFacts, ProductionWindow

MAXIMUM_REUSE = 10
"""How often the powder of a lot may have been used before; an assumption."""


def lot_usable(lot: LotFacts, window: ProductionWindow) -> str | None:
    """Return what keeps a lot from being used through production, None if nothing does."""
    if lot.state != "available":
        return f"is {lot.state}"
    if lot.expires_on < window.last_day:
        return f"expires {lot.expires_on}, build ends {window.last_day}"
    if lot.reuse_count > MAXIMUM_REUSE:
        return f"was re-used {lot.reuse_count} times, {MAXIMUM_REUSE} are allowed"
    return None


def usable_lots(lots: Iterable[LotFacts], window: ProductionWindow, *, needed_grams: int) -> tuple[LotFacts, ...]:
    """Return the lots that can serve the whole line by themselves: lots are not mixed within a line."""
    return tuple(lot for lot in lots if lot.remaining_grams >= needed_grams and lot_usable(lot, window) is None)


def material_short(
    offer: OfferFacts, lots: Iterable[LotFacts], window: ProductionWindow, *, needed_grams: int
) -> Exclusion | None:
    """Require enough grams in one usable lot; where only blocked lots hold enough, ``lot_blocked`` names the cause."""
    held = tuple(lots)
    usable = [lot for lot in held if lot_usable(lot, window) is None]
    largest = max(usable, key=lambda lot: lot.remaining_grams, default=None)
    if largest is not None and largest.remaining_grams >= needed_grams:
        return None
    if largest is None and _would_do(held, window, needed_grams):
        return None
    has = largest.remaining_grams if largest else 0
    return Exclusion(
        code=ExclusionCode.MATERIAL_SHORT,
        message=f"needs {needed_grams} g of {offer.material} in one lot, has {has} g",
        figures={
            "needed_grams": needed_grams,
            "largest_lot_grams": has,
            "lot_id": largest.lot_id if largest else "",
            "material": offer.material,
        },
        machine_id=offer.machine_id,
    )


def lot_blocked(
    offer: OfferFacts, lots: Iterable[LotFacts], window: ProductionWindow, *, needed_grams: int
) -> Exclusion | None:
    """Name the lot that holds enough but may not be used, where no other lot serves."""
    held = tuple(lots)
    blocked = _would_do(held, window, needed_grams)
    if not blocked or usable_lots(held, window, needed_grams=needed_grams):
        return None
    lot = max(blocked, key=lambda each: each.remaining_grams)
    return Exclusion(
        code=ExclusionCode.LOT_BLOCKED,
        message=f"lot {lot.lot_id} of {offer.material} {lot_usable(lot, window)}",
        figures={
            "lot_id": lot.lot_id,
            "state": lot.state,
            "expires_on": lot.expires_on.isoformat(),
            "reuse_count": lot.reuse_count,
            "remaining_grams": lot.remaining_grams,
        },
        machine_id=offer.machine_id,
    )


def _would_do(lots: Iterable[LotFacts], window: ProductionWindow, needed_grams: int) -> list[LotFacts]:
    return [lot for lot in lots if lot.remaining_grams >= needed_grams and lot_usable(lot, window) is not None]
