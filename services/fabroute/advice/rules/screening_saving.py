"""What a digital twin of a part saves a year, as rows: what is not bought and not stored, less what printing costs."""

import math
from dataclasses import dataclass

from fabroute.advice.rules.screening_demand import YearlyDemand
from fabroute.advice.rules.screening_parts import PrintedUnit, SavingRow, ScreenedPart
from fabroute.advice.rules.screening_terms import ScreeningTerms

_NOISE = 1e-9
_DAYS = 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is wanted of a part within the horizon, and how it would be bought. Quantities in whole parts."""

    wanted: int
    from_stock: int
    bought: int
    """In all purchases: what has to be bought, or the minimum order where that is more."""
    purchases: int

    @property
    def to_buy(self) -> int:
        """Return what the stock does not hold."""
        return self.wanted - self.from_stock

    @property
    def scrap(self) -> int:
        """Return what the minimum order leaves over: need 10, one in stock, minimum 250 leaves 241."""
        return self.bought - self.to_buy

    @property
    def share_bought(self) -> float:
        """Return the share of the horizon in which bought parts are used: the stock is used first."""
        return self.to_buy / self.wanted


def need_of(part: ScreenedPart, demand: YearlyDemand, terms: ScreeningTerms) -> Need:
    """Return what is needed within the horizon: as stated, else the yearly demand over it, rounded up.

    Purchases are as many as minimum orders fit into the need, and of equal size, so that nothing is left over where
    the need reaches the minimum order.
    """
    wanted = math.ceil((demand.quantity * terms.horizon_years if part.need is None else part.need) - _NOISE)
    from_stock = min(wanted, math.floor((part.stock or 0.0) + _NOISE))
    to_buy, least = wanted - from_stock, part.minimum_quantity or 1
    return Need(
        wanted=wanted,
        from_stock=from_stock,
        bought=max(to_buy, least) if to_buy else 0,
        purchases=max(1, to_buy // least),
    )


def spared_rows(
    part: ScreenedPart, price_minor: float, demand: YearlyDemand, need: Need, terms: ScreeningTerms
) -> tuple[SavingRow, ...]:
    """Return what buying costs a year and a twin would spare, whatever printing costs. No row is negative."""
    years, on_shelf = terms.horizon_years, shelf_units(part, demand, need, terms)
    scrapped = need.scrap if terms.scrap_rule == "scrap" else 0
    return _rounded(
        ("purchase", need.to_buy * price_minor / years),
        ("tooling", (part.tooling_minor or 0.0) / years),
        ("moq_scrap", scrapped * price_minor / years),
        ("holding", terms.holding_cost * price_minor * on_shelf),
        ("obsolescence", terms.obsolescence * price_minor * on_shelf),
        ("stockout", _stockout_minor(part, demand, terms)),
    )


def twin_rows(part: ScreenedPart, terms: ScreeningTerms) -> tuple[SavingRow, ...]:
    """Return what a twin costs a year even if nothing is printed. No row is positive."""
    digitisation = 0 if part.has_print_file else terms.digitisation_minor
    qualification = terms.qualification_minor if part.required_certificates else 0
    return _rounded(
        ("digitisation", -digitisation / terms.amortisation_years),
        ("qualification", -qualification / terms.amortisation_years),
        ("upkeep", -float(terms.upkeep_minor)),
    )


def printing_rows(
    printed: PrintedUnit, demand: YearlyDemand, need: Need, terms: ScreeningTerms
) -> tuple[SavingRow, ...]:
    """Return what printing instead of buying costs a year. No row is positive."""
    a_year = need.to_buy / terms.horizon_years
    on_shelf = demand.quantity * terms.print_lead_days / _DAYS
    return _rounded(
        ("printing", -a_year * printed.unit_minor),
        ("freight", -a_year / printed.quantity * terms.print_freight_minor),
        ("printed_stock", -terms.holding_cost * printed.unit_minor * on_shelf),
    )


def shelf_units(part: ScreenedPart, demand: YearlyDemand, need: Need, terms: ScreeningTerms) -> float:
    """Return the parts that lie on the shelf on average because they are bought.

    Half of a purchase while bought parts are used, what the demand of one lead time takes for safety, and what the
    minimum order leaves over if it is kept.
    """
    cycle = need.to_buy / need.purchases / 2 * need.share_bought
    safety = 0.0 if part.lead_days is None else demand.quantity * part.lead_days / _DAYS
    kept = need.scrap * need.share_bought if terms.scrap_rule == "keep" else 0.0
    return cycle + safety + kept


def total_minor(rows: tuple[SavingRow, ...]) -> int:
    """Return the sum of rows."""
    return sum(row.amount_minor for row in rows)


def print_lot(demand: YearlyDemand, need: Need) -> int:
    """Return the parts of one print order: never more than have to be bought at all."""
    return max(1, min(demand.lot, need.to_buy))


def _stockout_minor(part: ScreenedPart, demand: YearlyDemand, terms: ScreeningTerms) -> float:
    """Return what waiting for bought parts costs more than waiting for printed ones, a year."""
    if part.stockout_minor_per_day is None or part.lead_days is None:
        return 0.0
    longest = terms.longest_wait_days
    days = max(0.0, min(part.lead_days, longest) - min(terms.print_lead_days, longest))
    return demand.orders * terms.stockout_probability * days * part.stockout_minor_per_day


def _rounded(*rows: tuple[str, float]) -> tuple[SavingRow, ...]:
    """Return rows in whole cents, half a cent up, without those that are 0."""
    whole = [SavingRow(code=code, amount_minor=math.floor(amount + 0.5 + 1e-7)) for code, amount in rows]
    return tuple(row for row in whole if row.amount_minor)
