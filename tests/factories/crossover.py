"""The worked example of printed or conventional: 18.00 printed, a tool of 6,500.00 and 0.70 moulded."""

from fabroute.estimation.crossover import Amount, Item, Terms

PRINTED_UNIT = 1_800


def terms(*, unit: Amount = 70, tooling: Amount = 650_000, minimum_quantity: int = 1) -> Terms:
    """Return what the moulded part costs."""
    return Terms(unit_minor=unit, tooling_minor=tooling, minimum_quantity=minimum_quantity)


def an_item(
    *,
    name: str = "cap",
    quantity: int = 400,
    conventional: Terms | None = None,
    is_complex: bool = False,
    varies: bool = False,
) -> Item:
    """Return one shape of an order, plain and unchanging."""
    return Item(
        name=name,
        quantity=quantity,
        printed_unit_minor=PRINTED_UNIT,
        terms=conventional or terms(),
        is_complex=is_complex,
        varies=varies,
    )
